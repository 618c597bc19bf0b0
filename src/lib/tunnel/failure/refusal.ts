import {UserError} from '../../core/errors.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import type {EdgeAnswer} from '../types.js'

/** What the API says about a refusal, in place of what the answer alone suggests. */
export interface Finding {
  /** In place of what the answer suggests. */
  message?: string | undefined
  /** One cause a line. */
  why: readonly string[]
  next: string[]
  application?: {id: string; name: string} | undefined
  /** For `--json`: each cause by its ID. */
  causes?: readonly JsonObject[] | undefined
}

/** The edge answered a request with anything but what was asked for. */
export class RefusedError extends UserError {
  override readonly name = 'RefusedError'

  constructor(
    host: string,
    readonly answer: EdgeAnswer,
    finding?: Finding,
  ) {
    const {by, status, reason, ray, location, credentials} = answer
    const {message, why, next} = wordsFor(host, answer)
    const {application, causes} = finding ?? {}
    const lines = [...(finding?.why ?? [why])]
    const last = [
      lines.pop() ?? '',
      by === 'unknown' ? 'Or the service behind Access gave this answer; the two look the same.' : '',
      ray === undefined ? '' : `(CF-RAY ${ray})`,
    ]
    super({
      kind: reason === 'origin-down' || reason === 'rate-limited' ? 'unreachable' : 'refused',
      code: 'ACCESS_REFUSED',
      message: finding?.message ?? message,
      why: [...lines, last.filter((sentence) => sentence !== '').join(' ')],
      next: [...new Set([...(finding?.next ?? next), ...lookUp(answer)])],
      details: {
        host,
        status,
        reason,
        ray,
        location,
        credentials,
        ...(application && {application}),
        ...(causes && {causes}),
      },
    })
  }
}

/** The command that shows what Access recorded of the request, where Access may have decided. */
function lookUp({by, reason, ray}: EdgeAnswer): string[] {
  const decided = reason === 'login' || reason === 'unauthenticated' || reason === 'forbidden'
  return decided && (by === 'access' || by === 'unknown') && ray !== undefined && RAY.test(ray)
    ? [`zt ray ${ray}`]
    : []
}

/** Anything else in the header is not repeated in a command line. */
const RAY = /^[0-9a-f]{16}(-[A-Z]{2,4})?$/

/**
 * What an answer of the edge says, and who gave it. The body is not read, and the location loses its query, which may
 * carry tokens. Of that, only what it says of the credentials is kept (credentialsIn).
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
  const target = headers.get('location')
  const location = withoutQuery(target)
  // Set on every challenge page, whatever its status (Cloudflare's documentation, "Detect a Challenge Page response").
  const challenged = headers.get('cf-mitigated')?.toLowerCase() === 'challenge'
  const reason = challenged ? 'challenged' : reasonOf(status, location)
  const credentials = reason === 'login' ? credentialsIn(target ?? '') : undefined
  return {by: giverOf(reason, headers), status, reason, ray: headers.get('cf-ray'), location, credentials}
}

/** A location that is longer says nothing; those of Access have about 1,200 characters. */
const MOST_LOCATION = 8192

/**
 * What a redirect to the login page says of the credentials. Its parameter `meta` is a JWT, and the boolean
 * `service_token_status` in the payload says whether Access accepted the service token. Documented nowhere: operators saw
 * it in 2026, true where a valid token is named under Allow only, false with a wrong pair or none. Several also saw false
 * with a valid token that no Service Auth rule named. Nothing else of the JWT is used or kept. Its signature is for Access
 * alone, so whoever sends the redirect can say what it wants.
 */
function credentialsIn(location: string): EdgeAnswer['credentials'] {
  if (location.length > MOST_LOCATION) return undefined
  const [meta, ...others] = new URLSearchParams(/^[^?#]*\?([^#]*)/.exec(location)?.[1]).getAll('meta')
  const payload = others.length === 0 ? /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(meta ?? '')?.[1] : undefined
  if (payload === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const status = isJsonObject(claims) ? claims['service_token_status'] : undefined
    return status === true ? 'accepted' : status === false ? 'not-accepted' : undefined
  } catch {
    return undefined
  }
}

/** What a redirect to the login page usually means, where the account is not asked. */
export function usualReasons(credentials: EdgeAnswer['credentials']): string {
  if (credentials === 'accepted')
    return 'Access says that it accepted the token: usually no Service Auth rule of the application admits it.'
  if (credentials === 'not-accepted')
    return 'Access says that it did not accept the token: usually it is expired, disabled or deleted, or has another secret. Or no Service Auth rule of the application admits it.'
  return 'Usually no Service Auth rule of the application admits the token, or the token is expired, disabled or has another secret.'
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
  {by, status, reason, location, credentials}: EdgeAnswer,
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
        why: usualReasons(credentials),
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
        why: 'No Service Auth rule admits the token, or it is expired, disabled, deleted or has another secret. Or a firewall or bot rule of the zone blocks the request before Access.',
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
