import path from 'node:path'
import type {Secret} from '../core/secret.js'
import type {HelperOptions} from './helper/helper-store.js'
import type {KeychainOptions} from './keychain/keychain.js'
import type {BusEnvironment} from './keychain/probe.js'
import type {ServiceCredentials} from './types.js'
import type {VaultOptions} from './vault/vault.js'

/** What the stores need to know, for whichever of them is opened. */
export interface StoreOptions {
  configDir: string
  dataDir: string
  environmentCredentials?: ServiceCredentials | undefined
  /** The vault's identity, when it is not `identity.txt` in the configuration directory. */
  identityFile?: string | undefined
  passphraseFile?: string | undefined
  /** Only where a person can be asked. */
  askPassphrase?: ((label: string) => Promise<Secret>) | undefined
  /** Encrypt the vault to these. */
  vaultRecipients?: readonly string[] | undefined
  /** `NAME` of the docker-credential-helper that comes after the keychain. */
  credentialHelper?: string | undefined
  /** True where a person is at the terminal and can answer what a store asks by itself. */
  interactive?: boolean | undefined
  /** True where a store may ask nobody, not even by a dialogue of its own: {@link readsQuietly} says which can do that. */
  quiet?: boolean | undefined
  environment: BusEnvironment
  /** Where programs are looked for; default: this process's PATH. */
  searchPath?: string | undefined
}

export function keychainOptions({environment}: StoreOptions): KeychainOptions {
  return {environment}
}

export function vaultOptions(options: StoreOptions): VaultOptions {
  return {
    directory: path.join(options.dataDir, 'vault'),
    identity: {
      file: vaultIdentityFile(options),
      passphraseFile: options.passphraseFile,
      askPassphrase: options.askPassphrase,
    },
    recipients: options.vaultRecipients,
  }
}

export function helperOptions(kind: `helper:${string}`, options: StoreOptions): HelperOptions {
  return {
    name: kind.slice('helper:'.length),
    environment: options.environment,
    interactive: options.interactive,
    quiet: options.quiet,
    searchPath: options.searchPath,
  }
}

/** Where the vault's identity is, or would be made. */
export function vaultIdentityFile({
  identityFile,
  configDir,
}: Pick<StoreOptions, 'identityFile' | 'configDir'>): string {
  return identityFile ?? path.join(configDir, 'identity.txt')
}
