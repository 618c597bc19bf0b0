import type {Account, ApiTokenStatus} from '../api/types.js'
import {UserError} from '../core/errors.js'
import type {Secret} from '../core/secret.js'
import {requireReady} from '../secrets/open.js'
import type {SecretKey, SecretStore, StoreKind} from '../secrets/types.js'
import {onlyAccount, type AccessContext} from './context.js'

export interface Login {
  /** Every account that the API token sees; empty where it may not list them. */
  accounts: Account[]
  account: {id: string; name: string | undefined}
  tokenStatus: ApiTokenStatus
  /** Ready to take the API token; {@link saveApiToken} puts it there. */
  store: SecretStore
}

/**
 * Has Cloudflare confirm an API token, finds its account and the store to keep it in. Saves nothing.
 *
 * @throws UserError `ambiguous` / `ACCOUNT_AMBIGUOUS` with `details.accounts` (call again with one as `accountId`),
 * `not-found` / `ACCOUNT_NOT_FOUND`, `usage` / `ACCOUNT_REQUIRED`; ApiError `auth` for a token that is not accepted
 */
export async function login(
  ctx: AccessContext,
  {apiToken, accountId = ctx.accountId}: {apiToken: Secret; accountId?: string | undefined},
): Promise<Login> {
  ctx.progress.step('Checking the API token')
  const api = ctx.apiWith(apiToken, accountId)
  const tokenStatus = await api.verifyToken()
  const accounts = await api.listAccounts()
  const account = pickAccount(accounts, accountId)
  const store = await ctx.store()
  await requireReady(store, {write: true})
  return {accounts, account, tokenStatus, store}
}

function pickAccount(accounts: Account[], accountId: string | undefined): Login['account'] {
  if (accountId === undefined) return onlyAccount(accounts)
  const found = accounts.find(({id}) => id === accountId)
  if (found) return found
  // A token that may not list accounts is judged by its first use.
  if (accounts.length === 0) return {id: accountId, name: undefined}
  throw new UserError({
    kind: 'not-found',
    code: 'ACCOUNT_NOT_FOUND',
    message: `The API token does not see the account ${accountId}`,
    why: `It sees ${accounts.map(({id, name}) => `"${name}" (${id})`).join(', ')}.`,
    next: ['Pass the right --account, or use an API token of that account'],
    details: {accounts},
  })
}

/** Keeps the API token in the store under the profile's name, and reads it back. */
export async function saveApiToken(ctx: AccessContext, apiToken: Secret): Promise<SecretStore> {
  const store = await ctx.store()
  const key = apiTokenKey(ctx)
  await store.set(key, apiToken)
  const kept = await store.get(key)
  if (kept?.equals(apiToken) === true) return store
  throw new UserError({
    kind: 'needs-action',
    code: 'STORE_READBACK_MISMATCH',
    message: `${store.label} did not keep the API token`,
    why: 'What was read back is not what was written.',
    next: ['Choose another store with --store'],
  })
}

/** Forgets the profile's API token on this machine. It stays valid at Cloudflare. */
export async function logout(
  ctx: AccessContext,
): Promise<{removed: boolean; store: {kind: StoreKind; label: string} | undefined}> {
  const store = ctx.apiTokenStore()
  if (!store) return {removed: false, store: undefined}
  return {removed: await store.delete(apiTokenKey(ctx)), store: {kind: store.kind, label: store.label}}
}

export interface WhoAmI {
  profile: string
  apiUrl: string
  sandbox: boolean
  /** Undefined when the settings name none and it cannot be found out. */
  account: {id: string; name: string | undefined} | undefined
  apiToken: ApiTokenStatus & {
    source: 'environment' | 'store'
    store: {kind: StoreKind; label: string} | undefined
  }
}

/** Which account, API token and store this profile works with, confirmed by Cloudflare. */
export async function whoami(ctx: AccessContext): Promise<WhoAmI> {
  const {token, source, store} = await ctx.apiToken()
  const api = ctx.apiWith(token, ctx.accountId)
  const [status, accounts] = [await api.verifyToken(), await api.listAccounts()]
  const only = accounts.length === 1 ? accounts[0] : undefined
  const id = ctx.accountId ?? only?.id
  return {
    profile: ctx.profile,
    apiUrl: ctx.apiUrl,
    sandbox: ctx.sandbox,
    account: id === undefined ? undefined : {id, name: accounts.find((account) => account.id === id)?.name},
    apiToken: {...status, source, store: store && {kind: store.kind, label: store.label}},
  }
}

function apiTokenKey(ctx: AccessContext): SecretKey {
  return {kind: 'api-token', id: ctx.profile}
}
