import fs from 'node:fs/promises'
import {expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('exec')
const pair = {CF_ACCESS_CLIENT_ID: 'ci.access', CF_ACCESS_CLIENT_SECRET: 'a-secret-of-ci'}
/** Writes its environment into a file, and ends with 3. */
const command = [
  ...['--', process.execPath, '-e'],
  'require("fs").writeFileSync("env.json", JSON.stringify(process.env)); process.exitCode = 3',
]
const environment = async (): Promise<Record<string, string>> =>
  JSON.parse(await fs.readFile(scene.zt.file('env.json'), 'utf8')) as Record<string, string>

it('runs a command with a service token in its environment, and ends as it ends', async () => {
  const {zt} = scene
  const {clientSecret, token} = await zt.json('token create deploy --reveal')
  const result = await zt.json(['exec', 'deploy', ...command], {ends: 3})
  expect(result).toMatchObject({token: {name: 'deploy'}, exitCode: 3, signal: null})
  expect(JSON.stringify(result)).not.toContain(clientSecret)
  const {clientId} = token as {clientId: string}
  expect(await environment()).toMatchObject({
    CF_ACCESS_CLIENT_ID: clientId,
    CF_ACCESS_CLIENT_SECRET: clientSecret,
  })
})

it('uses the variables that are named, and the pair of the environment', async () => {
  const {zt} = scene
  const words = ['exec', 'env', '--id-var', 'TF_VAR_id', '--secret-var', 'TF_VAR_secret', ...command]
  const {exitCode, stdout, stderr} = await zt.run(words, {env: pair})
  expect({exitCode, stdout, stderr}).toEqual({exitCode: 3, stdout: '', stderr: ''})
  expect(await environment()).toMatchObject({TF_VAR_id: 'ci.access', TF_VAR_secret: 'a-secret-of-ci'})
})

it('answers a line without -- with the same line and --', async () => {
  const {zt} = scene
  const {exitCode, stderr} = await zt.run('exec deploy env -i A=1')
  expect(exitCode).toBe(2)
  expect(stderr.match(/(?<=^next:  ).*/gm)).toEqual(['zt exec deploy -- env -i A=1', 'zt exec --help'])
})

it('fails where there is nothing to run, or no secret', async () => {
  const {zt} = scene
  await zt.fails('exec env', 'usage', 'NO_COMMAND', {env: pair})
  expect(await zt.fails('exec env -- nothing', 'not-found', 'COMMAND_NOT_FOUND', {env: pair})).toMatchObject({
    exitCode: 127,
  })
  const file = `${zt.home}/CONFIG/zt/config.json`
  expect(
    await zt.fails(`exec env -- ${file}`, 'needs-action', 'COMMAND_NOT_EXECUTABLE', {env: pair}),
  ).toMatchObject({
    exitCode: 126,
  })
  await zt.fails(['exec', 'env', ...command], 'usage', 'ENVIRONMENT_NOT_SET')
  await zt.fails(['exec', 'ci', ...command], 'not-found', 'STORED_TOKEN_NOT_FOUND')
  await zt.fails(['exec', 'env', '--id-var', 'a b', ...command], 'usage', 'BAD_VARIABLE_NAME', {env: pair})
  await zt.fails(
    ['exec', 'env', '--id-var', 'X', '--secret-var', 'X', ...command],
    'usage',
    'VARIABLES_EQUAL',
    {env: pair},
  )
})
