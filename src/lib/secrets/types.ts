import type {Secret} from '../core/secret.js'

/** The name of an entry. It becomes the keychain's account (`service-token/<uuid>`) and the vault's file name. */
export interface SecretKey {
  kind: 'service-token' | 'api-token' | 'spool-key'
  /** A service token's UUID; the profile of an API token; the journal entry of a spool key. `[A-Za-z0-9._-]{1,128}`. */
  id: string
}

/**
 * Whether a store can be used now, as found without a prompt and within a deadline.
 *
 * - `ready`
 * - `absent`: the machine has none (no session bus, no Secret Service, no libsecret; for env, variables not set)
 * - `locked`: a person must unlock it
 * - `broken`: it does not answer, has no collection, or its files are unsafe or damaged
 */
export interface StoreStatus {
  state: 'ready' | 'absent' | 'locked' | 'broken'
  /** One sentence, for `absent`, `locked` and `broken`. */
  why: string | undefined
  /** What to do about it. */
  next: string[]
  /** For a store that is ready: a warning, e.g. that it is in memory and lost at a restart. One sentence. */
  warning?: string | undefined
}

/**
 * A place where secrets are kept. One contract suite (test/secrets/store-contract.ts) runs on every implementation.
 *
 * Every call ends within a deadline. Errors are `UserError` of kind `needs-action` or `config`, and never hold a value.
 */
export interface SecretStore {
  /** As settings name it: `keychain`, `vault`, `helper:NAME`, `env`. */
  readonly kind: string
  /** For people: `the OS keychain`, `the age vault at ~/.local/share/zt/vault`. */
  readonly label: string
  readonly writable: boolean
  /** False when what is written cannot be read back here (a vault that knows only the recipient): `get` then throws. */
  readonly readable: boolean
  status(): Promise<StoreStatus>
  /** Undefined when there is no such entry; throws when that cannot be known (locked, broken). */
  get(key: SecretKey): Promise<Secret | undefined>
  /** Whether there is such an entry, even one that cannot be opened; throws if that cannot be determined. */
  has(key: SecretKey): Promise<boolean>
  /** The names of what zt keeps here; undefined when the store cannot list. Opens nothing. */
  list(): Promise<SecretKey[] | undefined>
  /** Replaces what was there. Durable when it returns. */
  set(key: SecretKey, value: Secret): Promise<void>
  /** False when there was nothing. */
  delete(key: SecretKey): Promise<boolean>
  /** The command by which a person deletes an entry. zt itself never deletes the only copy of a secret. */
  removalCommand?(key: SecretKey): string
}

/** The pair that opens the edge. */
export interface ServiceCredentials {
  clientId: string
  clientSecret: Secret
}

/** What a store keeps for a service token. */
export interface StoredCredentials extends ServiceCredentials {
  /** The previous secret, which Access accepts until then (ISO 8601). */
  previous?: {clientSecret: Secret; until: string} | undefined
  /**
   * True after a rotation was undone: Cloudflare has a newer secret, which is lost, and accepts this one as the previous.
   * Another rotation ends it at once.
   */
  superseded?: boolean | undefined
}
