import type {Secret} from '../core/secret.js'
import type {KeepingStoreKind} from '../core/store-kind.js'

export type {KeepingStoreKind}

/** The stores that zt knows. `env` is read-only. */
export type StoreKind = KeepingStoreKind | 'env'

/**
 * What a store keeps an entry under. `kind` and `id` become the keychain's account (`service-token/<uuid>`) and the
 * vault's file name.
 */
export interface SecretKey {
  kind: 'service-token' | 'api-token' | 'spool-key'
  /** A service token's UUID; a profile's name for an API token; an operation's id for a spool key. `[A-Za-z0-9._-]{1,128}`. */
  id: string
}

/**
 * Whether a store can be used now, found out without a prompt and within a deadline.
 *
 * - `ready`
 * - `absent`: the machine has none (no session bus, no Secret Service, no libsecret; for env, variables not set)
 * - `locked`: there, but a person must unlock it
 * - `broken`: there, but it does not answer, has no collection, or its files are unsafe or damaged
 */
export interface StoreStatus {
  state: 'ready' | 'absent' | 'locked' | 'broken'
  /** One sentence, for `absent`, `locked` and `broken`. */
  why: string | undefined
  /** What to do about it. */
  next: string[]
  /** For a store that is ready: something to mind, e.g. that it lies in memory and is gone at a restart. One sentence. */
  warning?: string | undefined
}

/**
 * A place where secrets are kept. One contract suite (test/secrets/store-contract.ts) runs on every implementation.
 *
 * Every call ends within a deadline; errors are `UserError` of kind `needs-action` or `config`, and never carry a value.
 */
export interface SecretStore {
  readonly kind: StoreKind
  /** For people: `the OS keychain`, `the age vault at ~/.local/share/zt/vault`. */
  readonly label: string
  readonly writable: boolean
  /** False: what is written cannot be read back here (a vault that knows only the recipient). `get` then throws. */
  readonly readable: boolean
  status(): Promise<StoreStatus>
  /** Undefined when there is no such entry; throws when that cannot be known (locked, broken). */
  get(key: SecretKey): Promise<Secret | undefined>
  /** Whether there is such an entry, also where it cannot be opened; throws when that cannot be known. */
  has(key: SecretKey): Promise<boolean>
  /** What zt keeps here, by name; undefined where the store cannot be asked for that. Opens nothing. */
  list(): Promise<SecretKey[] | undefined>
  /** Replaces what was there. Durable when it returns. */
  set(key: SecretKey, value: Secret): Promise<void>
  /** False when there was nothing. */
  delete(key: SecretKey): Promise<boolean>
  /** How a person deletes an entry by hand, as it would be typed; zt itself deletes no only copy of a secret. */
  removalCommand?(key: SecretKey): string
}

/** The pair that opens the edge. */
export interface ServiceCredentials {
  clientId: string
  clientSecret: Secret
}

/** What a store keeps for a service token. */
export interface StoredCredentials extends ServiceCredentials {
  /** The secret before a rotation, which Access accepts until then (ISO 8601). */
  previous?: {clientSecret: Secret; until: string} | undefined
  /**
   * True after a rotation was undone: Cloudflare has a newer secret that nobody knows, and accepts this one as the
   * previous. Another rotation ends it at once.
   */
  superseded?: boolean | undefined
}

/** What the index knows of a stored service token. No secrets in it. */
export interface IndexEntry {
  /** Service token's UUID. */
  tokenId: string
  clientId: string
  name: string
  profile: string
  accountId: string
  store: KeepingStoreKind
  /** ISO 8601. */
  storedAt: string
  /** ISO 8601; undefined for `forever`. */
  expiresAt: string | undefined
  /** Until when the secret before a rotation works too. ISO 8601. */
  previousUntil?: string | undefined
}

/** Which token opens a host, for one profile. The host may be a pattern as Access writes it (`*.example.com`). */
export interface HostBinding {
  profile: string
  host: string
  tokenId: string
  /** ISO 8601. */
  boundAt: string
}

/** Our own index of what is stored where and which hosts may receive it. Files, one per entry, no secrets. */
export interface SecretIndex {
  put(entry: IndexEntry): Promise<void>
  remove(profile: string, tokenId: string): Promise<boolean>
  list(profile?: string): Promise<IndexEntry[]>
  bind(binding: HostBinding): Promise<{previous: HostBinding | undefined}>
  unbind(profile: string, host: string): Promise<boolean>
  bindings(profile?: string): Promise<HostBinding[]>
  /** The most specific binding for this host in this profile. */
  bindingFor(profile: string, host: string): Promise<HostBinding | undefined>
}
