import fs from 'node:fs/promises'
import path from 'node:path'
import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('store check')
const index = (): string => path.join(scene.zt.home, 'DATA', 'zt', 'index')

it('finds nothing where everything fits', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  const {stores, problems} = await zt.json('store check')
  expect(stores).toContainEqual(expect.objectContaining({store: 'vault', state: 'ready', entries: 1}))
  expect(problems).toEqual([])
  expect((await zt.run('store check')).stdout).toMatch(/^vault +ready +1$/m)
})

it('finds a secret that the index does not know, and fixes it with --fix', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await fs.rm(index(), {recursive: true})
  const {problems} = await zt.unchanged(() => zt.json('store check', {ends: 'needs-action'}))
  expect(problems).toMatchObject([{code: 'STRAY_SERVICE_TOKEN', store: 'vault', fixed: false}])
  const fixed = await zt.json('store check --fix')
  expect(fixed['problems']).toMatchObject([{code: 'STRAY_SERVICE_TOKEN', fixed: true}])
  expect(await zt.json('token show deploy')).toMatchObject({token: {store: 'vault'}})
})

it('finds an entry without a secret', async () => {
  const {zt} = scene
  await zt.json('token create deploy')
  await fs.rm(path.join(zt.home, 'DATA', 'zt', 'vault'), {recursive: true})
  const {stdout, exitCode} = await zt.run('store check')
  expect(exitCode).toBe(9)
  expect(stdout).toContain('deploy')
  const {problems} = await zt.json('store check', {ends: 'needs-action'})
  expect(problems).toMatchObject([{code: 'INDEX_WITHOUT_SECRET', store: 'vault'}])
})

it('fails where it is asked for something else', async () => {
  const {zt} = scene
  await zt.fails('store check vault', 'usage', 'BAD_COMMAND_LINE')
  await zt.fails('store check --profile none', 'not-found', 'PROFILE_NOT_FOUND')
})
