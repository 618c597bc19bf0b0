import fc from 'fast-check'
import nock from '../support/nock.js'
import {afterEach, describe, expect, it} from 'vitest'
import {MOST_ROWS} from '../../src/lib/api/access-events.js'
import {createAccessApi} from '../../src/lib/api/client.js'
import type {AccessApi, AccessEventsQuery} from '../../src/lib/api/types.js'
import {ApiError} from '../../src/lib/core/errors.js'
import {Secret} from '../../src/lib/core/secret.js'

const ORIGIN = 'https://api.cloudflare.com'
const PATH = '/client/v4/graphql'
const QUERY: AccessEventsQuery = {
  by: 'rights',
  since: Date.parse('2026-11-20T00:00:00.750Z'),
  until: Date.parse('2026-11-27T00:00:00Z'),
}
const GROUP = 'Account Analytics Read'

const open = (accountId: string | undefined = 'acc'): AccessApi =>
  createAccessApi({
    apiUrl: `${ORIGIN}/client/v4`,
    apiToken: new Secret('an-api-token'),
    accountId,
    userAgent: 'zt-test',
    command: 'token activity',
    sleep: () => Promise.resolve(),
  })

const answer = (rows: unknown): object => ({
  data: {viewer: {accounts: [{accessLoginRequestsAdaptiveGroups: rows}]}},
  errors: null,
})
const row = (dimensions: object = {}, count: unknown = 1): object => ({
  count,
  dimensions: {
    ...{date: '2026-11-21', serviceTokenId: 't', appId: 'a', approvingPolicyId: 'p', isSuccessfulLogin: 1},
    ...dimensions,
  },
})
const refusal = (message: string, code?: string): object => ({
  data: null,
  errors: [
    {message, path: ['viewer', 'accounts', '0'], extensions: {timestamp: '2026-11-27T00:00:00Z', code}},
  ],
})

const reply = (status: number, body: object | string, headers = {}): nock.Scope =>
  nock(ORIGIN).post(PATH).reply(status, body, headers)
const active = (): nock.Scope =>
  nock(ORIGIN)
    .get('/client/v4/user/tokens/verify')
    .reply(200, {success: true, errors: [], messages: [], result: {id: 'x', status: 'active'}})

async function failed(promise: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ApiError)) throw error
  return error
}

afterEach(() => {
  expect(nock.pendingMocks()).toEqual([])
})

describe("a query of Access's record", () => {
  const sent = async (
    query: AccessEventsQuery,
  ): Promise<{query: string; variables: Record<string, unknown>}> => {
    let body: unknown
    nock(ORIGIN)
      .post(PATH, (given: unknown) => {
        body = given
        return true
      })
      .reply(200, answer([]))
    await open().accessEvents(query)
    return body as Awaited<ReturnType<typeof sent>>
  }

  it.each<[string, Partial<AccessEventsQuery>, object]>([
    ['of all service tokens', {}, {serviceTokenId_neq: ''}],
    ['of one', {tokenId: 't"} evil'}, {serviceTokenId: 't"} evil'}],
    ['of one request, whoever sent it', {ray: '8f1e2d3c4b5a6978'}, {cfRayId: '8f1e2d3c4b5a6978'}],
  ])('%s has every value as a variable, and whole seconds', async (_, more, filter) => {
    const {query, variables} = await sent({...QUERY, ...more})
    expect(variables).toEqual({
      accountTag: 'acc',
      filter: {datetime_geq: '2026-11-20T00:00:00Z', datetime_lt: '2026-11-27T00:00:00Z', ...filter},
    })
    expect(query).toMatch(/\(limit: 10000, filter: \$filter, orderBy: \[date_DESC\]\)/)
    expect(query).not.toMatch(/acc\b|evil|8f1e|2026/)
  })

  it('is one query for each thing to count by, whatever the values are', async () => {
    const texts = new Set<string>()
    for (const by of ['rights', 'places', 'requests'] as const)
      for (const ray of [undefined, 'x']) texts.add((await sent({...QUERY, by, ray})).query)
    expect(texts.size).toBe(3)
  })

  it('is not sent without an account', async () => {
    const api = createAccessApi({
      ...{
        apiUrl: `${ORIGIN}/client/v4`,
        apiToken: new Secret('x'),
        accountId: undefined,
        userAgent: 'zt-test',
      },
    })
    await expect(api.accessEvents(QUERY)).rejects.toMatchObject({code: 'ACCOUNT_REQUIRED'})
  })
})

describe("the answer with Access's record", () => {
  it('becomes events; an empty text is what the record does not say', async () => {
    const dimensions = {
      approvingPolicyId: '',
      isSuccessfulLogin: 0,
      ipAddress: '203.0.113.7',
      country: 'DE',
      identityProvider: null,
    }
    reply(200, answer([row({}, 12), row(dimensions)]))
    const unknown = {address: undefined, country: undefined, ray: undefined, identityProvider: undefined}
    const event = {tokenId: 't', applicationId: 'a', policyId: 'p', allowed: true, at: '2026-11-21'}
    expect(await open().accessEvents(QUERY)).toEqual({
      events: [
        {...event, ...unknown, count: 12},
        {
          ...event,
          ...unknown,
          policyId: undefined,
          allowed: false,
          address: '203.0.113.7',
          country: 'DE',
          count: 1,
        },
      ],
      full: false,
    })
  })

  it('is full with as many events as a query may return', async () => {
    reply(200, answer(Array.from({length: MOST_ROWS}, () => row())))
    expect((await open().accessEvents(QUERY)).full).toBe(true)
  })

  it('is not taken for empty where it leaves the account out', async () => {
    reply(200, {data: {viewer: {accounts: []}}})
    expect(await failed(open().accessEvents(QUERY))).toMatchObject({
      code: 'ANALYTICS_NOT_AVAILABLE',
      outcomeUnknown: false,
    })
  })

  it.each<[string, object | string]>([
    ['no JSON', '<html>'],
    ['no data', {}],
    ['data of something else', {data: {viewer: null}}],
    ['two accounts', {data: {viewer: {accounts: [{}, {}]}}}],
    ['no list', answer({})],
    ['more events than were asked for', answer(Array.from({length: MOST_ROWS + 1}, () => row()))],
    ['no dimensions', answer([{count: 1}])],
    ['a count that is no number', answer([row({}, '1')])],
    ['a negative count', answer([row({}, -1)])],
    ['a count beyond counting', answer([row({}, 1e300)])],
    ['a day that is none', answer([row({date: '2026-13-41'})])],
    ['a day with something after it', answer([row({date: '2026-11-21\u001B[31m'})])],
    ['an outcome that is none', answer([row({isSuccessfulLogin: 'yes'})])],
    ['a name that is no text', answer([row({appId: {}})])],
    ['a name without an end', answer([row({ipAddress: 'x'.repeat(257)})])],
    ['a dangerous field', '{"data":{"viewer":{"accounts":[]},"__proto__":{}}}'],
  ])('is refused with %s, and quoted nowhere', async (_, body) => {
    reply(200, body, {'content-type': 'application/json'})
    const error = await failed(open().accessEvents(QUERY))
    expect(error).toMatchObject({kind: 'api', code: 'BAD_ANSWER', outcomeUnknown: false})
    expect(error.why).not.toMatch(/may or may not have been made|\u001B/)
  })
})

const DAY = 24 * 3600

describe("a refusal to read Access's record", () => {
  // Cloudflare documents these messages with these statuses ("Error responses"), and also sends them with 200.
  it.each([
    [403, 'not authorized for that account', undefined, 'permission', 'PERMISSION_MISSING'],
    [
      403,
      "account 'x' does not have access to the path. Refer to this page",
      'authz',
      'permission',
      'PERMISSION_MISSING',
    ],
    [400, 'not available for your plan. Upgrade to Enterprise', undefined, 'api', 'ANALYTICS_NOT_AVAILABLE'],
    [400, 'unknown field "accessLoginRequestsAdaptiveGroups"', undefined, 'api', 'ANALYTICS_NOT_AVAILABLE'],
    [400, 'cannot request data older than 2678400s', undefined, 'api', 'ANALYTICS_RANGE'],
    [400, 'query time range is too large', undefined, 'api', 'ANALYTICS_RANGE'],
    [400, 'cannot request a time range wider than 86400s', undefined, 'api', 'ANALYTICS_RANGE'],
    [
      429,
      'query consumed excessive resources, please try running smaller queries',
      undefined,
      'api',
      'ANALYTICS_RANGE',
    ],
    [400, 'error parsing args', undefined, 'api', 'API_REFUSED'],
    [429, 'rate limiter budget depleted, try again after 5 minutes', 'budget', 'unreachable', 'RATE_LIMITED'],
    [503, 'unable to execute query, please try again later', undefined, 'unreachable', 'API_UNAVAILABLE'],
  ])('with %i or 200, "%s", is the same error', async (status, message, code, kind, error) => {
    for (const given of [status, 200]) {
      // What may be sent again is.
      const times = error === 'API_UNAVAILABLE' ? 3 : 1
      nock(ORIGIN).post(PATH).times(times).reply(given, refusal(message, code), {'cf-ray': 'ray-1'})
      if (kind === 'permission') active()
      const found = await failed(open().accessEvents(QUERY))
      expect(found).toMatchObject({kind, code: error, ray: 'ray-1', outcomeUnknown: false})
      if (kind !== 'api') expect(found.status).toBe(status)
      if (kind === 'permission') {
        expect(found.missingPermissions).toEqual([GROUP])
        expect(found.whyLines[0]).toBe(`It lacks the permission "${GROUP}", which zt token activity needs.`)
        expect(found.whyLines.slice(1, 3)).toEqual([
          expect.stringContaining(message.slice(0, 20)),
          "Or the account's plan does not include these data.",
        ])
      }
    }
  })

  it.each([
    ['older than 2678400s', {oldestSeconds: 2_678_400}],
    // As the refusals of 2026 write a period, and as Go does.
    ['older than 12w6d, but your query requests data from 12w6d1s ago', {oldestSeconds: 90 * DAY}],
    ['older than 4w4d, but your query requests data from 12w6d ago', {oldestSeconds: 32 * DAY}],
    ['older than 720h0m0s', {oldestSeconds: 30 * DAY}],
    ['older than 1w1d1h1m1s.', {oldestSeconds: 8 * DAY + 3661}],
    ['in a time range wider than 1d, but your query time range spans 1w', {widestSeconds: DAY}],
    ['in a time range wider than 86400s', {widestSeconds: DAY}],
    ['in a time range wider than what you may', {}],
    ['query time range is too large', {}],
  ])('says how much a query may cover: %s', async (message, details) => {
    reply(200, refusal(`cannot request data ${message}`))
    const found = await failed(open().accessEvents(QUERY))
    expect([found.code, found.details]).toEqual(['ANALYTICS_RANGE', details])
  })

  it('is about the API token where Cloudflare does not accept it', async () => {
    reply(200, refusal('Unauthorized'))
    expect(await failed(open().accessEvents(QUERY))).toMatchObject({
      kind: 'auth',
      code: 'API_TOKEN_NOT_ACCEPTED',
    })
  })

  it('names the limit of the analytics', async () => {
    reply(429, refusal('rate limiter budget depleted'))
    expect((await failed(open().accessEvents(QUERY))).why).toMatch(/300 queries/)
  })

  it('hides what may be a secret, and is one line', async () => {
    const secret = 'cfast_canaryCanaryCanaryCanaryCanaryCanaryCanary0a1b2c3d'
    reply(200, refusal(`error parsing ${secret}`))
    expect((await failed(open().accessEvents(QUERY))).why).toBe('Cloudflare says: error parsing [hidden].')
  })

  it('is not one if the connection was cut twice: reading is repeated', async () => {
    nock(ORIGIN).post(PATH).times(2).replyWithError('cut')
    reply(200, answer([row()]))
    expect((await open().accessEvents(QUERY)).events).toHaveLength(1)
  })

  it('is never anything but an error of the API, whatever its errors are', async () => {
    const errors = fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue())
    await fc.assert(
      fc.asyncProperty(errors, fc.constantFrom(200, 400, 403, 500), async (given, status) => {
        nock(ORIGIN)
          .post(PATH)
          .times(3)
          .reply(status, {data: null, errors: given} as never)
        nock(ORIGIN)
          .get(/verify/)
          .times(2)
          .reply(401, {})
        await failed(open().accessEvents(QUERY))
        nock.cleanAll()
      }),
      {numRuns: 60},
    )
  })
})
