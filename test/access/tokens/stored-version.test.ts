import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import {importToken} from '../../../src/lib/access/tokens/import.js'
import {showServiceToken} from '../../../src/lib/access/tokens/list.js'
import {finishRotation, rotateServiceToken, undoRotation} from '../../../src/lib/access/tokens/rotate.js'
import {secretInWords} from '../../../src/lib/command/present/token.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {World} from '../../support/access-world.js'

let world: World
beforeEach(async () => {
  world = await World.open()
  await createServiceToken(world.ctx, {name: 'ci'})
})
afterEach(() => world.end())

/** What the index knows of the secret, and what a person is shown. */
async function known(): Promise<[version: number | undefined, imported: boolean | undefined, words: string]> {
  const [entry] = await world.ctx.index.list('default')
  const token = await showServiceToken(world.ctx, 'ci')
  expect(token.storedVersion).toBe(entry?.secretVersion)
  return [entry?.secretVersion, entry?.imported, secretInWords(token)]
}

const rotate = (): Promise<unknown> => rotateServiceToken(world.ctx, {token: 'ci', grace: '1h'})

describe('which secret of a token is on this machine', () => {
  it('is known after it was created', async () => {
    expect(await known()).toEqual([1, undefined, 'in the vault (version 1, the current one)'])
  })

  it('is known after a rotation, and after its end', async () => {
    await rotate()
    expect(await known()).toEqual([2, undefined, 'in the vault (version 2, the current one)'])
    await finishRotation(world.ctx, {token: 'ci'})
    expect(await known()).toEqual([2, undefined, 'in the vault (version 2, the current one)'])
  })

  it('is another one than the current after a rotation elsewhere', async () => {
    await rotateElsewhere()
    expect(await known()).toEqual([1, undefined, 'in the vault (version 1; now it is version 2)'])
  })

  it('is not compared after a rotation was undone: the previous one works', async () => {
    await rotate()
    await undoRotation(world.ctx, {token: 'ci'})
    expect(await known()).toEqual([undefined, undefined, 'in the vault'])
  })

  it('is the current one of the import, as far as the person knows', async () => {
    await rotate()
    const clientId = String(world.state.data.serviceTokens[0]?.object['client_id'])
    const credentials = {clientId, clientSecret: new Secret('a'.repeat(64))}
    await importToken(world.ctx, {credentials, replace: true})
    expect(await known()).toEqual([
      2,
      true,
      'in the vault (imported when version 2 was current, as it is now)',
    ])
    // The same secret again: what was known of it stays.
    await rotateElsewhere()
    await importToken(world.ctx, {credentials})
    expect(await known()).toEqual([
      2,
      true,
      'in the vault (imported when version 2 was current; now it is version 3)',
    ])
  })
})

async function rotateElsewhere(): Promise<void> {
  const api = await world.ctx.api()
  const [token] = await api.listServiceTokens()
  await api.rotateServiceToken(token?.id ?? '', new Date().toISOString())
}
