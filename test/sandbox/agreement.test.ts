import fs from 'node:fs/promises'
import type {IncomingHttpHeaders} from 'node:http'
import https from 'node:https'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {createAccessApi} from '../../src/lib/api/client.js'
import type {Application, ServiceToken} from '../../src/lib/api/types.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {Secret} from '../../src/lib/core/secret.js'
import {findApplication} from '../../src/lib/policy/application-match.js'
import {
  acceptsToken,
  edgeAnswer,
  edgeSettings,
  type Credentials,
  type EdgeAccount,
  type EdgeRequest,
} from '../../src/lib/policy/edge.js'
import {groupsById} from '../../src/lib/policy/references.js'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {startEdge} from '../../src/lib/sandbox/edge/edge.js'
import {hashSecret, type SandboxState} from '../../src/lib/sandbox/state.js'
import {SandboxApi} from '../support/sandbox-api.js'

// What the edge answers over TLS is what policy/edge.ts says of the account as the API shows it: matching, conversion, the
// reading of credentials and the rendering of answers agree, for 2,000 random sets of policies and as many requests.

const ACCOUNTS = 50
const APPLICATIONS = 40
const COUNTRIES = {'127.0.0.2/32': 'DE', '127.0.0.3/32': 'US'}
const ADDRESSES = ['127.0.0.2', '127.0.0.3'] as const
const HEADER = 'authorization'

let folder: string
let ca: Buffer
let state: SandboxState
let edge: Awaited<ReturnType<typeof startEdge>>
/** Without connections that stay open: one that the edge ends while it is idle would make the outcome a matter of time. */
const agents = new Map(ADDRESSES.map((localAddress) => [localAddress, new https.Agent({localAddress})]))

beforeAll(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-agreement-'))
  const authority = await openCertificateAuthority(folder, Date.now())
  ca = await fs.readFile(authority.caFile)
  edge = await startEdge({
    state: {edgeView: () => state.edgeView(), recordUse: () => undefined, recordEvent: () => undefined},
    ...{authority, countries: COUNTRIES, originOf: () => '127.0.0.1:9'},
    httpOriginOf: () => undefined,
  })
})
afterAll(async () => {
  for (const agent of agents.values()) agent.destroy()
  await edge.close()
  await fs.rm(folder, {recursive: true, force: true})
})

/** The tokens of each account, and what is known of their secrets. */
const TOKENS = ['ci', 'off', 'old', 'turned'] as const
const secretOf = (name: string, which: Sent['secret']): string =>
  `cfast_${`${which}-${name}`.replace(/\W/g, '0').padEnd(48, 'x')}`
const ENDED = '2026-01-01T00:00:00Z'
const LATER = '2099-01-01T00:00:00Z'

const rule: fc.Arbitrary<JsonObject> = fc.oneof(
  {weight: 6, arbitrary: fc.constantFrom(...TOKENS).map((name) => ({service_token: {token_id: name}}))},
  {weight: 2, arbitrary: fc.constantFrom<JsonObject>({any_valid_service_token: {}}, {everyone: {}})},
  {
    weight: 3,
    arbitrary: fc.constantFrom<JsonObject>(
      ...['127.0.0.2', '127.0.0.0/30', '203.0.113.0/24', '::/0'].map((ip) => ({ip: {ip}})),
      ...['DE', 'US'].map((code) => ({geo: {country_code: code}})),
    ),
  },
  {weight: 3, arbitrary: fc.constantFrom('g0', 'g1', 'g2').map((id) => ({group: {id}}))},
  {
    weight: 2,
    arbitrary: fc.constantFrom<JsonObject>(
      {email_domain: {domain: 'example.com'}},
      {login_method: {id: 'otp'}},
      {device_posture: {integration_uid: 'disk'}},
      {certificate: {}},
      {ip_list: {id: 'l1'}},
      {linked_app_token: {app_uid: 'a'}},
      {newer_than_zt: {}},
    ),
  },
)
const rules = fc.record({
  include: fc.array(rule, {minLength: 1, maxLength: 3}),
  require: fc.array(rule, {maxLength: 1}),
  exclude: fc.oneof({weight: 3, arbitrary: fc.constant([])}, {weight: 1, arbitrary: fc.array(rule, {maxLength: 1})}),
}) // prettier-ignore
const policy = fc.record({
  decision: fc.constantFrom('allow', 'deny', 'non_identity', 'non_identity', 'bypass'),
  rules,
  precedence: fc.integer({min: 1, max: 100}),
  reusable: fc.boolean(),
})

/** How the application's addresses are written; `N` is its number. */
const PLACES: ((host: string) => JsonObject)[] = [
  (host) => ({domain: host}),
  (host) => ({domain: `${host}/a`}),
  (host) => ({domain: `${host}/a/*`}),
  (host) => ({domain: `*.${host}`}),
  (host) => ({domain: host, self_hosted_domains: [host, `*.${host}/b`]}),
  (host) => ({
    destinations: [
      {type: 'public', uri: `${host}/a`},
      {type: 'private', hostname: host},
    ],
  }),
  (host) => ({
    destinations: [{type: 'public', uri: host, overrides: [{behavior: 'public', path_pattern: '/a'}]}],
  }),
]
const SETTINGS: JsonObject[] = [
  {},
  {},
  {service_auth_401_redirect: true},
  {read_service_tokens_from_header: HEADER},
  {oauth_configuration: {enabled: true}},
  {options_preflight_bypass: true},
  {cors_headers: {allow_all_origins: true, allowed_methods: ['GET'], allow_all_headers: true}},
]
const sent = fc.record({
  token: fc.constantFrom(...TOKENS, ...TOKENS, 'none of the account'),
  secret: fc.constantFrom('current' as const, 'current' as const, 'previous' as const, 'wrong' as const),
  as: fc.constantFrom(
    ...(['headers', 'headers', 'headers', 'single-header', 'both', 'incomplete', 'duplicate'] as const),
  ),
})
type Sent = ReturnType<typeof sent.generate>['value']
const application = fc.record({
  place: fc.nat(PLACES.length - 1),
  settings: fc.nat(SETTINGS.length - 1),
  policies: fc.array(policy, {maxLength: 4}),
  ask: fc.record({
    sub: fc.constantFrom('', '', 'x.', 'x.y.'),
    path: fc.constantFrom('/', '/a', '/a/one', '/b', '//a', '/b/../a', '/%61', '/a?b'),
    from: fc.constantFrom(...ADDRESSES),
    credentials: fc.option(sent, {freq: 5, nil: undefined}),
    shape: fc.constantFrom('get', 'get', 'get', 'browser', 'xhr', 'options', 'preflight'),
  }),
})
const account = fc.record({
  applications: fc.array(application, {minLength: APPLICATIONS, maxLength: APPLICATIONS}),
  groups: fc.array(rules, {minLength: 2, maxLength: 2}),
  strict: fc.boolean(),
  withoutAllow: fc.constantFrom('login' as const, 'forbidden' as const),
})
type Account = ReturnType<typeof account.generate>['value']

const hostOf = (at: number): string => `h${at}.example.com`

function seedOf({applications, groups, strict, withoutAllow}: Account): Parameters<typeof SandboxApi.open>[0] {
  const all = applications.flatMap((one, at) =>
    one.policies.map(({decision, rules: set, reusable}, index) => ({
      ...{id: `p${at}-${index}`, name: `P${at}-${index}`, decision, reusable, ...set},
    })),
  )
  const links = (at: number): JsonObject[] =>
    (applications[at]?.policies ?? []).map(({precedence, reusable}, index) => {
      const whole = all.find(({id}) => id === `p${at}-${index}`)
      return {...(reusable ? {id: whole?.id} : whole), precedence}
    })
  return {
    apps: applications.map((one, at) => ({
      ...{id: `app-${at}`, name: `application ${at}`, aud: `${at}`.padStart(64, 'a')},
      ...{...SETTINGS[one.settings], ...PLACES[one.place]?.(hostOf(at)), policies: links(at)},
    })),
    policies: all.filter(({reusable}) => reusable),
    groups: groups.map((set, at) => ({id: `g${at}`, name: `G${at}`, ...set})),
    service_tokens: TOKENS.map((name) => ({
      ...{id: name, name, client_id: `${name}.access`, client_secret: secretOf(name, 'current')},
      ...(name === 'off' && {enabled: false}),
      expires_at: name === 'old' ? ENDED : LATER,
    })),
    settings: {strict_service_token_auth: strict, without_allow: withoutAllow},
  }
} // prettier-ignore

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

function ask(
  {host, path: url, from, method}: {host: string; path: string; from: string; method: string},
  headers: Record<string, string | string[]>,
): Promise<Answer> {
  const [address = '', port] = edge.address.split(':')
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        ...{host: address, port, ca, path: url, method, agent: agents.get(from as (typeof ADDRESSES)[0])},
        headers: {...headers, host},
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => (text += part))
        response.on('end', () => {
          resolve({status: response.statusCode ?? 0, headers: response.headers, text})
        })
      },
    )
    request.on('error', reject)
    request.end()
  })
}

/** As a client writes them, whatever the application expects. */
function headersOf(credentials: Sent | undefined): Record<string, string | string[]> {
  if (!credentials) return {}
  const {token, secret, as} = credentials
  const [id, value] = [`${token}.access`, secretOf(token, secret)]
  const single = {[HEADER]: JSON.stringify({'cf-access-client-id': id, 'cf-access-client-secret': value})}
  const pair = {'cf-access-client-id': id, 'cf-access-client-secret': value}
  return {
    headers: pair,
    'single-header': single,
    both: {...pair, ...single},
    incomplete: {'cf-access-client-id': id},
    duplicate: {...pair, 'cf-access-client-secret': [value, secretOf(token, 'wrong')]},
  }[as]
}

/** What the edge is to make of them, by the token as the API shows it. */
function credentialsOf(
  given: Sent | undefined,
  {raw}: Application,
  tokens: readonly ServiceToken[],
): Credentials | undefined {
  if (!given) return undefined
  const takesSingle = raw['read_service_tokens_from_header'] === HEADER
  if (given.as === 'single-header' && !takesSingle) return undefined
  const token = tokens.find(({clientId}) => clientId === `${given.token}.access`)
  const secret = given.secret === 'previous' && given.token !== 'turned' ? 'wrong' : given.secret
  const accepted = token ? acceptsToken(token, secret, {now: Date.now(), previousUntil: LATER}) : false
  const presented = given.as === 'both' && !takesSingle ? 'headers' : given.as
  return {
    presented,
    tokenId: token?.id,
    // Of several, which one counts is documented nowhere.
    accepted: presented === 'incomplete' ? false : presented === 'duplicate' ? undefined : accepted,
  }
}

const SHAPES: Record<string, {headers: Record<string, string>; request: Partial<EdgeRequest>}> = {
  get: {headers: {}, request: {}},
  browser: {headers: {accept: 'text/html'}, request: {browser: true}},
  xhr: {headers: {'x-requested-with': 'XMLHttpRequest'}, request: {xhr: true}},
  options: {headers: {}, request: {options: true}},
  preflight: {
    headers: {origin: 'https://o.example', 'access-control-request-method': 'GET'},
    request: {options: true, preflight: {origin: 'https://o.example', method: 'GET', headers: []}},
  },
}

/** Sends one request, and compares. */
async function compare(
  {applications, ...rest}: EdgeAccount,
  request: Omit<EdgeRequest, 'browser' | 'client'>,
  sending: {from: keyof typeof FROM; shape: string; headers: Record<string, string | string[]>},
): Promise<Answer> {
  const {from, headers} = sending
  const shape = SHAPES[sending.shape] ?? {headers: {}, request: {}}
  const client = {ip: from, country: FROM[from], certificate: false, posture: []}
  const expected = edgeAnswer({applications, ...rest}, {...request, client, browser: false, ...shape.request})
  const method = shape.request.options === true ? 'OPTIONS' : 'GET'
  const answer = await ask({...request, from, method}, {...shape.headers, ...headers})
  const {application: found, possible} = expected
  if (!found) {
    expect(answer.status).toBe(530)
    return answer
  }
  const admitted = answer.text === `${found.name}, behind the sandbox's Access\n`
  const statuses = possible.map(({status}) => status)
  // Where the facts leave several answers, the edge gives one of them; and it admits no one whom it might have to refuse,
  // unless it is open whether the credentials are right.
  expect(statuses).toContain(admitted ? undefined : answer.status)
  const open = request.credentials && request.credentials.accepted === undefined
  if (admitted && !open)
    expect(possible.filter(({verdict}) => verdict === 'deny' || verdict === 'login')).toEqual([])
  if (answer.status === 403) expect(answer.headers['cf-access-aud']).toBe(found.raw['aud'])
  return answer
}

const FROM = {'127.0.0.2': 'DE', '127.0.0.3': 'US'}
const counted = {asked: 0, admitted: 0, sessions: 0}

it('agrees with the evaluation of what the API shows, over TLS', async () => {
  await fc.assert(
    fc.asyncProperty(account, async (given) => {
      const sandbox = await SandboxApi.open(seedOf(given))
      try {
        const {data} = sandbox.state
        for (const token of data.serviceTokens)
          if (token.object['id'] === 'turned')
            token.previous = {secretHash: hashSecret(secretOf('turned', 'previous')), until: LATER}
        await sandbox.state.save()
        state = sandbox.state
        const api = createAccessApi({
          ...{apiUrl: sandbox.url, accountId: state.accountId, apiToken: new Secret(state.apiToken)},
          userAgent: 'zt-test',
        })
        const [applications, groups, tokens, organization] = await Promise.all([
          api.listApplications(),
          api.listGroups(),
          api.listServiceTokens(),
          api.getOrganization(),
        ])
        const shown: EdgeAccount = {
          ...{applications, groups: groupsById(groups), withoutAllow: given.withoutAllow},
          ...edgeSettings(organization),
        }
        await Promise.all(given.applications.map(({ask: asked}, at) => askOne(shown, tokens, asked, at)))
      } finally {
        await sandbox.close()
      }
    }),
    {numRuns: ACCOUNTS},
  )
  expect(counted.asked).toBeGreaterThanOrEqual(ACCOUNTS * APPLICATIONS)
  // None of them is missing.
  expect(counted.admitted).toBeGreaterThan(counted.asked / 20)
  expect(counted.asked - counted.admitted).toBeGreaterThan(counted.asked / 20)
  expect(counted.sessions).toBeGreaterThan(0)
})

async function askOne(
  shown: EdgeAccount,
  tokens: readonly ServiceToken[],
  asked: Account['applications'][0]['ask'],
  at: number,
): Promise<void> {
  const {sub, from, shape} = asked
  const target = {host: sub + hostOf(at), path: asked.path}
  const found = findApplication(target, shown.applications)?.application
  const credentials = found && credentialsOf(asked.credentials, found, tokens)
  const headers = headersOf(asked.credentials)
  const answer = await compare(shown, {...target, credentials, session: false}, {from, shape, headers})
  counted.asked++
  if (answer.text.includes('behind')) counted.admitted++
  const cookie = answer.headers['set-cookie']?.find((one) => one.startsWith('CF_Authorization='))
  if (!found || cookie === undefined) return
  counted.sessions++
  const session = {cookie: cookie.split(';')[0] ?? ''}
  const plain = {credentials: undefined, shape: 'get', from}
  await compare(shown, {...target, credentials: undefined, session: true}, {...plain, headers: session})
  // For another application it is none.
  const other = {host: hostOf((at + 1) % APPLICATIONS), path: '/'}
  await compare(shown, {...other, credentials: undefined, session: false}, {...plain, headers: session})
}
