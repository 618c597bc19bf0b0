import type {AccessApi, AccessEvent, AccessEventsQuery} from '../../api/types.js'
import {ApiError} from '../../core/errors.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'

const SECOND = 1000
export const DAY_MS = 24 * 3600 * SECOND

/** For how many days Cloudflare keeps events (seen by those who export them). */
export const KEPT_DAYS = 90
/** The longest time that one query may cover (seen in the same way). */
const WINDOW = 7 * DAY_MS
/** A window is not halved below this. */
const SHORTEST = 3600 * SECOND
/** Cloudflare allows 300 queries per five minutes; this many leave room for others. */
const MOST_QUERIES = 200
/** The record of the last moments: the API's clock is known to the second. */
const LEEWAY = 60 * SECOND

/** Of which part of the record to read, as milliseconds since 1970 by the server's clock. */
export interface Range {
  since: number
  until: number
}

/** What was read of a range. */
export interface ReadRange extends Range {
  /** Why it is less than was asked for, in sentences; empty: it is whole. */
  lacks: string[]
}

/** The time by the server's clock. An API that has not been asked yet is asked who sends the request. */
export async function serverTime(ctx: Pick<AccessContext, 'clock'>, api: AccessApi): Promise<number> {
  if (api.clockAhead() === undefined) await api.verifyToken()
  return cloudflareNow(ctx, api)
}

/** The last so many seconds. */
export function lastSeconds(seconds: number, now: number): Range {
  return {since: now - seconds * SECOND, until: now + LEEWAY}
}

/**
 * Reads events of a range, a week at a time, the newest first. A window that has more than one query returns is halved.
 *
 * @param take receives what each query found; `enough` ends the reading
 * @throws ApiError `permission`, or `ANALYTICS_NOT_AVAILABLE`
 */
export async function readRecord(
  ctx: Pick<AccessContext, 'clock' | 'progress'>,
  api: AccessApi,
  {range, ...query}: Omit<AccessEventsQuery, 'since' | 'until'> & {range: Range},
  take: (events: readonly AccessEvent[]) => 'enough' | 'more',
): Promise<ReadRange> {
  const now = await serverTime(ctx, api)
  const lacks = new Set<string>()
  let oldest = now - KEPT_DAYS * DAY_MS + LEEWAY
  if (range.since < now - KEPT_DAYS * DAY_MS - LEEWAY) lacks.add(keptFor(KEPT_DAYS))
  const left = cut({since: Math.max(range.since, oldest), until: range.until}, WINDOW)
  for (let queries = 0; ; queries++) {
    const window = left.pop()
    if (!window || window.until <= oldest) break
    if (queries === MOST_QUERIES) {
      lacks.add(`There are more events than ${MOST_QUERIES} queries return.`)
      oldest = window.until
      break
    }
    const since = Math.max(window.since, oldest)
    ctx.progress.step(`Reading Access's record since ${new Date(since).toISOString().slice(0, 10)}`, {
      ...{done: daysIn({...range, since: window.until}), of: daysIn(range), unit: 'days'},
    })
    let found: Awaited<ReturnType<AccessApi['accessEvents']>>
    try {
      found = await api.accessEvents({...query, since, until: window.until})
    } catch (error) {
      const limit = tooMuch(error)
      if (limit === undefined) throw error
      const {kept, widest} = limit
      if (kept !== undefined && now - kept + LEEWAY > oldest) {
        oldest = now - kept + LEEWAY
        lacks.add(keptFor(Math.floor(kept / DAY_MS)))
        left.push(window)
      } else if (kept === undefined && window.until - since > SHORTEST)
        left.push(...narrower({since, until: window.until}, widest))
      else throw error
      continue
    }
    if (found.full && window.until - since > SHORTEST) {
      left.push(...narrower({since, until: window.until}))
      continue
    }
    if (found.full) lacks.add('Some hours have more events than one query returns.')
    if (take(found.events) === 'enough') break
  }
  return {since: Math.max(range.since, oldest), until: range.until, lacks: [...lacks]}
}

const daysIn = ({since, until}: Range): number => Math.ceil((until - since) / DAY_MS)

function keptFor(days: number): string {
  return `Cloudflare keeps the events of the last ${days} days.`
}

/** In parts of this length from the end, the oldest first. */
function cut({since, until}: Range, length: number): Range[] {
  const parts: Range[] = []
  for (let end = until; end > since; end -= length)
    parts.push({since: Math.max(since, end - length), until: end})
  return parts.reverse()
}

/**
 * A part of the record as several: none longer than one query may cover, if that is known and helps, otherwise halves. Apart
 * at a whole second, which is what a query takes.
 */
function narrower({since, until}: Range, widest = 0): Range[] {
  if (widest >= SHORTEST && widest < until - since) return cut({since, until}, widest)
  const middle = Math.floor((since + until) / 2 / SECOND) * SECOND
  return [
    {since, until: middle},
    {since: middle, until},
  ]
}

/** How old events may be, or how long a query may cover, in milliseconds, as far as known. Undefined: another error. */
function tooMuch(error: unknown): {kept?: number; widest?: number} | undefined {
  if (!(error instanceof ApiError) || error.code !== 'ANALYTICS_RANGE') return undefined
  const {oldestSeconds, widestSeconds} = error.details
  if (typeof oldestSeconds === 'number') return {kept: oldestSeconds * SECOND}
  return typeof widestSeconds === 'number' ? {widest: widestSeconds * SECOND} : {}
}

/**
 * Why the record cannot be read at all, with a sentence; undefined: for a reason that is neither the API token's permission
 * nor the account's plan.
 */
export function unreadable(error: unknown): {error: ApiError; why: string} | undefined {
  if (!(error instanceof ApiError)) return undefined
  if (error.code === 'PERMISSION_MISSING')
    return {error, why: `The API token lacks the permission "${error.missingPermissions.join('" or "')}".`}
  return error.code === 'ANALYTICS_NOT_AVAILABLE' ? {error, why: `${error.message}.`} : undefined
}
