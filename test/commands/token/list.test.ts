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

it('lists those that need attention', async () => {
  const {zt} = scene
  const [ci, cd, off] = zt.state.data.serviceTokens
  const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString()
  Object.assign(ci!.object, {expires_at: inDays(10), last_seen_at: inDays(-1)})
  Object.assign(cd!.object, {expires_at: inDays(-1)})
  Object.assign(off!.object, {expires_at: null, last_seen_at: inDays(-300)})
  for (const [flags, names] of [
    ['--expired', ['cd']],
    ['--expiring 30d', ['ci']],
    ['--expiring 9d', []],
    ['--expiring forever', ['ci']],
    ['--disabled', ['off']],
    ['--unused', ['cd']],
    ['--unused --disabled', []],
    ['--expired --limit 1', ['cd']],
  ] as const)
    expect(namesOf(await zt.json(`token list ${flags}`)), flags).toEqual(names)
  expect((await zt.run('token list --unused --disabled')).stdout).toBe('No service token matches.\n')
  await zt.fails('token list --expiring soon', 'usage', 'BAD_DURATION')
  await zt.fails('token list --expiring 1d --expired', 'usage', 'BAD_COMMAND_LINE')
})

it('finds as many as --limit says, however many pages lie before them', async () => {
  const {zt} = scene
  const [one] = zt.state.data.serviceTokens
  const more = Array.from({length: 120}, (_, i) => ({
    ...one!,
    object: {...one!.object, id: `token-${i}`, name: `t${i}`, enabled: i < 110},
  }))
  zt.state.data.serviceTokens.push(...more)
  expect(namesOf(await zt.json('token list --disabled --limit 3'))).toEqual(['off', 't110', 't111'])
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
