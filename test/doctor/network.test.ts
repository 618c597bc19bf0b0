import {afterAll, beforeAll, expect, it, vi} from 'vitest'
import {UserError} from '../../src/lib/core/errors.js'
import {Facts} from '../../src/lib/doctor/checks/remote/facts.js'
import {remoteChecksWith} from '../../src/lib/doctor/checks/remote/index.js'
import type {Seams} from '../../src/lib/doctor/checks/remote/seams.js'
import type {Finding} from '../../src/lib/doctor/types.js'
import type {Address} from '../../src/lib/tunnel/check/network.js'
import {faultsIn, HOST, RemoteWorld, startInspection} from './remote-world.js'

/** A name that does not exist. */
const API = 'https://api.zt-doctor.invalid/client/v4'
let world: RemoteWorld
beforeAll(async () => {
  world = await RemoteWorld.open()
})
afterAll(() => world.end())

const addresses = (...list: string[]): Address[] =>
  list.map((address) => ({address, family: address.includes(':') ? 6 : 4}))

/** What one check says, without the others. */
async function ask(
  id: string,
  seams: Seams,
  {profile = {}, env = {}}: {profile?: Record<string, unknown>; env?: Record<string, string>} = {},
): Promise<Finding[]> {
  await world.heal()
  await world.profile({connectTo: undefined, ...profile})
  const check = remoteChecksWith({sshConfig: world.sshConfig, ...seams}).find((one) => one.id === id)
  return (await check?.run(await world.world({host: HOST, env, timeoutMs: 1000}))) ?? []
}

it.each<{answers: Address[]; found: string[]}>([
  {answers: addresses('104.16.0.1', '2606:4700::1'), found: []},
  {answers: addresses('10.1.2.3'), found: ['dns/private warn']},
  {answers: addresses('fd00::1'), found: ['dns/private warn']},
  {answers: addresses('100.64.0.9'), found: ['dns/private warn']},
  {answers: addresses('0.0.0.0'), found: ['dns/sinkhole fail']},
  {answers: addresses('::1'), found: ['dns/sinkhole fail']},
  {answers: addresses('192.0.2.1'), found: ['dns/not-cloudflare warn']},
  {answers: addresses('192.0.2.1', '2001:db8::1'), found: ['dns/not-cloudflare warn']},
  {answers: addresses('104.16.0.1', '2001:db8::1'), found: ['dns/two-answers warn']},
])('DNS that answers $answers is $found', async ({answers, found}) => {
  expect(faultsIn(await ask('dns', {lookup: () => Promise.resolve(answers)}))).toEqual(found)
})

it('a name that only a search domain makes is found', async () => {
  const lookup = (name: string) =>
    name.endsWith('.')
      ? Promise.reject(Object.assign(new Error('none'), {code: 'ENOTFOUND'}))
      : Promise.resolve(addresses('192.0.2.7'))
  expect(faultsIn(await ask('dns', {lookup}))).toEqual(['dns/search-domain fail'])
})

it('an address of Cloudflare is not looked up with a dot: it comes from no search domain of others', async () => {
  const asked: string[] = []
  const lookup = (name: string) => {
    asked.push(name)
    return Promise.resolve(addresses('104.16.0.1'))
  }
  await ask('dns', {lookup})
  expect(asked).toEqual([HOST])
})

it('each name is looked up once, as each look-up of a name server that hangs keeps a thread', async () => {
  await world.heal()
  await world.profile({connectTo: undefined, apiUrl: API})
  const asked: string[] = []
  const lookup = (name: string) => {
    asked.push(name)
    return Promise.reject(Object.assign(new Error('none'), {code: 'EAI_AGAIN'}))
  }
  const found = await world.find({host: HOST, seams: {lookup, portal: () => Promise.resolve(undefined)}})
  expect(asked.sort()).toEqual(['api.zt-doctor.invalid', HOST])
  const silent = found.filter(({id}) => id === 'dns/no-answer')
  expect(silent).toHaveLength(2)
  expect(silent[0]?.next.join()).not.toContain('tunnel')
})

it('a certificate of the API that is not valid now is the fault of the clock, and said once', async () => {
  for (const around of [Date.UTC(2001, 0), Date.UTC(2099, 0)]) {
    const {address, close} = await startInspection(around)
    const [, port = ''] = address.split(':')
    // The connection that fails has the system's resolver, which knows no such name: so its words are put in its place.
    const none = {why: 'the API does not answer', error: new UserError({kind: 'unreachable', code: 'API_UNREACHABLE', message: 'x', why: 'Its certificate is not trusted (CERT_HAS_EXPIRED).'})}
    const noAccount = vi.spyOn(Facts.prototype, 'noAccount').mockResolvedValue(none)
    const seams = {lookup: () => Promise.resolve(addresses('127.0.0.1'))}
    const profile = {apiUrl: `https://api.zt-doctor.invalid:${port}/client/v4`}
    const [clock] = await ask('clock', seams, {profile})
    world.closers.push(close)
    noAccount.mockRestore()
    expect(clock).toMatchObject({id: 'clock/certificate', state: 'fail'})
    expect(clock?.why).toMatch(/valid from (2000-12-31|2098-12-31) to (2001-01-01|2099-01-01)/)
  }
}) // prettier-ignore

it.each([
  {status: 302, found: ['api/portal fail']},
  {status: 204, found: ['api fail']},
  {status: undefined, found: ['api fail']},
])(
  'an API that does not answer, with a network that answers $status itself, is $found',
  async ({status, found}) => {
    const findings = await ask(
      'api',
      {lookup: () => Promise.resolve(addresses('104.16.0.1')), portal: () => Promise.resolve(status)},
      {profile: {apiUrl: API}},
    )
    expect(faultsIn(findings), JSON.stringify(findings)).toEqual(found)
  },
)

it.each([
  {env: {HTTPS_PROXY: 'http://127.0.0.1:1'}, found: ['proxy fail'], api: 'skipped'},
  {env: {HTTPS_PROXY: 'socks5://127.0.0.1:1'}, found: ['proxy fail'], api: 'skipped'},
  {env: {HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '*'}, found: ['api fail'], api: 'fail'},
])('a proxy that does not let the API through is found once, with $env', async ({env, found, api}) => {
  const seams = {
    lookup: () => Promise.resolve(addresses('104.16.0.1')),
    portal: () => Promise.resolve(undefined),
  }
  const findings = [
    ...(await ask('proxy', seams, {profile: {apiUrl: API}, env})),
    ...(await ask('api', seams, {profile: {apiUrl: API}, env})),
  ]
  expect(faultsIn(findings), JSON.stringify(findings)).toEqual(found)
  expect(findings.at(-1)?.state).toBe(api)
}) // prettier-ignore
