import type {Secret} from '../core/secret.js'
import type {KeepingStoreKind} from '../secrets/stores.js'
import type {Paths} from './paths.js'

export const CLOUDFLARE_API_URL = 'https://api.cloudflare.com/client/v4'

/** One profile of the user's `config.json`. Everything is optional; nothing here is secret. */
export interface Profile {
  /** The API's base URL, without a trailing slash. Default {@link CLOUDFLARE_API_URL}. http: only on loopback. */
  apiUrl?: string | undefined
  accountId?: string | undefined
  accountName?: string | undefined
  /** The store that this profile's secrets are in. Chosen once and then kept: never silently another. */
  store?: KeepingStoreKind | undefined
  /** Where the API token is, when it is not in {@link Profile.store}: a vault that cannot be read cannot serve it. */
  apiTokenStore?: KeepingStoreKind | undefined
  /** Recipients (`age1…`) that the vault is encrypted to, for a machine that has no identity. */
  vaultRecipients?: string[] | undefined
  /** Where the edge is, `HOST:PORT`, when it is not at the host's own address (as cloudflared's --connect-to). */
  connectTo?: string | undefined
  /** PEM file of a CA that is trusted for the edge besides the system's. */
  caFile?: string | undefined
  /** A known_hosts file that ssh reads before the user's own. */
  knownHostsFile?: string | undefined
  /** Marks data that is not real, wherever it is shown. */
  sandbox?: boolean | undefined
}

/** Where a setting came from, for `whoami` and for errors that must name it. */
export type SettingSource = 'flag' | 'environment' | 'project' | 'profile' | 'default'

/** What one invocation works with, after precedence: flags > environment > project > user. */
export interface Settings {
  paths: Paths
  profileName: string
  profileSource: SettingSource
  /** False when no profile of that name is in the file (the default one need not be). */
  profileExists: boolean
  apiUrl: string
  accountId: string | undefined
  accountSource: SettingSource | undefined
  accountName: string | undefined
  /**
   * Why a secret that was given without an address does not go to this profile's: one or more sentences each. The
   * profile's own secrets were given for its addresses.
   */
  doubts: {api: string | undefined; edge: string | undefined}
  /** What the environment holds and is left out here for these doubts. */
  withheld: {apiToken: boolean; credentials: boolean}
  /** CLOUDFLARE_API_TOKEN, when set and not withheld; otherwise the token is in the store under this profile's name. */
  environmentApiToken: Secret | undefined
  /** Chosen by flag, environment (ZT_STORE) or profile; undefined: not chosen yet. */
  store: KeepingStoreKind | 'env' | undefined
  storeSource: SettingSource | undefined
  /** The profile's own store, whatever a flag or ZT_STORE says. */
  profileStore: KeepingStoreKind | undefined
  /** Where the profile's API token is kept: its own store, unless that cannot be read. */
  apiTokenStore: KeepingStoreKind | undefined
  /** ZT_CREDENTIAL_HELPER: NAME of a docker-credential-NAME that is used where there is no keychain. */
  credentialHelper: string | undefined
  connectTo: string | undefined
  caFile: string | undefined
  knownHostsFile: string | undefined
  sandbox: boolean
  /** ZT_RATE_LIMIT_WAIT: how many seconds a request may wait where Cloudflare asks for a pause; undefined: the usual. */
  rateLimitWait: number | undefined
  /** False by ZT_COMPLETION_NAMES=off: no names are kept for the shells' completion, nor asked for. */
  completionNames: boolean
  /** CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET, when both are set and not withheld. */
  environmentCredentials: {clientId: string; clientSecret: Secret} | undefined
  /** ZT_VAULT_IDENTITY: the vault's identity file, when it is not in the configuration directory. */
  vaultIdentityFile: string | undefined
  /** ZT_VAULT_PASSPHRASE_FILE: where the identity's passphrase is read from without a prompt. */
  vaultPassphraseFile: string | undefined
  /** ZT_VAULT_RECIPIENT, or the profile's; not yet checked. Empty: the vault has an identity. */
  vaultRecipients: string[]
  /** Those of ZT_VAULT_RECIPIENT alone. */
  environmentRecipients: string[]
}
