import {inspect} from 'node:util'
import net from 'node:net'
import nock from '../support/nock.js'
import {afterEach, describe, expect, it} from 'vitest'
import {createAccessApi} from '../../src/lib/api/client.js'
import type {AccessApi} from '../../src/lib/api/types.js'
import {errorJson} from '../../src/lib/core/error-text.js'
import {ApiError} from '../../src/lib/core/errors.js'
import {Secret} from '../../src/lib/core/secret.js'

const ORIGIN = 'https://api.cloudflare.com'
const BASE = '/client/v4/accounts/acc/access'
const API_TOKEN = 'canary-api-token-canary-api-token-canary'
const CLIENT_SECRET = 'cfast_canaryCanaryCanaryCanaryCanaryCanaryCanary0a1b2c3d'

const open = (
  apiUrl = `${ORIGIN}/client/v4`,
  timeoutMs?: number,
  about: {command?: string; suggestedArgs?: string} = {},
): AccessApi =>
  createAccessApi({
    ...about,
    apiUrl,
    apiToken: new Secret(API_TOKEN),
    accountId: 'acc',
    userAgent: 'zt-test',
    timeoutMs,
  })

const failure = (code: number, message: string): object => ({
  success: false,
  errors: [{code, message}],
  messages: [],
  result: null,
})

async function failed(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ApiError)) throw error
  const everything = [
    inspect(error, {depth: 9, showHidden: true}),
    JSON.stringify(errorJson(error)),
    String(error.stack),
  ]
  for (const canary of [API_TOKEN, CLIENT_SECRET]) expect(everything.join('\n')).not.toContain(canary)
  return error
}

const body = {success: true, errors: [], messages: [], result: {id: 't', name: 'n', client_id: 'c.access'}}
const listBody = {success: true, errors: [], messages: [], result: []}

afterEach(() => {
  expect(nock.pendingMocks()).toEqual([])
})

describe('what the API answers to a change', () => {
  interface Row {
    status: number
    answer: object | string
    kind: string
    code: string
    /** What the error must say. */
    says: RegExp
    /** What the verify endpoint says when it is asked. */
    verify?: number | object
    headers?: Record<string, string>
    unknown?: boolean
  }
  const active = {success: true, errors: [], messages: [], result: {id: 'x', status: 'active'}}
  const rows: Record<string, Row> = {
    'a token that lacks a permission': {
      status: 403,
      answer: failure(10000, 'Authentication error'),
      verify: active,
      kind: 'permission',
      code: 'PERMISSION_MISSING',
      says: /Access: Service Tokens Write/,
    },
    'an unknown token': {
      status: 403,
      answer: failure(10000, 'Authentication error'),
      verify: 401,
      kind: 'auth',
      code: 'API_TOKEN_NOT_ACCEPTED',
      says: /zt login/,
    },
    'an expired token': {
      status: 403,
      answer: failure(10000, 'Authentication error'),
      verify: {...active, result: {id: 'x', status: 'expired'}},
      kind: 'auth',
      code: 'API_TOKEN_NOT_ACTIVE',
      says: /expired/,
    },
    'a malformed Authorization header': {
      status: 400,
      answer: failure(6003, 'Invalid request headers'),
      kind: 'auth',
      code: 'API_TOKEN_NOT_ACCEPTED',
      says: /Invalid request headers/,
    },
    'an account without Zero Trust': {
      status: 403,
      answer: failure(9999, 'access.api.error.not_enabled'),
      verify: active,
      kind: 'needs-action',
      code: 'ZERO_TRUST_NOT_ENABLED',
      says: /one\.dash\.cloudflare\.com/,
    },
    'an unknown account': {
      status: 404,
      answer: failure(7003, 'Could not route'),
      kind: 'not-found',
      code: 'ACCOUNT_NOT_FOUND',
      says: /CLOUDFLARE_ACCOUNT_ID/,
    },
    'a conflict': {
      status: 409,
      answer: failure(12139, 'in use'),
      kind: 'conflict',
      code: 'CONFLICT',
      says: /in use/,
    },
    'a refusal of another kind': {
      status: 400,
      answer: failure(12130, 'name is required'),
      kind: 'api',
      code: 'API_REFUSED',
      says: /name is required/,
    },
    'success: false with 200': {
      status: 200,
      answer: failure(12130, 'not really'),
      kind: 'api',
      code: 'API_REFUSED',
      says: /not really/,
      unknown: true,
    },
    'too many requests': {
      status: 429,
      answer: failure(10429, 'slow down'),
      headers: {'retry-after': '61'},
      kind: 'unreachable',
      code: 'RATE_LIMITED',
      says: /Try again in 61 seconds, after \d\d:\d\d:\d\d/,
    },
    'a server error': {
      status: 502,
      answer: '<html>bad gateway</html>',
      kind: 'unreachable',
      code: 'API_UNAVAILABLE',
      says: /cloudflarestatus/,
      unknown: true,
    },
    'a page of HTML': {
      status: 200,
      answer: '<html>log in to the hotel</html>',
      kind: 'api',
      code: 'BAD_ANSWER',
      says: /not JSON/,
      unknown: true,
    },
    'JSON that is cut short': {
      status: 200,
      answer: `{"success":true,"result":{"client_secret":"${CLIENT_SECRET}`,
      kind: 'api',
      code: 'BAD_ANSWER',
      says: /not JSON/,
      unknown: true,
    },
    'no body': {status: 200, answer: '', kind: 'api', code: 'BAD_ANSWER', says: /not JSON/, unknown: true},
    'a token without its secret': {
      status: 200,
      answer: body,
      kind: 'api',
      code: 'BAD_ANSWER',
      says: /client secret/,
      unknown: true,
    },
    'an error that quotes a secret': {
      status: 400,
      answer: failure(12130, `bad value ${CLIENT_SECRET}`),
      kind: 'api',
      code: 'API_REFUSED',
      says: /\[hidden\]/,
    },
    'a redirect to elsewhere': {
      status: 302,
      answer: '',
      headers: {location: 'https://evil.example/'},
      kind: 'api',
      code: 'BAD_ANSWER',
      says: /302.*The change may or may not have been made/,
      unknown: true,
    },
  }

  it.each(Object.entries(rows))('%s is said as what it is, and the change is sent once', async (_, row) => {
    // One interceptor is one request: a second one would find nothing and fail otherwise.
    nock(ORIGIN)
      .post(`${BASE}/service_tokens`)
      .reply(row.status, row.answer, {'cf-ray': 'ray-1', ...row.headers})
    if (row.verify !== undefined) {
      const [status, answer] =
        typeof row.verify === 'number' ? [row.verify, failure(1000, 'Invalid API Token')] : [200, row.verify]
      nock(ORIGIN).get('/client/v4/user/tokens/verify').reply(status, answer)
      if (status !== 200) nock(ORIGIN).get('/client/v4/accounts/acc/tokens/verify').reply(status, answer)
    }
    const error = await failed(open().createServiceToken({name: 'n'}))
    expect(error).toMatchObject({kind: row.kind, code: row.code, outcomeUnknown: row.unknown ?? false})
    expect([error.message, error.why, ...error.next].join('\n')).toMatch(row.says)
    if (row.code !== 'BAD_ANSWER' || row.answer !== body) expect(error).toMatchObject({ray: 'ray-1'})
  })
})

describe('a missing permission', () => {
  const refuse = (owner: 'user' | 'account'): void => {
    const verified = {...body, result: {id: 'x', status: 'active'}}
    nock(ORIGIN).get(`${BASE}/apps`).query(true).reply(403, failure(10000, 'Authentication error'))
    nock(ORIGIN)
      .get('/client/v4/user/tokens/verify')
      .reply(owner === 'user' ? 200 : 401, owner === 'user' ? verified : failure(1000, 'Invalid API Token'))
    if (owner === 'account') nock(ORIGIN).get('/client/v4/accounts/acc/tokens/verify').reply(200, verified)
  }

  it.each([
    ['user', 'https://dash.cloudflare.com/profile/api-tokens'],
    ['account', 'https://dash.cloudflare.com/?to=/:account/api-tokens'],
  ] as const)('is named with the command, and where to edit the API token of a %s', async (owner, page) => {
    refuse(owner)
    const error = await failed(open(undefined, undefined, {command: 'app list'}).listApplications())
    expect(error.whyLines[0]).toBe(
      'It lacks the permission "Access: Apps and Policies Read" or "Access: Apps and Policies Write", which zt app list needs.',
    )
    expect(error.next).toEqual(['zt whoami', expect.stringContaining(`${page},`)])
    expect(error.details).toEqual({command: 'app list'})
  })

  it('is followed by commands for the profile that was named', async () => {
    refuse('user')
    const error = await failed(
      open(undefined, undefined, {suggestedArgs: '--profile prod'}).listApplications(),
    )
    expect(error.next).toEqual([
      'zt whoami --profile prod',
      expect.stringMatching(/zt login --profile prod$/),
    ])
  })

  it('is named where no command is known', async () => {
    refuse('user')
    const error = await failed(open().listApplications())
    expect(error.whyLines[0]).toMatch(/Policies Write"\.$/)
    expect(error.details).toEqual({})
  })
})

describe('a read', () => {
  it('is tried again when the server stumbles, and then it works', async () => {
    nock(ORIGIN)
      .get(`${BASE}/groups`)
      .query(true)
      .reply(503)
      .get(`${BASE}/groups`)
      .query(true)
      .reply(200, listBody)
    expect(await open().listGroups()).toEqual([])
  })

  it('is tried three times, not more', async () => {
    nock(ORIGIN).get(`${BASE}/groups`).query(true).times(3).reply(500)
    expect(await failed(open().listGroups())).toMatchObject({code: 'API_UNAVAILABLE', outcomeUnknown: false})
  })

  it.each([401, 403, 404, 409])('is not tried again after %i', async (status) => {
    nock(ORIGIN).get(`${BASE}/groups`).query(true).reply(status, failure(12130, 'no'))
    if (status === 403) {
      nock(ORIGIN)
        .get('/client/v4/user/tokens/verify')
        .reply(200, {...body, result: {id: 'x', status: 'active'}})
    }
    await failed(open().listGroups())
  })

  it('waits as long as Cloudflare asks for', async () => {
    nock(ORIGIN)
      .get(`${BASE}/groups`)
      .query(true)
      .reply(429, failure(10429, 'slow'), {'retry-after': '0'})
      .get(`${BASE}/groups`)
      .query(true)
      .reply(200, listBody)
    expect(await open().listGroups()).toEqual([])
  })

  it.each(['61', '99999999999', 'Fri, 31 Dec 2199 23:59:59 GMT', 'soon', '-5', undefined])(
    'does not wait for a Retry-After of %s',
    async (retryAfter) => {
      nock(ORIGIN)
        .get(`${BASE}/groups`)
        .query(true)
        .reply(429, failure(10429, 'slow'), retryAfter === undefined ? {} : {'retry-after': retryAfter})
      expect(await failed(open().listGroups())).toMatchObject({code: 'RATE_LIMITED'})
    },
  )

  it('reads all pages', async () => {
    for (const page of [1, 2, 3]) {
      nock(ORIGIN)
        .get(`${BASE}/groups`)
        .query({page, per_page: 100})
        .reply(200, {
          ...listBody,
          result: [{id: `g${page}`, name: 'n', include: []}],
          result_info: {page, per_page: 100, total_pages: 3},
        })
    }
    expect((await open().listGroups()).map(({id}) => id)).toEqual(['g1', 'g2', 'g3'])
  })

  it('does not read for ever from a server that ignores the page', async () => {
    const result = Array.from({length: 100}, (_, i) => ({id: `g${i}`, name: 'n', include: []}))
    nock(ORIGIN)
      .get(`${BASE}/groups`)
      .query(true)
      .times(2)
      .reply(200, {...listBody, result})
    expect(await failed(open().listGroups())).toMatchObject({code: 'BAD_ANSWER'})
  })
})

describe('a connection that breaks', () => {
  /** A server that does this with each connection, and counts the requests that it saw. */
  async function server(
    onData: (socket: net.Socket) => void,
    use: (api: AccessApi) => Promise<void>,
    timeoutMs?: number,
  ): Promise<number> {
    let requests = 0
    const listening = net.createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => {
        requests++
        onData(socket)
      })
    })
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    try {
      await use(open(`http://127.0.0.1:${(listening.address() as net.AddressInfo).port}`, timeoutMs))
    } finally {
      await new Promise((resolve) => listening.close(resolve))
    }
    return requests
  }

  const breaks: [string, (socket: net.Socket) => void, string][] = [
    ['is cut before the answer', (socket) => socket.resetAndDestroy(), 'API_UNREACHABLE'],
    ['is ended without an answer', (socket) => socket.end(), 'API_UNREACHABLE'],
    [
      'is cut in the middle of the answer',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"success":tr'),
      'API_UNREACHABLE',
    ],
    ['answers what is not HTTP', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'), 'API_UNREACHABLE'],
  ]
  it.each(breaks)('when it %s, a change is sent once and its outcome is unknown', async (_, onData, code) => {
    const seen = await server(onData, async (api) => {
      expect(await failed(api.createServiceToken({name: 'n'}))).toMatchObject({
        kind: 'unreachable',
        code,
        outcomeUnknown: true,
        why: expect.stringContaining('may or may not') as string,
      })
    })
    expect(seen).toBe(1)
  })

  it('when no answer comes, a change is given up and its outcome is unknown', async () => {
    const sockets: net.Socket[] = []
    const seen = await server(
      (socket) => sockets.push(socket),
      async (api) => {
        const error = await failed(api.createServiceToken({name: 'n'}))
        expect(error).toMatchObject({code: 'API_TIMEOUT', outcomeUnknown: true})
        for (const socket of sockets) socket.destroy()
      },
      150,
    )
    expect(seen).toBe(1)
  })

  it('when nothing listens, nothing was changed', async () => {
    const {port} = await new Promise<net.AddressInfo>((resolve) => {
      const unused = net.createServer().listen(0, '127.0.0.1', () => {
        const address = unused.address() as net.AddressInfo
        unused.close(() => {
          resolve(address)
        })
      })
    })
    const error = await failed(open(`http://127.0.0.1:${port}`).createServiceToken({name: 'n'}))
    expect(error).toMatchObject({
      code: 'API_UNREACHABLE',
      outcomeUnknown: false,
      why: 'Nothing listens there.',
    })
  })
})

describe('what is refused before anything is sent', () => {
  it.each([
    'http://api.cloudflare.com/client/v4',
    'http://localhost.evil.example/',
    'http://127.0.0.1.evil.example/',
  ])('the API token does not travel in clear to %s', (apiUrl) => {
    expect(() => open(apiUrl)).toThrow(expect.objectContaining({code: 'INSECURE_API_URL'}) as Error)
  })

  it.each(['', ' ', 'two words', 'line\nbreak', '“quoted”', 'x\r\ny: z'])(
    '%j cannot be an API token',
    (text) => {
      const make = (): AccessApi =>
        createAccessApi({apiUrl: `${ORIGIN}/x`, apiToken: new Secret(text), accountId: 'a', userAgent: 'zt'})
      expect(make).toThrow(expect.objectContaining({code: 'API_TOKEN_MALFORMED'}) as Error)
    },
  )
})
