import {randomBytes} from 'node:crypto'
import type {IncomingMessage} from 'node:http'
import {isJsonObject} from '../../core/json.js'
import type {Application} from '../../api/types.js'
import {findApplication} from '../../policy/application-match.js'
import {edgeAnswer, type EdgeAnswer, type PossibleAnswer, type Presentation} from '../../policy/edge.js'
import {countryAt} from '../countries.js'
import type {SigningKey} from '../signing-key.js'
import type {EdgeState, EdgeView} from '../types.js'
import {preflightHeaders, preflightOf} from './preflight.js'
import {audOf, metaToken, presentedTokens, sessionOf, startSession, type Session} from './session.js'
import {targetOf, type Target} from './target.js'
import {resourceMetadata} from './well-known.js'

/** What the edge does with a request. */
export type EdgeDecision = (
  | {
      admit: true
      application: Application
      /** For an HTTP service, and as a cookie for the client; undefined where Access does not know who asks. */
      session: ((key: SigningKey) => Session) | undefined
      /** Whether the client gets it. */
      cookie: boolean
    }
  | {admit: false; status: number; headers: Record<string, string>; text: string}
) & {
  /** What decided; undefined: Access was not asked. */
  decided: Decided | undefined
}

export interface Decided {
  answer: EdgeAnswer
  reason: PossibleAnswer['reason']
  /** The service token whose credentials were right. */
  tokenId: string | undefined
}

export interface Deciding {
  /** The key that sessions are verified with; without it, none is accepted. */
  key?: SigningKey | undefined
  /** Countries of clients by CIDR block, in addition to those of the settings. */
  countries?: Readonly<Record<string, string>> | undefined
}

interface SentCredentials {
  presented: Presentation
  id: string
  secret: string
}

/** Cloudflare's name for a country that it does not know ("IP geolocation"). */
const NO_COUNTRY = 'XX'

/** Reads a request, and puts what Access answers (policy/edge.ts) in an answer of HTTP. */
export function decide(
  state: EdgeState,
  request: IncomingMessage,
  {key, countries = {}}: Deciding = {},
): EdgeDecision {
  const view = state.edgeView()
  const target = targetOf(request)
  const application = findApplication(target, view.applications)?.application
  if (!application) return answer(530, 'No application of this sandbox covers that host')
  // Cloudflare's documentation, "Application paths"; which status a redirect has is not in it.
  if (isOtherPort(target, request)) return answer(301, '', {location: `https://${target.host}${target.url}`})
  const sent = readCredentials(request, application)
  const tokenId = sent && view.authenticate(sent.id, sent.secret)
  const session = key && sessionOf(presentedTokens(request), {view, key, application})
  const ip = request.socket.remoteAddress
  const found = edgeAnswer(
    {...view, unmatched: undefined},
    {
      ...target,
      credentials: sent && {presented: sent.presented, tokenId, accepted: tokenId !== undefined},
      client: {
        ip,
        country: countryAt(ip, {...view.countryOf, ...countries}) ?? NO_COUNTRY,
        certificate: false,
        posture: [],
      },
      session: session !== undefined,
      browser: isBrowser(request),
      xhr: request.headers['x-requested-with']?.toString().toLowerCase() === 'xmlhttprequest',
      options: request.method === 'OPTIONS',
      preflight: preflightOf(request),
    },
  )
  // What the sandbox cannot evaluate admits no one.
  const refusal = found.possible.findLast(({verdict}) => verdict !== 'allow' && verdict !== 'bypass')
  const {reason, verdict, status} = refusal ?? found.possible[0] ?? NOTHING
  const authenticated = NOT_AUTHENTICATED.has(reason) ? undefined : tokenId
  if (authenticated !== undefined) state.recordUse(authenticated)
  const decided: Decided = {answer: found, reason, tokenId: authenticated}
  if (status === undefined) {
    const given =
      reason === 'service-auth' ? sent && tokenSession(found, sent, view) : session && (() => session)
    const known = reason === 'service-auth' ? tokenId !== undefined : verdict === 'allow'
    return {
      ...{admit: true, application, session: known ? given : undefined, decided},
      // Strict mode gives no cookie (Cloudflare's documentation, "Service tokens").
      cookie: known && reason === 'service-auth' && !view.strict,
    }
  }
  const asked = {view, application, target, request, authenticated: tokenId !== undefined}
  return {...answerOf(reason, status, asked), decided}
}

const NOTHING: PossibleAnswer = {verdict: 'login', reason: 'login-page', status: 302}

/** The answers for which Access does not look at credentials, or does not accept them. */
const NOT_AUTHENTICATED = new Set<PossibleAnswer['reason']>([
  'public-path',
  'options-bypass',
  'preflight-answered',
  'preflight-refused',
  'credentials-refused',
])

/** The session that a service token begins. */
function tokenSession(
  {application, policy}: EdgeAnswer,
  {id: clientId}: SentCredentials,
  view: EdgeView,
): ((key: SigningKey) => Session) | undefined {
  if (!application) return undefined
  const of = {application, clientId, duration: policy?.raw['session_duration']}
  return (key) => startSession(view, {key, ...of})
}

const TEXTS: Partial<Record<PossibleAnswer['reason'], string>> = {
  'preflight-refused': 'CORS does not allow it',
  'credentials-refused': 'The token cannot authenticate',
  'not-authorised': 'The token is valid, and not authorised',
  blocked: 'A rule forbids it',
  'service-auth-401': 'No Service Auth rule admits it',
  xhr: 'A login is needed',
}

function answerOf(reason: PossibleAnswer['reason'], status: number, asked: Asked): Refused {
  const {application, target, request} = asked
  const preflight = preflightOf(request)
  const {cors_headers: cors} = application.raw
  if (reason === 'preflight-answered')
    return answer(status, '', preflight && isJsonObject(cors) ? preflightHeaders(preflight, cors) : {})
  if (reason === 'login-page') return loginPage(asked)
  if (reason !== 'managed-oauth')
    return refused(target, application, status, TEXTS[reason] ?? 'No rule admits it')
  const challenge = `Bearer realm="OAuth", error="invalid_token", resource_metadata="${resourceMetadata(target)}"`
  return answer(status, 'An OAuth token is needed', {'www-authenticate': challenge})
}

/** A client of the sandbox may name the edge's own port, in place of 443. */
function isOtherPort({port = '443'}: Target, {socket}: IncomingMessage): boolean {
  return !['', '443', String(socket.localPort)].includes(port)
}

/**
 * The standard headers, and the one that the application names. Of several, the edge takes the first, which strict mode
 * refuses.
 */
function readCredentials(request: IncomingMessage, application: Application): SentCredentials | undefined {
  const ids = request.headersDistinct['cf-access-client-id'] ?? []
  const secrets = request.headersDistinct['cf-access-client-secret'] ?? []
  const named = application.raw['read_service_tokens_from_header']
  const custom = typeof named === 'string' ? request.headers[named.toLowerCase()] : undefined
  const pair = typeof custom === 'string' ? parsePair(custom) : undefined
  if (ids.length === 0 && secrets.length === 0) {
    if (custom === undefined) return undefined
    return pair ? {presented: 'single-header', ...pair} : {presented: 'incomplete', id: '', secret: ''}
  }
  const [id = '', another] = ids
  const [secret = '', second] = secrets
  const several = another !== undefined || second !== undefined
  const whole = ids.length === 1 && secrets.length === 1
  const presented = custom !== undefined ? 'both' : several ? 'duplicate' : whole ? 'headers' : 'incomplete'
  return {presented, id, secret}
}

function parsePair(text: string): {id: string; secret: string} | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!isJsonObject(value)) return undefined
    const {'cf-access-client-id': id, 'cf-access-client-secret': secret} = value
    return typeof id === 'string' && typeof secret === 'string' ? {id, secret} : undefined
  } catch {
    return undefined
  }
}

interface Asked {
  view: EdgeView
  application: Application
  target: Target
  request: IncomingMessage
  /** Whether a service token was, which nothing admits. */
  authenticated: boolean
}

/** A redirect to the login page. */
function loginPage({view, application, target, request, authenticated}: Asked): Refused {
  const {host, url} = target
  const [aud, redirect_url] = [audOf(application), url]
  const meta = {hostname: host, redirect_url, service_token_status: authenticated}
  const query = new URLSearchParams({
    kid: aud,
    meta: metaToken(view, {aud, ...meta, ip: request.socket.remoteAddress ?? ''}),
    redirect_url,
  })
  return answer(302, '', {
    location: `https://${view.authDomain}/cdn-cgi/access/login/${host}?${query.toString()}`,
    'www-authenticate': challengeOf(target),
    'set-cookie': `CF_AppSession=n${randomBytes(8).toString('hex')}; Path=/; Secure; HttpOnly; SameSite=none`,
  })
}

/** How Access recognises browsers is not documented. */
function isBrowser({headers}: IncomingMessage): boolean {
  return headers['sec-fetch-mode'] === 'navigate' || (headers.accept ?? '').includes('text/html')
}

type Refused = Extract<EdgeDecision, {admit: false}>

/**
 * A refusal with what tells it from one of the service: seen on 403 (`cf-access-aud`, `cf-access-domain`) and on 302 and
 * 401 (`www-authenticate`).
 */
function refused(target: Target, application: Application, status: number, text: string): Refused {
  return answer(status, text, {
    'cf-access-aud': audOf(application),
    'cf-access-domain': target.host,
    ...(status === 401 && {'www-authenticate': challengeOf(target)}),
  })
}

function challengeOf(target: Target): string {
  return `Cloudflare-Access resource_metadata="${resourceMetadata(target)}"`
}

function answer(status: number, text: string, headers: Record<string, string> = {}): Refused {
  return {admit: false, status, headers, text, decided: undefined}
}
