import type {IncomingMessage} from 'node:http'
import type {JsonObject} from '../../core/json.js'
import type {Preflight} from '../../policy/cors.js'

/** What a browser asks before a cross-origin request; undefined for any other request. */
export function preflightOf({method, headers}: IncomingMessage): Preflight | undefined {
  const {origin, 'access-control-request-method': wanted, 'access-control-request-headers': names} = headers
  if (method !== 'OPTIONS' || origin === undefined || wanted === undefined) return undefined
  return {
    origin,
    method: wanted,
    headers: names === undefined ? [] : names.split(',').map((name) => name.trim()),
  }
}

/**
 * How Cloudflare answers a preflight that the CORS settings of the application allow.
 *
 * @param cors the application's `cors_headers`
 */
export function preflightHeaders(
  {origin, method, headers}: Preflight,
  cors: JsonObject,
): Record<string, string> {
  const {max_age: maxAge} = cors
  return {
    vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    'access-control-allow-origin': origin,
    'access-control-allow-methods': method,
    ...(headers.length > 0 && {'access-control-allow-headers': headers.join(', ')}),
    ...(cors['allow_credentials'] === true && {'access-control-allow-credentials': 'true'}),
    ...(typeof maxAge === 'number' && {'access-control-max-age': String(maxAge)}),
  }
}
