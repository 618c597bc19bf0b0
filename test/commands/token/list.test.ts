import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('token list')
const namesOf = ({tokens}: {tokens?: unknown}): string[] => (tokens as {name: string}[]).map(({name}) => name)

it('lists the service tokens of the account', async () => {
  const {zt} = scene
  const list = await zt.json('token list')
  expect(namesOf(list)).toEqual(['ci', 'cd', 'off'])
  expect(list['tokens']).toMatchObject([{status: 'active', store: null}, {}, {status: 'disabled'}])
  const {stdout} = await zt.run('token list')
  expect(stdout).toMatch(/^NAME +STATUS/)
  expect(stdout).toMatch(/^off +disabled/m)
})

it('narrows the list', async () => {
  const {zt} = scene
  expect(namesOf(await zt.json('token list --search ci'))).toEqual(['ci'])
  expect(namesOf(await zt.json('token list --name cd'))).toEqual(['cd'])
  expect(namesOf(await zt.json('token list --limit 1'))).toEqual(['ci'])
  expect(namesOf(await zt.json('token list -L 2'))).toEqual(['ci', 'cd'])
  expect(namesOf(await zt.json('token list --zone widgetcorp.tech'))).toEqual(['of-the-zone'])
})

it('says what to do where there is none', async () => {
  const {zt} = scene
  zt.state.data.serviceTokens.length = 0
  expect(namesOf(await zt.json('token list'))).toEqual([])
  expect((await zt.run('token list')).stderr).toContain('zt token create')
  expect((await zt.run('token list --name nothing')).stderr).toBe('')
})

it('fails where it cannot list them', async () => {
  const {zt} = scene
  await zt.fails('token list --limit 0', 'usage', 'BAD_COMMAND_LINE')
  await zt.fails('token list --zone elsewhere.example', 'not-found', 'ZONE_NOT_FOUND')
  await zt.fails('token list', 'auth', 'NOT_LOGGED_IN', {env: {CLOUDFLARE_API_TOKEN: undefined}})
  await zt.fails('token list', 'auth', 'API_TOKEN_NOT_ACCEPTED', {env: {CLOUDFLARE_API_TOKEN: 'wrong'}})
})
