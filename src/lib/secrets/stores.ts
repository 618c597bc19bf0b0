import path from 'node:path'
import {BugError, UserError} from '../core/errors.js'
import type {Secret} from '../core/secret.js'
import {HELPER_NAME, helperNames} from './helper/find-helpers.js'
import type {BusEnvironment} from './keychain/probe.js'
import type {EnvironmentPair} from './env/environment-pair.js'
import type {SecretStore, StoreStatus} from './types.js'

/** What the stores need to know, for whichever of them is opened. */
export interface StoreOptions {
  configDir: string
  dataDir: string
  cacheDir: string
  environmentCredentials?: EnvironmentPair | undefined
  /** The vault's identity, when it is not `identity.txt` in the configuration directory. */
  identityFile?: string | undefined
  passphraseFile?: string | undefined
  /** Only where a person can be asked. */
  askPassphrase?: ((label: string) => Promise<Secret>) | undefined
  /** Encrypt the vault to these. */
  vaultRecipients?: readonly string[] | undefined
  /** `NAME` of the docker-credential-helper that comes after the keychain. */
  credentialHelper?: string | undefined
  /** True if a person at the terminal can answer a store's own prompts. */
  interactive?: boolean | undefined
  /** True where a store must not ask anyone, not even with its own dialog: {@link readsQuietly} says which can do that. */
  quiet?: boolean | undefined
  environment: BusEnvironment
  /** Where programs are looked for; default: this process's PATH. */
  searchPath?: string | undefined
}

/** What zt must know of a store without loading its code. */
interface StoreRow {
  /** The store as a person names it; `helper:NAME` for a row of many stores. */
  title: string
  /** What the part after the colon looks like, for a row of many stores. */
  argument?: RegExp
  /** Whether it can keep secrets, or only be read. */
  keeps: boolean
  /** Whether querying it blocks the processor for so long that others queried at the same time miss their deadlines. */
  slow?: boolean
  /** Whether it can be read without a prompt, or fails at once if it cannot. */
  readsQuietly(argument: string, platform: NodeJS.Platform): boolean
  /** Which one a profile without a store would take. Undefined: none. */
  choose?(options: StoreOptions): string | undefined
  /** Whether the next row is tried when the chosen one is absent. A requested store is not passed over. */
  passOver?: boolean
  /** What else to do when the chosen one cannot be used. */
  instead?: string
}

/** Every kind of store, in the order in which a profile without one tries them. */
const STORES = {
  keychain: {
    title: 'keychain',
    keeps: true,
    // macOS unlocks its keychain with its own dialog.
    readsQuietly: (_, platform) => platform === 'linux' || platform === 'win32',
    choose: () => '',
    passOver: true,
  },
  helper: {
    title: 'helper:NAME (the program docker-credential-NAME)',
    argument: HELPER_NAME,
    keeps: true,
    // What an unknown helper does cannot be known.
    readsQuietly: (name) => ['pass', 'secretservice', 'wincred'].includes(name),
    choose: ({credentialHelper}) => credentialHelper,
    instead: 'Or unset ZT_CREDENTIAL_HELPER, or use --store vault',
  },
  vault: {
    title: 'vault',
    keeps: true,
    // Opening an identity that a passphrase protects takes a second of computing.
    slow: true,
    readsQuietly: () => true,
    choose: () => '',
  },
  env: {
    title: 'env (read-only)',
    keeps: false,
    readsQuietly: () => true,
  },
} as const satisfies Record<string, StoreRow>

type StoreName = keyof typeof STORES
type KindOf<Name extends StoreName> = {
  [N in Name]: (typeof STORES)[N] extends {argument: RegExp} ? `${N}:${string}` : N
}[Name]
type KeepingName = {[N in StoreName]: (typeof STORES)[N]['keeps'] extends true ? N : never}[StoreName]

/** A store as settings and the index name it: `keychain`, `vault`, `helper:NAME`, `env`. */
export type StoreKind = KindOf<StoreName>
/** A store that can keep a secret. */
export type KeepingStoreKind = KindOf<KeepingName>

/** The stores that can keep a secret, as help names them: `keychain, helper:NAME or vault`. */
export const KEEPING_STORES = Object.entries<StoreRow>(STORES)
  .filter(([, {keeps}]) => keeps)
  .map(([name, {argument}]) => (argument ? `${name}:NAME` : name))
  .join(', ')
  .replace(/, (\S+)$/, ' or $1')

/** How each store is opened: with the code of that store alone, as `zt ssh proxy` waits for every kilobyte. */
const OPENERS: Record<StoreName, (options: StoreOptions, argument: string) => Promise<SecretStore>> = {
  async keychain({environment, cacheDir}) {
    const {Keychain} = await import('./keychain/keychain.js')
    return new Keychain({environment, addonDirectory: path.join(cacheDir, 'addon')})
  },
  async helper({environment, interactive, quiet, searchPath}, name) {
    const {HelperStore} = await import('./helper/helper-store.js')
    return new HelperStore({name, environment, interactive, quiet, searchPath})
  },
  async vault(options) {
    const {Vault, vaultIdentityFile} = await import('./vault/vault.js')
    const {dataDir, passphraseFile, askPassphrase, vaultRecipients: recipients} = options
    const identity = {file: vaultIdentityFile(options), passphraseFile, askPassphrase}
    return new Vault({directory: path.join(dataDir, 'vault'), identity, recipients})
  },
  async env({environmentCredentials}) {
    const {EnvironmentStore} = await import('./env/env-store.js')
    return new EnvironmentStore(environmentCredentials)
  },
}

/** Undefined for what names no store. */
function rowOf(kind: unknown): {row: StoreRow; name: StoreName; argument: string} | undefined {
  if (typeof kind !== 'string') return undefined
  const [name = '', ...rest] = kind.split(':')
  if (!Object.hasOwn(STORES, name)) return undefined
  const row: StoreRow = STORES[name as StoreName]
  const argument = rest.join(':')
  const fits = row.argument ? row.argument.test(argument) : kind === name
  return fits ? {row, name: name as StoreName, argument} : undefined
}

function kindOf(name: string, argument: string): KeepingStoreKind {
  return (argument === '' ? name : `${name}:${argument}`) as KeepingStoreKind
}

/** Whether this names a store, one that can only be read included. */
export function isStoreKind(text: unknown): text is StoreKind {
  return rowOf(text) !== undefined
}

/** Whether this names a store that can keep a secret. */
export function isKeepingStoreKind(text: unknown): text is KeepingStoreKind {
  return rowOf(text)?.row.keeps === true
}

/** The error about a name that is not a store's. */
export function unknownStore(text: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'UNKNOWN_STORE',
    message: `There is no secret store "${text}"`,
    why: `The stores are: ${Object.values(STORES)
      .map(({title}) => title)
      .join(', ')}.`,
    next: ['zt store list'],
  })
}

/**
 * A store. It touches nothing before its first use.
 *
 * @throws UserError `usage` / `UNKNOWN_STORE`
 */
export async function openStore(kind: string, options: StoreOptions): Promise<SecretStore> {
  const found = rowOf(kind)
  if (!found) throw unknownStore(kind)
  return OPENERS[found.name](options, found.argument)
}

/** How to find the stores of a row of many. */
const FINDERS: Partial<Record<string, (searchPath: string | undefined) => Promise<string[]>>> = {
  helper: helperNames,
}

/** Every store that can keep secrets and that this machine may have: the keychain, each helper on PATH, the vault. */
export async function knownStores(searchPath = process.env['PATH']): Promise<KeepingStoreKind[]> {
  const kinds: KeepingStoreKind[] = []
  for (const [name, {keeps}] of Object.entries<StoreRow>(STORES)) {
    if (!keeps) continue
    for (const argument of (await FINDERS[name]?.(searchPath)) ?? ['']) kinds.push(kindOf(name, argument))
  }
  return kinds
}

/** Whether a store can be read without a prompt, or fails at once if it cannot. */
export function readsQuietly(kind: StoreKind, platform: NodeJS.Platform = process.platform): boolean {
  const found = rowOf(kind)
  return found?.row.readsQuietly(found.argument, platform) ?? false
}

/** Whether asking a store delays the others that are asked at the same time. */
export function isSlow(kind: string): boolean {
  return rowOf(kind)?.row.slow ?? false
}

/** The place of a store in lists: the order in which stores are chosen. */
export function rankOf(kind: string): number {
  return Object.keys(STORES).indexOf(rowOf(kind)?.name ?? '')
}

/** A store that was chosen, and which were absent before it. The caller shows it. */
export interface StoreChoice {
  store: SecretStore
  passedOver: {kind: string; status: StoreStatus}[]
}

/**
 * Chooses a store for a profile without one: the keychain; if there is none, the configured helper; if none is
 * configured, the vault. A store that exists but is locked or broken is not passed over, nor is a configured helper
 * that is missing: that would be an unrequested downgrade.
 *
 * @throws UserError `needs-action` / `STORE_NOT_READY`
 */
export async function chooseStore(options: StoreOptions): Promise<StoreChoice> {
  const candidates = Object.entries<StoreRow>(STORES).flatMap(([name, row]) => {
    const argument = row.choose?.(options)
    return argument === undefined ? [] : [{kind: kindOf(name, argument), row}]
  })
  const passedOver: StoreChoice['passedOver'] = []
  for (const [at, {kind, row}] of candidates.entries()) {
    const store = await openStore(kind, options)
    // The last one is returned without a check; the caller makes sure that it is ready.
    if (at === candidates.length - 1) return {store, passedOver}
    const status = await store.status()
    if (status.state === 'ready') return {store, passedOver}
    if (status.state !== 'absent' || !row.passOver)
      throw notReady(store, {
        ...status,
        next: [...status.next, ...(row.instead === undefined ? [] : [row.instead])],
      })
    passedOver.push({kind, status})
  }
  throw new BugError('there is no store to choose')
}

/**
 * Makes sure that a store can be used now.
 *
 * @returns a warning about it, if there is one
 * @throws UserError `needs-action` / `STORE_NOT_READY`, `STORE_READ_ONLY`
 */
export async function requireReady(
  store: SecretStore,
  {write}: {write: boolean},
): Promise<string | undefined> {
  if (write && !store.writable) {
    throw new UserError({
      kind: 'needs-action',
      code: 'STORE_READ_ONLY',
      message: `${store.label} can only be read`,
      why: 'The secret must be saved before a token is created.',
      next: ['Use --store keychain or --store vault'],
    })
  }
  const status = await store.status()
  if (status.state !== 'ready') throw notReady(store, status)
  return status.warning
}

function notReady(store: SecretStore, status: StoreStatus): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'STORE_NOT_READY',
    message: `No usable secret store: ${store.label} is ${status.state}`,
    why: `${status.why ?? ''} Nothing was changed.`.trim(),
    next: status.next,
    details: {store: store.kind, state: status.state},
  })
}
