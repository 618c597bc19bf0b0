import {UserError} from '../../core/errors.js'
import type {EdgeAnswer} from '../types.js'

/** What the API says about a refusal, in place of what the answer alone suggests. */
interface Finding {
  why: string
  next: string[]
  application?: {id: string; name: string} | undefined
}

/** The edge answered a request with anything but what was asked for. */
export class RefusedError extends UserError {
  override readonly name = 'RefusedError'

  constructor(
    host: string,
    readonly answer: EdgeAnswer,
    finding?: Finding,
  ) {
    const {by, status, reason, ray, location} = answer
    const {message, why, next} = wordsFor(host, answer)
    const {application} = finding ?? {}
    const sentences = [
      finding?.why ?? why,
      by === 'unknown' ? 'Or the service behind Access gave this answer; the two look the same.' : '',
      ray === undefined ? '' : `(CF-RAY ${ray})`,
    ]
    super({
      kind: reason === 'origin-down' || reason === 'rate-limited' ? 'unreachable' : 'refused',
      code: 'ACCESS_REFUSED',
      message,
      why: sentences.filter((sentence) => sentence !== '').join(' '),
      next: finding?.next ?? next,
      details: {host, status, reason, ray, location, ...(application && {application})},
    })
  }
}

/**
 * What an answer of the edge says, and who gave it. The body is not read, and the location loses its query, which may
 * carry tokens.
 *
 * Access redirects to its login page, or answers 401 or 403 (by the application's settings); a service behind it may
 * answer 401 and 403 as well. Access's own carry `cf-access-aud` and `cf-access-domain` (cloudflared's source up to 2026,
 * token.GetAppInfo, finds the application of a 401 or 403 by them) or `www-authenticate: Cloudflare-Access …` (seen on
 * 302 and 401). Whether all of them do is documented nowhere, so one without stays in doubt; only a service's own 401
 * names another scheme, as RFC 9110 (15.5.2) requires.
 *
 * @param headers names in lower case
 */
export function readAnswer(status: number, headers: ReadonlyMap<string, string>): EdgeAnswer {
  const location = withoutQuery(headers.get('location'))
  // Set on every challenge page, whatever its status (Cloudflare's documentation, "Detect a Challenge Page response").
  const challenged = headers.get('cf-mitigated')?.toLowerCase() === 'challenge'
  const reason = challenged ? 'challenged' : reasonOf(status, location)
  return {by: giverOf(reason, headers), status, reason, ray: headers.get('cf-ray'), location}
}

function reasonOf(status: number, location: string | undefined): EdgeAnswer['reason'] {
  if (status >= 300 && status < 400) {
    return location !== undefined && /\/cdn-cgi\/access\/login/.test(location) ? 'login' : 'redirect'
  }
  if (status === 401) return 'unauthenticated'
  if (status === 403) return 'forbidden'
  if (status === 429) return 'rate-limited'
  return [502, 503, 504, 530].includes(status) ? 'origin-down' : 'other'
}

function giverOf(reason: EdgeAnswer['reason'], headers: ReadonlyMap<string, string>): EdgeAnswer['by'] {
  if (reason === 'login') return 'access'
  if (reason === 'challenged') return 'zone'
  if (reason !== 'unauthenticated' && reason !== 'forbidden') return 'service'
  const scheme = headers.get('www-authenticate')
  if (/^cloudflare-access\b/i.test(scheme ?? '')) return 'access'
  // Managed OAuth asks for a bearer token, and only this name says that it is Access that asks (seen in 2026).
  if (/\/\.well-known\/cloudflare-access-protected-resource\b/i.test(scheme ?? '')) return 'access'
  if (headers.get('cf-access-domain') || headers.get('cf-access-aud')) return 'access'
  return scheme ? 'service' : 'unknown'
}

function withoutQuery(location: string | undefined): string | undefined {
  if (location === undefined || location === '') return undefined
  // Only plain text is repeated on a terminal.
  return /^[\x21-\x7E]+/.exec(location)?.[0].split(/[?#]/)[0]?.slice(0, 200)
}

function wordsFor(
  host: string,
  {by, status, reason, location}: EdgeAnswer,
): {message: string; why: string; next: string[]} {
  const refused =
    by === 'unknown'
      ? `${host} answered ${status}: Access refused the service token, or the service behind it refused the request`
      : `Access refused the service token for ${host} (${reason === 'login' ? 'it asks for a login' : status})`
  const show = `zt app show ${host}`
  if (by === 'service' && (reason === 'unauthenticated' || reason === 'forbidden')) {
    return {
      message: `The service behind ${host} refused the request (${status})`,
      why: 'Access let the token in; the service itself asks for other credentials.',
      next: [show],
    }
  }
  switch (reason) {
    case 'login':
      return {
        message: refused,
        why: 'No Service Auth rule of the application admits the token, or the token is expired, disabled or has another secret.',
        next: [show],
      }
    case 'unauthenticated':
      return {
        message: refused,
        why: 'The token is expired, disabled, deleted or has another secret, or no Service Auth rule admits it.',
        next: ['zt token list', show],
      }
    case 'forbidden':
      return {
        message: refused,
        why: 'The token is valid but a rule keeps it out, or a firewall or bot rule of the zone blocks the request before Access.',
        next: [show],
      }
    case 'challenged':
      return {
        message: `A bot or firewall rule of the zone blocks requests to ${host} (${status})`,
        why: 'The edge sent a challenge that only a browser can answer, before it asked Access.',
        next: ["Let this host pass the zone's bot and firewall rules (a WAF rule that skips them)"],
      }
    case 'rate-limited':
      return {
        message: `The edge limits the requests to ${host} (429)`,
        why: 'There were too many requests.',
        next: ['Try again in a minute'],
      }
    case 'origin-down':
      return {
        message: `The service behind ${host} does not answer (${status})`,
        why: 'Access let the token in; the connector or the service behind it is down.',
        next: ['Check that the tunnel and its service are running'],
      }
    case 'redirect':
      return {
        message: `${host} answered with a redirect (${status}${location === undefined ? '' : ` to ${location}`})`,
        why: 'zt does not follow it: the credentials are for this host alone. The application may be on another host.',
        next: ['zt app list'],
      }
    case 'other':
      return {
        message: `${host} does not open a tunnel (HTTP ${status})`,
        why: 'WebSockets may be off in the zone, or the host is not behind a tunnel.',
        next: [show],
      }
  }
}
