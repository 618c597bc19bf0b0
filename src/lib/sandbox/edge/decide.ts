import type {IncomingMessage} from 'node:http'
import {isJsonObject} from '../../core/json.js'
import type {Application} from '../../api/types.js'
import {findApplication} from '../../policy/application-match.js'
import {evaluate} from '../../policy/evaluate.js'
import type {EdgeState, EdgeView} from '../types.js'

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

/** Evaluates the host's application and its policies, as Access does. */
export function decide(state: EdgeState, request: IncomingMessage): EdgeDecision {
  const view = state.edgeView()
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
  const path = request.url ?? '/'
  const application = findApplication({host, path}, view.applications)?.application
  if (!application) return refuse(530, 'No application of this sandbox covers that host')
  const credentials = readCredentials(request, application)
  const tokenId =
    credentials.state === 'pair' || (credentials.state === 'bad' && !view.strict)
      ? view.authenticate(credentials.id, credentials.secret)
      : undefined
  if (view.strict && credentials.state !== 'none' && tokenId === undefined)
    return refuse(401, 'The token cannot authenticate')
  if (tokenId !== undefined) state.recordUse(tokenId)
  const {admitted, outcome} = evaluate({
    application,
    groups: view.groups,
    request: {serviceTokenId: tokenId, ip: request.socket.remoteAddress, country: undefined},
  })
  if (admitted) return {admit: true, application, tokenId}
  if (view.strict && tokenId !== undefined) return refuse(403, 'The token is valid, and not authorised')
  if (outcome === 'blocked') return refuse(403, 'A rule forbids it')
  const serviceAuth = application.policies.some(({decision}) => decision === 'non_identity')
  if (application.serviceAuth401Redirect && serviceAuth) return refuse(401, 'No Service Auth rule admits it')
  return login(view, host, path)
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

function login(view: EdgeView, host: string, path: string): EdgeDecision {
  const location = `https://${view.authDomain}/cdn-cgi/access/login/${host}?redirect_url=${encodeURIComponent(path)}`
  return {admit: false, status: 302, headers: {location}, text: ''}
}

function refuse(status: number, text: string): EdgeDecision {
  return {admit: false, status, headers: {}, text}
}
