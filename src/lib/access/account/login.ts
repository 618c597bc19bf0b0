import type {Account, ApiTokenStatus} from '../../api/types.js'
import {updateProfile} from '../../config/profiles.js'
import type {Profile, Settings} from '../../config/types.js'
import {ApiError, UserError} from '../../core/errors.js'
import type {Secret} from '../../core/secret.js'
import {saveAndReadBack} from '../../secrets/credentials.js'
import {isKeepingStoreKind, requireReady} from '../../secrets/stores.js'
import type {SecretStore} from '../../secrets/types.js'
import type {AccessContext} from './context.js'
import {identify} from './identity.js'
import {ztCommand} from '../../core/command-line.js'

export interface LoginOptions {
  apiToken: Secret
  settings: Settings
  /** Whether --store was given: otherwise an API token that has its own store stays there. */
  storeNamed: boolean
  /** What else the profile is to remember. */
  addresses: Pick<Profile, 'apiUrl' | 'connectTo' | 'caFile'>
  /** Called when the API token sees several accounts and none was named. */
  chooseAccount?: ((accounts: Account[]) => Promise<Account>) | undefined
}

export interface Login {
  account: Account
  apiToken: ApiTokenStatus
  store: Pick<SecretStore, 'kind' | 'label'>
}

/**
 * Refuses an API token that would be sent to an address that the person has not named.
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
      `To send it there, name the profile: zt login --profile ${profileName}`,
      'For another profile, give its name: zt login --profile NAME',
    ],
  })
}

/**
 * Saves an API token for the profile after Cloudflare has confirmed it. If it is refused or cannot be saved, the profile
 * is unchanged.
 *
 * @throws ApiError `auth`; UserError `ambiguous` / `ACCOUNT_AMBIGUOUS`, `needs-action` / `STORE_READBACK_MISMATCH`
 */
export async function login(ctx: AccessContext, options: LoginOptions): Promise<Login> {
  const {apiToken, settings, addresses} = options
  const {account, status} = await verifyLogin(ctx, apiToken, options.chooseAccount)
  // A profile whose own store cannot be read has its API token elsewhere, where it stays.
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

/** Verifies an API token and finds its account. Saves nothing. */
async function verifyLogin(
  ctx: AccessContext,
  apiToken: Secret,
  choose: LoginOptions['chooseAccount'],
): Promise<{account: Account; status: ApiTokenStatus}> {
  ctx.progress.step('Verifying the API token')
  const {apiToken: status, accounts} = await identify(ctx, apiToken)
  if (status.status !== 'active') {
    throw new ApiError({
      kind: 'auth',
      code: 'API_TOKEN_NOT_ACTIVE',
      message: `The API token is ${status.status}`,
      why: 'Cloudflare knows it, but no longer accepts it.',
      next: ['Create a new API token at https://dash.cloudflare.com/profile/api-tokens'],
    })
  }
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
    // An API token that is owned by an account may be unable to list accounts.
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
    message: accounts.length > 1 ? 'The API token sees several accounts' : 'The account is not known',
    why:
      accounts.length > 1
        ? accounts.map(({name, id}) => `${id}  ${name}`)
        : 'The API token can list neither accounts nor zones.',
    next: ['Give --account ID (the dashboard shows it in its address, after dash.cloudflare.com/)'],
    details: {candidates: accounts},
  })
}

/**
 * Saves a profile's API token in the profile's store, and reads it back.
 *
 * @param apart the API token's own store, if it has one
 */
export async function saveApiToken(
  ctx: AccessContext,
  apiToken: Secret,
  apart?: SecretStore['kind'],
): Promise<Pick<SecretStore, 'kind' | 'label'>> {
  const store = apart === undefined ? await ctx.store() : await ctx.storeOf(apart)
  await requireReady(store, {write: true})
  if (!store.readable) throw apiTokenNeedsReading(ctx, store)
  await saveAndReadBack(store, {kind: 'api-token', id: ctx.profile}, apiToken, 'the API token')
  return {kind: store.kind, label: store.label}
}

function apiTokenNeedsReading(ctx: AccessContext, store: SecretStore): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'STORE_WRITE_ONLY',
    message: `The API token cannot be saved in ${store.label}`,
    why: 'It can be written here but not read, and zt reads the API token for every command.',
    next: ['Set CLOUDFLARE_API_TOKEN instead of logging in', ztCommand(ctx, 'login', '--store', 'keychain')],
    details: {store: store.kind},
  })
}
