import nock from '../support/nock.js'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {createAccessApi, type AccessApiOptions} from '../../src/lib/api/client.js'
import type {AccessApi, Pause} from '../../src/lib/api/types.js'
import {ApiError} from '../../src/lib/core/errors.js'
import {Secret} from '../../src/lib/core/secret.js'

const ORIGIN = 'https://api.cloudflare.com'
const BASE = '/client/v4/accounts/acc/access'

let slept: number[]
let pauses: Pause[]

beforeEach(() => {
  slept = []
  pauses = []
})

afterEach(() => {
  expect(nock.pendingMocks()).toEqual([])
})

const open = (more: Partial<AccessApiOptions> = {}): AccessApi =>
  createAccessApi({
    apiUrl: `${ORIGIN}/client/v4`,
    apiToken: new Secret('an-api-token'),
    accountId: 'acc',
    userAgent: 'zt-test',
    onWait: (pause) => pauses.push(pause),
    sleep: (milliseconds) => {
      slept.push(milliseconds)
      return Promise.resolve()
    },
    ...more,
  })

const refusal = {
  success: false,
  errors: [{code: 10429, message: 'slow down'}],
  messages: [],
  result: null,
}
const page = (at: number, of: number): object => ({
  success: true,
  errors: [],
  messages: [],
  result: [{id: `g${at}`, name: `group ${at}`, include: []}],
  result_info: {page: at, per_page: 100, total_pages: of},
})

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ApiError)) throw error
  return error
}

const total = (): number => slept.reduce((sum, one) => sum + one, 0) / 1000

it('a refusal says how much is left as any answer does', async () => {
  const missing = nock(ORIGIN).get(`${BASE}/groups/g`)
  missing.reply(404, refusal, {ratelimit: '"default";r=0;t=30'})
  nock(ORIGIN)
    .get(`${BASE}/groups/h`)
    .reply(200, {...page(1, 1), result: {id: 'h', name: 'H', include: []}})
  let time = 0
  const api = open({
    now: () => time,
    sleep: (milliseconds) => {
      time += milliseconds
      return Promise.resolve()
    },
  })
  expect((await failure(api.getGroup('g'))).status).toBe(404)
  await api.getGroup('h')
  expect(time).toBe(30_000)
})

describe('when Cloudflare asks for a pause', () => {
  it('in the middle of a list, the list goes on where it was, and is whole', async () => {
    const groups = nock(ORIGIN)
    groups.get(`${BASE}/groups`).query({page: 1, per_page: 100}).reply(200, page(1, 3))
    groups
      .get(`${BASE}/groups`)
      .query({page: 2, per_page: 100})
      .reply(429, refusal, {'retry-after': '3'})
      .get(`${BASE}/groups`)
      .query({page: 2, per_page: 100})
      .reply(200, page(2, 3))
      .get(`${BASE}/groups`)
      .query({page: 3, per_page: 100})
      .reply(200, page(3, 3))
    expect((await open().listGroups()).map(({id}) => id)).toEqual(['g1', 'g2', 'g3'])
    expect(total()).toBe(3)
    expect(pauses.map(({left}) => left)).toEqual([3, 2, 1, 0])
    expect(pauses.every(({seconds}) => seconds === 3)).toBe(true)
  })

  const token = {id: 't', name: 'n', client_id: 'c.access', client_secret: 's'}
  const done = (where: string): object => {
    const id = where.split('/')[2] ?? token.id
    return {success: true, errors: [], messages: [], result: {...token, id}}
  }
  it.each<[string, 'POST' | 'PUT' | 'DELETE', string, (api: AccessApi) => Promise<unknown>]>([
    ['create', 'POST', '/service_tokens', (api) => api.createServiceToken({name: 'n'})],
    ['rotate', 'POST', '/service_tokens/t/rotate', (api) => api.rotateServiceToken('t', '2030-01-01')],
    ['change', 'PUT', '/groups/g', (api) => api.replaceGroup('g', {name: 'n'})],
    ['delete', 'DELETE', '/policies/p', (api) => api.deletePolicy('p')],
  ])('a change is sent again, as it was not made: %s', async (_, method, where, change) => {
    nock(ORIGIN)
      .intercept(BASE + where, method)
      .reply(429, refusal, {'retry-after': '2'})
    nock(ORIGIN)
      .intercept(BASE + where, method)
      .reply(200, done(where))
    await change(open())
    expect(total()).toBe(2)
  })

  it('and the change fails for another reason then, it is not sent a third time', async () => {
    nock(ORIGIN)
      .post(`${BASE}/service_tokens`)
      .reply(429, refusal, {'retry-after': '0'})
      .post(`${BASE}/service_tokens`)
      .reply(500)
    expect(await failure(open().createServiceToken({name: 'n'}))).toMatchObject({
      code: 'API_UNAVAILABLE',
      outcomeUnknown: true,
    })
  })

  it.each([
    ['again and again', ['20', '20', '20', '20'], 60, 3],
    ['longer than zt waits', ['61'], 60, 0],
    ['at all, and zt is not to wait', ['1'], 0, 0],
    ['at once, for ever', Array.from({length: 6}, () => '0'), 20, 4],
  ])('%s, zt gives up within its bound', async (_, asked, patienceSeconds, waits) => {
    const used = asked.slice(0, waits + 1)
    for (const seconds of used) {
      nock(ORIGIN).get(`${BASE}/organizations`).reply(429, refusal, {'retry-after': seconds})
    }
    const error = await failure(open({patienceSeconds}).getOrganization())
    expect(error).toMatchObject({
      code: 'RATE_LIMITED',
      kind: 'unreachable',
      status: 429,
      outcomeUnknown: false,
    })
    expect(total()).toBeLessThanOrEqual(patienceSeconds)
    expect(error.why).toContain(`at most ${patienceSeconds} s`)
    expect(error.why?.includes('has waited')).toBe(waits > 1)
  })

  it('and it is given up, the time is said after which to try again', async () => {
    nock(ORIGIN).get(`${BASE}/organizations`).reply(429, refusal, {'retry-after': '240'})
    const before = Date.now()
    const error = await failure(open().getOrganization())
    expect(error.next[0]).toMatch(/^Try again in 240 seconds, after \d\d:\d\d:\d\d$/)
    const at = Date.parse(String(error.details['retryAt']))
    expect(at).toBeGreaterThanOrEqual(before + 240_000)
    expect(error.details['retryAfterSeconds']).toBe(240)
  })

  it('of more than a day, no time of day is said', async () => {
    nock(ORIGIN).get(`${BASE}/organizations`).reply(429, refusal, {'retry-after': '99999999999999'})
    expect((await failure(open().getOrganization())).next).toEqual(['Try again in 99999999999999 seconds'])
  })
})
