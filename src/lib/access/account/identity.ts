import type {Account, ApiTokenStatus} from '../../api/types.js'
import {ApiError, UserError} from '../../core/errors.js'
import type {Secret} from '../../core/secret.js'
import type {AccessContext} from './context.js'
import {findAccounts} from './find-accounts.js'

/** Whom an API token identifies. */
export interface Identity {
  apiToken: ApiTokenStatus
  /** Empty if the API token may not list them. */
  accounts: Account[]
}

/**
 * Asks Cloudflare whom an API token identifies. One that is owned by an account is known to that account only, so without
 * `accountId` in the context zt first looks for the account.
 *
 * @throws ApiError `auth` / `API_TOKEN_NOT_ACCEPTED`; UserError `usage` / `ACCOUNT_REQUIRED`
 */
export async function identify(
  ctx: AccessContext,
  apiToken: Secret,
  fromEnvironment?: boolean,
): Promise<Identity> {
  const {accountId} = ctx
  const api = ctx.apiWith(apiToken, accountId, fromEnvironment)
  let refusal: ApiError
  try {
    const status = await api.verifyToken()
    return {
      apiToken: status,
      accounts: await (accountId === undefined ? findAccounts(api) : api.listAccounts()),
    }
  } catch (error) {
    if (!isNotAccepted(error) || accountId !== undefined) throw error
    refusal = error
  }
  const owner = 'If an account owns the API token, name the account: zt login --account ID'
  const accounts = await findAccounts(api).catch((error: unknown) => {
    throw isNotAccepted(error) ? refusal.with({next: [...refusal.next, owner]}) : error
  })
  for (const account of accounts) {
    try {
      const status = await ctx.apiWith(apiToken, account.id, fromEnvironment).verifyToken()
      return {apiToken: status, accounts: [account]}
    } catch (error) {
      if (!isNotAccepted(error)) throw error
    }
  }
  if (accounts.length > 0) throw refusal
  throw new UserError({
    kind: 'usage',
    code: 'ACCOUNT_REQUIRED',
    message: 'The account is not known',
    why: 'An account owns the API token, which can list neither accounts nor zones.',
    next: ['Give --account ID (the dashboard shows it in its address, after dash.cloudflare.com/)'],
    cause: refusal,
  })
}

function isNotAccepted(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'API_TOKEN_NOT_ACCEPTED'
}
