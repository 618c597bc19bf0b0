import type {JsonObject} from '../core/json.js'

/** What a browser asks before a cross-origin request ("CORS-preflight request" in the Fetch standard). */
export interface Preflight {
  origin: string
  method: string
  headers: readonly string[]
}

/**
 * Whether an application's CORS settings allow what a preflight asks for.
 *
 * @param cors the application's `cors_headers`
 */
export function corsAllows({origin, method, headers}: Preflight, cors: JsonObject): boolean {
  return (
    allows(cors, 'origins', origin) &&
    allows(cors, 'methods', method) &&
    headers.every((name) => allows(cors, 'headers', name))
  )
}

function allows(cors: JsonObject, kind: 'origins' | 'methods' | 'headers', value: string): boolean {
  if (cors[`allow_all_${kind}`] === true) return true
  const same = (one: unknown): boolean => one === '*' || String(one).toLowerCase() === value.toLowerCase()
  const listed = cors[`allowed_${kind}`]
  return Array.isArray(listed) && listed.some(same)
}
