import type {AccessApi, Account} from '../../api/types.js'
import {ApiError} from '../../core/errors.js'

/**
 * The accounts that an API token sees: those that it may list, or else those of the zones that it may list. An API token
 * that is owned by an account cannot list accounts (Cloudflare answers 400 with code 1001).
 */
export async function findAccounts(api: AccessApi): Promise<Account[]> {
  const listed = await api.listAccounts()
  if (listed.length > 0) return listed
  const zones = await api.listZones().catch((error: unknown) => {
    // An API token for Access alone may not list zones.
    if (error instanceof ApiError && error.kind !== 'unreachable') return []
    throw error
  })
  return [...new Map(zones.flatMap(({account}) => (account ? [[account.id, account]] : []))).values()]
}
