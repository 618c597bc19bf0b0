import {expect, it} from 'vitest'
import {VERSION} from '../../src/lib/core/version.js'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('version')

it('shows the version, and what it was built from', async () => {
  const {zt} = scene
  expect(await zt.json('version')).toMatchObject({
    ...{name: 'zt-access', version: VERSION, node: process.versions.node, platform: process.platform},
    executable: {kind: 'package'},
  })
  const {stdout} = await zt.run('version')
  expect(stdout.split('\n')[0]).toBe(`zt ${VERSION}`)
  expect(stdout).toContain(process.versions.node)
})

it('works with a profile that is not there', async () => {
  expect((await scene.zt.run('version --profile none')).exitCode).toBe(0)
})

it('fails where it is asked for something else', async () => {
  await scene.zt.fails('version 2', 'usage', 'BAD_COMMAND_LINE')
  await scene.zt.fails('version --long', 'usage', 'BAD_COMMAND_LINE')
})
