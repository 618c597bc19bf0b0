import path from 'node:path'
import {UserError} from '../core/errors.js'
import type {Secret} from '../core/secret.js'
import {EnvironmentStore} from './env/env-store.js'
import {IndexFiles} from './index-files.js'
import {Keychain} from './keychain/keychain.js'
import type {BusEnvironment} from './keychain/probe.js'
import type {SecretIndex, SecretStore, ServiceCredentials, StoreKind, StoreStatus} from './types.js'
import {Vault} from './vault/vault.js'

export interface StoreOptions {
  configDir: string
  dataDir: string
  environmentCredentials?: ServiceCredentials | undefined
  /** The vault's identity, when it is not `identity.txt` in the configuration directory. */
  identityFile?: string | undefined
  passphraseFile?: string | undefined
  askPassphrase?: ((label: string) => Promise<Secret>) | undefined
  environment: BusEnvironment
}

/** A store, not yet opened: nothing is touched before its first use. */
export function openStore(kind: StoreKind, options: StoreOptions): SecretStore {
  switch (kind) {
    case 'keychain':
      return new Keychain({environment: options.environment})
    case 'vault':
      return new Vault({
        directory: path.join(options.dataDir, 'vault'),
        identity: {
          file: options.identityFile ?? path.join(options.configDir, 'identity.txt'),
          passphraseFile: options.passphraseFile,
          askPassphrase: options.askPassphrase,
        },
      })
    case 'env':
      return new EnvironmentStore(options.environmentCredentials)
    default:
      throw new UserError({
        kind: 'needs-action',
        code: 'STORE_NOT_READY',
        message: `No usable secret store: ${kind} is absent`,
      })
  }
}

/** A store that was chosen, and which were looked at before it. The caller shows it. */
export interface StoreChoice {
  store: SecretStore
  passedOver: {kind: StoreKind; status: StoreStatus}[]
}

/**
 * Chooses a store for a profile that has none: the keychain, and where the machine has none the vault. A keychain
 * that is there but locked or broken is not passed over, because that would be a downgrade which nobody asked for.
 *
 * @throws UserError `needs-action` / `STORE_NOT_READY`
 */
export async function chooseStore(options: StoreOptions): Promise<StoreChoice> {
  const keychain = openStore('keychain', options)
  const status = await keychain.status()
  if (status.state === 'ready') return {store: keychain, passedOver: []}
  if (status.state !== 'absent') throw notReady(keychain, status)
  return {store: openStore('vault', options), passedOver: [{kind: 'keychain', status}]}
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
