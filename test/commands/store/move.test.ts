import fs from 'node:fs/promises'
import path from 'node:path'
import {beforeEach, expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'
import {FakeHelper} from '../../support/fake-helper.js'

const scene = commandTests('store move')
let helper: FakeHelper

beforeEach(async () => {
  const {zt} = scene
  helper = await FakeHelper.make(zt.file('bin'))
  await zt.json('token create one')
  await zt.json('token create two')
})

it('moves secrets into another store', async () => {
  const {zt} = scene
  const result = await zt.json('store move helper:fake --token one --from vault')
  expect(result).toMatchObject({
    ...{to: 'helper:fake', dryRun: false},
    tokens: [{token: {name: 'one'}, from: 'vault', state: 'moved', copyLeft: false, error: null}],
  })
  expect(await zt.json('token show one')).toMatchObject({token: {store: 'helper:fake'}})
  expect(await zt.json('token show two')).toMatchObject({token: {store: 'vault'}})
  const {stdout, stderr} = await zt.run('store move helper:fake')
  expect(stdout).toContain('two')
  expect(stderr).toContain('zt store use helper:fake')
})

it('changes nothing in a dry run', async () => {
  const {zt} = scene
  expect(await zt.unchanged(() => zt.json('store move helper:fake --dry-run'))).toMatchObject({
    tokens: [{state: 'would-move'}, {state: 'would-move'}],
  })
  expect((await helper.calls()).filter(({argv}) => argv.includes('store'))).toEqual([])
})

it('says of each secret which could not be moved', async () => {
  const {zt} = scene
  await fs.rm(path.join(zt.home, 'DATA', 'zt', 'vault'), {recursive: true})
  const {tokens} = await zt.json('store move helper:fake', {ends: 'not-found'})
  expect(tokens).toMatchObject([{state: 'failed', error: {kind: 'not-found'}}, {state: 'failed'}])
  const {stdout, stderr} = await zt.run('store move helper:fake')
  expect(stdout).toMatch(/^✗ one /m)
  expect(stderr).toContain('error:')
})

it('fails where it is not clear what to move, or where', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('store move drawer', 'usage', 'UNKNOWN_STORE')
    await zt.fails('store move', 'usage', 'BAD_COMMAND_LINE', {answers: []})
    await zt.fails('store move vault --from env', 'usage', 'STORE_READ_ONLY')
    await zt.fails('store move helper:fake --token nothing', 'not-found', 'STORED_TOKEN_NOT_FOUND')
    await zt.fails('store move helper:none', 'needs-action', 'STORE_NOT_READY')
  })
})
