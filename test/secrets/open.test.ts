import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {chooseStore, knownStores} from '../../src/lib/secrets/open.js'
import type {StoreOptions} from '../../src/lib/secrets/store-options.js'
import {FakeHelper, type Fault} from '../support/fake-helper.js'

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

const options = (more: Partial<StoreOptions> = {}): StoreOptions => ({
  configDir: path.join(home, 'config'),
  dataDir: path.join(home, 'data'),
  environment: {dbusAddress: `unix:path=${path.join(home, 'bus')}`},
  searchPath: path.join(home, 'bin'),
  ...more,
})

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
    await expect(chooseStore(options({credentialHelper: 'fake'}))).rejects.toMatchObject({
      code: 'STORE_NOT_READY',
      details: {store: 'keychain', state: 'broken'},
    })
  })

  it('is one of those that are known here', async () => {
    await helper()
    expect(await knownStores(path.join(home, 'bin'))).toEqual(['keychain', 'helper:fake', 'vault'])
    expect(await knownStores('')).toEqual(['keychain', 'vault'])
  })
})
