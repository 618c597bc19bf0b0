import {expect, it} from 'vitest'
import {FakeSandbox} from '../../support/fake-sandbox.js'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('sandbox status')

it('shows where the local Access is, and not its API token', async () => {
  const {zt} = scene
  const sandbox = await FakeSandbox.start(zt)
  const result = await zt.json('sandbox status')
  expect(result).toMatchObject({running: true, pid: sandbox.pid, edge: '127.0.0.1:2'})
  expect(JSON.stringify(result)).not.toContain(sandbox.apiToken)
  expect((await zt.run('sandbox status')).stdout).toMatch(/^edge +127\.0\.0\.1:2$/m)
  await sandbox.end()
})

it('says that it does not run, and how it is started', async () => {
  const {zt} = scene
  expect(await zt.json('sandbox status')).toMatchObject({running: false})
  expect((await zt.run('sandbox status')).stderr).toContain('zt sandbox start')
})

it('fails where its file is damaged, or it is asked for something else', async () => {
  const {zt} = scene
  await FakeSandbox.writeRunFile(zt, 'no JSON')
  await zt.fails('sandbox status', 'config', 'BROKEN_FILE')
  await zt.fails('sandbox status now', 'usage', 'BAD_COMMAND_LINE')
})
