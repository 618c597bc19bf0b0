import path from 'node:path'
import {beforeEach, expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('login')
const withoutToken = {env: {CLOUDFLARE_API_TOKEN: undefined}}
const input = (): {input: string} => ({input: `${scene.zt.state.apiToken}\n`})

beforeEach(async () => {
  await scene.zt.writeConfig({profiles: {default: {apiUrl: scene.zt.api.url}}})
})

it('saves an API token from stdin, and shows none of it', async () => {
  const {zt} = scene
  const result = await zt.json('login --store vault', {...withoutToken, ...input()})
  expect(result).toMatchObject({
    ...{profile: 'default', account: {id: zt.state.accountId, name: 'Widgetcorp'}, store: 'vault'},
    apiToken: {status: 'active', owner: 'user', expiresOn: null},
  })
  expect(JSON.stringify(result)).not.toContain(zt.state.apiToken)
  expect((await zt.readConfig()).profiles['default']).toMatchObject({
    accountId: zt.state.accountId,
    store: 'vault',
  })
  expect(await zt.json('whoami --no-probe', withoutToken)).toMatchObject({apiToken: {source: 'store'}})
})

it('keeps the addresses that were named with it', async () => {
  const {zt} = scene
  const ca = path.join(zt.home, 'ca.pem')
  await zt.json(
    [
      'login',
      '--profile',
      'lab',
      '--api-url',
      zt.api.url,
      '--connect-to',
      '127.0.0.1:8443',
      '--ca-file',
      ca,
      '--store',
      'vault',
    ],
    {...withoutToken, ...input()},
  )
  expect((await zt.readConfig()).profiles['lab']).toMatchObject({
    ...{apiUrl: zt.api.url, connectTo: '127.0.0.1:8443', caFile: ca},
  })
})

it('asks for the API token and for one of several accounts', async () => {
  const {zt} = scene
  zt.state.data.accounts.push({id: 'f'.repeat(32), name: 'Other', type: 'standard'})
  await zt.fails('login --store vault', 'ambiguous', 'ACCOUNT_AMBIGUOUS', {...withoutToken, ...input()})
  const answers = [zt.state.apiToken, 'Other']
  const {stdout, stderr, asked} = await zt.run('login --store vault', {...withoutToken, answers})
  expect(asked).toHaveLength(2)
  expect(stdout).toContain('f'.repeat(32))
  expect(stdout + stderr).not.toContain(zt.state.apiToken)
})

it('warns of an API token in the environment, which is used instead', async () => {
  const {warnings} = await scene.zt.json('login --store vault', input())
  expect(warnings).toEqual([expect.stringContaining('CLOUDFLARE_API_TOKEN')])
})

it('fails where Cloudflare does not take it, and saves nothing', async () => {
  const {zt} = scene
  await zt.unchanged(async () => {
    await zt.fails('login', 'usage', 'INPUT_REQUIRED', withoutToken)
    await zt.fails('login --no-input', 'usage', 'INPUT_REQUIRED', {...withoutToken, answers: []})
    await zt.fails('login --store vault', 'auth', 'API_TOKEN_NOT_ACCEPTED', {...withoutToken, input: 'wrong'})
    await zt.fails('login --api-url nonsense', 'usage', 'BAD_API_URL', input())
    await zt.fails('login --connect-to nowhere', 'usage', 'BAD_CONNECT_TO', input())
    await zt.fails(`login --account ${'e'.repeat(32)}`, 'not-found', 'ACCOUNT_NOT_FOUND', {
      ...withoutToken,
      ...input(),
    })
  })
})
