import {expect, it} from 'vitest'
import {ENVIRONMENT_VARIABLES} from '../../src/lib/core/environment-variables.js'
import {EXIT_CODES} from '../../src/lib/core/exit-codes.js'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('help')

it('lists the exit codes and the environment variables', async () => {
  const {zt} = scene
  expect(await zt.json('help exit-codes')).toMatchObject({exitCodes: EXIT_CODES})
  expect(await zt.json('help environment')).toMatchObject({variables: ENVIRONMENT_VARIABLES})
  const codes = await zt.run('help exit-codes')
  for (const {code, name} of EXIT_CODES) expect(codes.stdout).toMatch(new RegExp(`^${code} +${name} `, 'm'))
  const variables = await zt.run('help environment')
  for (const {name} of ENVIRONMENT_VARIABLES) expect(variables.stdout).toContain(name)
})

it('shows the help of a command, its examples before its flags', async () => {
  const {stdout} = await scene.zt.run('help token create')
  expect(stdout).toContain('zt token create [NAME]')
  expect(stdout.indexOf('EXAMPLES')).toBeLessThan(stdout.indexOf('\nFLAGS'))
  expect(stdout).toContain('--reveal')
  expect(await scene.zt.json('help token create')).toMatchObject({topic: 'token create'})
})

it('lists commands and help topics', async () => {
  const {zt} = scene
  const {stdout} = await zt.run('help')
  for (const word of ['token', 'app', 'whoami', 'zt help exit-codes']) expect(stdout).toContain(word)
  expect((await zt.run('help token')).stdout).toContain('token rotate')
})

it('fails for anything that is neither a command nor a topic', async () => {
  await scene.zt.fails('help --long', 'usage', 'BAD_COMMAND_LINE')
  await scene.zt.fails('help exit-codes --profile /', 'usage', 'BAD_PROFILE_NAME')
})
