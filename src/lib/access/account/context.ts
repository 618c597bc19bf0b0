import path from 'node:path'
import {createAccessApi, type AccessApiOptions} from '../../api/client.js'
import type {AccessApi, Pause, Plan} from '../../api/types.js'
import {readConfig} from '../../config/profiles.js'
import type {Settings} from '../../config/types.js'
import {systemClock, type Clock} from '../../core/clock.js'
import {noProgress, type Progress} from '../../core/progress.js'
import {UserError} from '../../core/errors.js'
import {Locks} from '../../system/lock.js'
import type {Interruptible} from '../../system/signals.js'
import type {Secret} from '../../core/secret.js'
import {Journal} from '../../secrets/journal/journal.js'
import {IndexFiles} from '../../secrets/index-files.js'
import {
  chooseStore,
  openStore,
  readsQuietly,
  requireReady,
  type StoreChoice,
  type StoreOptions,
} from '../../secrets/stores.js'
import type {SecretStore} from '../../secrets/types.js'
import {UndoRecords} from '../edit/records.js'
import {shellQuote} from '../../core/command-line.js'
import {SetupRecords} from './setup-records.js'
import {findAccounts} from './find-accounts.js'
import {isZoneId, resolveZone} from './zone.js'

export type {StoreChoice} from '../../secrets/stores.js'

/**
 * The secrets that a person gives for fields that the API hides, by the path of the field, with or without `ID:` of its
 * application before it. Undefined: named, but not read, because a dry run sends nothing.
 */
export type SecretFields = ReadonlyMap<string, Secret | undefined>

/** What a use-case works with. Everything in it is opened on first use. */
export interface AccessContext {
  profile: string
  /** True when the profile was named on the command line: then suggested commands name it too. */
  profileNamed: boolean
  /** False if another zt has renamed or deleted the profile since this one read it. */
  profileRemains?(): Promise<boolean>
  accountId: string | undefined
  apiUrl: string
  /** Why CLOUDFLARE_API_TOKEN is set but not used; undefined when it is used or not set. */
  withheld?: string | undefined
  /** The names of the other profiles of this machine. */
  otherProfiles?: readonly string[] | undefined
  sandbox: boolean
  secretFields?: SecretFields | undefined
  /** The command as it was typed, to suggest it again. No flag of zt takes a secret. */
  commandLine?: string | undefined
  /** The API of the profile's account or zone, with its API token. */
  api(): Promise<AccessApi>
  /** The API with another API token or account, for a login. */
  apiWith(apiToken: Secret, accountId: string | undefined, fromEnvironment?: boolean): AccessApi
  /** The source of the API token; undefined if there is none. */
  apiToken(): Promise<{token: Secret; source: 'environment' | 'store'} | undefined>
  /** Where secrets of service tokens are saved: the chosen store, or the first usable one. */
  store(): Promise<SecretStore>
  /** A store by its kind, as an index entry names it. */
  storeOf(kind: string): Promise<SecretStore>
  index: IndexFiles
  /** Creations and rotations that have begun and not ended. */
  journal: Journal
  /** What edits changed, so that they can be undone. */
  undo: UndoRecords
  /** What `zt setup` made, so that it can be taken back. */
  setups: SetupRecords
  /** Between processes: one at a time changes a service token or edits an object. */
  locks: Locks
  names: NameKeeper
  clock: Clock
  /** Waits; tests shorten it. */
  sleep(milliseconds: number): Promise<void>
  progress: Progress
  /** A signal that ends the process meanwhile does so with what `left` says. */
  interruptible: Interruptible
  /** Shows a warning about a failure that does not change the result, such as in cleaning up. */
  warn?: ((text: string) => void) | undefined
}

/** Keeps names for the shells' completion. */
export interface NameKeeper {
  /** The same API of an account; keeps the names that it lists, and drops those that a change may make wrong. */
  keeping(api: AccessApi, accountId: string): AccessApi
  /** Drops all names of an account. */
  forget(accountId: string): void
}

export interface ApiLimits {
  /** Per request, in milliseconds. */
  timeoutMs: number
  /** How often a request that only reads is sent if no one answers. */
  attempts: number
  /** How many seconds in total a request may wait when Cloudflare asks for it, unless the settings say it. */
  patienceSeconds: number
}

export interface AccessDependencies {
  userAgent: string
  names: NameKeeper
  /** The session bus, as the environment gives it. */
  environment: StoreOptions['environment']
  /** Where HTTPS_PROXY and NO_PROXY are looked up; left out: no proxy is used. */
  proxies?: AccessApiOptions['environment']
  /** Only where a person can be asked. */
  askPassphrase?: StoreOptions['askPassphrase']
  /** True where a person is at the terminal. */
  interactive?: boolean | undefined
  /** True if no store may prompt, not even with its own dialog. */
  quiet?: boolean | undefined
  progress?: Progress | undefined
  /** Left out: a signal ends the process silently. */
  interruptible?: Interruptible | undefined
  warn?: AccessContext['warn']
  /** The zone to use instead of the account, by name or ID. */
  zone?: string | undefined
  onWait?: ((pause: Pause) => void) | undefined
  /** Called before a run that needs more requests than the API's limit has room for. */
  onPlan?: ((plan: Plan) => void) | undefined
  /** Limits of the requests to the API, where zt must not wait as long as it usually does. */
  limits?: ApiLimits | undefined
  /** The command, as typed without `zt`: an API error may name it. */
  command?: string | undefined
  secretFields?: SecretFields | undefined
  commandLine?: string | undefined
  clock?: Clock | undefined
  /** Called with the reason when CLOUDFLARE_API_TOKEN is set and the profile's own token is used instead. */
  onWithheld?: ((why: string) => void) | undefined
  /** Called when the profile had no store and one was chosen. */
  onStoreChosen?: ((choice: StoreChoice) => void) | undefined
}

/** The context of one command. Opens and asks nothing yet. */
export function openAccess(settings: Settings, deps: AccessDependencies): AccessContext {
  const {paths} = settings
  const options: StoreOptions = {
    configDir: paths.config,
    dataDir: paths.data,
    cacheDir: paths.cache,
    environmentCredentials: settings.environmentCredentials,
    identityFile: settings.vaultIdentityFile,
    passphraseFile: settings.vaultPassphraseFile,
    askPassphrase: deps.askPassphrase,
    vaultRecipients: settings.vaultRecipients,
    credentialHelper: settings.credentialHelper,
    interactive: deps.interactive,
    quiet: deps.quiet,
    environment: deps.environment,
  }
  const stores = new Map<string, Promise<SecretStore>>()
  const storeOf = (kind: string): Promise<SecretStore> => {
    const store = stores.get(kind) ?? openStore(kind, options)
    stores.set(kind, store)
    return store
  }
  let chosen: Promise<SecretStore> | undefined
  const choose = async (): Promise<SecretStore> => {
    const choice = await chooseStore(options)
    deps.onStoreChosen?.(choice)
    stores.set(choice.store.kind, Promise.resolve(choice.store))
    return choice.store
  }
  const store = async (): Promise<SecretStore> => {
    if (settings.store !== undefined) return storeOf(settings.store)
    return (chosen ??= choose().catch((error: unknown) => {
      // The cause may be gone (a keyring unlocked) by the next call.
      chosen = undefined
      throw error
    }))
  }
  const withheld = settings.withheld.apiToken ? settings.doubts.api : undefined
  const apiOf = (
    apiToken: Secret,
    accountId: string | undefined,
    fromEnvironment = false,
    zoneId?: string,
  ): AccessApi => {
    const api = createAccessApi({
      apiUrl: settings.apiUrl,
      apiToken,
      accountId,
      zoneId,
      userAgent: deps.userAgent,
      onWait: deps.onWait,
      onPlan: deps.onPlan,
      environment: deps.proxies,
      timeoutMs: deps.limits?.timeoutMs,
      attempts: deps.limits?.attempts,
      patienceSeconds: settings.rateLimitWait ?? deps.limits?.patienceSeconds,
      command: deps.command,
      suggestedArgs:
        settings.profileSource === 'flag' ? `--profile ${shellQuote(settings.profileName)}` : undefined,
      tokenFromEnvironment: fromEnvironment,
    })
    // The names of a zone's objects are not cached.
    return accountId === undefined || zoneId !== undefined ? api : deps.names.keeping(api, accountId)
  }
  const apiToken: AccessContext['apiToken'] = async () => {
    if (settings.environmentApiToken) return {token: settings.environmentApiToken, source: 'environment'}
    // A profile without a store has never saved an API token.
    if (settings.apiTokenStore === undefined) return undefined
    if (deps.quiet === true && !readsQuietly(settings.apiTokenStore)) return undefined
    const keeper = await storeOf(settings.apiTokenStore)
    await requireReady(keeper, {write: false})
    const token = await keeper.get({kind: 'api-token', id: settings.profileName})
    if (token && withheld !== undefined) deps.onWithheld?.(withheld)
    return token && {token, source: 'store'}
  }
  let api: Promise<AccessApi> | undefined
  const connect = async (): Promise<AccessApi> => {
    const found = await apiToken()
    if (!found) throw notLoggedIn({...settings, profile: settings.profileName, withheld})
    const fromEnvironment = found.source === 'environment'
    const open = (accountId: string | undefined, zoneId?: string): AccessApi =>
      apiOf(found.token, accountId, fromEnvironment, zoneId)
    const {zone} = deps
    if (zone !== undefined && isZoneId(zone)) return open(settings.accountId, zone.toLowerCase())
    const accountId = settings.accountId ?? (await onlyAccount(open(undefined)))
    return zone === undefined ? open(accountId) : open(accountId, await resolveZone(open(accountId), zone))
  }
  return {
    profile: settings.profileName,
    profileNamed: settings.profileSource === 'flag',
    profileRemains: async () =>
      !settings.profileExists || Object.hasOwn((await readConfig(paths)).profiles, settings.profileName),
    accountId: settings.accountId,
    apiUrl: settings.apiUrl,
    withheld,
    otherProfiles: settings.otherProfiles,
    sandbox: settings.sandbox,
    secretFields: deps.secretFields,
    commandLine: deps.commandLine,
    api: () =>
      (api ??= connect().catch((error: unknown) => {
        api = undefined
        throw error
      })),
    apiWith: (token, accountId, fromEnvironment) => apiOf(token, accountId, fromEnvironment),
    apiToken,
    store,
    storeOf,
    index: new IndexFiles(paths.data),
    journal: new Journal(path.join(paths.data, 'journal')),
    undo: new UndoRecords(path.join(paths.state, 'undo')),
    setups: new SetupRecords(path.join(paths.state, 'setup')),
    locks: new Locks(path.join(paths.state, 'locks')),
    names: deps.names,
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    clock: deps.clock ?? systemClock,
    progress: deps.progress ?? noProgress,
    interruptible: deps.interruptible ?? ((_, run) => run()),
    warn: deps.warn,
  }
}

/** The error when there is no API token, or none that may be sent to the profile's address. */
export function notLoggedIn({
  profile,
  withheld,
  otherProfiles = [],
}: Pick<AccessContext, 'profile' | 'withheld' | 'otherProfiles'>): UserError {
  const login = profile === 'default' ? 'zt login' : `zt login --profile ${profile}`
  return new UserError({
    kind: 'auth',
    code: 'NOT_LOGGED_IN',
    message: `Profile ${profile} has no API token`,
    why:
      withheld === undefined
        ? 'It is not logged in, and CLOUDFLARE_API_TOKEN is not set.'
        : `It is not logged in, and CLOUDFLARE_API_TOKEN is not used. ${withheld}`,
    next: [
      login,
      withheld === undefined
        ? insteadOf(otherProfiles)
        : `To send it there anyway, name the profile: --profile ${profile}`,
    ],
  })
}

/** What is there already, or can be had without an account. */
function insteadOf([other, ...more]: readonly string[]): string {
  if (other === undefined) return 'To try without an account: zt sandbox start'
  return more.length > 0
    ? 'To use another profile: zt profile list'
    : `To use profile ${other}: zt profile use ${other}`
}

/** The account, if the API token sees exactly one. */
async function onlyAccount(api: AccessApi): Promise<string> {
  const accounts = await findAccounts(api)
  const [account] = accounts
  if (account && accounts.length === 1) return account.id
  throw new UserError({
    kind: 'usage',
    code: 'ACCOUNT_REQUIRED',
    message: 'The account is not known',
    why:
      accounts.length === 0
        ? 'The API token can list neither accounts nor zones.'
        : `The API token sees several: ${accounts.map(({name, id}) => `${name} (${id})`).join(', ')}.`,
    next: ['Give --account ID, or set CLOUDFLARE_ACCOUNT_ID'],
    details: {candidates: accounts},
  })
}
