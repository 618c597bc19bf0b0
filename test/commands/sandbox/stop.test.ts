import {expect, it} from 'vitest'
import {FakeSandbox} from '../../support/fake-sandbox.js'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('sandbox stop')

it('stops the local Access', async () => {
  const {zt} = scene
  const sandbox = await FakeSandbox.start(zt)
  expect(await zt.json('sandbox stop')).toMatchObject({stopped: true})
  expect(await sandbox.ended).toBe('SIGTERM')
  expect(await zt.json('sandbox status')).toMatchObject({running: false})
})

it('says so where none runs', async () => {
  const {zt} = scene
  expect(await zt.json('sandbox stop')).toMatchObject({stopped: false})
  expect((await zt.run('sandbox stop')).stdout).not.toBe('')
})

it('fails where its file is damaged, or it is asked for something else', async () => {
  const {zt} = scene
  await FakeSandbox.writeRunFile(zt, 'no JSON')
  await zt.fails('sandbox stop', 'config', 'BROKEN_FILE')
  await zt.fails('sandbox stop now', 'usage', 'BAD_COMMAND_LINE')
})
