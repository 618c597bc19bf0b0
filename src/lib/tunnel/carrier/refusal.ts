import {UserError} from '../../core/errors.js'
import type {Refusal} from '../types.js'

/** The edge answered the handshake with something else than an upgrade. */
export class RefusedError extends UserError {
  override readonly name = 'RefusedError'
  readonly refusal: Refusal

  constructor(host: string, refusal: Refusal) {
    const {what, why, next} = words(host, refusal)
    super({
      kind: refusal.reason === 'origin-down' || refusal.reason === 'rate-limited' ? 'unreachable' : 'refused',
      code: 'ACCESS_REFUSED',
      message: what,
      why: refusal.ray === undefined ? why : `${why} (CF-RAY ${refusal.ray})`,
      next,
      details: {
        host,
        status: refusal.status,
        reason: refusal.reason,
        ray: refusal.ray,
        location: refusal.location,
      },
    })
    this.refusal = refusal
  }
}

/** Reads how the edge said no. The body is not looked at, and the location loses its query, which may carry tokens. */
export function readRefusal(status: number, headers: ReadonlyMap<string, string>): Refusal {
  const location = withoutQuery(headers.get('location'))
  // Set on every challenge page, whatever its status (Cloudflare's documentation, "Detect a Challenge Page response").
  const challenged = headers.get('cf-mitigated')?.toLowerCase() === 'challenge'
  return {
    status,
    reason: challenged ? 'challenged' : reasonOf(status, location),
    ray: headers.get('cf-ray'),
    location,
  }
}

function reasonOf(status: number, location: string | undefined): Refusal['reason'] {
  if (status >= 300 && status < 400) {
    return location !== undefined && /\/cdn-cgi\/access\/login/.test(location) ? 'login' : 'redirect'
  }
  if (status === 401) return 'unauthenticated'
  if (status === 403) return 'forbidden'
  if (status === 429) return 'rate-limited'
  return [502, 503, 504, 530].includes(status) ? 'origin-down' : 'other'
}

function withoutQuery(location: string | undefined): string | undefined {
  if (location === undefined || location === '') return undefined
  // What is not plain text is not repeated on a terminal.
  return /^[\x21-\x7E]+/.exec(location)?.[0].split(/[?#]/)[0]?.slice(0, 200)
}

function words(
  host: string,
  {status, reason, location}: Refusal,
): {what: string; why: string; next: string[]} {
  switch (reason) {
    case 'login':
      return {
        what: `Access refused the service token for ${host}: it wants a login`,
        why: 'No Service Auth rule of the application admits the token, or the token is expired, disabled or has another secret.',
        next: [`zt app show ${host}`],
      }
    case 'unauthenticated':
      return {
        what: `Access does not accept the credentials for ${host} (401)`,
        why: 'The token is expired, disabled, deleted or has another secret, or no Service Auth rule admits it.',
        next: ['zt token list', `zt app show ${host}`],
      }
    case 'forbidden':
      return {
        what: `Access forbids the service token at ${host} (403)`,
        why: 'The token is valid, and a rule keeps it out; or a firewall or bot rule of the zone stands before Access.',
        next: [`zt app show ${host}`],
      }
    case 'challenged':
      return {
        what: `A bot or firewall rule of the zone stands before ${host} (${status})`,
        why: 'The edge wants a browser to prove itself, which no other program can, and has not asked Access.',
        next: ["Let this host pass the zone's bot and firewall rules (a WAF rule that skips them)"],
      }
    case 'rate-limited':
      return {
        what: `The edge asks for a pause at ${host} (429)`,
        why: 'Too many requests.',
        next: ['Try again in a minute'],
      }
    case 'origin-down':
      return {
        what: `What is behind ${host} does not answer (${status})`,
        why: 'Access let the token in; the connector or the service behind it is down.',
        next: ['Check that the tunnel runs and that its service is up'],
      }
    case 'redirect':
      return {
        what: `${host} answers with a redirect (${status}${location === undefined ? '' : ` to ${location}`})`,
        why: 'It is not followed: the credentials are for this host alone. The application may be on another host.',
        next: ['zt app list'],
      }
    case 'other':
      return {
        what: `${host} does not open a tunnel (HTTP ${status})`,
        why: 'WebSockets may be off in the zone, or the host is not behind a tunnel.',
        next: [`zt app show ${host}`],
      }
  }
}
