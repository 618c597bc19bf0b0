import path from 'node:path'
import type {Account, AccessApi} from '../api/types.js'
import {createAccessApi} from '../api/client.js'
import type {Settings} from '../config/types.js'
import {noProgress, systemClock, type Clock, type Progress} from '../core/context.js'
import {UserError} from '../core/errors.js'
import type {Secret} from '../core/secret.js'
import {chooseStore, openIndex, openStore, type StoreOptions} from '../secrets/open.js'
import type {SecretIndex, SecretStore, StoreKind, StoreStatus} from '../secrets/types.js'
import {ztCommand} from './command-line.js'

/** Which store was chosen for a profile that had none, and what was not used instead. */
export interface StoreChoice {
  store: SecretStore
  passedOver: {kind: StoreKind; status: StoreStatus}[]
}

/** The API token in use and where it came from. */
export interface ApiTokenInUse {
  token: Secret
  source: 'environment' | 'store'
  /** The store it was read from; undefined for `environment`. */
  store: Pick<SecretStore, 'kind' | 'label'> | undefined
}

/** What every use-case works with. Nothing is opened or asked until it is needed. */
export interface AccessContext {
  profile: string
  /** The account that the settings name; undefined when they name none. {@link account} finds it. */
  accountId: string | undefined
  apiUrl: string
  sandbox: boolean
  /** The API with the profile's (or the environment's) API token and an account. */
  api(): Promise<AccessApi>
  /** The account's id: the settings' one, or the only one that the API token sees. */
  account(): Promise<string>
  /** @throws UserError `auth` / `NOT_LOGGED_IN` */
  apiToken(): Promise<ApiTokenInUse>
  /** A client for a token that is not saved, or that needs no account. */
  apiWith(token: Secret, accountId: string | undefined): AccessApi
  /** The store for this invocation's secrets; chosen now if the profile has none. */
  store(): Promise<SecretStore>
  /** Where this profile's API token is kept; undefined when no store was ever chosen. */
  apiTokenStore(): SecretStore | undefined
  index: SecretIndex
  clock: Clock
  progress: Progress
}

export interface AccessDependencies {
  userAgent: string
  /** From the environment, for the keychain's session bus. */
  environment: StoreOptions['environment']
  askPassphrase?: (label: string) => Promise<Secret>
  progress?: Progress
  /** Told before the client waits because Cloudflare asked it to. */
  onWait?: (seconds: number, why: string) => void
  clock?: Clock
  /** Told once when a store had to be chosen, before anything is saved in it. */
  onStoreChosen?: (choice: StoreChoice) => void | Promise<void>
}

/** Makes the context of an invocation from its settings. Opens nothing. */
export function openAccess(settings: Settings, deps: AccessDependencies): AccessContext {
  const options = storeOptions(settings, deps)
  const next = {profile: settings.profileName}

  const apiTokenStore = (): SecretStore | undefined => {
    const kind = settings.profileStore ?? (settings.store === 'env' ? undefined : settings.store)
    return kind && openStore(kind, options)
  }
  const apiToken = once(async (): Promise<ApiTokenInUse> => {
    if (settings.environmentApiToken) {
      return {token: settings.environmentApiToken, source: 'environment', store: undefined}
    }
    const store = apiTokenStore()
    const token = await store?.get({kind: 'api-token', id: settings.profileName})
    if (store && token) return {token, source: 'store', store}
    throw new UserError({
      kind: 'auth',
      code: 'NOT_LOGGED_IN',
      message: `Profile "${settings.profileName}" has no API token`,
      why: store ? `There is none in ${store.label}.` : 'No API token was saved yet.',
      next: [ztCommand(next, 'login'), 'Or set CLOUDFLARE_API_TOKEN'],
    })
  })
  const apiWith = (token: Secret, accountId: string | undefined): AccessApi =>
    createAccessApi({
      apiUrl: settings.apiUrl,
      apiToken: token,
      accountId,
      userAgent: deps.userAgent,
      ...(deps.onWait && {onWait: deps.onWait}),
      ...(token === settings.environmentApiToken && {
        tokenNote: `The API token is the environment's CLOUDFLARE_API_TOKEN, which comes before the one of profile "${settings.profileName}".`,
      }),
    })
  const account = once(async (): Promise<string> => {
    if (settings.accountId !== undefined) return settings.accountId
    const {token} = await apiToken()
    return onlyAccount(await apiWith(token, undefined).listAccounts()).id
  })
  return {
    profile: settings.profileName,
    accountId: settings.accountId,
    apiUrl: settings.apiUrl,
    sandbox: settings.sandbox,
    // The API token is asked for first: without one, the account is of no interest.
    api: once(async () => apiWith((await apiToken()).token, await account())),
    account,
    apiToken,
    apiWith,
    store: once(async () => {
      if (settings.store) return openStore(settings.store, options)
      const choice = await chooseStore(options)
      await deps.onStoreChosen?.(choice)
      return choice.store
    }),
    apiTokenStore,
    index: openIndex(settings.paths.data),
    clock: deps.clock ?? systemClock,
    progress: deps.progress ?? noProgress,
  }
}

/**
 * The one account of a list.
 *
 * @throws UserError `usage` / `ACCOUNT_REQUIRED` when there is none to see, `ambiguous` / `ACCOUNT_AMBIGUOUS` with
 * `details.accounts` when there are several
 */
export function onlyAccount(accounts: readonly Account[]): Account {
  const [first, ...others] = accounts
  if (first && others.length === 0) return first
  const ask = ['Pass --account ID, or set CLOUDFLARE_ACCOUNT_ID']
  if (!first) {
    throw new UserError({
      kind: 'usage',
      code: 'ACCOUNT_REQUIRED',
      message: 'The account is not known',
      why: 'The API token may not list accounts, so zt cannot find out which one it is for.',
      next: ask,
    })
  }
  throw new UserError({
    kind: 'ambiguous',
    code: 'ACCOUNT_AMBIGUOUS',
    message: 'The API token sees several accounts',
    why: `They are ${accounts.map(({id, name}) => `"${name}" (${id})`).join(', ')}.`,
    next: ask,
    details: {accounts},
  })
}

function storeOptions(settings: Settings, deps: AccessDependencies): StoreOptions {
  const {environmentCredentials, vaultIdentityFile, vaultPassphraseFile} = settings
  return {
    configDir: path.resolve(settings.paths.config),
    dataDir: path.resolve(settings.paths.data),
    environment: deps.environment,
    ...(environmentCredentials && {environmentCredentials}),
    ...(vaultIdentityFile !== undefined && {identityFile: vaultIdentityFile}),
    ...(vaultPassphraseFile !== undefined && {passphraseFile: vaultPassphraseFile}),
    ...(deps.askPassphrase && {askPassphrase: deps.askPassphrase}),
  }
}

/** Runs `make` at the first call and again only after a failure. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}
