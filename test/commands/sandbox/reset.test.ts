import fs from 'node:fs/promises'
import path from 'node:path'
import {expect, it} from 'vitest'
import {FakeSandbox} from '../../support/fake-sandbox.js'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('sandbox reset')

it("removes the sandbox's state and its secrets, and no others", async () => {
  const {zt} = scene
  const {profiles} = await zt.readConfig()
  await zt.writeConfig({
    currentProfile: 'default',
    profiles: {...profiles, sandbox: {...profiles['default'], sandbox: true}},
  })
  await zt.json('token create kept')
  await zt.json('token create lost --profile sandbox')
  const state = path.join(zt.home, 'STATE', 'zt', 'sandbox', 'state.json')
  await fs.mkdir(path.dirname(state), {recursive: true})
  await fs.writeFile(state, '{}')
  expect(await zt.json('sandbox reset --yes')).toMatchObject({stopped: false, forgotten: 1})
  await expect(fs.stat(state)).rejects.toThrow('ENOENT')
  expect(await zt.json('token show kept')).toMatchObject({token: {store: 'vault'}})
  expect(await zt.json('token show lost --profile sandbox')).toMatchObject({token: {store: null}})
})

it('stops one that runs', async () => {
  const {zt} = scene
  const sandbox = await FakeSandbox.start(zt)
  const {stderr} = await zt.run('sandbox reset -y')
  expect(stderr).toContain('zt sandbox start')
  expect(await sandbox.ended).toBe('SIGTERM')
})

it('asks first', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('sandbox reset', 'cancelled', 'CANCELLED', {answers: [false]})
    const {next} = await zt.failsWithoutAsking('sandbox reset')
    expect(next).toContain('zt sandbox reset --yes')
  })
  expect((await zt.run('sandbox reset', {answers: [true]})).asked).toHaveLength(1)
})
