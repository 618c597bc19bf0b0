import nock from '../support/nock.js'
import {describe, expect, it} from 'vitest'
import {createAccessApi} from '../../src/lib/api/client.js'
import {collect, readPages} from '../../src/lib/api/paging.js'
import type {AccessApi} from '../../src/lib/api/types.js'
import {isNestedWithin} from '../../src/lib/core/canonical-json.js'
import {ApiError} from '../../src/lib/core/errors.js'
import {Secret} from '../../src/lib/core/secret.js'

const ORIGIN = 'https://api.cloudflare.com'
const BASE = '/client/v4/accounts/acc/access'

const open = (): AccessApi =>
  createAccessApi({
    apiUrl: `${ORIGIN}/client/v4`,
    apiToken: new Secret('an-api-token'),
    accountId: 'acc',
    userAgent: 'zt-test',
    sleep: () => Promise.resolve(),
  })

const envelope = (result: string): string => `{"success":true,"errors":[],"messages":[],"result":${result}}`

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ApiError)) throw error
  return error
}

describe('an answer', () => {
  it.each([
    ['objects', '{"a":', '}'],
    ['lists', '[', ']'],
  ])('that nests %s deeper than zt could follow is invalid', async (_, left, right) => {
    const rule = left.repeat(50_000) + '1' + right.repeat(50_000)
    nock(ORIGIN)
      .get(`${BASE}/groups/g`)
      .reply(200, envelope(`{"id":"g","name":"g","include":[{"x":${rule}}]}`))
    expect(await failure(open().getGroup('g'))).toMatchObject({code: 'BAD_ANSWER'})
    nock(ORIGIN)
      .get(`${BASE}/groups/g`)
      .reply(400, `{"success":false,"errors":[{"code":1,"error_chain":${rule}}]}`)
    expect(await failure(open().getGroup('g'))).toMatchObject({kind: 'api', status: 400})
  })

  it('nested as deep as people write it is read', async () => {
    const rule = '{"a":'.repeat(50) + '1' + '}'.repeat(50)
    nock(ORIGIN)
      .get(`${BASE}/groups/g`)
      .reply(200, envelope(`{"id":"g","name":"g","include":[{"x":${rule}}]}`))
    expect((await open().getGroup('g')).include).toEqual([{x: JSON.parse(rule) as unknown}])
  })

  it('with a million errors, each a chain, is reported in a few words', async () => {
    const error = {code: 1001, message: 'x '.repeat(20_000), error_chain: [{code: 1002, message: 'why'}]}
    const errors = `[${Array.from({length: 20}, () => JSON.stringify(error)).join(',')}${',{"code":5}'.repeat(1_000_000)}]`
    nock(ORIGIN).get(`${BASE}/groups/g`).reply(400, `{"success":false,"errors":${errors},"result":null}`)
    const told = await failure(open().getGroup('g'))
    expect(`${told.message} ${told.why ?? ''} ${told.next.join()}`.length).toBeLessThan(3000)
    expect(told.apiCodes.length).toBeLessThan(50)
  })

  it.each([
    ['Fri, 13 Sep 275760 00:00:00 GMT'],
    ['Thu, 01 Jan 1970 00:00:00 GMT'],
    ['yesterday'],
    ['-1'],
    ['Fri, 31 Feb 2026 99:99:99 GMT'],
  ])('that says it is %s does not move our clock', async (date) => {
    nock(ORIGIN).get(`${BASE}/groups/g`).reply(200, envelope('{"id":"g","name":"g"}'), {date})
    const api = open()
    await api.getGroup('g')
    expect(api.clockAhead()).toBeUndefined()
  })

  it('that says what time it is does', async () => {
    const date = new Date(Date.now() + 3600_000).toUTCString()
    nock(ORIGIN).get(`${BASE}/groups/g`).reply(200, envelope('{"id":"g","name":"g"}'), {date})
    const api = open()
    await api.getGroup('g')
    expect(api.clockAhead()).toBeGreaterThan(3_500_000)
  })
})

describe('a pause that is asked for', () => {
  it.each([
    '1e9', '-5', '5, 5', 'NaN', 'Infinity', '0x10', 'soon', '', '9'.repeat(400), 'Fri, 99 Foo 2026 00:00:00 GMT', `${'5'.repeat(10_000)}`,
  ])('%j is none that anybody could keep: the error names no time', async (text) => {
    nock(ORIGIN).get(`${BASE}/groups/g`).reply(429, '{"success":false,"errors":[]}', {'retry-after': text})
    const error = await failure(open().getGroup('g'))
    expect(error.code).toBe('RATE_LIMITED')
    expect(JSON.stringify([error.message, error.why, error.next, error.details])).not.toMatch(/Infinity|NaN|null|\d{9}/)
  }) // prettier-ignore

  it.each(['0', '0.5', '2', '2.0001', 'Thu, 01 Jan 1970 00:00:00 GMT'])('%j is kept', async (text) => {
    nock(ORIGIN).get(`${BASE}/groups/g`).reply(429, '{"success":false,"errors":[]}', {'retry-after': text})
    nock(ORIGIN).get(`${BASE}/groups/g`).reply(200, envelope('{"id":"g","name":"g"}'))
    expect(await open().getGroup('g')).toMatchObject({id: 'g'})
  })
})

describe("a pause until a time of the server's clock", () => {
  const DAY_MS = 24 * 3600_000
  it.each([
    ['behind', -2 * DAY_MS],
    ['ahead', 2 * DAY_MS],
    ['right', 0],
  ])(
    "is as long as the server means it where this machine's clock is not: the server's is %s",
    async (_, ms) => {
      const at = (seconds: number): string => new Date(Date.now() + ms + seconds * 1000).toUTCString()
      const headers = {'retry-after': at(600), date: at(0)}
      nock(ORIGIN).get(`${BASE}/groups/g`).reply(429, '{"success":false,"errors":[]}', headers)
      expect((await failure(open().getGroup('g'))).details['retryAfterSeconds']).toBe(600)
    },
  )
})

describe('a list', () => {
  it('of more items in a page than a call has arguments is read whole', async () => {
    const count = 90_000
    const result = Array.from({length: count}, (_, at) => ({id: String(at)}))
    const pages = readPages(
      {
        send: ({query}) => Promise.resolve({result: query?.['page'] === 1 ? result : [], info: {}}),
        about: (request) => ({...request, apiUrl: ORIGIN, tokenFromEnvironment: false}),
      },
      {path: '/x', doing: 'list'},
    )
    expect(await collect(pages)).toHaveLength(count)
  })

  it.each([
    ['new items for ever', (page: number) => Array.from({length: 100}, (_, at) => ({id: `${page}/${at}`})), {}],
    ['pages far too long', (page: number) => Array.from({length: 60_000}, (_, at) => ({id: `${page}/${at}`})), {}],
    ['items without id', (page: number) => [{name: String(page)}], {}],
    ['counts without end', (page: number) => [{id: String(page)}], {total_count: 1e308, total_pages: Number.MAX_SAFE_INTEGER}],
    ['counts that are none', (page: number) => [{id: String(page)}], {total_count: -1, total_pages: '7'}],
  ])('with %s ends, with an error', async (_, items, info) => {
    let requests = 0
    const pages = readPages(
      {
        send: ({query}) => {
          requests++
          return Promise.resolve({result: items(Number(query?.['page'])), info})
        },
        about: (request) => ({...request, apiUrl: ORIGIN, tokenFromEnvironment: false}),
      },
      {path: '/x', doing: 'list'},
    )
    expect(await failure(collect(pages))).toMatchObject({code: 'BAD_ANSWER'})
    expect(requests).toBeLessThanOrEqual(1000)
  }) // prettier-ignore
})

describe('the depth of a JSON text', () => {
  it.each([
    ['1', 0], ['{}', 1], ['[1]', 1], ['[[]]', 2], ['{"a":{"b":[1]}}', 3], ['[1,{"a":[[]]},[2],[3],[4]]', 4], ['"[[[["', 0], ['["[[[", "\\"[["]', 1], ['["\\\\",["]"]]', 2],
  ])('%s is %i', (text, depth) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow()
    expect(isNestedWithin(text, depth)).toBe(true)
    expect(isNestedWithin(text, depth - 1)).toBe(depth === 0)
  }) // prettier-ignore
})
