import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {
  chooseStore,
  isKeepingStoreKind,
  isStoreKind,
  KEEPING_STORES,
  knownStores,
  openStore,
  rankOf,
  readsQuietly,
  type StoreOptions,
} from '../../src/lib/secrets/stores.js'
import {FakeHelper, type Fault} from '../support/fake-helper.js'
import {asUsual} from '../support/patient.js'
import {contractsOf, optionsAt, OWN_STORES} from './own-stores.js'

let home: string
let server: net.Server | undefined

beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-open-'))
})
afterEach(async () => {
  server?.close()
  server = undefined
  await fs.rm(home, {recursive: true, force: true})
})

contractsOf(OWN_STORES)

describe('the table of stores', () => {
  it('has a contract for every store that can keep a secret', async () => {
    const kinds = await knownStores('')
    const tried = [...OWN_STORES.map(({kind}) => kind), 'keychain']
    expect(kinds.filter((kind) => !tried.includes(kind))).toEqual([])
  })

  it.each(['', 'keychains', 'Vault', 'helper', 'helper:', 'helper:A', 'helper:a/b', 'vault:x', 'toString'])(
    'knows no store "%s", and opens none',
    async (kind) => {
      expect([isStoreKind(kind), isKeepingStoreKind(kind)]).toEqual([false, false])
      await expect(openStore(kind, optionsAt(home))).rejects.toMatchObject({code: 'UNKNOWN_STORE'})
    },
  )

  it('opens each store under its own name, and knows which of them keep a secret', async () => {
    const kinds = ['keychain', 'helper:pass', 'vault', 'env'] as const
    for (const kind of kinds) expect((await openStore(kind, optionsAt(home))).kind).toBe(kind)
    expect(kinds.map((kind) => isKeepingStoreKind(kind))).toEqual([true, true, true, false])
    const ranks = kinds.map(rankOf)
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b))
    expect(new Set(ranks).size).toBe(kinds.length)
    expect(rankOf('nothing')).toBe(-1)
  })

  it('names in help those that can keep a secret', () => {
    expect(KEEPING_STORES).toBe('keychain, helper:NAME or vault')
  })

  it('knows which stores can be read without asking anyone', () => {
    const kinds = ['vault', 'env', 'helper:pass', 'helper:osxkeychain', 'keychain'] as const
    const quiet = (platform: NodeJS.Platform): boolean[] => kinds.map((kind) => readsQuietly(kind, platform))
    expect(quiet('linux')).toEqual([true, true, true, false, true])
    expect(quiet('darwin')).toEqual([true, true, true, false, false])
  })
})

const options = (more: Partial<StoreOptions> = {}): StoreOptions => ({...optionsAt(home), ...more})

async function helper(fault: Partial<Record<'list', Fault>> = {}): Promise<void> {
  await (await FakeHelper.make(path.join(home, 'bin'))).fault(fault)
}

describe.runIf(process.platform === 'linux')('the store of a profile that has none', () => {
  it('is the vault where there is no keychain and no helper was named, though one is there', async () => {
    await helper()
    const {store, passedOver} = await chooseStore(options())
    expect(store.kind).toBe('vault')
    expect(passedOver).toMatchObject([{kind: 'keychain', status: {state: 'absent'}}])
  })

  it('is the helper that was named where there is no keychain', async () => {
    await helper()
    const {store, passedOver} = await chooseStore(options({credentialHelper: 'fake'}))
    expect(store.kind).toBe('helper:fake')
    expect(passedOver.map(({kind}) => kind)).toEqual(['keychain'])
  })

  it.each([
    ['is not there', undefined, 'absent'],
    ['fails', {list: 'die'}, 'broken'],
    ['is locked', {list: {says: 'gpg: decryption failed: No secret key'}}, 'locked'],
  ] as const)('is no vault when the helper that was named %s', async (_, fault, state) => {
    if (fault) await helper(fault)
    await expect(chooseStore(options({credentialHelper: 'fake'}))).rejects.toMatchObject({
      kind: 'needs-action',
      code: 'STORE_NOT_READY',
      details: {store: 'helper:fake', state},
    })
  })

  it('is neither helper nor vault when there is a keychain that does not answer', async () => {
    await helper()
    server = net.createServer()
    await new Promise<void>((resolve) => server?.listen(path.join(home, 'bus'), resolve))
    await asUsual(() =>
      expect(chooseStore(options({credentialHelper: 'fake'}))).rejects.toMatchObject({
        code: 'STORE_NOT_READY',
        details: {store: 'keychain', state: 'broken'},
      }),
    )
  })

  it('is one of those that are known here', async () => {
    await helper()
    expect(await knownStores(path.join(home, 'bin'))).toEqual(['keychain', 'helper:fake', 'vault'])
    expect(await knownStores('')).toEqual(['keychain', 'vault'])
  })
})
