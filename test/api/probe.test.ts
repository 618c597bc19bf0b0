import http from 'node:http'
import type {AddressInfo} from 'node:net'
import fc from 'fast-check'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {createAccessApi} from '../../src/lib/api/client.js'
import type {AccessApi, PermissionState} from '../../src/lib/api/types.js'
import {Secret} from '../../src/lib/core/secret.js'
import {World} from '../support/access-world.js'

const KINDS = ['Service Tokens', 'Apps and Policies', 'Organizations, Identity Providers, and Groups']
const GROUPS = KINDS.flatMap((kind) => [`Access: ${kind} Read`, `Access: ${kind} Write`])
const [READ_TOKENS = '', WRITE_TOKENS = ''] = GROUPS
const ANALYTICS = 'Account Analytics Read'
const ALL = [...GROUPS, ANALYTICS]

const states = (found: readonly PermissionState[]): Record<string, string> =>
  Object.fromEntries(found.map(({group, state}) => [group, state]))

const open = (apiUrl: string, token: string, accountId: string | undefined): AccessApi =>
  createAccessApi({apiUrl, apiToken: new Secret(token), accountId, userAgent: 'zt-test'})

describe('the permissions of an API token', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open()
  })
  afterAll(() => world.end())

  it('are found whatever they are, and nothing is changed by it', async () => {
    const before = JSON.stringify({...world.state.data, apiTokens: []})
    await fc.assert(
      fc.asyncProperty(fc.subarray(ALL), async (groups) => {
        world.exchanges.length = 0
        const token = {token: 'of-the-test', id: 'x', owner: 'user', status: 'active'} as const
        world.state.data.apiTokens.push({...token, permission_groups: groups})
        const found = await open(world.ctx.apiUrl, token.token, world.state.accountId).probePermissions()
        world.state.data.apiTokens.pop()

        const readable = (group: string): boolean =>
          groups.includes(group) || groups.includes(group.replace('Read', 'Write'))
        const wanted = ALL.map((group) => [
          group,
          (group.endsWith('Read') ? readable(group) : groups.includes(group)) ? 'yes' : 'no',
        ])
        expect(states(found)).toEqual(Object.fromEntries(wanted))
        for (const {method, path, status, requestBody} of world.exchanges) {
          // A query of GraphQL that reads one minute.
          if (path === '/graphql') continue
          expect(['GET', 'DELETE']).toContain(method)
          expect(requestBody).toBeUndefined()
          if (method === 'DELETE') {
            expect(path).toMatch(/\/[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
            expect([403, 404]).toContain(status)
          }
        }
        expect(JSON.stringify({...world.state.data, apiTokens: []})).toBe(before)
      }),
      {numRuns: 25},
    )
  })

  it('are asked about with another id each time, which nothing has', async () => {
    world.exchanges.length = 0
    const api = open(world.ctx.apiUrl, world.state.apiToken, world.state.accountId)
    await Promise.all([api.probePermissions(), api.probePermissions()])
    const deleted = world.exchanges.filter(({method}) => method === 'DELETE').map(({path}) => path)
    expect(new Set(deleted.map((path) => path.split('/').at(-1))).size).toBe(6)
  })

  it('are not looked for without an account', async () => {
    await expect(
      open(world.ctx.apiUrl, world.state.apiToken, undefined).probePermissions(),
    ).rejects.toMatchObject({
      code: 'ACCOUNT_REQUIRED',
    })
  })
})

describe('a probe that the API answers otherwise', () => {
  type Answer = {status: number; body?: object; headers?: Record<string, string>} | 'cut'
  const failure = (status: number, code: number): Answer => ({
    status,
    body: {success: false, errors: [{code, message: 'says the test'}], messages: [], result: null},
  })
  const fine = (result: unknown): Answer => ({
    status: 200,
    body: {success: true, errors: [], messages: [], result},
  })
  const absent = failure(404, 12135)

  /** What the API answers about service tokens: to the list, to the GET and to the DELETE of one. */
  let answers: {list: Answer; get: Answer; remove: Answer}
  let analytics: Answer
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    const {pathname} = new URL(request.url ?? '/', 'http://x')
    const one = !pathname.endsWith('/service_tokens')
    const answer =
      pathname === '/graphql'
        ? analytics
        : !pathname.includes('/service_tokens')
          ? request.method === 'GET' && /(policies|groups)$/.test(pathname)
            ? fine([])
            : absent
          : answers[request.method === 'DELETE' ? 'remove' : one ? 'get' : 'list']
    if (pathname.includes('/service_tokens')) asked.push(request.method ?? '')
    if (answer === 'cut') return void request.socket.destroy()
    response.writeHead(answer.status, {'content-type': 'application/json', ...answer.headers})
    response.end(answer.body ? JSON.stringify(answer.body) : '<html>')
  })

  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  const empty: Answer = {status: 200, body: {data: {viewer: {accounts: []}}}}
  beforeEach(() => {
    asked.length = 0
    analytics = empty
  })
  afterAll(() => {
    server.close()
  })

  const probe = async (): Promise<PermissionState[]> => {
    const {port} = server.address() as AddressInfo
    return open(`http://127.0.0.1:${port}`, 'an-api-token', 'acc').probePermissions()
  }

  it.each<[string, typeof answers, read: string, write: string, why: RegExp | undefined, deletes: boolean]>([
    ['it is as it should be', {list: fine([]), get: absent, remove: absent}, 'yes', 'yes', undefined, true],
    [
      'the DELETE is said to be done',
      {list: fine([]), get: absent, remove: fine({id: 'x'})},
      'yes',
      'yes',
      undefined,
      true,
    ],
    [
      'the DELETE may not',
      {list: fine([]), get: absent, remove: failure(403, 10000)},
      'yes',
      'no',
      undefined,
      true,
    ],
    [
      'the object is there, of all things',
      {list: fine([]), get: fine({id: 'x'}), remove: absent},
      'yes',
      'unknown',
      /unexpected/,
      false,
    ],
    [
      'the list is not there',
      {list: absent, get: absent, remove: absent},
      'unknown',
      'yes',
      /unexpected/,
      true,
    ],
    [
      'a page of something else answers 404',
      {list: fine([]), get: {status: 404}, remove: absent},
      'yes',
      'unknown',
      /not exist/,
      false,
    ],
    [
      'nothing may be read',
      {list: failure(403, 10000), get: failure(403, 10000), remove: absent},
      'no',
      'no',
      undefined,
      false,
    ],
    [
      'the DELETE is cut off',
      {list: fine([]), get: absent, remove: 'cut'},
      'yes',
      'unknown',
      /connection/,
      true,
    ],
    [
      'the account is another',
      {list: failure(404, 7003), get: failure(404, 7003), remove: absent},
      'unknown',
      'unknown',
      /account/,
      false,
    ],
    [
      'Zero Trust is off',
      {list: failure(403, 9999), get: failure(403, 9999), remove: absent},
      'unknown',
      'unknown',
      /Zero Trust/,
      false,
    ],
    [
      'the DELETE finds the API down',
      {list: fine([]), get: absent, remove: failure(503, 10001)},
      'yes',
      'unknown',
      /internal error/,
      true,
    ],
    [
      'there were too many requests',
      {
        list: fine([]),
        get: absent,
        remove: {...(failure(429, 10429) as object), status: 429, headers: {'retry-after': '200'}},
      },
      'yes',
      'unknown',
      /too many requests/,
      true,
    ],
    [
      'an id of that form is refused',
      {list: fine([]), get: failure(400, 7003), remove: absent},
      'yes',
      'unknown',
      /account or path/,
      false,
    ],
  ])('%s', async (_name, given, read, write, why, deletes) => {
    answers = given
    const found = await probe()
    expect(states(found)).toMatchObject({[READ_TOKENS]: read, [WRITE_TOKENS]: write})
    expect(asked.includes('DELETE')).toBe(deletes)
    for (const {group, state, why: told} of found) {
      const own = group === READ_TOKENS || group === WRITE_TOKENS
      // The other kinds are not touched by what goes wrong with one.
      if (!own) expect(state).toBe('yes')
      if (state === 'unknown') expect(told).toMatch(why ?? /^never$/)
      else expect(told).toBeUndefined()
    }
  })

  const refusal = (message: string): object => ({data: null, errors: [{message}]})
  it.each<[string, Answer, string, RegExp | undefined]>([
    ['empty', empty, 'yes', undefined],
    ['refused', {status: 200, body: refusal('not authorized for that account')}, 'no', undefined],
    [
      'refused with its status',
      {status: 403, body: refusal('not authorized for that account')},
      'no',
      undefined,
    ],
    [
      'not for this plan',
      {status: 200, body: refusal('not available for your plan')},
      'unknown',
      /not available/,
    ],
    ['limited', {status: 429, body: refusal('rate limiter budget depleted')}, 'unknown', /too many requests/],
    ['not there', failure(404, 7000), 'unknown', /unexpected/],
    ['something else', {status: 200, body: {hello: 'world'}}, 'yes', undefined],
  ])('the record of Access is %s, and the other permissions are found', async (_name, given, state, why) => {
    answers = {list: fine([]), get: absent, remove: absent}
    analytics = given
    const found = await probe()
    expect(states(found)).toMatchObject({[READ_TOKENS]: 'yes', [WRITE_TOKENS]: 'yes', [ANALYTICS]: state})
    expect(found.find(({group}) => group === ANALYTICS)?.why ?? '').toMatch(why ?? /^$/)
  })
})
