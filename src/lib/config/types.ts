import type {Secret} from '../core/secret.js'
import type {EnvironmentPair} from '../secrets/env/environment-pair.js'
import type {KeepingStoreKind, StoreKind} from '../secrets/stores.js'
import type {Paths} from './paths.js'

export const CLOUDFLARE_API_URL = 'https://api.cloudflare.com/client/v4'

/** One profile of the user's `config.json`. Everything is optional; nothing here is secret. */
export interface Profile {
  /** The API's base URL, without a trailing slash. Default {@link CLOUDFLARE_API_URL}. http: only on loopback. */
  apiUrl?: string | undefined
  accountId?: string | undefined
  accountName?: string | undefined
  /** The store of this profile's secrets. Chosen once and then kept: zt never changes it silently. */
  store?: KeepingStoreKind | undefined
  /** Where the API token is, if not in {@link Profile.store}: a vault that cannot be read cannot provide it. */
  apiTokenStore?: KeepingStoreKind | undefined
  /** Recipients (`age1…`) of the vault, for a machine without an identity. */
  vaultRecipients?: string[] | undefined
  /** Address of the edge, `HOST:PORT`, if not the host's own (like cloudflared's --connect-to). */
  connectTo?: string | undefined
  /** PEM file of a CA that is trusted for the edge in addition to the system's. */
  caFile?: string | undefined
  /** A known_hosts file that ssh reads before the user's. */
  knownHostsFile?: string | undefined
  /** True: zt marks all output of this profile as not real. */
  sandbox?: boolean | undefined
  /** The name that the profile had before, until nothing on this machine has that name any more. */
  renamedFrom?: string | undefined
}

/** Where a setting came from, for `whoami` and errors. */
export type SettingSource = 'flag' | 'environment' | 'project' | 'profile' | 'default'

/** The settings of one invocation, by precedence: flags > environment > project > user. */
export interface Settings {
  paths: Paths
  profileName: string
  profileSource: SettingSource
  /** False if the file has no profile of that name (it need not have the default one). */
  profileExists: boolean
  /** The profile's previous name, if its renaming was interrupted. */
  renamedFrom: string | undefined
  /** Whether the file has any profile. A project's file chooses among them, and cannot make this false. */
  configured: boolean
  /** The names of the other profiles in the file. */
  otherProfiles: string[]
  apiUrl: string
  accountId: string | undefined
  accountSource: SettingSource | undefined
  accountName: string | undefined
  /**
   * Why secrets that were given without an address are not sent to this profile's addresses; each one or more
   * sentences. The profile's own secrets were given for its addresses.
   */
  doubts: {api: string | undefined; edge: string | undefined}
  /** Secrets in the environment that were withheld for these reasons. */
  withheld: {apiToken: boolean; credentials: boolean}
  /** CLOUDFLARE_API_TOKEN, if set and not withheld; otherwise the token is in the store under this profile's name. */
  environmentApiToken: Secret | undefined
  /** Chosen by flag, environment (ZT_STORE) or profile; undefined: none chosen yet. */
  store: StoreKind | undefined
  storeSource: SettingSource | undefined
  /** The profile's own store, regardless of flags and ZT_STORE. */
  profileStore: KeepingStoreKind | undefined
  /** The store of the profile's API token: its own store, unless that cannot be read. */
  apiTokenStore: KeepingStoreKind | undefined
  /** ZT_CREDENTIAL_HELPER: NAME of a docker-credential-NAME that is used if there is no keychain. */
  credentialHelper: string | undefined
  connectTo: string | undefined
  caFile: string | undefined
  knownHostsFile: string | undefined
  sandbox: boolean
  /** ZT_RATE_LIMIT_WAIT: how many seconds a request may wait if Cloudflare asks for a pause; undefined: the default. */
  rateLimitWait: number | undefined
  /** False with ZT_COMPLETION_NAMES=off: shell completion neither caches nor requests names. */
  completionNames: boolean
  /** The service token's pair in the environment, if it is set and not withheld. */
  environmentCredentials: EnvironmentPair | undefined
  /** ZT_HOSTS: the hosts that this pair is for, possibly with `*`; undefined: not set. */
  environmentHosts: readonly string[] | undefined
  /** ZT_VAULT_IDENTITY: the vault's identity file, if not in the configuration directory. */
  vaultIdentityFile: string | undefined
  /** ZT_VAULT_PASSPHRASE_FILE: file with the identity's passphrase, which zt then does not prompt for. */
  vaultPassphraseFile: string | undefined
  /** ZT_VAULT_RECIPIENT, or the profile's recipients; not yet validated. Empty: the vault has an identity. */
  vaultRecipients: string[]
  /** Only those of ZT_VAULT_RECIPIENT. */
  environmentRecipients: string[]
}
