import {readRefusal} from './carrier/refusal.js'
import type {Refusal} from './types.js'

/** An HTTP answer that may be a refusal. */
export interface Judgement {
  /**
   * Who said no. `access`: certainly. `unknown`: Access or the service behind it, which the status alone does not tell.
   * `nobody`: the service answered, or Access let the request in.
   */
  by: 'access' | 'unknown' | 'nobody'
  refusal: Refusal
}

/**
 * Whether an answer to an HTTP request is Access's refusal. Access sends to its login page, or answers 401 or 403 (by the
 * application's settings); a service behind it may answer those as well, and a 401 of its own names another scheme.
 *
 * @param headers names in lower case
 */
export function judgeAnswer(status: number, headers: ReadonlyMap<string, string>): Judgement {
  const refusal = readRefusal(status, headers)
  if (refusal.reason === 'login') return {by: 'access', refusal}
  if (status !== 401 && status !== 403) return {by: 'nobody', refusal}
  const scheme = headers.get('www-authenticate')
  if (/^cloudflare-access\b/i.test(scheme ?? '')) return {by: 'access', refusal}
  if (headers.get('cf-access-domain') || headers.get('cf-access-aud')) return {by: 'access', refusal}
  return {by: scheme ? 'nobody' : 'unknown', refusal}
}
