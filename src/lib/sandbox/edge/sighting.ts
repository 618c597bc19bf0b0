import type {IncomingMessage} from 'node:http'
import type {Application} from '../../api/types.js'
import type {EdgeReason} from '../../policy/edge.js'
import {countryAt} from '../countries.js'
import type {AccessEvent} from '../record.js'
import type {SigningKey} from '../signing-key.js'
import type {EdgeView} from '../types.js'
import type {EdgeDecision} from './decide.js'
import {presentedTokens, sessionOf} from './session.js'

/** What else is known of a decided request. */
export interface Circumstances {
  view: EdgeView
  /** Without the data centre. */
  ray: string
  /** The key that sessions are verified with; undefined: the request has none. */
  key: SigningKey | undefined
  /** As for the decision. */
  countries: Readonly<Record<string, string>> | undefined
}

/** Where no one tries to get in: paths that are public, and what a browser asks before its request. */
const NO_LOGIN = new Set<EdgeReason>([
  'public-path',
  'options-bypass',
  'preflight-answered',
  'preflight-refused',
  'preflight-denied',
])
const BY_RULE = new Set<EdgeReason>(['service-auth', 'bypass'])

/** What the record keeps of a request; undefined if Access does not decide on it, or does not take it for a login. */
export function sightingOf(
  request: IncomingMessage,
  decision: EdgeDecision,
  {view, ray, key, countries = {}}: Circumstances,
): AccessEvent | undefined {
  const {admit, decided} = decision
  const application = decided?.answer.application
  if (!application || NO_LOGIN.has(decided.reason)) return undefined
  const byRule = BY_RULE.has(decided.reason)
  const attempt = byRule || hasCredentials(request, application) || (!admit && decision.status === 403)
  const session = key && sessionOf(presentedTokens(request), {view, key, application})
  const ip = request.socket.remoteAddress ?? ''
  return {
    at: view.now,
    ray,
    appId: application.id,
    policyId: (byRule && decided.answer.policy?.id) || '',
    tokenId: decided.tokenId ?? '',
    admitted: admit,
    session: session !== undefined,
    kind: attempt ? 'attempt' : admit ? 'session' : 'visit',
    ip,
    country: countryAt(ip, {...view.countryOf, ...countries}) ?? 'XX',
  }
}

/** Of a service token, right or wrong. */
function hasCredentials({headers}: IncomingMessage, {raw}: Application): boolean {
  const named = raw['read_service_tokens_from_header']
  return ['cf-access-client-id', 'cf-access-client-secret', named].some(
    (name) => typeof name === 'string' && headers[name.toLowerCase()] !== undefined,
  )
}
