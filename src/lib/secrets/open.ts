import {UserError} from '../core/errors.js'
import {EnvironmentStore} from './env/env-store.js'
import {helperNames} from './helper/find-helpers.js'
import {HelperStore} from './helper/helper-store.js'
import {IndexFiles} from './index-files.js'
import {Keychain} from './keychain/keychain.js'
import {helperOptions, keychainOptions, vaultOptions, type StoreOptions} from './store-options.js'
import type {KeepingStoreKind, SecretIndex, SecretStore, StoreKind, StoreStatus} from './types.js'
import {Vault} from './vault/vault.js'

/** A store, not yet opened: nothing is touched before its first use. */
export function openStore(kind: StoreKind, options: StoreOptions): SecretStore {
  switch (kind) {
    case 'keychain':
      return new Keychain(keychainOptions(options))
    case 'vault':
      return new Vault(vaultOptions(options))
    case 'env':
      return new EnvironmentStore(options.environmentCredentials)
    default:
      return new HelperStore(helperOptions(kind, options))
  }
}

/** Every store that this machine may have: the keychain, each helper on PATH, the vault. */
export async function knownStores(searchPath = process.env['PATH']): Promise<KeepingStoreKind[]> {
  const helpers = (await helperNames(searchPath)).map((name) => `helper:${name}` as const)
  return ['keychain', ...helpers, 'vault']
}

/** A store that was chosen, and which were looked at before it. The caller shows it. */
export interface StoreChoice {
  store: SecretStore
  passedOver: {kind: StoreKind; status: StoreStatus}[]
}

/**
 * Chooses a store for a profile that has none: the keychain; where the machine has none, the helper that was
 * configured; where none was, the vault. A store that is there but locked or broken is not passed over, nor is a
 * helper that was asked for and is not there: that would be a downgrade which nobody asked for.
 *
 * @throws UserError `needs-action` / `STORE_NOT_READY`
 */
export async function chooseStore(options: StoreOptions): Promise<StoreChoice> {
  const keychain = openStore('keychain', options)
  const status = await keychain.status()
  if (status.state === 'ready') return {store: keychain, passedOver: []}
  if (status.state !== 'absent') throw notReady(keychain, status)
  const passedOver: StoreChoice['passedOver'] = [{kind: 'keychain', status}]
  if (options.credentialHelper === undefined) return {store: openStore('vault', options), passedOver}
  const helper = openStore(`helper:${options.credentialHelper}`, options)
  const helperStatus = await helper.status()
  if (helperStatus.state === 'ready') return {store: helper, passedOver}
  throw notReady(helper, {
    ...helperStatus,
    next: [...helperStatus.next, 'Or unset ZT_CREDENTIAL_HELPER, or use --store vault'],
  })
}

/**
 * Whether a store can be read without asking anybody, or fails at once where that cannot be. macOS unlocks its keychain by
 * a dialogue of its own, and what an unknown helper does nobody can say.
 */
export function readsQuietly(kind: StoreKind, platform: NodeJS.Platform = process.platform): boolean {
  if (kind === 'keychain') return platform === 'linux' || platform === 'win32'
  return ['vault', 'env', 'helper:pass', 'helper:secretservice', 'helper:wincred'].includes(kind)
}

/**
 * Makes sure that a store can be used now.
 *
 * @returns what to mind about it, if anything
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
      why: 'The secret must be kept somewhere before a token is made.',
      next: ['Use --store keychain or --store vault'],
    })
  }
  const status = await store.status()
  if (status.state !== 'ready') throw notReady(store, status)
  return status.warning
}

export function openIndex(dataDir: string): SecretIndex {
  return new IndexFiles(dataDir)
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
