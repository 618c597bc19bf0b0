import type {IncomingMessage} from 'node:http'
import type {Application} from '../../api/types.js'
import {findApplication} from '../../policy/application-match.js'
import {countryAt} from '../countries.js'
import type {AccessEvent} from '../record.js'
import type {SigningKey} from '../signing-key.js'
import type {EdgeView} from '../types.js'
import type {EdgeDecision} from './decide.js'
import {isPreflight} from './preflight.js'
import {presentedTokens, sessionOf} from './session.js'
import {targetOf} from './target.js'

/** What else is known of a decided request. */
export interface Circumstances {
  view: EdgeView
  /** Without the data centre. */
  ray: string
  /** The service token that it authenticated as. */
  tokenId: string | undefined
  key: SigningKey | undefined
  countries: Readonly<Record<string, string>> | undefined
}

const REFUSALS = [302, 401, 403]

/**
 * What the record keeps of a request; undefined if no rule was asked: another host or port, CORS, OPTIONS.
 */
export function sightingOf(
  request: IncomingMessage,
  decision: EdgeDecision,
  {view, ray, tokenId, key, countries = {}}: Circumstances,
): AccessEvent | undefined {
  const {admit} = decision
  if (isPreflight(request) || (!admit && !REFUSALS.includes(decision.status))) return undefined
  const application = admit
    ? decision.application
    : findApplication(targetOf(request), view.applications)?.application
  if (!application) return undefined
  const policyId = admit ? decision.policyId : undefined
  // OPTIONS requests go past Access where the application says so.
  if (admit && policyId === undefined && !decision.session) return undefined
  const session = key !== undefined && sessionOf(presentedTokens(request), {view, key, application})
  const ip = request.socket.remoteAddress ?? ''
  const attempt =
    policyId !== undefined || hasCredentials(request, application) || (!admit && decision.status === 403)
  return {
    at: view.now,
    ray,
    appId: application.id,
    policyId: policyId ?? '',
    tokenId: tokenId ?? '',
    admitted: admit,
    session: Boolean(session),
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
