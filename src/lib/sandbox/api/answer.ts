import type {JsonObject} from '../../core/json.js'

/** An error as the API words it. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  readonly code: number
  readonly chain: {code: number; message: string}[]
  readonly headers: Record<string, string>

  constructor(
    status: number,
    code: number,
    message: string,
    more: {chain?: {code: number; message: string}[]; headers?: Record<string, string>} = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.chain = more.chain ?? []
    this.headers = more.headers ?? {}
  }
}

export const invalid = (message: string): Refused =>
  new Refused(400, 12130, `access.api.error.invalid_request: ${message}`)
export const notFound = (code: number, what: string): Refused =>
  new Refused(404, code, `access.api.error.${what}`)

/**
 * Whether an object matches a query: each queried field contains its value (with `exact`: equals it), and any field
 * contains `search`. Case is ignored, except with `exact`.
 */
export function matches(fields: Record<string, unknown>, query: URLSearchParams, exact: boolean): boolean {
  const lower = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '')
  const search = lower(query.get('search'))
  if (search !== '' && !Object.values(fields).some((value) => lower(value).includes(search))) return false
  return Object.entries(fields).every(([name, value]) => {
    const wanted = query.get(name)
    if (wanted === null) return true
    return exact ? value === wanted : lower(value).includes(lower(wanted))
  })
}

/** What a handler returns: the result, and the status if it is not 200. */
export interface Result {
  status?: number
  result?: unknown
  info?: JsonObject
  /** In place of the envelope. */
  whole?: JsonObject
}

/**
 * One page of a list; empty after the last one.
 *
 * @param show converts an object to what the API shows
 */
export function page(
  items: readonly JsonObject[],
  query: URLSearchParams,
  standard = 25,
  most = 1000,
  show: (item: JsonObject) => JsonObject = (item) => item,
): Result {
  const number = (name: string, preset: number): number => {
    const value = Number(query.get(name) ?? preset)
    if (!Number.isInteger(value) || value < 1) throw invalid(`${name} must be a positive number`)
    return value
  }
  const current = number('page', 1)
  const size = Math.min(most, number('per_page', standard))
  const shown = items.slice((current - 1) * size, current * size)
  return {
    result: shown.map(show),
    info: {
      page: current,
      per_page: size,
      count: shown.length,
      total_count: items.length,
      total_pages: Math.ceil(items.length / size),
    },
  }
}
