import {randomBytes} from 'node:crypto'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {unexpected} from '../raw-api.js'
import {pairOf, type EdgeReply} from '../edge.js'
import {verdict, type Answer, type Context, type LiveToken, type Question} from '../context.js'

interface Scene {
  /** The policy of Service Auth names it. */
  good: LiveToken
  /** Named too, and disabled. */
  disabled: LiveToken
  /** No policy names it. */
  other: LiveToken
  /** A Service Auth policy, and an Allow policy. */
  policies: {service: string; allow: string}
  /** A place with the Service Auth policy alone. */
  place: string
}

const noOne = {email: {email: 'zt-live@example.com'}}
const unknown = (): [string, string][] =>
  pairOf(`${randomBytes(16).toString('hex')}.access`, new Secret(randomBytes(32).toString('hex')))

/** The tokens and policies that all of these questions share. */
const scene = (context: Context): Promise<Scene> =>
  context.keep('scene', async () => {
    const [good, disabled, other] = [await context.token(), await context.token(), await context.token()]
    const named = [good, disabled].map(({id}) => ({service_token: {token_id: id}}))
    const policies = {
      service: await context.policy('non_identity', named),
      allow: await context.policy('allow', [noOne, ...named]),
    }
    await context.api.access('PUT', `service_tokens/${disabled.id}`, {enabled: false})
    const place = await open(context, {policies: [policies.service]}, good)
    return {good, disabled, other, policies, place}
  })

/** A new application; the edge enforces it, and admits the token. @returns its place */
async function open(context: Context, fields: JsonObject, token: LiveToken): Promise<string> {
  const place = context.place()
  const made = await context.create({domain: place, ...fields})
  if (made.status >= 300) throw unexpected('create an application', made.status, made.code)
  await enforcedAt(context, place, token)
  return place
}

/** @returns after how many seconds the edge asks Access for this place and admits the token; undefined: never */
function enforcedAt(context: Context, place: string, token: LiveToken): Promise<number | undefined> {
  return context.enforced(async () => {
    const refused = await context.edge.ask(place, unknown())
    if (!refused.byAccess) return false
    return (await context.edge.ask(place, pairOf(token.clientId, token.secret))).verdict === 'admitted'
  })
}

/** What each kind of credentials gets. */
async function credentialsAt(context: Context, place: string, of: Scene): Promise<{[kind: string]: Answer}> {
  const {good, disabled, other} = of
  const wrong = new Secret(randomBytes(32).toString('hex'))
  const given = {
    none: [],
    'unknown token': unknown(),
    'wrong secret': pairOf(good.clientId, wrong),
    'disabled token': pairOf(disabled.clientId, disabled.secret),
    'token without a rule': pairOf(other.clientId, other.secret),
    'ID alone': pairOf(good.clientId),
    'ID twice': [...pairOf(good.clientId), ...pairOf(good.clientId, good.secret)],
    'the right one': pairOf(good.clientId, good.secret),
  }
  const answers: {[kind: string]: Answer} = {}
  for (const [kind, headers] of Object.entries(given))
    answers[kind] = (await context.edge.ask(place, headers)).verdict
  return answers
}

const credentials = (
  id: string,
  what: string,
  fields: (of: Scene) => JsonObject,
  more: Partial<Question> = {},
): Question => ({
  id: `edge.credentials.${id}`,
  question: `What do credentials get at an application with ${what}?`,
  matters: 'src/lib/tunnel/failure/refusal.ts, src/lib/access/explain',
  needs: ['edge'],
  ask: async (context) => {
    const of = await scene(context)
    const place = context.place()
    const made = await context.create({domain: place, ...fields(of)})
    if (made.status >= 300) return verdict(made)
    const admitted = await enforcedAt(context, place, of.good)
    return admitted === undefined ? 'not enforced within five minutes' : credentialsAt(context, place, of)
  },
  ...more,
})

const marksOf = ({headers}: EdgeReply): string[] =>
  Object.keys(headers)
    .filter((name) => /^cf-access|^www-authenticate$|^cf-mitigated$/.test(name))
    .sort()

const hasCookie = ({headers}: EdgeReply): boolean =>
  (headers['set-cookie'] ?? []).some((one) => one.startsWith('CF_Authorization='))

/** What the edge enforces, and how it says so. */
export const EDGE: Question[] = [
  {
    id: 'edge.enforcement',
    question: 'After how many seconds is a new application enforced?',
    matters: 'zt app add-rule, zt ssh check',
    needs: ['edge'],
    ask: async (context) => {
      const token = await context.token()
      const policies = [await context.policy('non_identity', [{service_token: {token_id: token.id}}])]
      const place = context.place()
      const made = await context.create({domain: place, policies})
      if (made.status >= 300) return verdict(made)
      return (await enforcedAt(context, place, token)) ?? 'not within five minutes'
    },
    settings: (answer) => (typeof answer === 'number' ? {enforcement_delay_ms: answer * 1000} : {}),
  },
  credentials(
    'service-auth',
    'a Service Auth policy alone',
    ({policies}) => ({policies: [policies.service]}),
    {
      settings: (answer) => {
        const none =
          typeof answer === 'object' && answer !== null && 'none' in answer ? answer['none'] : undefined
        return none === 302 ? {without_allow: 'login'} : none === 403 ? {without_allow: 'forbidden'} : {}
      },
    },
  ),
  credentials('with-allow', 'an Allow policy too', ({policies}) => ({
    policies: [policies.service, policies.allow],
  })),
  credentials('401', 'service_auth_401_redirect', ({policies}) => ({
    policies: [policies.service, policies.allow],
    service_auth_401_redirect: true,
  })),
  credentials(
    'oauth',
    'Managed OAuth',
    ({policies}) => ({policies: [policies.service, policies.allow], oauth_configuration: {enabled: true}}),
    {needs: ['edge', 'hosts']},
  ),
  {
    id: 'edge.custom-header',
    question: 'Do read_service_tokens_from_header and the standard headers admit, one by one and together?',
    matters: 'src/lib/sandbox/edge/decide.ts',
    needs: ['edge'],
    ask: async (context) => {
      const {good, policies} = await scene(context)
      const fields = {policies: [policies.service], read_service_tokens_from_header: 'zt-live'}
      const place = context.place()
      const made = await context.create({domain: place, ...fields})
      if (made.status >= 300) return verdict(made)
      if ((await enforcedAt(context, place, good)) === undefined) return 'not enforced within five minutes'
      const standard = pairOf(good.clientId, good.secret)
      const names = Object.fromEntries(standard.map(([name, value]) => [name.toLowerCase(), value]))
      const custom: [string, string] = ['zt-live', JSON.stringify(names)]
      return {
        custom: (await context.edge.ask(place, [custom])).verdict,
        standard: (await context.edge.ask(place, standard)).verdict,
        both: (await context.edge.ask(place, [...standard, custom])).verdict,
      }
    },
  },
  {
    id: 'edge.allow-names-token',
    question: 'Does an Allow policy admit a token that it names?',
    matters: 'src/lib/policy/evaluate.ts, src/lib/access/explain',
    needs: ['edge'],
    ask: async (context) => {
      const {good, policies} = await scene(context)
      const place = context.place()
      const made = await context.create({domain: place, policies: [policies.allow]})
      if (made.status >= 300) return verdict(made)
      const seen = await context.enforced(async () => (await context.edge.ask(place)).byAccess)
      if (seen === undefined) return 'not enforced within five minutes'
      return (await context.edge.ask(place, pairOf(good.clientId, good.secret))).verdict
    },
  },
  {
    id: 'edge.marks',
    question: 'Which headers mark a refusal as that of Access?',
    matters: 'src/lib/tunnel/failure/refusal.ts, readAnswer',
    needs: ['edge'],
    ask: async (context) => {
      const {place, other} = await scene(context)
      return {
        none: marksOf(await context.edge.ask(place)),
        refused: marksOf(await context.edge.ask(place, pairOf(other.clientId, other.secret))),
      }
    },
  },
  {
    id: 'edge.login-says',
    question: 'What does the redirect to the login page say of the credentials (service_token_status)?',
    matters: 'src/lib/tunnel/failure/refusal.ts, src/lib/access/explain',
    needs: ['edge'],
    ask: async (context) => {
      const {good, disabled, other, policies} = await scene(context)
      const both = await open(context, {policies: [policies.service, policies.allow]}, good)
      const allow = context.place()
      const made = await context.create({domain: allow, policies: [policies.allow]})
      if (made.status >= 300) return verdict(made)
      const seen = await context.enforced(async () => (await context.edge.ask(allow)).byAccess)
      if (seen === undefined) return 'not enforced within five minutes'
      const said = async (...asked: Parameters<typeof context.edge.ask>): Promise<string> =>
        (await context.edge.ask(...asked)).credentials ?? 'nothing'
      return {
        none: await said(both),
        'unknown token': await said(both, unknown()),
        'wrong secret': await said(both, pairOf(good.clientId, other.secret)),
        'disabled token': await said(both, pairOf(disabled.clientId, disabled.secret)),
        'token without a rule': await said(both, pairOf(other.clientId, other.secret)),
        'token named by Allow alone': await said(allow, pairOf(good.clientId, good.secret)),
      }
    },
  },
  {
    id: 'edge.other-requests',
    question: 'What do requests without credentials get that are no navigation?',
    matters: 'src/lib/sandbox/edge/decide.ts, zt curl, zt forward',
    needs: ['edge'],
    ask: async (context) => {
      const {place} = await scene(context)
      const upgrade: [string, string][] = [
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
        ['Sec-WebSocket-Key', randomBytes(16).toString('base64')],
        ['Sec-WebSocket-Version', '13'],
      ]
      const preflight: [string, string][] = [
        ['Origin', 'https://example.com'],
        ['Access-Control-Request-Method', 'PUT'],
      ]
      return {
        XMLHttpRequest: (await context.edge.ask(place, [['X-Requested-With', 'XMLHttpRequest']])).verdict,
        upgrade: (await context.edge.ask(place, upgrade)).verdict,
        POST: (await context.edge.ask(place, [['Content-Length', '0']], 'POST')).verdict,
        preflight: (await context.edge.ask(place, preflight, 'OPTIONS')).verdict,
      }
    },
  },
  {
    id: 'edge.cookie',
    question: 'Does a token get a CF_Authorization cookie, and does the cookie admit by itself?',
    matters: 'zt curl, zt forward',
    needs: ['edge'],
    ask: async (context) => {
      const {good, policies, place} = await scene(context)
      const both = await open(context, {policies: [policies.service, policies.allow]}, good)
      const answers: {[kind: string]: Answer} = {}
      for (const [kind, at] of Object.entries({'Service Auth alone': place, 'with Allow': both})) {
        const reply = await context.edge.ask(at, pairOf(good.clientId, good.secret))
        const cookie = (reply.headers['set-cookie'] ?? []).map((one) => one.split(';')[0]).join('; ')
        const alone = hasCookie(reply) && (await context.edge.ask(at, [['Cookie', cookie]])).verdict
        answers[kind] = hasCookie(reply) ? alone : 'no cookie'
      }
      return answers
    },
  },
  {
    id: 'edge.paths',
    question: 'Which spellings of a path does an application cover?',
    matters: 'src/lib/core/normalise-url.ts',
    needs: ['edge'],
    ask: async (context) => {
      const {good, policies} = await scene(context)
      const place = `${context.place()}/secret`
      const parent = place.slice(0, -'/secret'.length)
      const made = await context.create({domain: place, policies: [policies.service]})
      if (made.status >= 300) return verdict(made)
      if ((await enforcedAt(context, place, good)) === undefined) return 'not enforced within five minutes'
      if ((await context.edge.ask(`${parent}/zt-live`)).byAccess) return 'another application covers the host'
      const answers: {[path: string]: Answer} = {}
      for (const path of [
        '//secret',
        '/open/../secret',
        '/open/%2e%2e/secret',
        '/%73ecret',
        '/secret/',
        '/SECRET',
        '\\secret',
      ])
        answers[path] = (
          await context.edge.ask(parent + (path.startsWith('\\') ? `/${path}` : path))
        ).byAccess
      return answers
    },
  },
  {
    id: 'edge.last-seen',
    question: 'Does a use set last_seen_at, and after how many seconds?',
    matters: 'zt token list, zt token show',
    needs: ['edge'],
    ask: async (context) => {
      const {good} = await scene(context)
      const seen = await context.enforced(
        async () => typeof (await context.read(`service_tokens/${good.id}`))['last_seen_at'] === 'string',
      )
      return seen ?? 'not within five minutes'
    },
  },
  {
    id: 'edge.rotation',
    question: 'After how many seconds does a previous secret end, with and without a grace period?',
    matters: 'zt token rotate',
    needs: ['edge'],
    ask: async (context) => {
      const token = await context.token()
      const policies = [await context.policy('non_identity', [{service_token: {token_id: token.id}}])]
      const place = await open(context, {policies}, token)
      const admitted = async (secret: Secret): Promise<boolean> =>
        (await context.edge.ask(place, pairOf(token.clientId, secret))).verdict === 'admitted'
      const rotate = async (body: JsonObject): Promise<Secret> => {
        const {result} = await context.api.access('POST', `service_tokens/${token.id}/rotate`, body)
        return new Secret(String((result as JsonObject | null)?.['client_secret']))
      }
      const until = new Date(context.api.now() + 3600_000).toISOString()
      const second = await rotate({previous_client_secret_expires_at: until})
      const first = await context.enforced(() => admitted(second))
      const grace = await admitted(token.secret)
      const third = await rotate({})
      return {
        'new secret after': first ?? 'never',
        'previous in the grace period': grace,
        'previous ended after': (await context.enforced(async () => !(await admitted(second)))) ?? 'never',
        'newest admitted': (await context.enforced(() => admitted(third))) !== undefined,
      }
    },
  },
  {
    id: 'edge.disabled',
    question: 'After how many seconds is a disabled token refused?',
    matters: 'zt token disable, zt token revoke',
    needs: ['edge'],
    ask: async (context) => {
      const token = await context.token()
      const policies = [await context.policy('non_identity', [{service_token: {token_id: token.id}}])]
      const place = await open(context, {policies}, token)
      await context.api.access('PUT', `service_tokens/${token.id}`, {enabled: false})
      const refused = await context.enforced(
        async () =>
          (await context.edge.ask(place, pairOf(token.clientId, token.secret))).verdict !== 'admitted',
      )
      return refused ?? 'not within five minutes'
    },
  },
  {
    id: 'edge.end-of-stream',
    question: 'How does a stream end when its service hangs up?',
    matters: 'src/lib/tunnel/carrier/carry.ts',
    needs: ['edge', 'stream'],
    ask: async (context) => {
      const {good, place} = await scene(context)
      return context.edge.endOfStream(place, pairOf(good.clientId, good.secret))
    },
    settings: (answer) => {
      const end = (['none', 1000, 1001, 1006] as const).find((one) => one === answer)
      return end === undefined ? {} : {connector_end: end}
    },
  },
]
