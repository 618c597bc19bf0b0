import {randomBytes} from 'node:crypto'
import type {IncomingMessage} from 'node:http'
import {isJsonObject} from '../../core/json.js'
import type {Application} from '../../api/types.js'
import {findApplication} from '../../policy/application-match.js'
import {evaluate} from '../../policy/evaluate.js'
import {countryAt} from '../countries.js'
import type {SigningKey} from '../signing-key.js'
import type {EdgeState, EdgeView} from '../types.js'
import {isPreflight, preflightHeaders} from './preflight.js'
import {audOf, metaToken, presentedTokens, sessionOf, startSession, type Session} from './session.js'
import {targetOf, type Target} from './target.js'
import {resourceMetadata} from './well-known.js'

/** What the edge does with a request. */
export type EdgeDecision =
  | {
      admit: true
      application: Application
      /** The rule that admits it; undefined: a session does, or a setting. */
      policyId?: string | undefined
      /** For an HTTP service, and as a cookie for the client; undefined where Access does not know who asks. */
      session: ((key: SigningKey) => Session) | undefined
      /** Whether the client gets it. */
      cookie: boolean
    }
  | {admit: false; status: number; headers: Record<string, string>; text: string}

export interface Deciding {
  /** The key that sessions are verified with; without it, none is accepted. */
  key?: SigningKey | undefined
  /** Countries of clients by CIDR block, in addition to those of the settings. */
  countries?: Readonly<Record<string, string>> | undefined
}

interface Credentials {
  /** No credentials, both, or something that strict mode refuses. */
  state: 'none' | 'pair' | 'bad'
  id: string
  secret: string
}

/** Cloudflare's name for a country that it does not know ("IP geolocation"). */
const NO_COUNTRY = 'XX'

/** Evaluates the host's application and its policies, as Access does. */
export function decide(
  state: Pick<EdgeState, 'edgeView' | 'recordUse'>,
  request: IncomingMessage,
  {key, countries = {}}: Deciding = {},
): EdgeDecision {
  const view = state.edgeView()
  const target = targetOf(request)
  const application = findApplication(target, view.applications)?.application
  if (!application) return answer(530, 'No application of this sandbox covers that host')
  // Cloudflare's documentation, "Application paths"; which status a redirect has is not in it.
  if (isOtherPort(target, request)) return answer(301, '', {location: `https://${target.host}${target.url}`})
  const preflight = answerToOptions(request, application, target)
  if (preflight) return preflight
  const credentials = readCredentials(request, application)
  const tokenId =
    credentials.state === 'pair' || (credentials.state === 'bad' && !view.strict)
      ? view.authenticate(credentials.id, credentials.secret)
      : undefined
  if (view.strict && credentials.state !== 'none' && tokenId === undefined)
    return refuse(application, target, 401, 'The token cannot authenticate')
  if (tokenId !== undefined) state.recordUse(tokenId)
  const ip = request.socket.remoteAddress
  const {admitted, outcome, policy} = evaluate({
    application,
    groups: view.groups,
    request: {
      serviceTokenId: tokenId,
      ip,
      country: countryAt(ip, {...view.countryOf, ...countries}) ?? NO_COUNTRY,
      certificate: false,
    },
  })
  if (admitted && outcome !== 'bypass' && tokenId !== undefined) {
    const of = {application, clientId: credentials.id, duration: policy?.raw['session_duration']}
    const session = (signing: SigningKey): Session => startSession(view, {key: signing, ...of})
    // Strict mode gives no cookie (Cloudflare's documentation, "Service tokens").
    return {admit: true, application, policyId: policy?.id, session, cookie: !view.strict}
  }
  if (admitted) return {admit: true, application, policyId: policy?.id, session: undefined, cookie: false}
  if (view.strict && tokenId !== undefined)
    return refuse(application, target, 403, 'The token is valid, and not authorised')
  // Where no Allow policy applies, a session is no substitute for the token (seen in October 2026).
  const session =
    key && outcome === 'login' ? sessionOf(presentedTokens(request), {view, key, application}) : undefined
  if (session) return {admit: true, application, session: () => session, cookie: false}
  if (outcome === 'blocked') return refuse(application, target, 403, 'A rule forbids it')
  // A preflight has no cookie, so it is never answered by a login (Cloudflare's documentation, "CORS").
  if (isPreflight(request)) return refuse(application, target, 403, 'No rule admits it')
  const serviceAuth = application.policies.some(({decision}) => decision === 'non_identity')
  if (application.serviceAuth401Redirect && serviceAuth)
    return refuse(application, target, 401, 'No Service Auth rule admits it')
  if (view.withoutAllow === 'forbidden' && !application.policies.some(({decision}) => decision === 'allow'))
    return refuse(application, target, 403, 'No rule admits it')
  return login({view, application, target, request, authenticated: tokenId !== undefined})
}

/** A client of the sandbox may name the edge's own port, in place of 443. */
function isOtherPort({port = '443'}: Target, {socket}: IncomingMessage): boolean {
  return !['', '443', String(socket.localPort)].includes(port)
}

/** Cloudflare's documentation, "CORS": OPTIONS requests go to the origin, or Cloudflare answers a preflight itself. */
function answerToOptions(
  request: IncomingMessage,
  application: Application,
  target: Target,
): EdgeDecision | undefined {
  const {cors_headers: cors, options_preflight_bypass: bypass} = application.raw
  if (request.method === 'OPTIONS' && bypass === true)
    return {admit: true, application, session: undefined, cookie: false}
  if (!isPreflight(request) || !isJsonObject(cors)) return undefined
  const headers = preflightHeaders(request, cors)
  return headers ? answer(200, '', headers) : refuse(application, target, 403, 'CORS does not allow it')
}

/**
 * The standard headers, and the one that the application names. Strict mode allows each once, and only one of the two
 * ways.
 */
function readCredentials(request: IncomingMessage, application: Application): Credentials {
  const ids = request.headersDistinct['cf-access-client-id'] ?? []
  const secrets = request.headersDistinct['cf-access-client-secret'] ?? []
  const named = application.raw['read_service_tokens_from_header']
  const custom = typeof named === 'string' ? request.headers[named.toLowerCase()] : undefined
  const pair = typeof custom === 'string' ? parsePair(custom) : undefined
  if (ids.length === 0 && secrets.length === 0) {
    return pair ?? {state: custom === undefined ? 'none' : 'bad', id: '', secret: ''}
  }
  const whole = ids.length === 1 && secrets.length === 1 && custom === undefined
  return {state: whole ? 'pair' : 'bad', id: ids[0] ?? '', secret: secrets[0] ?? ''}
}

function parsePair(text: string): Credentials | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!isJsonObject(value)) return undefined
    const {'cf-access-client-id': id, 'cf-access-client-secret': secret} = value
    if (typeof id !== 'string' || typeof secret !== 'string') return undefined
    return {state: 'pair', id, secret}
  } catch {
    return undefined
  }
}

/** The login page, or for clients that have no use for it a 401. */
function login(asked: {
  view: EdgeView
  application: Application
  target: Target
  request: IncomingMessage
  /** Whether a service token was, which nothing admits. */
  authenticated: boolean
}): EdgeDecision {
  const {view, application, target, request, authenticated} = asked
  // Seen on an edge in October 2026: 401 with X-Requested-With, 302 whatever Accept and Sec-Fetch-Mode say.
  if (request.headers['x-requested-with']?.toString().toLowerCase() === 'xmlhttprequest')
    return refuse(application, target, 401, 'A login is needed')
  const {oauth_configuration: oauth} = application.raw
  // Cloudflare's documentation, "Managed OAuth". How it recognises browsers is not documented.
  if (isJsonObject(oauth) && oauth['enabled'] === true && !isBrowser(request)) {
    const challenge = `Bearer realm="OAuth", error="invalid_token", resource_metadata="${resourceMetadata(target)}"`
    return answer(401, 'An OAuth token is needed', {'www-authenticate': challenge})
  }
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

function isBrowser({headers}: IncomingMessage): boolean {
  return headers['sec-fetch-mode'] === 'navigate' || (headers.accept ?? '').includes('text/html')
}

/**
 * A refusal with what tells it from one of the service: seen on 403 (`cf-access-aud`, `cf-access-domain`) and on 302 and
 * 401 (`www-authenticate`).
 */
function refuse(application: Application, target: Target, status: 401 | 403, text: string): EdgeDecision {
  return answer(status, text, {
    'cf-access-aud': audOf(application),
    'cf-access-domain': target.host,
    ...(status === 401 && {'www-authenticate': challengeOf(target)}),
  })
}

function challengeOf(target: Target): string {
  return `Cloudflare-Access resource_metadata="${resourceMetadata(target)}"`
}

function answer(status: number, text: string, headers: Record<string, string> = {}): EdgeDecision {
  return {admit: false, status, headers, text}
}
