import path from 'node:path'
import {goDurationSeconds} from '../core/duration.js'
import {UserError} from '../core/errors.js'
import {hostParts, normaliseHostname, withoutCredentials} from '../core/hostname.js'
import {parsePatience} from '../core/patience.js'
import {Secret} from '../core/secret.js'
import {pairOf} from '../secrets/env/environment-pair.js'
import {HELPER_NAME} from '../secrets/helper/find-helpers.js'
import {isStoreKind, unknownStore, type StoreKind} from '../secrets/stores.js'
import {certainFile} from '../system/platform.js'
import {pathsFrom, type Environment} from './paths.js'
import {
  checkProfileName,
  configFile,
  DEFAULT_PROFILE,
  profileNotFound,
  readConfig,
  refuseTwin,
} from './profiles.js'
import {findProject, type ProjectSettings} from './project.js'
import {CLOUDFLARE_API_URL, type Profile, type SettingSource, type Settings} from './types.js'
import {setting, unsetting} from '../core/shell-words.js'

const LONGEST_WAIT_SECONDS = 3600

/** The flags that settings depend on. */
interface SettingFlags {
  profile?: string | undefined
  account?: string | undefined
  apiUrl?: string | undefined
  store?: string | undefined
  connectTo?: string | undefined
  caFile?: string | undefined
}

export interface LoadSettings {
  env: Environment
  cwd: string
  flags: SettingFlags
  /** Whether the profile need not exist: `login` creates a new one, and to some commands it does not matter. */
  missingProfile?: 'new' | 'ignored' | undefined
}

/**
 * Finds out what this invocation works with: flags > environment > project (`.zt.json`) > the user's profile.
 *
 * @throws UserError `config` for a damaged file, `not-found` for a named profile that does not exist, `usage` for a bad value
 */
export async function loadSettings({env, cwd, flags, missingProfile}: LoadSettings): Promise<Settings> {
  refuseUncheckedCertificates(env)
  const paths = pathsFrom(env)
  const named = flags.profile ?? set(env['ZT_PROFILE'])
  // A named profile takes precedence over a project, so its file is not even read.
  const [config, project] = await Promise.all([
    readConfig(paths),
    named === undefined ? findProject(cwd, env) : undefined,
  ])
  const [profileName, profileSource] = first<string>(
    [flags.profile, 'flag'],
    [set(env['ZT_PROFILE']), 'environment'],
    [project?.profile, 'project'],
    [config.currentProfile, 'profile'],
  ) ?? [DEFAULT_PROFILE, 'default' as const]
  checkProfileName(profileName)
  const profile = config.profiles[profileName]
  if (!profile && profileName !== DEFAULT_PROFILE && missingProfile === undefined) {
    throw profileNotFound(profileName, Object.keys(config.profiles))
  }
  if (missingProfile === 'new') refuseTwin(profileName, config)
  const account = first<string>(
    [flags.account, 'flag'],
    [set(env['CLOUDFLARE_ACCOUNT_ID']), 'environment'],
    [project?.account, 'project'],
    [profile?.accountId, 'profile'],
  )
  const store = first<string>(
    [flags.store, 'flag'],
    [set(env['ZT_STORE']), 'environment'],
    [profile?.store, 'profile'],
  )
  checkPatience(set(env['ZT_PATIENCE']))
  const environmentRecipients = words(env['ZT_VAULT_RECIPIENT'])
  const caFile = flags.caFile ?? fileIn(set(env['ZT_CA_FILE']), 'ZT_CA_FILE')
  const connectTo = flags.connectTo ?? set(env['ZT_CONNECT_TO'])
  const apiUrl = checkApiUrl(flags.apiUrl ?? profile?.apiUrl ?? CLOUDFLARE_API_URL)
  const doubts = {
    api: flags.apiUrl === undefined ? apiDoubt(profileName, profileSource, profile, project) : undefined,
    edge: edgeDoubt(
      profileName,
      {
        connectTo: connectTo === undefined && profile?.connectTo !== undefined,
        caFile: caFile === undefined && profile?.caFile !== undefined,
      },
      project,
    ),
  }
  const apiToken = secret(env['CLOUDFLARE_API_TOKEN'])
  const pair = pairOf(env)
  return {
    paths,
    profileName,
    profileSource,
    profileExists: profile !== undefined,
    renamedFrom: profile?.renamedFrom,
    configured: Object.keys(config.profiles).length > 0,
    otherProfiles: Object.keys(config.profiles).filter((name) => name !== profileName),
    apiUrl,
    accountId: account?.[0],
    accountSource: account?.[1],
    accountName: account?.[0] === profile?.accountId ? profile?.accountName : undefined,
    doubts,
    environmentApiToken: doubts.api === undefined ? apiToken : undefined,
    withheld: {
      apiToken: doubts.api !== undefined && apiToken !== undefined,
      credentials: doubts.edge !== undefined && pair !== undefined,
    },
    store: store && checkStore(store[0]),
    storeSource: store?.[1],
    profileStore: profile?.store,
    apiTokenStore: profile?.apiTokenStore ?? profile?.store,
    credentialHelper: checkHelper(set(env['ZT_CREDENTIAL_HELPER'])),
    connectTo: checkConnectTo(connectTo ?? profile?.connectTo),
    caFile:
      caFile === undefined
        ? fileIn(profile?.caFile, `ca-file in ${configFile(paths)}`)
        : path.resolve(cwd, caFile),
    knownHostsFile: fileIn(profile?.knownHostsFile, `known-hosts-file in ${configFile(paths)}`),
    sandbox: profile?.sandbox ?? false,
    rateLimitWait: checkRateLimitWait(set(env['ZT_RATE_LIMIT_WAIT'])),
    completionNames: env['ZT_COMPLETION_NAMES'] !== 'off',
    environmentCredentials: doubts.edge === undefined ? pair : undefined,
    environmentHosts: checkHosts(env['ZT_HOSTS']),
    vaultIdentityFile: fileIn(set(env['ZT_VAULT_IDENTITY']), 'ZT_VAULT_IDENTITY'),
    vaultPassphraseFile: fileIn(set(env['ZT_VAULT_PASSPHRASE_FILE']), 'ZT_VAULT_PASSPHRASE_FILE'),
    vaultRecipients:
      environmentRecipients.length > 0 ? environmentRecipients : (profile?.vaultRecipients ?? []),
    environmentRecipients,
  }
}

/**
 * Why an API token from the environment must not go to this profile's address (docs/explanation/security.md has the table). The author
 * of a project's file may choose among a person's profiles, but must not thereby decide where a secret from the environment
 * is sent. The sandbox listens without TLS: when it has stopped, anyone on this machine can take its port.
 */
function apiDoubt(
  name: string,
  source: SettingSource,
  profile: Profile | undefined,
  project: ProjectSettings | undefined,
): string | undefined {
  const apiUrl = profile?.apiUrl
  if (apiUrl === undefined || checkApiUrl(apiUrl) === CLOUDFLARE_API_URL) return undefined
  if (source === 'project')
    return `${project?.file ?? 'A project'} chose the profile ${name}, and its API is not Cloudflare's but ${apiUrl}.`
  const named = source === 'flag' || source === 'environment'
  return profile?.sandbox === true && !named
    ? `The profile ${name} is the sandbox's, which has its own API token.`
    : undefined
}

/** The same for a service token's pair, and a profile that sets the edge's address or CA. */
function edgeDoubt(
  name: string,
  used: {connectTo: boolean; caFile: boolean},
  project: ProjectSettings | undefined,
): string | undefined {
  if (project?.profile === undefined || !(used.connectTo || used.caFile)) return undefined
  const what = used.connectTo ? 'the edge' : "the edge's CA"
  return `${project.file} chose the profile ${name}, which says what ${what} is.`
}

/**
 * With this variable node accepts any certificate. zt's connections check theirs anyway, but whoever set it should know.
 *
 * @throws UserError `usage` / `CERTIFICATES_UNCHECKED`
 */
function refuseUncheckedCertificates(env: Environment): void {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return
  throw new UserError({
    kind: 'usage',
    code: 'CERTIFICATES_UNCHECKED',
    message: 'NODE_TLS_REJECT_UNAUTHORIZED=0 is set, and zt always checks certificates',
    why: 'Without that check an API token or a client secret could be sent to anyone. To trust a private CA, use --ca-file (for the edge) or NODE_EXTRA_CA_CERTS.',
    next: [unsetting(['NODE_TLS_REJECT_UNAUTHORIZED'])],
  })
}

/** The first value that is set, with its source. */
function first<T>(...choices: [T | undefined, SettingSource][]): [T, SettingSource] | undefined {
  for (const [value, source] of choices) if (value !== undefined) return [value, source]
  return undefined
}

/** An empty variable counts as not set. */
function set(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim()
}

/** A file that a variable or the profile names; either may have come from another system. */
function fileIn(file: string | undefined, by: string): string | undefined {
  return file === undefined ? undefined : certainFile(file, by)
}

/** Several values in one variable, separated by commas or blanks. */
function words(value: string | undefined): string[] {
  return (value ?? '').split(/[\s,]+/).filter((word) => word !== '')
}

function secret(value: string | undefined): Secret | undefined {
  const text = set(value)
  return text === undefined ? undefined : new Secret(text)
}

/**
 * The hosts of ZT_HOSTS; `*` is for characters within one label, and not in the last two.
 *
 * @throws UserError `usage` / `BAD_HOSTS`
 */
function checkHosts(text: string | undefined): string[] | undefined {
  if (set(text) === undefined) return undefined
  const given = words(text)
  return given.map((word) => {
    const host = listedHost(word)
    if (host !== undefined) return host
    // Without the port, scheme or path that people know it with.
    const alone = given.map((one) => listedHost(one) ?? listedHost(hostParts(one).host))
    throw new UserError({
      kind: 'usage',
      code: 'BAD_HOSTS',
      message: `ZT_HOSTS cannot contain "${withoutCredentials(word).slice(0, 80)}"`,
      why: 'It lists host names, separated by commas; *.example.com is for all hosts of one level.',
      next: [
        alone.includes(undefined)
          ? unsetting(['ZT_HOSTS'])
          : alone.some((one) => one?.includes('*'))
            ? `Set it to ${alone.join(',')}`
            : setting('ZT_HOSTS', alone.join(',')),
      ],
    })
  })
}

/** Undefined if it is no host, and no pattern that may be listed. */
function listedHost(word: string): string | undefined {
  try {
    const host = word.toLowerCase().replace(/\.$/, '')
    normaliseHostname(host.replaceAll('*', 'x'))
    return host.split('.').slice(-2).join('.').includes('*') ? undefined : host
  } catch {
    return undefined
  }
}

/** @throws UserError `usage` / `UNKNOWN_STORE` */
export function checkStore(text: string): StoreKind {
  if (isStoreKind(text)) return text
  throw unknownStore(text)
}

/** The name alone, or with `helper:`. */
function checkHelper(text: string | undefined): string | undefined {
  const name = text?.replace(/^helper:/, '')
  if (name === undefined || HELPER_NAME.test(name)) return name
  throw new UserError({
    kind: 'usage',
    code: 'BAD_CREDENTIAL_HELPER',
    message: `ZT_CREDENTIAL_HELPER cannot be "${name.slice(0, 40)}"`,
    why: 'It is the NAME of a program docker-credential-NAME, for example pass: lower case letters, digits and dashes.',
    next: ['zt store list'],
  })
}

function checkApiUrl(text: string): string {
  let url: URL | undefined
  try {
    url = new URL(text)
  } catch {
    url = undefined
  }
  if (
    url &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    url.password === ''
  ) {
    return text.replace(/(?<!\/)\/+$/, '')
  }
  throw new UserError({
    kind: 'usage',
    code: 'BAD_API_URL',
    message: 'The API address is not a usable URL',
    why: 'It must begin with https:// (http:// for this machine only), without a user or password.',
    next: [`The default is ${CLOUDFLARE_API_URL}`],
  })
}

/** @throws UserError `usage` / `BAD_RATE_LIMIT_WAIT` */
function checkRateLimitWait(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seconds = /^0+s?$/.test(text) ? 0 : goDurationSeconds(text)
  if (seconds !== undefined && seconds <= LONGEST_WAIT_SECONDS) return Math.floor(seconds)
  throw new UserError({
    kind: 'usage',
    code: 'BAD_RATE_LIMIT_WAIT',
    message: `ZT_RATE_LIMIT_WAIT cannot be "${text.slice(0, 40)}"`,
    why: 'It sets how long zt waits when Cloudflare asks for a pause: a duration of at most one hour, or 0.',
    next: ['Set it to 5m, which is how long Cloudflare blocks, or unset it'],
  })
}

/** Each process takes it by itself ({@link bePatient}). @throws UserError `usage` / `BAD_PATIENCE` */
function checkPatience(text: string | undefined): void {
  if (text === undefined || parsePatience(text) !== undefined) return
  throw new UserError({
    kind: 'usage',
    code: 'BAD_PATIENCE',
    message: `ZT_PATIENCE cannot be "${text.slice(0, 40)}"`,
    why: 'It is the factor by which zt waits longer: a number from 1 to 100.',
    next: [unsetting(['ZT_PATIENCE'])],
  })
}

/** @throws UserError `usage` / `BAD_CONNECT_TO` */
export function checkConnectTo(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const match = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]/]+):(\d{1,5})$/.exec(text)
  if (match && Number(match[1]) >= 1 && Number(match[1]) <= 65535) return text
  throw new UserError({
    kind: 'usage',
    code: 'BAD_CONNECT_TO',
    message: `"${text}" is not an address to connect to`,
    why: 'The format is HOST:PORT, for example 127.0.0.1:8443 or [::1]:8443.',
  })
}
