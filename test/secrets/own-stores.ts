import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {openStore, type StoreOptions} from '../../src/lib/secrets/stores.js'
import {FakeHelper} from '../support/fake-helper.js'
import {storeContract} from './store-contract.js'

export function optionsAt(at: string): StoreOptions {
  return {
    configDir: path.join(at, 'config'),
    dataDir: path.join(at, 'data'),
    cacheDir: path.join(at, 'cache'),
    environment: {dbusAddress: `unix:path=${path.join(at, 'bus')}`},
    searchPath: path.join(at, 'bin'),
  }
}

interface OwnStore {
  kind: string
  runs: number
  /** @param node for programs that it needs */
  prepare?: (home: string, node: string) => Promise<unknown>
}

/**
 * How a test gets a store of each kind: a new one adds its line. The keychain needs a real one, and its contract runs in
 * test/e2e/keychain.test.ts.
 */
export const OWN_STORES: OwnStore[] = [
  {kind: 'vault', runs: 30},
  {kind: 'helper:fake', runs: 3, prepare: (at, node) => FakeHelper.make(path.join(at, 'bin'), 'fake', node)},
]

/** The contract of each of these stores. */
export function contractsOf(stores: readonly OwnStore[], node = process.execPath): void {
  for (const {kind, runs, prepare} of stores) {
    storeContract(
      kind,
      async () => {
        const at = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-contract-'))
        await prepare?.(at, node)
        const open = (): ReturnType<typeof openStore> => openStore(kind, optionsAt(at))
        return {store: await open(), reopened: await open(), end: () => fs.rm(at, {recursive: true})}
      },
      {runs},
    )
  }
}
