import type {Account, ApiTokenStatus} from '../../api/types.js'
import {updateProfile} from '../../config/profiles.js'
import type {Profile, Settings} from '../../config/types.js'
import {ApiError, UserError} from '../../core/errors.js'
import type {Secret} from '../../core/secret.js'
import {isKeepingStoreKind, requireReady} from '../../secrets/stores.js'
import type {SecretStore} from '../../secrets/types.js'
import type {AccessContext} from './context.js'
import {ztCommand} from '../../core/command-line.js'

export interface LoginOptions {
  apiToken: Secret
  settings: Settings
  /** Whether the store was named for this login: otherwise an API token that has a store of its own stays there. */
  storeNamed: boolean
  /** What the profile is to remember beside the account. */
  addresses: Pick<Profile, 'apiUrl' | 'connectTo' | 'caFile'>
  /** Asked when the API token sees several accounts and none was named. */
  chooseAccount?: ((accounts: Account[]) => Promise<Account>) | undefined
}

export interface Login {
  account: Account
  apiToken: ApiTokenStatus
  store: Pick<SecretStore, 'kind' | 'label'>
}

/**
 * Refuses to take an API token that would go to an address which nobody has named for it.
 *
 * @throws UserError `usage` / `PROFILE_NOT_NAMED`
 */
export function refuseUnnamedAddress({doubts, profileName, apiUrl}: Settings): void {
  if (doubts.api === undefined) return
  throw new UserError({
    kind: 'usage',
    code: 'PROFILE_NOT_NAMED',
    message: `The API token would be sent to ${apiUrl}`,
    why: doubts.api,
    next: [
      `If that is meant, name the profile: zt login --profile ${profileName}`,
      'For another profile: zt login --profile NAME',
    ],
  })
}

/**
 * Saves an API token for the profile, once Cloudflare has confirmed it. Where it is refused, or cannot be kept, the
 * profile stays as it was.
 *
 * @throws ApiError `auth`; UserError `ambiguous` / `ACCOUNT_AMBIGUOUS`, `needs-action` / `STORE_READBACK_MISMATCH`
 */
export async function login(ctx: AccessContext, options: LoginOptions): Promise<Login> {
  const {apiToken, settings, addresses} = options
  const {account, status} = await verifyLogin(ctx, apiToken, options.chooseAccount)
  // A profile whose own store cannot be read has its API token elsewhere: there it stays.
  const {apiTokenStore, profileStore} = settings
  const apart = !options.storeNamed && apiTokenStore !== profileStore ? apiTokenStore : undefined
  const store = await saveApiToken(ctx, apiToken, apart)
  await updateProfile(settings.paths, settings.profileName, {
    accountId: account.id,
    accountName: account.name,
    ...(apart === undefined &&
      isKeepingStoreKind(store.kind) && {store: store.kind, apiTokenStore: undefined}),
    ...addresses,
  })
  return {account, apiToken: status, store}
}

/** Asks both verify endpoints about an API token and finds its account; saves nothing. */
async function verifyLogin(
  ctx: AccessContext,
  apiToken: Secret,
  choose: LoginOptions['chooseAccount'],
): Promise<{account: Account; status: ApiTokenStatus}> {
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
  return {account: await accountOf(ctx, accounts, choose), status}
}

async function accountOf(
  ctx: AccessContext,
  accounts: Account[],
  choose: LoginOptions['chooseAccount'],
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
        ? accounts.map(({name, id}) => `${id}  ${name}`)
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
): Promise<Pick<SecretStore, 'kind' | 'label'>> {
  const store = apart === undefined ? await ctx.store() : await ctx.storeOf(apart)
  await requireReady(store, {write: true})
  if (!store.readable) throw apiTokenNeedsReading(ctx, store)
  const key = {kind: 'api-token', id: ctx.profile} as const
  await store.set(key, apiToken)
  if ((await store.get(key))?.equals(apiToken)) return {kind: store.kind, label: store.label}
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
