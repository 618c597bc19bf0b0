import fs from 'node:fs/promises'
import {beforeEach, expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'
import {FakeHelper} from '../../support/fake-helper.js'

const scene = commandTests('store list')

beforeEach(async () => {
  await FakeHelper.make(scene.zt.file('bin'))
})

it('lists the stores, and what is in them', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  const {inUse, stores} = await zt.json('store list')
  expect(inUse).toBe('vault')
  const storeOf = (name: string): unknown => (stores as {store: string}[]).find(({store}) => store === name)
  expect(storeOf('vault')).toMatchObject({
    state: 'ready',
    inUse: true,
    tokens: 1,
    readable: true,
  })
  expect(storeOf('helper:fake')).toMatchObject({state: 'ready', inUse: false, tokens: 0, writable: true})
  const {stdout} = await zt.run('store list')
  expect(stdout).toMatch(/^vault +ready +yes +1/m)
})

it('says where secrets would go as long as no store is chosen', async () => {
  const {zt} = scene
  await zt.writeConfig({profiles: {}})
  const {stderr} = await zt.run('store list')
  expect(stderr).toContain('zt store use')
  expect(await zt.json('store list')).toMatchObject({inUse: null})
})

it('lists a store of the profile that is not there any more', async () => {
  const {zt} = scene
  await zt.writeConfig({profiles: {default: {store: 'helper:gone'}}})
  const {stores} = await zt.json('store list')
  expect(stores).toContainEqual(expect.objectContaining({store: 'helper:gone', state: 'absent', inUse: true}))
})

it('proposes a store that is usable, and not this list', async () => {
  const {zt} = scene
  await zt.writeConfig({profiles: {default: {store: 'helper:gone'}}})
  const {stderr} = await zt.run('store list')
  expect(stderr).toMatch(
    /^next: +Install docker-credential-gone, or use another store: zt store use helper:fake$/m,
  )
  await fs.rm(zt.file('bin'), {recursive: true})
  const alone = await zt.run('store list')
  expect(alone.stderr).toMatch(
    /^next: +Install docker-credential-gone, or use another store: zt store use vault$/m,
  )
  expect(stderr + alone.stderr).not.toContain('zt store list')
})

it('fails where the profile is not there, or names no store', async () => {
  const {zt} = scene
  await zt.fails('store list --profile none', 'not-found', 'PROFILE_NOT_FOUND')
  await zt.fails('store list', 'usage', 'UNKNOWN_STORE', {env: {ZT_STORE: 'drawer'}})
})
