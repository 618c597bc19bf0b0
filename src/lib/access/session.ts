import {commandsThatNeed} from '../api/permissions.js'
import type {Account, ApiTokenStatus, PermissionState} from '../api/types.js'
import {ApiError, UserError} from '../core/errors.js'
import type {Secret} from '../core/secret.js'
import {requireReady} from '../secrets/open.js'
import type {SecretStore} from '../secrets/types.js'
import type {AccessContext} from './context.js'
import {ztCommand} from './command-line.js'

/**
 * Asks both verify endpoints about an API token and finds its account; saves nothing.
 *
 * @param choose asked when the API token sees several accounts and none was named
 * @throws ApiError `auth`; UserError `ambiguous` / `ACCOUNT_AMBIGUOUS`
 */
export async function verifyLogin(
  ctx: AccessContext,
  apiToken: Secret,
  choose?: (accounts: Account[]) => Promise<Account>,
): Promise<{account: Account; apiToken: ApiTokenStatus}> {
  ctx.progress.step('Verifying the API token')
  const api = ctx.apiWith(apiToken, ctx.accountId)
  const status = await api.verifyToken()
  if (status.status !== 'active') {
    throw new ApiError({
      kind: 'auth',
      code: 'API_TOKEN_NOT_ACTIVE',
      message: `The API token is ${status.status}`,
      why: 'Cloudflare knows it and does not accept it any more.',
      next: ['Make a new API token at https://dash.cloudflare.com/profile/api-tokens'],
    })
  }
  const accounts = await api.listAccounts()
  return {account: await accountOf(ctx, accounts, choose), apiToken: status}
}

async function accountOf(
  ctx: AccessContext,
  accounts: Account[],
  choose?: (accounts: Account[]) => Promise<Account>,
): Promise<Account> {
  const {accountId} = ctx
  if (accountId !== undefined) {
    const named = accounts.find(({id}) => id === accountId)
    if (named) return named
    // An API token that an account owns may not list any.
    if (accounts.length === 0) return {id: accountId, name: accountId}
    throw new UserError({
      kind: 'not-found',
      code: 'ACCOUNT_NOT_FOUND',
      message: `The API token does not see the account ${accountId}`,
      why: `It sees: ${accounts.map(({name, id}) => `${name} (${id})`).join(', ')}.`,
    })
  }
  const [first] = accounts
  if (first && accounts.length === 1) return first
  if (accounts.length > 1 && choose) return choose(accounts)
  throw new UserError({
    kind: accounts.length > 1 ? 'ambiguous' : 'usage',
    code: accounts.length > 1 ? 'ACCOUNT_AMBIGUOUS' : 'ACCOUNT_REQUIRED',
    message: accounts.length > 1 ? 'The API token sees several accounts' : 'Which account is not known',
    why:
      accounts.length > 1
        ? accounts.map(({name, id}) => `${id}  ${name}`).join('\n')
        : 'The API token may not list accounts.',
    next: ['Give --account ID'],
    details: {candidates: accounts},
  })
}

/**
 * Saves a profile's API token in the profile's store, and reads it back.
 *
 * @param apart the store instead, when the API token has one of its own
 */
export async function saveApiToken(
  ctx: AccessContext,
  apiToken: Secret,
  apart?: SecretStore['kind'],
): Promise<{store: Pick<SecretStore, 'kind' | 'label'>}> {
  const store = apart === undefined ? await ctx.store() : ctx.storeOf(apart)
  await requireReady(store, {write: true})
  if (!store.readable) throw apiTokenNeedsReading(ctx, store)
  const key = {kind: 'api-token', id: ctx.profile} as const
  await store.set(key, apiToken)
  if ((await store.get(key))?.equals(apiToken)) return {store: {kind: store.kind, label: store.label}}
  throw new UserError({
    kind: 'needs-action',
    code: 'STORE_READBACK_MISMATCH',
    message: `${store.label} did not keep the API token`,
    next: ['Use another store: --store vault'],
  })
}

function apiTokenNeedsReading(ctx: AccessContext, store: SecretStore): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'STORE_WRITE_ONLY',
    message: `The API token cannot be saved in ${store.label}`,
    why: 'It is encrypted to recipients alone and cannot be read here, and the API token is needed with every command.',
    next: ['Set CLOUDFLARE_API_TOKEN instead of logging in', ztCommand(ctx, 'login', '--store', 'keychain')],
    details: {store: store.kind},
  })
}

/** Removes a profile's API token from its store. Service tokens and their secrets stay. False when there was none. */
export async function logout(ctx: AccessContext, kind: SecretStore['kind'] | undefined): Promise<boolean> {
  forgetNames(ctx)
  if (kind === undefined) return false
  const store = ctx.storeOf(kind)
  await requireReady(store, {write: true})
  return store.delete({kind: 'api-token', id: ctx.profile})
}

/** A permission group, and which commands need it, as they are typed: `token create`. */
export interface KnownPermission extends PermissionState {
  neededBy: string[]
}

export interface WhoAmI {
  apiToken: ApiTokenStatus
  source: 'environment' | 'store'
  account: Account | undefined
  /** Undefined where they were not looked for: that was not asked for, or the account is not known. */
  permissions: KnownPermission[] | undefined
}

/**
 * Who the API takes us for.
 *
 * @param probe whether to find out which permissions the API token has; nothing is changed by that
 */
export async function whoami(ctx: AccessContext, {probe}: {probe: boolean}): Promise<WhoAmI> {
  const found = await ctx.apiToken()
  if (!found) {
    throw new UserError({
      kind: 'auth',
      code: 'NOT_LOGGED_IN',
      message: `Profile ${ctx.profile} has no API token`,
      next: [ztCommand(ctx, 'login')],
    })
  }
  ctx.progress.step('Asking Cloudflare')
  const fromEnvironment = found.source === 'environment'
  const api = ctx.apiWith(found.token, ctx.accountId, fromEnvironment)
  const apiToken = await api.verifyToken()
  const accounts = await api.listAccounts()
  const account =
    ctx.accountId === undefined
      ? accounts.length === 1
        ? accounts[0]
        : undefined
      : (accounts.find(({id}) => id === ctx.accountId) ?? {id: ctx.accountId, name: ctx.accountId})
  let permissions: KnownPermission[] | undefined
  if (probe && account) {
    ctx.progress.step('Looking at the permissions')
    const states = await ctx.apiWith(found.token, account.id, fromEnvironment).probePermissions()
    permissions = states.map((state) => ({...state, neededBy: commandsThatNeed(state.group)}))
  }
  return {apiToken, source: found.source, account, permissions}
}

/**
 * Removes everything that this machine keeps for a profile: secrets, index, host bindings. For a sandbox that
 * begins anew, whose tokens no longer exist.
 */
export async function forgetServiceTokens(ctx: AccessContext): Promise<number> {
  const entries = await ctx.index.list(ctx.profile)
  for (const entry of entries) {
    await ctx.storeOf(entry.store).delete({kind: 'service-token', id: entry.tokenId})
    await ctx.index.remove(ctx.profile, entry.tokenId)
  }
  for (const {host} of await ctx.index.bindings(ctx.profile)) await ctx.index.unbind(ctx.profile, host)
  forgetNames(ctx)
  return entries.length
}

/** What the shells would complete, of all profiles of the account. */
function forgetNames({accountId, apiUrl, names}: AccessContext): void {
  if (accountId !== undefined) names.drop({apiUrl, accountId})
}
