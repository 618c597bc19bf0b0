import {expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('completion')

it('prints the script of a shell', async () => {
  const {zt} = scene
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const {script} = await zt.json(`completion ${shell}`)
    expect((await zt.run(`completion ${shell}`)).stdout).toBe(script)
    expect(script).toContain(`zt __complete ${shell}`)
  }
})

it('says how to install it, for the shell in use or for all of them', async () => {
  const {zt} = scene
  expect(await zt.json('completion', {env: {SHELL: '/bin/zsh'}})).toMatchObject({shell: 'zsh'})
  expect(await zt.json('completion', {env: {SHELL: '/bin/other'}})).toMatchObject({shell: null})
  const {stdout} = await zt.run('completion')
  for (const shell of ['bash', 'zsh', 'fish', 'powershell'])
    expect(stdout).toContain(`zt completion ${shell}`)
})

it('fails for another shell', async () => {
  await scene.zt.fails('completion tcsh', 'usage', 'BAD_COMMAND_LINE')
  await scene.zt.fails('completion bash zsh', 'usage', 'BAD_COMMAND_LINE')
})
