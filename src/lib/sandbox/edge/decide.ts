import type {IncomingMessage} from 'node:http'
import {isJsonObject} from '../../core/json.js'
import type {Application} from '../../api/types.js'
import {findApplication} from '../../policy/application-match.js'
import {evaluate} from '../../policy/evaluate.js'
import {normalisePath} from '../../policy/normalise-url.js'
import {countryAt} from '../countries.js'
import type {EdgeState, EdgeView} from '../types.js'
import {isPreflight, preflightHeaders} from './preflight.js'
import {targetOf, type Target} from './target.js'

/** What the edge does with a request. */
export type EdgeDecision =
  | {admit: true; application: Application; tokenId: string | undefined}
  | {admit: false; status: number; headers: Record<string, string>; text: string}

interface Credentials {
  /** No credentials, both, or something that strict mode refuses. */
  state: 'none' | 'pair' | 'bad'
  id: string
  secret: string
}

/**
 * Evaluates the host's application and its policies, as Access does.
 *
 * @param countries of clients by CIDR block, in addition to those of the settings
 */
export function decide(
  state: EdgeState,
  request: IncomingMessage,
  countries: Readonly<Record<string, string>> = {},
): EdgeDecision {
  const view = state.edgeView()
  const target = targetOf(request)
  const application = findApplication(target, view.applications)?.application
  if (!application) return answer(530, 'No application of this sandbox covers that host')
  // Cloudflare's documentation, "CORS": OPTIONS requests go to the origin, or Cloudflare answers a preflight itself.
  if (request.method === 'OPTIONS' && application.raw['options_preflight_bypass'] === true)
    return {admit: true, application, tokenId: undefined}
  const {cors_headers: cors} = application.raw
  if (isPreflight(request) && isJsonObject(cors)) {
    const headers = preflightHeaders(request, cors)
    return headers ? answer(200, '', headers) : refuse(application, target, 403, 'CORS does not allow it')
  }
  const credentials = readCredentials(request, application)
  const tokenId =
    credentials.state === 'pair' || (credentials.state === 'bad' && !view.strict)
      ? view.authenticate(credentials.id, credentials.secret)
      : undefined
  if (view.strict && credentials.state !== 'none' && tokenId === undefined)
    return refuse(application, target, 401, 'The token cannot authenticate')
  if (tokenId !== undefined) state.recordUse(tokenId)
  const ip = request.socket.remoteAddress
  const {admitted, outcome} = evaluate({
    application,
    groups: view.groups,
    request: {serviceTokenId: tokenId, ip, country: countryAt(ip, {...view.countryOf, ...countries})},
  })
  if (admitted) return {admit: true, application, tokenId}
  if (view.strict && tokenId !== undefined)
    return refuse(application, target, 403, 'The token is valid, and not authorised')
  if (outcome === 'blocked') return refuse(application, target, 403, 'A rule forbids it')
  // A preflight has no cookie, so it is never answered by a login (Cloudflare's documentation, "CORS").
  if (isPreflight(request)) return refuse(application, target, 403, 'No rule admits it')
  const serviceAuth = application.policies.some(({decision}) => decision === 'non_identity')
  if (application.serviceAuth401Redirect && serviceAuth)
    return refuse(application, target, 401, 'No Service Auth rule admits it')
  if (view.withoutAllow === 'forbidden' && !application.policies.some(({decision}) => decision === 'allow'))
    return refuse(application, target, 403, 'No rule admits it')
  return login(view, application, target, request)
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
function login(
  view: EdgeView,
  application: Application,
  target: Target,
  request: IncomingMessage,
): EdgeDecision {
  // Seen on an edge in October 2026: 401 with X-Requested-With, 302 with whatever Accept and Sec-Fetch-Mode say.
  if (request.headers['x-requested-with']?.toString().toLowerCase() === 'xmlhttprequest')
    return refuse(application, target, 401, 'A login is needed')
  const {oauth_configuration: oauth} = application.raw
  // Cloudflare's documentation, "Managed OAuth". How it recognises browsers is not documented.
  if (isJsonObject(oauth) && oauth['enabled'] === true && !isBrowser(request)) {
    const challenge = `Bearer realm="OAuth", error="invalid_token", ${metadataOf(target)}`
    return answer(401, 'An OAuth token is needed', {'www-authenticate': challenge})
  }
  const {host, url} = target
  const location = `https://${view.authDomain}/cdn-cgi/access/login/${host}?redirect_url=${encodeURIComponent(url)}`
  return answer(302, '', {location, 'www-authenticate': `Cloudflare-Access ${metadataOf(target)}`})
}

function isBrowser({headers}: IncomingMessage): boolean {
  return headers['sec-fetch-mode'] === 'navigate' || (headers.accept ?? '').includes('text/html')
}

/**
 * A refusal with what tells it from one of the service: seen on 403 (`cf-access-aud`, `cf-access-domain`) and on 302 and
 * 401 (`www-authenticate`).
 */
function refuse(application: Application, target: Target, status: 401 | 403, text: string): EdgeDecision {
  const {aud} = application.raw
  return answer(status, text, {
    'cf-access-aud': typeof aud === 'string' && /^[\x21-\x7E]+$/.test(aud) ? aud : application.id,
    'cf-access-domain': target.host,
    ...(status === 401 && {'www-authenticate': `Cloudflare-Access ${metadataOf(target)}`}),
  })
}

/** Where a client learns how to log in; the path is encoded, so that it fits into a header. */
function metadataOf({host, url}: Target): string {
  return `resource_metadata="https://${host}/.well-known/cloudflare-access-protected-resource${normalisePath(url)}"`
}

function answer(status: number, text: string, headers: Record<string, string> = {}): EdgeDecision {
  return {admit: false, status, headers, text}
}
