import fs from 'node:fs/promises'
import {beforeEach, expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'
import {FakeHelper} from '../../support/fake-helper.js'

const scene = commandTests('store use')
const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'

beforeEach(async () => {
  await FakeHelper.make(scene.zt.file('bin'))
})

it("makes a store the profile's own, and moves the API token", async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await zt.json('login', {input: zt.state.apiToken})
  const result = await zt.json('store use helper:fake --yes')
  expect(result).toMatchObject({
    ...{store: 'helper:fake', previous: 'vault', readable: true, dryRun: false},
    ...{
      apiToken: {state: 'moved', from: 'vault', copyLeft: false},
      left: [{store: 'vault', tokens: ['deploy']}],
    },
  })
  expect((await zt.readConfig()).profiles['default']).toMatchObject({store: 'helper:fake'})
  const back = await zt.run('store use vault')
  expect(back.stdout).toContain('vault')
})

it('protects a new identity by a passphrase', async () => {
  const {zt} = scene
  const {asked} = await zt.run('store use vault --passphrase', {answers: ['correct horse', 'correct horse']})
  expect(asked).toHaveLength(2)
  const file = `${zt.home}/CONFIG/zt/identity.txt`
  const files = await fs.readdir(`${zt.home}/CONFIG/zt`)
  expect(
    files.some((name) => name.startsWith('identity')),
    file,
  ).toBe(true)
  await zt.fails('store use vault --passphrase', 'conflict', 'IDENTITY_EXISTS', {answers: []})
})

it('writes a vault that is read elsewhere', async () => {
  const {zt} = scene
  expect(await zt.json(`store use vault --recipient ${RECIPIENT}`)).toMatchObject({readable: false})
  expect((await zt.readConfig()).profiles['default']).toMatchObject({vaultRecipients: [RECIPIENT]})
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  const before = await zt.readConfig()
  expect(await zt.json('store use helper:fake --dry-run')).toMatchObject({
    dryRun: true,
    store: 'helper:fake',
  })
  expect(await zt.readConfig()).toEqual(before)
})

it('asks which one', async () => {
  const {zt} = scene
  await zt.run('store use', {answers: ['helper:fake']})
  expect((await zt.readConfig()).profiles['default']).toMatchObject({store: 'helper:fake'})
  await zt.failsWithoutAsking('store use')
})

it('warns where the environment chooses the store', async () => {
  const {zt} = scene
  const {warnings} = await zt.json('store use helper:fake', {env: {ZT_STORE: 'vault'}})
  expect(warnings).toEqual([expect.stringContaining('ZT_STORE')])
})

it('fails where it cannot be used', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('store use drawer', 'usage', 'UNKNOWN_STORE')
    await zt.fails('store use env', 'usage', 'STORE_READ_ONLY')
    await zt.fails('store use helper:none', 'needs-action', 'STORE_NOT_READY')
    await zt.fails('store use vault --recipient age1nothing', 'usage', 'BAD_RECIPIENT')
    await zt.fails(`store use keychain --recipient ${RECIPIENT}`, 'usage', 'BAD_COMMAND_LINE')
    await zt.fails('store use vault --passphrase', 'usage', 'INPUT_REQUIRED')
    await zt.fails('store use vault --passphrase', 'usage', 'PASSPHRASES_DIFFER', {answers: ['one', 'two']})
  })
})

it('asks before the API token moves where others may read it', async () => {
  const {zt} = scene
  await zt.json('login', {input: zt.state.apiToken})
  await zt.unchanged(() => zt.fails('store use helper:fake', 'usage', 'INPUT_REQUIRED'))
  const kept = await zt.run('store use helper:fake', {answers: [false]})
  expect(kept.asked).toHaveLength(1)
  expect(kept.stderr).toContain('can then use the API token')
  expect((await zt.readConfig()).profiles['default']).toMatchObject({
    store: 'helper:fake',
    apiTokenStore: 'vault',
  })
  const moved = await zt.run('store use helper:fake', {answers: [true]})
  expect(moved.asked).toHaveLength(1)
  expect((await zt.readConfig()).profiles['default']).not.toHaveProperty('apiTokenStore')
  // It goes back to a store of this user alone without a question.
  expect((await zt.run('store use vault', {answers: []})).asked).toHaveLength(0)
})
