import nock from '../support/nock.js'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {createAccessApi, type AccessApiOptions} from '../../src/lib/api/client.js'
import type {AccessApi} from '../../src/lib/api/types.js'
import {ApiError} from '../../src/lib/core/errors.js'
import {Secret} from '../../src/lib/core/secret.js'

const ORIGIN = 'https://api.cloudflare.com'
const ACCESS = '/client/v4/accounts/acc/access'

let slept: number
let said: string[]
beforeEach(() => {
  slept = 0
  said = []
  nock(ORIGIN)
    .persist()
    .get('/client/v4/user/tokens/verify')
    .reply(200, answer({id: 't', status: 'active'}))
})
afterEach(() => {
  nock.cleanAll()
})

const answer = (result: unknown): object => ({success: true, errors: [], messages: [], result})
const forbidden = {success: false, errors: [{code: 10000, message: 'Authentication error'}], messages: [], result: null} // prettier-ignore
const open = (more: Partial<AccessApiOptions> = {}): AccessApi =>
  createAccessApi({
    apiUrl: `${ORIGIN}/client/v4`,
    apiToken: new Secret('an-api-token'),
    accountId: 'acc',
    userAgent: 'zt-test',
    onWait: ({left, seconds, why}) => {
      if (left === seconds) said.push(why)
    },
    sleep: (milliseconds) => {
      slept += milliseconds / 1000
      return Promise.resolve()
    },
    ...more,
  })

/** Counts the requests that are refused, before they are answered. */
function path(method: 'GET' | 'PUT' | 'POST' | 'DELETE', where: string, refusals: number, status: number, result: object) {
  let asked = 0
  nock(ORIGIN)
    .persist()
    .intercept(`${ACCESS}${where}`, method)
    .query(true)
    .reply(() => (asked++ < refusals ? [403, forbidden] : [status, answer(result)]))
  return () => asked
} // prettier-ignore

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ApiError)) throw error
  return error
}

const group = {id: 'g', name: 'G', include: []}
const app = {id: 'a', name: 'A', type: 'self_hosted'}

describe('a 403', () => {
  it('after a request with the same permission has succeeded is waited for', async () => {
    const api = open()
    path('GET', '/groups/g', 0, 200, group)
    const asked = path('GET', '/groups/h', 3, 200, {...group, id: 'h'})
    await api.getGroup('g')
    expect(await api.getGroup('h')).toMatchObject({id: 'h'})
    expect([asked(), slept, said[0]]).toEqual([4, 7, 'Cloudflare may be limiting requests'])
  })

  it.each<['GET' | 'PUT', 'DELETE' | 'PUT' | 'GET', boolean]>([
    ['GET', 'GET', true],
    ['GET', 'PUT', false],
    ['GET', 'DELETE', false],
    ['PUT', 'PUT', true],
    ['PUT', 'DELETE', true],
    ['PUT', 'GET', true],
  ])('after a %s that succeeded is waited for by a %s: %s', async (first, second, waits) => {
    const api = open()
    const call = {
      GET: () => api.getGroup('g'),
      PUT: () => api.replaceGroup('g', group),
      DELETE: () => api.deleteGroup('h'),
    }
    let refuse = false
    for (const method of ['GET', 'PUT', 'DELETE'] as const)
      nock(ORIGIN)
        .persist()
        .intercept(`${ACCESS}/groups/${method === 'DELETE' ? 'h' : 'g'}`, method)
        .reply(() => {
          const refused = refuse
          refuse = false
          return refused ? [403, forbidden] : [200, answer(method === 'DELETE' ? {id: 'h'} : group)]
        })
    await call[first]()
    refuse = true
    if (waits) await call[second]()
    else expect(await failure(call[second]())).toMatchObject({code: 'PERMISSION_MISSING'})
    expect(slept).toBe(waits ? 1 : 0)
  })

  it('of another kind of object is a missing permission', async () => {
    const api = open()
    path('GET', '/groups/g', 0, 200, group)
    path('GET', '/apps/a', 1, 200, app)
    await api.getGroup('g')
    expect(await failure(api.getApplication('a'))).toMatchObject({code: 'PERMISSION_MISSING'})
  })

  it('without end is said to be either', async () => {
    const api = open({suggestedArgs: '--profile x'})
    path('GET', '/apps/a', 0, 200, app)
    const asked = path('GET', '/apps', Infinity, 200, [])
    await api.getApplication('a')
    const error = await failure(api.listApplications())
    expect(error).toMatchObject({
      kind: 'permission',
      code: 'PERMISSION_UNCERTAIN',
      message: 'Cloudflare refused to list the applications, which the API token was allowed a moment ago',
      next: ['Run the command again in a minute', 'zt whoami --profile x'],
      missingPermissions: ['Access: Apps and Policies Read', 'Access: Apps and Policies Write'],
    })
    expect(error.why).toContain('limits how fast')
    expect([asked(), slept]).toEqual([5, 15])
  })

  const first = (api: AccessApi): Promise<ApiError> => failure(api.getApplication('a'))
  const only = (status: number, body: object | string, headers: Record<string, string> = {}): void => {
    nock(ORIGIN).persist().get(`${ACCESS}/apps/a`).reply(status, body, headers)
  }

  it('of the first request is not said to be a missing permission with certainty', async () => {
    path('GET', '/apps/a', 1, 200, app)
    const error = await first(open({command: 'app show'}))
    expect(error).toMatchObject({code: 'PERMISSION_MISSING', missingPermissions: [/Read/, /Write/].map((one) => expect.stringMatching(one) as string)})
    expect(error.whyLines[1]).toMatch(/^Cloudflare may also answer 403 while it limits requests/)
    expect(error.next[0]).toBe('zt whoami')
  }) // prettier-ignore

  it.each<[string, object, Record<string, string>]>([
    ['says how long to wait', forbidden, {'retry-after': '3'}],
    ['has a code of too many requests', {...forbidden, errors: [{code: 971, message: 'Please wait'}]}, {}],
    ['has the other one', {...forbidden, errors: [{code: 10100, message: 'More than 1200 requests'}]}, {}],
    [
      'says it in words',
      {...forbidden, errors: [{code: 1, message: 'consider throttling your request speed'}]},
      {},
    ],
  ])('of the first request is a limit of requests if the answer %s', async (_, body, headers) => {
    only(403, body, headers)
    const error = await first(open({patienceSeconds: 4}))
    expect(error).toMatchObject({
      kind: 'unreachable',
      code: 'RATE_LIMITED',
      status: 403,
      outcomeUnknown: false,
    })
    expect(slept).toBe('retry-after' in headers ? 3 : 0)
  })

  it.each<[string, number, string | object, Record<string, string>, RegExp]>([
    ['a challenge', 403, '<html>', {'cf-mitigated': 'challenge'}, /a challenge that only a browser can pass/],
    ['a page of a firewall', 403, '<html>secret</html>', {'content-type': 'text/html'}, /is not the API's/],
    ['a proxy', 401, 'Log in first', {}, /is not the API's/],
    ['another JSON', 403, {message: 'Forbidden'}, {'content-type': 'application/json'}, /is not the API's/],
    ['nothing', 403, '', {}, /is not the API's/],
  ])('of %s says nothing about the API token', async (_, status, body, headers, why) => {
    only(status, body, headers)
    const error = await first(open())
    expect(error).toMatchObject({kind: 'unreachable', code: 'API_BLOCKED', status, outcomeUnknown: false})
    expect(error.why).toMatch(why)
    expect(error.why).not.toContain('secret')
    expect(nock.pendingMocks()).toContain(`GET ${ORIGIN}:443/client/v4/user/tokens/verify`)
  })

  it('is not waited for longer than the person allows', async () => {
    const api = open({patienceSeconds: 2})
    path('GET', '/apps/a', 0, 200, app)
    const asked = path('GET', '/apps', Infinity, 200, [])
    await api.getApplication('a')
    await failure(api.listApplications())
    expect([asked(), slept]).toEqual([2, 1])
  })

  it('of a create is not answered by another create', async () => {
    const api = open()
    path('PUT', '/policies/p', 0, 200, {id: 'p', name: 'P', decision: 'allow'})
    const asked = path('POST', '/policies', 1, 201, {id: 'p', name: 'P', decision: 'allow'})
    await api.replacePolicy('p', {name: 'P'})
    const body = {name: 'P', decision: 'allow' as const, include: []}
    expect(await failure(api.createPolicy(body))).toMatchObject({code: 'PERMISSION_UNCERTAIN'})
    expect([asked(), slept]).toEqual([1, 0])
  })
})

describe('a refusal of an application because of a policy', () => {
  const ID = '0b1e4bd6-9dd6-4b1a-8a4c-3e0f3c1a2b3d'
  const refuse = (message: string, status = 400): object[] => [{success: false, errors: [{code: 12130, message}], messages: [], result: null, status}] // prettier-ignore
  it.each<[string, 'PUT' | 'POST', string, number, string, unknown]>([
    [`policy ${ID} not found`, 'PUT', '/apps/a', 400, 'POLICY_UNKNOWN', ID],
    [`access.api.error.invalid_request: policy "${ID}" was not found`, 'POST', '/apps', 404, 'POLICY_UNKNOWN', ID],
    ['policy ID not found', 'PUT', '/apps/a', 400, 'POLICY_UNKNOWN', undefined],
    ['domain not found', 'PUT', '/apps/a', 400, 'API_REFUSED', undefined],
    [`policy ${ID} not found`, 'PUT', '/policies/p', 404, 'NOT_FOUND', undefined],
    [`policy ${ID} not found`, 'PUT', '/apps/a/policies/p', 400, 'API_REFUSED', undefined],
  ])('%s to %s %s with %i', async (message, method, where, status, code, policyId) => {
    nock(ORIGIN).intercept(`${ACCESS}${where}`, method).reply(status, refuse(message)[0] as nock.Body)
    const api = open()
    const call = {
      '/apps/a': () => api.replaceApplication('a', {}),
      '/apps': () => api.createApplication({}),
      '/policies/p': () => api.replacePolicy('p', {}),
      '/apps/a/policies/p': () => api.replaceApplicationPolicy('a', 'p', {}),
    }[where]
    const error = await failure(call?.() ?? Promise.resolve())
    expect(error.code).toBe(code)
    expect(error.details['policyId']).toBe(policyId)
  }) // prettier-ignore
})

it('a secret in a body is sent as it is, and printed nowhere', async () => {
  const body = {scim_config: {authentication: [{password: new Secret('hush-hush-1')}]}}
  let sent: unknown
  nock(ORIGIN).put(`${ACCESS}/apps/a`).reply((_uri, given) => [200, answer({...app, got: (sent = given) && 1})]) // prettier-ignore
  await open().replaceApplication('a', body)
  expect(sent).toEqual({scim_config: {authentication: [{password: 'hush-hush-1'}]}})
  expect(JSON.stringify(body)).not.toContain('hush')
})
