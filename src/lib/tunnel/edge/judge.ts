import {readRefusal} from '../carrier/refusal.js'
import type {Judgement} from '../types.js'

/**
 * Whether an answer to an HTTP request is Access's refusal. Access sends to its login page, or answers 401 or 403 (by the
 * application's settings); a service behind it may answer those as well.
 *
 * Access's own carry `cf-access-aud` and `cf-access-domain` (cloudflared's source up to 2026, token.GetAppInfo, finds the
 * application of a 401 or 403 by them) or `www-authenticate: Cloudflare-Access …` (seen on 302 and 401). Whether all of
 * them do is documented nowhere, so that one without stays in doubt; only a service's own 401 names another scheme, as
 * RFC 9110 (15.5.2) wants it.
 *
 * @param headers names in lower case
 */
export function judgeAnswer(status: number, headers: ReadonlyMap<string, string>): Judgement {
  const refusal = readRefusal(status, headers)
  if (refusal.reason === 'login') return {by: 'access', refusal}
  if (refusal.reason === 'challenged') return {by: 'zone', refusal}
  if (status !== 401 && status !== 403) return {by: 'nobody', refusal}
  const scheme = headers.get('www-authenticate')
  if (/^cloudflare-access\b/i.test(scheme ?? '')) return {by: 'access', refusal}
  if (headers.get('cf-access-domain') || headers.get('cf-access-aud')) return {by: 'access', refusal}
  return {by: scheme ? 'nobody' : 'unknown', refusal}
}
