import {expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('whoami')

it('shows the account, the API token and its permissions', async () => {
  const {zt} = scene
  const result = await zt.unchanged(() => zt.json('whoami --no-probe'))
  expect(result).toMatchObject({
    ...{profile: 'default', account: {name: 'Widgetcorp'}, store: 'vault', sandbox: false, permissions: null},
    apiToken: {status: 'active', owner: 'user', source: 'environment'},
  })
  expect(JSON.stringify(result)).not.toContain(zt.state.apiToken)
})

it.each([undefined, null, [{}]])('shows the ID of an account whose name is %j', async (name) => {
  const {zt} = scene
  Object.assign(zt.state.data.accounts[0] ?? {}, {name})
  const {stdout} = await zt.run('whoami --no-probe')
  expect(stdout).toMatch(new RegExp(`^account +${zt.state.accountId} ${zt.state.accountId}$`, 'm'))
})

it('finds out which permissions the API token has', async () => {
  const {zt} = scene
  zt.state.data.apiTokens.push({
    ...{id: 'reader', token: 'a-token-that-reads', owner: 'user', status: 'active'},
    permission_groups: ['Access: Service Tokens Read'],
  })
  const env = {CLOUDFLARE_API_TOKEN: 'a-token-that-reads'}
  const {permissions} = await zt.json('whoami --probe', {env})
  const stateOf = (group: string): unknown =>
    (permissions as {group: string; state: string}[]).find((one) => one.group === group)?.state
  expect(stateOf('Access: Service Tokens Read')).toBe('yes')
  expect(stateOf('Access: Service Tokens Write')).toBe('no')
  const {stdout} = await zt.run('whoami', {env})
  expect(stdout).toMatch(/^no +Access: Service Tokens Write$/m)
})

it('fails where there is no API token, or none that works', async () => {
  const {zt} = scene
  await zt.fails('whoami', 'auth', 'NOT_LOGGED_IN', {env: {CLOUDFLARE_API_TOKEN: undefined}})
  await zt.fails('whoami', 'auth', 'API_TOKEN_NOT_ACCEPTED', {env: {CLOUDFLARE_API_TOKEN: 'wrong'}})
  zt.api.spoil({method: '*', path: '*', action: {do: 'reset'}})
  await zt.fails('whoami', 'unreachable', 'API_UNREACHABLE')
})
