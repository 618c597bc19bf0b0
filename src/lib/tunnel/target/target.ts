import {createHash} from 'node:crypto'
import type {Settings} from '../../config/types.js'
import {shellQuote} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import {hostMatches, plainHost} from '../../core/hostname.js'
import {PAIRS, ZT_PAIR} from '../../core/pair-variables.js'
import {hostOf} from '../../core/public-address.js'
import type {Secret} from '../../core/secret.js'
import {readCredentials} from '../../secrets/credentials.js'
import type {EnvironmentPair} from '../../secrets/env/environment-pair.js'
import {IndexFiles, type HostBinding} from '../../secrets/index-files.js'
import {storedToken} from '../../secrets/stored-token.js'
import {openStore, type StoreKind, type StoreOptions} from '../../secrets/stores.js'
import type {StoredCredentials} from '../../secrets/types.js'
import type {EdgeAddress} from '../types.js'
import {setting} from '../../core/shell-words.js'

/** The token that a connection uses, before its secret is read. */
export interface ChosenToken {
  /** The service token's UUID, or `env` for the pair of the environment. */
  tokenId: string
  /** The store that holds its secret. */
  store: StoreKind
  /** For people. */
  name: string
  /** How it was chosen: by the host's binding, as the environment's for a host without one, or because it was named. */
  by: 'binding' | 'environment' | 'name'
  /** True when the host is bound to this token, or ZT_HOSTS lists it for the environment's: no confirmation is needed. */
  bound: boolean
}

/** The edge of a host, and the pair to send there. */
export interface Target {
  edge: EdgeAddress
  credentials: StoredCredentials
  tokenId: string
  name: string
  by: ChosenToken['by']
}

export interface TargetOptions {
  settings: Settings
  /** As `normaliseHostname` makes it. */
  host: string
  /** Which path of the host, for HTTP; the host itself (`/`) otherwise. */
  path?: string | undefined
  /** `--token`: a name, id, client ID, or `env`. */
  token?: string | undefined
}

/** Asks whether the secret of a token may be sent to a host that is not bound to it. */
type Confirm = (chosen: ChosenToken) => boolean | Promise<boolean>

const ENVIRONMENT = 'env'

/**
 * The token for a host: the one that was named for this call, the one that the address is bound to in this profile, or else
 * the environment's. Reads no secret.
 *
 * @throws UserError `not-found` / `HOST_NOT_BOUND`, `STORED_TOKEN_NOT_FOUND`; `ambiguous` / `TOKEN_AMBIGUOUS`
 */
export async function chooseToken({settings, host, path, token}: TargetOptions): Promise<ChosenToken> {
  const index = new IndexFiles(settings.paths.data)
  const {profileName: profile} = settings
  const [binding, entries] = await Promise.all([index.bindingFor(profile, host, path), index.list(profile)])
  const environment = settings.environmentCredentials
  const listed = (settings.environmentHosts ?? []).some((pattern) => hostMatches(pattern, host))
  if (token === undefined) {
    const entry = binding && entries.find(({tokenId}) => tokenId === binding.tokenId)
    // The same token, from the environment of a job that has no store.
    if (environment && entry?.clientId === environment.clientId)
      return fromEnvironment(environment, 'binding', true)
    if (entry)
      return {tokenId: entry.tokenId, store: entry.store, name: entry.name, by: 'binding', bound: true}
    if (environment && (!binding || listed)) return fromEnvironment(environment, 'environment', listed)
    throw binding ? secretNotHere(binding) : await notBound(index, settings, {host, path})
  }
  if (token === ENVIRONMENT) {
    if (!environment) throw environmentNotSet(settings)
    const entry = entries.find(({clientId}) => clientId === environment.clientId)
    const same = entry !== undefined && entry.tokenId === binding?.tokenId
    return fromEnvironment(environment, 'name', same || listed)
  }
  const entry = storedToken(token, entries, profile)
  const bound = entry.tokenId === binding?.tokenId
  return {tokenId: entry.tokenId, store: entry.store, name: entry.name, by: 'name', bound}
}

/**
 * Whether the environment's pair may go to a host to which no token is bound, without a question. In a job it is there to be
 * used for the host that the command line names. On a terminal, and where there are profiles, the person may not think of
 * it. With ZT_HOSTS only the hosts that it lists are named.
 *
 * @param words the command line; a host that is not in it comes from a file
 */
export function mayUseEnvironment(
  {environmentHosts, configured}: Pick<Settings, 'environmentHosts' | 'configured'>,
  host: string,
  {terminal, words}: {terminal: boolean; words: readonly string[]},
): boolean {
  if (environmentHosts) return environmentHosts.some((pattern) => hostMatches(pattern, host))
  const named = words.some((word) =>
    word.split(/[^\p{L}\p{M}\p{N}_.-]+/u).some((part) => plainHost(part) === host),
  )
  return named && !(terminal && configured)
}

/** For a host that only a file names: the settings without the environment's pair, unless ZT_HOSTS lists the host. */
export function withoutPairFor(host: string, settings: Settings): Settings {
  const {environmentCredentials, environmentHosts = [], withheld, doubts} = settings
  if (!environmentCredentials || environmentHosts.some((pattern) => hostMatches(pattern, host)))
    return settings
  const edge = 'a file names the host, and ZT_HOSTS does not list it.'
  return {
    ...settings,
    environmentCredentials: undefined,
    withheld: {...withheld, credentials: true},
    doubts: {...doubts, edge},
  }
}

/** Said wherever the pair goes to a host without having been named: what is sent, and where. */
export function environmentText({name}: Pick<ChosenToken, 'name'>, host: string): string {
  return `Sending the service token of the environment (${name}) to ${host}`
}

/**
 * {@link chooseToken}, with a confirmation where the host is not bound to the token.
 *
 * @throws UserError as {@link chooseToken}; `needs-action` / `TOKEN_NOT_BOUND`; what `confirm` throws
 */
export async function confirmedToken(options: TargetOptions & {confirm: Confirm}): Promise<ChosenToken> {
  const chosen = await chooseToken(options)
  if (chosen.bound || (await options.confirm(chosen))) return chosen
  throw chosen.tokenId === ENVIRONMENT
    ? environmentNotConfirmed(chosen, options)
    : tokenNotBound(chosen, options)
}

/**
 * Everything that a connection needs. A secret is read only for a host that is bound to its token, or that was confirmed
 * for this call.
 *
 * @throws UserError as {@link confirmedToken}; `not-found` / `SECRET_NOT_FOUND`; what the secret store throws
 */
export async function findTarget(options: TargetOptions & Reading & {confirm: Confirm}): Promise<Target> {
  const {settings, host} = options
  const chosen = await confirmedToken(options)
  const edge = {host, connectTo: settings.connectTo, caFile: settings.caFile}
  const {tokenId, name, by} = chosen
  return {edge, credentials: await credentialsOf(chosen, options), tokenId, name, by}
}

/**
 * The pair of a token for a program that the person runs; no host is involved.
 *
 * @param token a name, id, client ID, or `env`
 * @throws UserError `not-found` / `STORED_TOKEN_NOT_FOUND`, `SECRET_NOT_FOUND`; `ambiguous` / `TOKEN_AMBIGUOUS`
 */
export async function findNamed(
  options: Reading & {token: string},
): Promise<Pick<Target, 'credentials' | 'tokenId' | 'name'>> {
  const {settings, token} = options
  const entries = await new IndexFiles(settings.paths.data).list(settings.profileName)
  const environment = settings.environmentCredentials
  if (token === ENVIRONMENT && !environment) throw environmentNotSet(settings)
  const {tokenId, store, name} =
    token === ENVIRONMENT && environment
      ? fromEnvironment(environment, 'name', false)
      : storedToken(token, entries, settings.profileName)
  return {credentials: await credentialsOf({tokenId, store, name}, options), tokenId, name}
}

/** What reading a secret needs. */
export interface Reading {
  settings: Settings
  askPassphrase?: ((label: string) => Promise<Secret>) | undefined
  environment: StoreOptions['environment']
}

async function credentialsOf(
  {tokenId, store: kind, name}: Pick<ChosenToken, 'tokenId' | 'store' | 'name'>,
  options: Reading,
): Promise<StoredCredentials> {
  const {settings} = options
  if (kind === ENVIRONMENT) {
    if (!settings.environmentCredentials) throw environmentNotSet(settings)
    return settings.environmentCredentials
  }
  const store = await openStore(kind, {
    configDir: settings.paths.config,
    dataDir: settings.paths.data,
    cacheDir: settings.paths.cache,
    identityFile: settings.vaultIdentityFile,
    passphraseFile: settings.vaultPassphraseFile,
    askPassphrase: options.askPassphrase,
    vaultRecipients: settings.vaultRecipients,
    environment: options.environment,
  })
  const credentials = await readCredentials(store, tokenId)
  if (!credentials) throw secretGone({tokenId, store: kind, name}, store.label)
  return credentials
}

/** The index says that a store has a secret, and it has none. */
export function secretGone(
  {tokenId, store: kind, name}: Pick<ChosenToken, 'tokenId' | 'store' | 'name'>,
  label: string,
): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'SECRET_NOT_FOUND',
    message: `The secret of "${name}" is not in ${label}`,
    why: "zt's index says that it was saved there; it has been removed since.",
    next: [`zt token rotate ${tokenId}`],
    details: {tokenId, store: kind},
  })
}

/**
 * Whose connections may be shared: the token's ID. The environment's pair may be wrong, so its connections have an ID of their own
 * by client ID and a few digits of a hash of the secret, too few to find or try the secret by.
 */
export function sharedBy(
  {tokenId}: Pick<ChosenToken, 'tokenId'>,
  {environmentCredentials: pair}: Settings,
): string {
  if (tokenId !== ENVIRONMENT || !pair) return tokenId
  const {clientId, clientSecret} = pair
  const sum = createHash('sha256').update(`zt shares by\0${clientId}\0${clientSecret.expose()}`).digest('hex')
  return `${ENVIRONMENT}:${clientId}:${sum.slice(0, 16)}`
}

/** Shown where Access accepts only the previous secret; `until`: the end of its grace period (ISO 8601). */
export function onlyPreviousText({name}: Pick<Target, 'name'>, until: string): string {
  return `Access accepted only the previous secret of "${name}"; it works until ${until}`
}

function fromEnvironment({names}: EnvironmentPair, by: ChosenToken['by'], bound: boolean): ChosenToken {
  return {tokenId: ENVIRONMENT, store: ENVIRONMENT, name: names.id, by, bound}
}

async function notBound(index: IndexFiles, settings: Settings, to: Where): Promise<UserError> {
  const {host, path} = to
  const below = (await index.bindings(settings.profileName))
    .filter((binding) => binding.host.includes('/') && hostMatches(hostOf(binding.host), host))
    .map((binding) => binding.host)
  const profiles = new Set((await index.bindings()).map(({profile}) => profile))
  const elsewhere: string[] = []
  for (const profile of profiles) {
    if (profile !== settings.profileName && (await index.bindingFor(profile, host, path)))
      elsewhere.push(profile)
  }
  const [other] = elsewhere
  return new UserError({
    kind: 'not-found',
    code: 'HOST_NOT_BOUND',
    message: `No service token is bound to ${addressOf(to)} in profile ${settings.profileName}`,
    why: [
      'zt sends a secret only to hosts that are bound to its token.',
      ...(below.length === 0 ? [] : [`Of this host, only paths are bound: ${below.join(', ')}.`]),
      ...(settings.withheld.credentials ? [notUsed(settings)] : []),
    ],
    next: [
      ...(other === undefined ? [] : [`The host is bound in another profile: --profile ${other}`]),
      `zt app add-rule ${shellQuote(addressOf(to))} --service-auth`,
      'For this call only, give --token with the name of a service token, and --yes',
      ...(settings.configured || settings.withheld.credentials
        ? []
        : [`In a job: set ${ZT_PAIR.id} and ${ZT_PAIR.secret}`]),
    ],
    details: {host, profile: settings.profileName, boundIn: elsewhere},
  })
}

type Where = Pick<TargetOptions, 'host' | 'path'>

/** As a domain of an application would be written. */
function addressOf({host, path}: Where): string {
  return path === undefined || path === '/' ? host : host + path
}

function secretNotHere({host, tokenId}: HostBinding): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'SECRET_NOT_FOUND',
    message: `${host} is bound to a service token whose secret is not on this machine`,
    why: `The ID of the token is ${tokenId}.`,
    next: ['zt token list', `Set ${ZT_PAIR.id} and ${ZT_PAIR.secret} and add --token env`],
  })
}

function tokenNotBound({tokenId, name}: ChosenToken, to: Where): UserError {
  const where = shellQuote(addressOf(to))
  return new UserError({
    kind: 'needs-action',
    code: 'TOKEN_NOT_BOUND',
    message: `${addressOf(to)} is not bound to "${name}", so its secret is not sent there`,
    why: 'zt sends a secret only to hosts that are bound to its token, unless another is confirmed.',
    next: [
      'To send it this once: --yes',
      // It admits the token: what it goes past is for the person to see first.
      `zt app show ${where}`,
      `To admit the token there, and bind the host: zt app add-rule ${where} --service-auth --token ${shellQuote({id: tokenId, name})}`,
    ],
  })
}

function environmentNotConfirmed(
  {name}: ChosenToken,
  {host, settings: {environmentHosts}}: TargetOptions,
): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'TOKEN_NOT_BOUND',
    message: `zt did not send the service token of the environment (${name}) to ${host}`,
    why: environmentHosts
      ? 'ZT_HOSTS lists the hosts that it is for, and this is not one of them.'
      : 'ZT_HOSTS does not list the host, and no one has confirmed it.',
    next: [
      'To send it this once: --token env --yes',
      ...(environmentHosts ? [] : [setting('ZT_HOSTS', host)]),
    ],
  })
}

/** Why the environment's pair is withheld. */
function notUsed({doubts}: Settings): string {
  return `zt does not use the service token of the environment here: ${doubts.edge ?? ''}`
}

function environmentNotSet({withheld, doubts, profileName}: Settings): UserError {
  if (withheld.credentials) {
    return new UserError({
      kind: 'usage',
      code: 'ENVIRONMENT_WITHHELD',
      message: 'zt does not use the service token of the environment with this profile',
      why: doubts.edge,
      next: [`To use it all the same, name the profile: --profile ${profileName}`],
    })
  }
  return new UserError({
    kind: 'usage',
    code: 'ENVIRONMENT_NOT_SET',
    message: 'There is no service token in the environment',
    why: `--token env reads ${PAIRS.map(({id, secret}) => `${id} and ${secret}`).join(', or ')}, and they are not set.`,
    next: [`Set ${ZT_PAIR.id} and ${ZT_PAIR.secret}`],
  })
}
