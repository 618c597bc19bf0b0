import type {IncomingMessage} from 'node:http'
import type {JsonObject} from '../../core/json.js'

/** Whether it is what a browser sends before a cross-origin request (the Fetch standard, "CORS-preflight request"). */
export function isPreflight({method, headers}: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  )
}

/**
 * How Cloudflare answers a preflight of an application with CORS settings.
 *
 * @param cors the application's `cors_headers`
 * @returns undefined if the settings do not allow the request
 */
export function preflightHeaders(
  {headers}: IncomingMessage,
  cors: JsonObject,
): Record<string, string> | undefined {
  const {
    origin = '',
    'access-control-request-method': method = '',
    'access-control-request-headers': names,
  } = headers
  const asked = names === undefined ? [] : names.split(',').map((name) => name.trim())
  const allowed =
    allows(cors, 'origins', origin) &&
    allows(cors, 'methods', method) &&
    asked.every((name) => allows(cors, 'headers', name))
  if (!allowed) return undefined
  const {max_age: maxAge} = cors
  return {
    vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    'access-control-allow-origin': origin,
    'access-control-allow-methods': method,
    ...(asked.length > 0 && {'access-control-allow-headers': asked.join(', ')}),
    ...(cors['allow_credentials'] === true && {'access-control-allow-credentials': 'true'}),
    ...(typeof maxAge === 'number' && {'access-control-max-age': String(maxAge)}),
  }
}

function allows(cors: JsonObject, kind: 'origins' | 'methods' | 'headers', value: string): boolean {
  if (cors[`allow_all_${kind}`] === true) return true
  const same = (one: unknown): boolean => one === '*' || String(one).toLowerCase() === value.toLowerCase()
  const listed = cors[`allowed_${kind}`]
  return Array.isArray(listed) && listed.some(same)
}
