import {createPublicKey, verify, X509Certificate, type JsonWebKey} from 'node:crypto'
import fs from 'node:fs/promises'
import http, {type IncomingHttpHeaders} from 'node:http'
import https from 'node:https'
import net, {type AddressInfo} from 'node:net'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {startSandboxApi} from '../../src/lib/sandbox/api/server.js'
import {openCertificateAuthority, type CertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {startEdge} from '../../src/lib/sandbox/edge/edge.js'
import type {AccessEvent} from '../../src/lib/sandbox/record.js'
import {readSeed} from '../../src/lib/sandbox/seed.js'
import {openSigningKey, type SigningKey} from '../../src/lib/sandbox/signing-key.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import type {SandboxSettings} from '../../src/lib/sandbox/types.js'

const HOST = 'app.widgetcorp.tech'
const AUD = 'f00d'.repeat(16)
const NOW = Date.UTC(2026, 10, 1)
const SECRET = 'cfast_Hj4gLf6aEu5pDq7nWk3vYt9sXb2mZc8rTq1oVd0eRi5wKs7b'

let directory: string
let ca: Buffer
let edge: {address: string; close(): Promise<void>}
let authority: CertificateAuthority
let state: SandboxState
let recorded: AccessEvent[] = []
/** Of every host, if it is an HTTP service. */
let origin: string | undefined
/** The same if it is a stream. */
let stream: string | undefined

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-edge-'))
  authority = await openCertificateAuthority(directory, Date.now())
  ca = await fs.readFile(authority.caFile)
  edge = await startEdge({
    state: {
      edgeView: () => state.edgeView(),
      recordUse: (id) => state.recordUse(id),
      recordEvent: (event) => recorded.push(event),
    },
    authority,
    originOf: () => stream ?? origin ?? '127.0.0.1:9',
    httpOriginOf: () => origin,
  })
})
afterAll(async () => {
  await edge.close()
  // When tokens were last seen is written a moment later.
  await state.save()
  await fs.rm(directory, {recursive: true, force: true})
})

/** What an application has, and how it decides: most rows need no more than a name of these. */
const POLICIES = {
  abroad: {
    decision: 'non_identity',
    include: [{service_token: {token_id: 'token-ci'}}],
    exclude: [{geo: {country_code: 'DE'}}],
  },
  token: {decision: 'non_identity', include: [{service_token: {token_id: 'token-ci'}}]},
  people: {decision: 'allow', include: [{email_domain: {domain: 'widgetcorp.tech'}}]},
  germany: {
    decision: 'non_identity',
    include: [{service_token: {token_id: 'token-ci'}}],
    require: [{geo: {country_code: 'DE'}}],
  },
  everyone: {decision: 'bypass', include: [{everyone: {}}]},
  block: {decision: 'deny', include: [{everyone: {}}]},
} satisfies Record<string, JsonObject>

interface World {
  policies?: (keyof typeof POLICIES)[]
  app?: JsonObject
  others?: JsonObject[]
  settings?: SandboxSettings
}

interface Ask {
  method?: string
  path?: string
  host?: string
  from?: string
  headers?: Record<string, string>
}

const TOKEN = {'cf-access-client-id': 'ci.access', 'cf-access-client-secret': SECRET}
const WRONG = {...TOKEN, 'cf-access-client-secret': 'wrong'}

async function world({
  policies = ['token', 'people'],
  app = {},
  others = [],
  settings = {},
}: World): Promise<void> {
  state = await SandboxState.open({
    file: path.join(directory, 'state.json'),
    clock: {now: () => NOW},
    seed: {
      apps: [
        {
          id: 'app',
          name: 'App',
          domain: HOST,
          aud: AUD,
          ...app,
          policies: policies.map((name, at) => ({id: name, name, ...POLICIES[name], precedence: at + 1})),
        },
        ...others,
      ],
      service_tokens: [{id: 'token-ci', name: 'ci', client_id: 'ci.access', client_secret: SECRET}],
      settings,
    },
  })
}

function ask({method = 'GET', path: url = '/', host = HOST, from, headers = {}}: Ask): Promise<{
  status: number | undefined
  headers: IncomingHttpHeaders
  /** What it sets. */
  cookies: string[]
  text: string
}> {
  const [address, port] = edge.address.split(':')
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        method,
        path: url,
        host: address,
        port,
        ca,
        agent: false,
        localAddress: from,
        servername: host.replace(/:\d+$/, ''),
        headers: {...headers, host},
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.once('end', () => {
          const {statusCode: status, headers: answered} = response
          resolve({status, headers: answered, cookies: answered['set-cookie'] ?? [], text})
        })
      },
    )
    request.once('error', reject)
    request.end()
  })
}

const challenge = (at: string): string =>
  `Cloudflare-Access resource_metadata="https://${HOST}/.well-known/cloudflare-access-protected-resource${at}"`
const preflight = {origin: 'https://ui.widgetcorp.tech', 'access-control-request-method': 'GET'}
const cors = {allowed_origins: ['https://ui.widgetcorp.tech'], allowed_methods: ['GET']}

const OAUTH = {oauth_configuration: {enabled: true}}
const SEEN = 'seen on an edge in October 2026'
const WRANGLER = "Cloudflare's wrangler, workers-sdk 14008"
const docs = (page: string): string => `Cloudflare's documentation, "${page}"`

/** What is asked, in which world, what the edge answers, and by which source. */
const ROWS: [says: string, source: string, world: World, request: Ask, answer: object][] = [
  [
    'redirects a person to the login page, with the challenge that names Access',
    SEEN,
    {},
    {path: '/a?x=1'},
    {
      status: 302,
      headers: {
        location: expect.stringMatching(
          /^https:\/\/widgetcorp\.cloudflareaccess\.com\/cdn-cgi\/access\/login\/app\.widgetcorp\.tech\?.*redirect_url=%2Fa%3Fx%3D1$/,
        ) as string,
        'www-authenticate': challenge('/a'),
      },
    },
  ],
  [
    'redirects to the host without the port, whoever asks',
    docs('Application paths'),
    {},
    {host: `${HOST}:8443`, path: '/a?x=1', headers: TOKEN},
    {status: 301, headers: {location: `https://${HOST}/a?x=1`}},
  ],
  [
    'does so for an application that Bypass opens',
    docs('Application paths'),
    {policies: ['everyone']},
    {host: `${HOST.toUpperCase()}:80`},
    {status: 301, headers: {location: `https://${HOST}/`}},
  ],
  [
    'does not redirect from port 443',
    docs('Application paths'),
    {},
    {host: `${HOST}:443`, headers: TOKEN},
    {status: 200},
  ],
  [
    'does not redirect for a host that no application covers',
    docs('Application paths'),
    {},
    {host: 'other.example:8443'},
    {status: 530},
  ],
  ['redirects for a wrong secret too', SEEN, {}, {headers: WRONG}, {status: 302}],
  [
    'answers 401 to an XMLHttpRequest, with the challenge',
    SEEN,
    {},
    {path: '/api', headers: {'x-requested-with': 'XMLHttpRequest'}},
    {status: 401, headers: {'www-authenticate': challenge('/api')}},
  ],
  [
    'does not take Accept: application/json for an XMLHttpRequest',
    SEEN,
    {},
    {headers: {accept: 'application/json', 'sec-fetch-mode': 'cors'}},
    {status: 302},
  ],
  [
    'answers 403 without an Allow policy, with the markers of Access',
    WRANGLER,
    {policies: ['token']},
    {headers: WRONG},
    {status: 403, headers: {'cf-access-aud': AUD, 'cf-access-domain': HOST}},
  ],
  [
    'answers that without a token too',
    WRANGLER,
    {policies: ['token']},
    {},
    {status: 403, headers: {'cf-access-aud': AUD, 'cf-access-domain': HOST}},
  ],
  ['answers that without any policy', WRANGLER, {policies: []}, {headers: TOKEN}, {status: 403}],
  [
    'redirects to the login page there, if so set',
    'earlier reports',
    {policies: ['token'], settings: {without_allow: 'login'}},
    {headers: WRONG},
    {status: 302},
  ],
  [
    'answers that to an XMLHttpRequest as well',
    SEEN,
    {policies: ['token']},
    {headers: {'x-requested-with': 'XMLHttpRequest'}},
    {status: 403},
  ],
  ['keeps to the login page where there is an Allow policy', SEEN, {}, {headers: WRONG}, {status: 302}],
  [
    'answers 401 with Managed OAuth to a client that is no browser, and names Access in the challenge',
    docs('Managed OAuth'),
    {app: OAUTH},
    {path: '/mcp'},
    {
      status: 401,
      headers: {
        'www-authenticate': `Bearer realm="OAuth", error="invalid_token", ${challenge('/mcp').replace('Cloudflare-Access ', '')}`,
      },
    },
  ],
  [
    'redirects a browser with Managed OAuth',
    docs('Managed OAuth'),
    {app: OAUTH},
    {headers: {accept: 'text/html,application/xhtml+xml'}},
    {status: 302},
  ],
  [
    'admits the service token with Managed OAuth',
    docs('Managed OAuth vs service tokens'),
    {app: OAUTH},
    {headers: TOKEN},
    {status: 200},
  ],
  [
    'does not answer as with Managed OAuth when it is off',
    docs('Managed OAuth'),
    {app: {oauth_configuration: {enabled: false}}},
    {},
    {status: 302},
  ],
  [
    'answers 401 with service_auth_401_redirect',
    'the API reference, service_auth_401_redirect',
    {app: {service_auth_401_redirect: true}},
    {headers: WRONG},
    {status: 401, headers: {'www-authenticate': challenge('/'), 'cf-access-aud': AUD}},
  ],
  [
    'does not without a Service Auth policy',
    'the API reference, service_auth_401_redirect',
    {policies: ['people'], app: {service_auth_401_redirect: true}},
    {headers: WRONG},
    {status: 302},
  ],
  [
    'answers 403 to a preflight',
    docs('CORS'),
    {},
    {method: 'OPTIONS', headers: preflight},
    {status: 403, headers: {'cf-access-aud': AUD}},
  ],
  [
    'sends OPTIONS to the origin with options_preflight_bypass',
    docs('CORS'),
    {app: {options_preflight_bypass: true}},
    {method: 'OPTIONS', headers: preflight},
    {status: 200, text: expect.stringContaining("behind the sandbox's Access") as string},
  ],
  [
    'sends nothing but OPTIONS to it',
    docs('CORS'),
    {app: {options_preflight_bypass: true}},
    {method: 'GET', headers: preflight},
    {status: 302},
  ],
  [
    'answers a preflight itself where CORS is configured',
    docs('CORS'),
    {app: {cors_headers: {...cors, allow_credentials: true, allow_all_headers: true, max_age: 60}}},
    {method: 'OPTIONS', headers: {...preflight, 'access-control-request-headers': 'X-One, X-Two'}},
    {
      status: 200,
      headers: {
        'access-control-allow-origin': 'https://ui.widgetcorp.tech',
        'access-control-allow-methods': 'GET',
        'access-control-allow-headers': 'X-One, X-Two',
        'access-control-allow-credentials': 'true',
        'access-control-max-age': '60',
      },
    },
  ],
  ...(
    [
      ['another origin', {origin: 'https://evil.example'}],
      ['another method', {'access-control-request-method': 'DELETE'}],
      ['a header that is not listed', {'access-control-request-headers': 'x-other'}],
    ] as const
  ).map(([what, headers]): (typeof ROWS)[number] => [
    `refuses a preflight from ${what}`,
    docs('CORS'),
    {app: {cors_headers: cors}},
    {method: 'OPTIONS', headers: {...preflight, ...headers}},
    {status: 403},
  ]),
  [
    'admits a token by the country of its address',
    docs('Access policies: Country'),
    {policies: ['germany'], settings: {country_of: {'127.0.0.0/8': 'FR', '127.0.0.7/32': 'DE'}}},
    {from: '127.0.0.7', headers: TOKEN},
    {status: 200},
  ],
  [
    'refuses it from another country',
    docs('Access policies: Country'),
    {policies: ['germany'], settings: {country_of: {'127.0.0.0/8': 'FR', '127.0.0.7/32': 'DE'}}},
    {from: '127.0.0.8', headers: TOKEN},
    {status: 403},
  ],
  [
    'takes an address without a country for one of no country that a rule names',
    docs('IP geolocation'),
    {policies: ['abroad']},
    {headers: TOKEN},
    {status: 200},
  ],
  [
    'does not know the country of other addresses',
    docs('Access policies: Country'),
    {policies: ['germany'], settings: {country_of: {'127.0.0.7/32': 'DE'}}},
    {from: '127.0.0.8', headers: TOKEN},
    {status: 403},
  ],
  ...[
    '/public/../secret',
    '/public/%2e%2e/secret',
    '/public/%2E./secret',
    '/public\\..\\secret',
    '//secret',
  ].map((url): (typeof ROWS)[number] => [
    `asks the application of the path that ${url} means`,
    docs('URL normalization'),
    {others: [{id: 'public', domain: `${HOST}/public`, policies: [{id: 'p', ...POLICIES.everyone}]}]},
    {path: url},
    {status: 302},
  ]),
  [
    'finds the Bypass application by an encoded letter and two slashes',
    docs('URL normalization'),
    {others: [{id: 'public', domain: `${HOST}/public`, policies: [{id: 'p', ...POLICIES.everyone}]}]},
    {path: '//%70ublic//x'},
    {status: 200},
  ],
  [
    'gives the client a session as a cookie',
    docs('Authorization cookie'),
    {},
    {headers: TOKEN},
    {
      status: 200,
      cookies: [
        expect.stringMatching(
          /^CF_Authorization=[\w-]+\.[\w-]+\.[\w-]+; Expires=[^;]+ GMT; Path=\/; Secure; HttpOnly$/,
        ) as string,
      ],
    },
  ],
  [
    'gives it with the cookie settings of the application',
    docs('Authorization cookie'),
    {
      app: {
        domain: `${HOST}/a/*`,
        path_cookie_attribute: true,
        same_site_cookie_attribute: 'lax',
        http_only_cookie_attribute: false,
      },
    },
    {path: '/a/b', headers: TOKEN},
    {cookies: [expect.stringMatching(/; Path=\/a\/; Secure; SameSite=lax$/) as string]},
  ],
  [
    'gives none in strict mode',
    docs('Service tokens'),
    {settings: {strict_service_token_auth: true}},
    {headers: TOKEN},
    {status: 200, cookies: []},
  ],
  [
    'gives none to what a Bypass policy admits',
    docs('Access policies'),
    {policies: ['everyone']},
    {headers: TOKEN},
    {status: 200, cookies: []},
  ],
  [
    'answers 403 where a Block policy matches',
    docs('Access policies'),
    {policies: ['block']},
    {},
    {status: 403},
  ],
  [
    'answers 401 in strict mode to a wrong secret',
    docs('Service tokens'),
    {settings: {strict_service_token_auth: true}},
    {headers: WRONG},
    {status: 401, headers: {'www-authenticate': challenge('/'), 'cf-access-aud': AUD}},
  ],
  [
    'answers 403 in strict mode to a token that no rule admits',
    docs('Service tokens'),
    {policies: ['people'], settings: {strict_service_token_auth: true}},
    {headers: TOKEN},
    {status: 403, headers: {'cf-access-aud': AUD}},
  ],
  ['answers 530 for a host of no application', 'the sandbox', {}, {host: 'other.example'}, {status: 530}],
]

describe('the edge', () => {
  it.each(ROWS)('%s (%s)', async (_says, _source, there, request, answer) => {
    await world(there)
    expect(await ask(request)).toMatchObject(answer)
  })

  it('tells the login page whether the service token was valid (seen on edges in 2026)', async () => {
    await world({policies: ['people']})
    const claims = async (headers: Record<string, string>): Promise<unknown> => {
      const {headers: answer} = await ask({path: '/a?b=c', headers})
      const {searchParams} = new URL(answer.location ?? '')
      expect(searchParams.get('kid')).toBe(AUD)
      return claimsOf(searchParams.get('meta') ?? '')
    }
    const meta = {type: 'meta', aud: AUD, hostname: HOST, redirect_url: '/a?b=c'}
    expect(await claims(TOKEN)).toMatchObject({...meta, service_token_status: true})
    expect(await claims(WRONG)).toMatchObject({...meta, service_token_status: false})
  })
})

describe('a session', () => {
  /** The one that a request with the service token gets. */
  const given = async (): Promise<string> => {
    const {cookies} = await ask({headers: TOKEN})
    return /^CF_Authorization=([^;]+)/.exec(cookies[0] ?? '')?.[1] ?? ''
  }
  const ways = (session: string): [string, Record<string, string>][] => [
    ['the cookie', {cookie: `a=b; CF_Authorization=${session}; c=d`}],
    ['cf-access-token', {'cf-access-token': session}],
    ['Cf-Access-Jwt-Assertion', {'cf-access-jwt-assertion': session}],
  ]
  const statuses = async (session: string): Promise<(number | undefined)[]> =>
    Promise.all(ways(session).map(async ([, headers]) => (await ask({headers})).status))

  it('has the claims of a service token, and lasts as long as the application says', async () => {
    await world({app: {session_duration: '2h'}})
    expect(claimsOf(await given())).toEqual({
      type: 'app',
      aud: [AUD],
      iss: 'https://widgetcorp.cloudflareaccess.com',
      common_name: 'ci.access',
      sub: '',
      iat: NOW / 1000,
      exp: NOW / 1000 + 2 * 3600,
    })
  })

  it.each([
    ['24 hours, if nothing says how long', {}, {}, 24 * 3600],
    [
      'as long as the policy says, before the application',
      {session_duration: '2h'},
      {session_duration: '30m'},
      1800,
    ],
  ])('lasts %s', async (_says, app, policy, seconds) => {
    await world({app: {...app}})
    Object.assign(state.data.inlinePolicies[0] ?? {}, policy)
    await state.save()
    const {exp, iat} = claimsOf(await given()) as {exp: number; iat: number}
    expect(exp - iat).toBe(seconds)
  })

  it('is verified by what /cdn-cgi/access/certs has, on the host and on the team domain', async () => {
    await world({})
    const session = await given()
    const [head = '', body = '', signature = ''] = session.split('.')
    const {kid} = JSON.parse(Buffer.from(head, 'base64url').toString()) as {kid: string}
    for (const host of [HOST, 'widgetcorp.cloudflareaccess.com']) {
      const {status, headers, text} = await ask({host, path: '/cdn-cgi/access/certs'})
      expect({status, type: headers['content-type']}).toEqual({status: 200, type: 'application/json'})
      const published = JSON.parse(text) as {
        keys: (JsonWebKey & {kid: string})[]
        public_cert: {kid: string}
        public_certs: {kid: string; cert: string}[]
      }
      expect(published.keys).toMatchObject([{kid, kty: 'RSA', alg: 'RS256', use: 'sig', e: 'AQAB'}])
      expect(published.public_cert).toEqual(published.public_certs[0])
      const keys = [
        createPublicKey({key: published.keys[0] ?? {}, format: 'jwk'}),
        new X509Certificate(published.public_certs[0]?.cert ?? '').publicKey,
      ]
      for (const key of keys)
        expect(
          verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')),
        ).toBe(true)
    }
    expect(await ask({host: 'other.example', path: '/cdn-cgi/access/certs'})).toMatchObject({status: 530})
  })

  it('survives a restart of the sandbox: its key is kept, readable by its owner only', async () => {
    const folder = await fs.mkdtemp(path.join(directory, 'keys-'))
    const first = await openSigningKey(folder)
    const token = first.sign({sub: ''})
    expect((await openSigningKey(folder)).verify(token)).toEqual({sub: ''})
    const file = path.join(folder, 'access-key.pem')
    expect((await fs.stat(file)).mode & 0o777).toBe(0o600)
    await fs.writeFile(file, 'damaged')
    expect((await openSigningKey(folder)).verify(token)).toBeUndefined()
  })

  it('is in no file of the sandbox', async () => {
    await world({})
    const session = await given()
    await state.save()
    const files = (await fs.readdir(directory, {withFileTypes: true})).filter((entry) => entry.isFile())
    expect(files.map(({name}) => name)).toEqual(expect.arrayContaining(['state.json', 'access-key.pem']))
    for (const {name} of files)
      expect(await fs.readFile(path.join(directory, name), 'utf8')).not.toContain(session)
  })

  it('opens an application with an Allow policy in each way (seen in October 2026)', async () => {
    await world({})
    const session = await given()
    expect(await statuses(session)).toEqual([200, 200, 200])
    expect(await ask({headers: {authorization: `Bearer ${session}`}})).toMatchObject({status: 302})
  })

  it('opens no application that has Service Auth policies only (seen in October 2026)', async () => {
    await world({policies: ['token'], settings: {without_allow: 'login'}})
    expect(await statuses(await given())).toEqual([302, 302, 302])
    await world({policies: ['token']})
    expect(await statuses(await given())).toEqual([403, 403, 403])
  })

  it('ends by revoke_tokens, which leaves the service token and other applications alone', async () => {
    await world({
      others: [{id: 'other', name: 'Other', domain: 'other.widgetcorp.tech', policies: ['people']}],
    })
    const session = await given()
    const api = await startSandboxApi({state})
    const revoke = (id: string): Promise<Response> =>
      fetch(`${api.url}/accounts/${state.accountId}/access/apps/${id}/revoke_tokens`, {
        method: 'POST',
        headers: {authorization: `Bearer ${state.apiToken}`},
      })
    expect((await revoke('other')).status).toBe(202)
    expect(await statuses(session)).toEqual([200, 200, 200])
    expect((await revoke('app')).status).toBe(202)
    expect(await statuses(session)).toEqual([302, 302, 302])
    expect(await ask({headers: TOKEN})).toMatchObject({status: 200})
    expect((await revoke('none')).status).toBe(404)
    await api.close()
  })

  it('is given with the upgrade to a stream too, and in strict mode is not', async () => {
    const upgraded = async (key = 'AAAAAAAAAAAAAAAAAAAAAA=='): Promise<string[]> => {
      const [host, port] = edge.address.split(':')
      const upgrade = {connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key}
      const request = https.request({host, port, ca, agent: false, servername: HOST, headers: {...TOKEN, ...upgrade, host: HOST}})
      return new Promise((resolve, reject) => {
        request.once('upgrade', (response, socket) => {
          socket.destroy()
          resolve(response.headers['set-cookie'] ?? [])
        })
        request.once('response', ({statusCode}) => { reject(new Error(String(statusCode))) })
        request.once('error', reject)
        request.end()
      })
    }
    const listener = net.createServer()
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    stream = `127.0.0.1:${(listener.address() as AddressInfo).port}`
    await world({})
    // A handshake that is refused leaves nothing to the next client.
    await expect(upgraded('no key')).rejects.toThrow('400')
    const [cookie = '', ...more] = await upgraded()
    expect(more).toEqual([])
    expect(await statuses(/^CF_Authorization=([^;]+); .*Secure/.exec(cookie)?.[1] ?? '')).toEqual([200, 200, 200])
    await world({settings: {strict_service_token_auth: true}})
    expect(await upgraded()).toEqual([])
    stream = undefined
    await new Promise((resolve) => listener.close(resolve))
  }) // prettier-ignore

  it('is ignored beside credentials in strict mode (documentation, "Service tokens")', async () => {
    await world({})
    const session = await given()
    await world({policies: ['people'], settings: {strict_service_token_auth: true}})
    for (const [, headers] of ways(session))
      expect(await ask({headers: {...headers, ...TOKEN}})).toMatchObject({status: 403})
  })

  it.each<[string, (session: string, claims: JsonObject, key: SigningKey) => string]>([
    ['expired', (_, claims, key) => key.sign({...claims, exp: NOW / 1000})],
    ['of another application', (_, claims, key) => key.sign({...claims, aud: ['other']})],
    ['of another team', (_, claims, key) => key.sign({...claims, iss: 'https://other.cloudflareaccess.com'})],
    ['of another type', (_, claims, key) => key.sign({...claims, type: 'org'})],
    ['without a signature', (session) => session.replace(/[^.]+$/, '')],
    [
      'with another payload',
      (session, claims) => changed(session, 1, {...claims, common_name: 'other.access'}),
    ],
    ['with another algorithm', (session) => changed(session, 0, {alg: 'none', typ: 'JWT'})],
    ['with a fourth part', (session) => `${session}.x`],
    ['that is no token', () => 'x'],
  ])('%s opens nothing', async (_says, spoil) => {
    await world({})
    const session = await given()
    const key = await authority.signingKey()
    expect(await statuses(spoil(session, claimsOf(session), key))).toEqual([302, 302, 302])
  })
})

describe('an HTTP service behind the edge', () => {
  let seen: IncomingHttpHeaders[]
  const asked = async (request: Ask): Promise<IncomingHttpHeaders> => {
    seen = []
    const answer = await ask(request)
    expect(answer.text).toBe('of the service')
    expect(answer.cookies[0]).toBe('own=1')
    return seen[0] ?? {}
  }
  let service: http.Server

  beforeAll(async () => {
    service = http.createServer(({headers}, response) => {
      seen.push(headers)
      response.setHeader('set-cookie', 'own=1').end('of the service')
    })
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    origin = undefined
    await new Promise((resolve) => service.close(resolve))
  })

  it('gets the session as an assertion and a cookie, and not the credentials (seen in October 2026)', async () => {
    await world({})
    const got = await asked({headers: {...TOKEN, cookie: 'a=b; CF_Authorization=forged; c=d'}})
    const assertion = String(got['cf-access-jwt-assertion'])
    expect(claimsOf(assertion)).toMatchObject({common_name: 'ci.access', aud: [AUD]})
    expect(got.cookie).toBe(`a=b; c=d; CF_Authorization=${assertion}`)
    expect(JSON.stringify(got)).not.toContain(SECRET)
  })

  it('never gets an assertion that the client made up beside valid credentials', async () => {
    await world({})
    const got = await asked({headers: {...TOKEN, 'cf-access-jwt-assertion': 'forged'}})
    expect(got['cf-access-jwt-assertion']).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
  })

  it('gets the assertion in strict mode as well, and the client no cookie', async () => {
    await world({settings: {strict_service_token_auth: true}})
    expect(await asked({headers: TOKEN})).toMatchObject({
      'cf-access-jwt-assertion': expect.any(String) as string,
    })
  })

  it('gets the same session that the client has presented', async () => {
    await world({})
    const first = String((await asked({headers: TOKEN}))['cf-access-jwt-assertion'])
    expect(await asked({headers: {'cf-access-token': first}})).toMatchObject({
      'cf-access-jwt-assertion': first,
    })
  })

  it('gets none from what a Bypass policy admits', async () => {
    await world({policies: ['everyone']})
    expect(await asked({})).not.toHaveProperty('cf-access-jwt-assertion')
  })
})

describe('cloudflared learns the application of a host (its source, token/jwks.go)', () => {
  it('by a HEAD request with cf-access-metadata-request, whoever asks', async () => {
    await world({app: {domain: '*.widgetcorp.tech'}})
    const {status, headers} = await ask({method: 'HEAD', headers: {'cf-access-metadata-request': 'true'}})
    expect(status).toBe(200)
    const token = String(headers['cf-access-metadata'])
    const claims = (await authority.signingKey()).verify(token)
    expect(claims).toMatchObject({
      type: 'match',
      hostname: HOST,
      app_hostname: '*.widgetcorp.tech',
      aud: AUD,
      auth_domain: 'widgetcorp.cloudflareaccess.com',
      iat: NOW / 1000,
    })
  })

  it.each([
    ['a GET request', {headers: {'cf-access-metadata-request': 'true'}}, 302],
    ['a HEAD request without the header', {method: 'HEAD'}, 302],
    [
      'a host of no application',
      {method: 'HEAD', host: 'other.example', headers: {'cf-access-metadata-request': 'true'}},
      530,
    ],
  ])('but not by %s', async (_says, request: Ask, status) => {
    await world({})
    const answer = await ask(request)
    expect(answer).toMatchObject({status})
    expect(answer.headers).not.toHaveProperty('cf-access-metadata')
  })

  it('the challenge names what describes the login', async () => {
    await world({})
    const {headers} = await ask({path: '/a'})
    const at = new URL(/resource_metadata="([^"]+)"/.exec(headers['www-authenticate'] ?? '')?.[1] ?? '')
    expect(at.host).toBe(HOST)
    expect(JSON.parse((await ask({path: at.pathname})).text)).toEqual({
      resource: `https://${HOST}`,
      protected: true,
      team_domain: 'widgetcorp.cloudflareaccess.com',
      authorization_servers: ['https://widgetcorp.cloudflareaccess.com'],
    })
  })
})

describe('a client that sends no server name, as Go does for an address,', () => {
  const names = (servername: string): Promise<tls.PeerCertificate> => {
    const [host = '', port] = edge.address.split(':')
    return new Promise((resolve, reject) => {
      // As Go: the certificate must be valid for what was dialled.
      const socket = tls.connect({
        host,
        port: Number(port),
        ca,
        ...(servername !== '' && {servername}),
      })
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        resolve(socket.getPeerCertificate())
        socket.destroy()
      })
    })
  }

  it('gets a certificate for the addresses of this machine', async () => {
    const {subjectaltname = ''} = await names('')
    expect(subjectaltname.split(', ')).toEqual(
      expect.arrayContaining(['DNS:localhost', 'IP Address:127.0.0.1', 'IP Address:0:0:0:0:0:0:0:1']),
    )
  })

  it('and one with a name gets one for that name', async () => {
    expect((await names(HOST)).subjectaltname).toContain(`DNS:${HOST}`)
  })
})

/** The claims of a JWT, unverified. */
function claimsOf(token: string): JsonObject {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as JsonObject
}

function changed(token: string, part: number, value: JsonObject): string {
  const text = Buffer.from(JSON.stringify(value)).toString('base64url')
  return token
    .split('.')
    .map((old, at) => (at === part ? text : old))
    .join('.')
}

it.each([
  [{country_of: {'127.0.0.1/33': 'DE'}}],
  [{country_of: {'127.0.0.1/32': 'Germany'}}],
  [{without_allow: 'redirect'}],
])('a seed cannot set %j', async (settings) => {
  const file = path.join(directory, 'seed.json')
  await fs.writeFile(file, JSON.stringify({settings}))
  await expect(readSeed(file)).rejects.toMatchObject({code: 'BAD_SEED'})
  await fs.writeFile(file, JSON.stringify({settings: {country_of: {'127.0.0.1/32': 'DE'}}}))
  expect((await readSeed(file)).settings).toEqual({country_of: {'127.0.0.1/32': 'DE'}})
})

describe('the record of a request', () => {
  const ADMITTED: Partial<AccessEvent> = {
    admitted: true,
    policyId: 'token',
    tokenId: 'token-ci',
    kind: 'attempt',
  }
  const REFUSED: Partial<AccessEvent> = {admitted: false, policyId: '', tokenId: '', kind: 'attempt'}
  const preflighted = {options_preflight_bypass: true}
  const ROWS: [what: string, world: World, request: Ask, event: Partial<AccessEvent> | undefined][] = [
    ['that a Service Auth rule admits', {}, {headers: TOKEN}, ADMITTED],
    ['that Bypass admits', {policies: ['everyone']}, {}, {...ADMITTED, policyId: 'everyone', tokenId: ''}],
    [
      'with a valid token that Bypass admits',
      {policies: ['everyone']},
      {headers: TOKEN},
      {...ADMITTED, policyId: 'everyone'},
    ],
    ['with a wrong secret', {}, {headers: WRONG}, REFUSED],
    ['with half of the credentials', {}, {headers: {'cf-access-client-id': 'ci.access'}}, REFUSED],
    [
      'with a valid token below an Allow policy',
      {policies: ['people']},
      {headers: TOKEN},
      {...REFUSED, tokenId: 'token-ci'},
    ],
    ['that a Block rule refuses', {policies: ['block']}, {headers: TOKEN}, {...REFUSED, tokenId: 'token-ci'}],
    ['without credentials that gets 403', {policies: ['token']}, {}, REFUSED],
    ['without credentials that is sent to the login page', {}, {}, {...REFUSED, kind: 'visit'}],
    [
      'with both in the header that the application names',
      {app: {read_service_tokens_from_header: 'x-pair'}},
      {headers: {'x-pair': JSON.stringify(TOKEN)}},
      ADMITTED,
    ],
    [
      'with wrong credentials, in strict mode',
      {settings: {strict_service_token_auth: true}},
      {headers: WRONG},
      REFUSED,
    ],
    [
      'from a country',
      {policies: ['germany'], settings: {country_of: {'127.0.0.5/32': 'DE'}}},
      {headers: TOKEN, from: '127.0.0.5'},
      {...ADMITTED, policyId: 'germany', country: 'DE', ip: '127.0.0.5'},
    ],
    ['from no country that is known', {}, {headers: TOKEN}, {...ADMITTED, country: 'XX', ip: '127.0.0.1'}],
    ['to a host that no application covers', {}, {host: 'other.example', headers: TOKEN}, undefined],
    ['to another port', {}, {host: `${HOST}:8443`, headers: TOKEN}, undefined],
    ['for the keys of Access', {}, {path: '/cdn-cgi/access/certs', headers: TOKEN}, undefined],
    ['that is a preflight', {}, {method: 'OPTIONS', headers: preflight}, undefined],
    ['that CORS answers', {app: {cors_headers: cors}}, {method: 'OPTIONS', headers: preflight}, undefined],
    ['with OPTIONS that goes past Access', {app: preflighted}, {method: 'OPTIONS'}, undefined],
  ]
  it.each(ROWS)('%s', async (_, there, request, event) => {
    await world(there)
    recorded = []
    const {headers} = await ask(request)
    const ray = String(headers['cf-ray'])
    expect(ray).toMatch(/^[0-9a-f]{16}-ZT$/)
    const fixed = {at: NOW, ray: ray.slice(0, 16), appId: 'app', session: false}
    expect(recorded).toEqual(event ? [expect.objectContaining({...fixed, ...event})] : [])
    expect(JSON.stringify(recorded)).not.toContain(SECRET)
  })

  it('says that it came with a session, and whether that alone admits it', async () => {
    await world({})
    const {cookies} = await ask({headers: TOKEN})
    const cookie = String(cookies[0]).split(';')[0] ?? ''
    recorded = []
    await ask({headers: {...TOKEN, cookie}})
    await ask({headers: {cookie}})
    await ask({headers: {cookie: `${cookie}x`}})
    expect(
      recorded.map(({session, admitted, kind, policyId}) => [session, admitted, kind, policyId]),
    ).toEqual([
      [true, true, 'attempt', 'token'],
      [true, true, 'session', ''],
      [false, false, 'visit', ''],
    ])
  })

  it('is one of several at a time, each with the ray of its answer', async () => {
    await world({})
    recorded = []
    const rays = (await Promise.all(Array.from({length: 20}, () => ask({headers: TOKEN})))).map(({headers}) =>
      String(headers['cf-ray']).slice(0, 16),
    )
    expect(new Set(rays).size).toBe(20)
    expect(recorded.map(({ray}) => ray).sort()).toEqual(rays.sort())
  })
})
