import {helperOptions, keychainOptions, vaultOptions, type StoreOptions} from './store-options.js'
import type {KeepingStoreKind, SecretStore} from './types.js'

/**
 * A store as `openStore` gives it, with the code of that store alone: `zt ssh proxy` waits for each kilobyte. Not
 * opened yet: nothing is touched before its first use.
 */
export async function loadStore(kind: KeepingStoreKind, options: StoreOptions): Promise<SecretStore> {
  switch (kind) {
    case 'keychain': {
      const {Keychain} = await import('./keychain/keychain.js')
      return new Keychain(keychainOptions(options))
    }
    case 'vault': {
      const {Vault} = await import('./vault/vault.js')
      return new Vault(vaultOptions(options))
    }
    default: {
      const {HelperStore} = await import('./helper/helper-store.js')
      return new HelperStore(helperOptions(kind, options))
    }
  }
}
