import fs from 'node:fs/promises'
import https from 'node:https'
import type {IncomingHttpHeaders} from 'node:http'
import os from 'node:os'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {startEdge} from '../../src/lib/sandbox/edge/edge.js'
import {readSeed} from '../../src/lib/sandbox/seed.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import type {SandboxSettings} from '../../src/lib/sandbox/types.js'

const HOST = 'app.widgetcorp.tech'
const AUD = 'f00d'.repeat(16)
const SECRET = 'cfast_Hj4gLf6aEu5pDq7nWk3vYt9sXb2mZc8r'

let directory: string
let ca: Buffer
let edge: {address: string; close(): Promise<void>}
let state: SandboxState

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-edge-'))
  const authority = await openCertificateAuthority(directory, Date.now())
  ca = await fs.readFile(authority.caFile)
  edge = await startEdge({
    state: {edgeView: () => state.edgeView(), recordUse: (id) => state.recordUse(id)},
    authority,
    originOf: () => '127.0.0.1:9',
  })
})
afterAll(async () => {
  await edge.close()
  await fs.rm(directory, {recursive: true, force: true})
})

/** What an application has, and how it decides: most rows need no more than a name of these. */
const POLICIES = {
  token: {decision: 'non_identity', include: [{service_token: {token_id: 'token-ci'}}]},
  people: {decision: 'allow', include: [{email_domain: {domain: 'widgetcorp.tech'}}]},
  germany: {
    ...{decision: 'non_identity', include: [{service_token: {token_id: 'token-ci'}}]},
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
    seed: {
      apps: [
        {
          ...{id: 'app', name: 'App', domain: HOST, aud: AUD, ...app},
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
  text: string
}> {
  const [address, port] = edge.address.split(':')
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        ...{method, path: url, host: address, port, ca, agent: false, localAddress: from},
        ...{servername: host.replace(/:\d+$/, ''), headers: {...headers, host}},
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.once('end', () => {
          resolve({status: response.statusCode, headers: response.headers, text})
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
    'answers 403 without an Allow policy, with the markers of Access, if so set',
    SEEN,
    {policies: ['token'], settings: {without_allow: 'forbidden'}},
    {headers: WRONG},
    {status: 403, headers: {'cf-access-aud': AUD, 'cf-access-domain': HOST}},
  ],
  [
    'keeps to the login page where there is an Allow policy',
    SEEN,
    {settings: {without_allow: 'forbidden'}},
    {headers: WRONG},
    {status: 302},
  ],
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
    {status: 302},
  ],
  [
    'does not know the country of other addresses',
    docs('Access policies: Country'),
    {policies: ['germany'], settings: {country_of: {'127.0.0.7/32': 'DE'}}},
    {from: '127.0.0.8', headers: TOKEN},
    {status: 302},
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
  ['ignores the port', docs('Application paths'), {}, {host: `${HOST}:8443`, headers: TOKEN}, {status: 200}],
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
})

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
