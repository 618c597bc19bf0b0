import type {AccessApi, AccessEvent, AccessEventsQuery} from '../../src/lib/api/types.js'
import {ApiError} from '../../src/lib/core/errors.js'

const DAY = 24 * 3600_000

/** One request at a time; what is left out is the same for all. */
export interface Happened extends Partial<Omit<AccessEvent, 'at' | 'count'>> {
  /** Milliseconds since 1970. */
  at: number
}

/** What an account allows of its record. */
export interface RecordLimits {
  now: number
  keptDays?: number
  /** The longest time that a query may cover. */
  widest?: number
  /** Whether a refusal says how long that is. */
  says?: boolean
  /** The most rows of a query. */
  most?: number
}

/**
 * The part of the API that reads Access's record, over events in memory: a query groups them as Cloudflare does, and is
 * refused beyond the limits.
 */
export function recordOf(
  happened: readonly Happened[],
  {now, keptDays = 90, widest = 7 * DAY, says = false, most = 10_000}: RecordLimits,
): Pick<AccessApi, 'accessEvents' | 'clockAhead'> & {queries: AccessEventsQuery[]} {
  const queries: AccessEventsQuery[] = []
  const refused = (message: string, details = {}): Error =>
    new ApiError({kind: 'api', code: 'ANALYTICS_RANGE', message, status: 400, details})
  return {
    queries,
    clockAhead: () => 0,
    accessEvents(query) {
      const {by, since, until, tokenId, ray} = query
      queries.push(query)
      if (since < now - keptDays * DAY)
        return Promise.reject(refused('too old', {oldestSeconds: (keptDays * DAY) / 1000}))
      if (until - since > widest)
        return Promise.reject(refused('too wide', says ? {widestSeconds: widest / 1000} : {}))
      const rows = new Map<string, AccessEvent>()
      for (const {at, ...one} of happened) {
        if (at < since || at >= until) continue
        if (ray === undefined ? tokenId !== undefined && one.tokenId !== tokenId : one.ray !== ray) continue
        const time = new Date(at).toISOString()
        const places = by === 'rights' ? {} : {address: one.address, country: one.country}
        const event: AccessEvent = {
          ...{address: undefined, country: undefined, ray: undefined, identityProvider: 'nonidentity'},
          ...{
            tokenId: one.tokenId,
            applicationId: one.applicationId,
            policyId: one.policyId,
            allowed: one.allowed ?? true,
          },
          ...{at: by === 'requests' ? time : time.slice(0, 10), count: 0},
          ...places,
          ...(by === 'requests' && {ray: one.ray}),
        }
        const key = JSON.stringify(event)
        const row = rows.get(key) ?? event
        row.count++
        rows.set(key, row)
      }
      const events = [...rows.values()].sort((a, b) => b.at.localeCompare(a.at)).slice(0, most)
      return Promise.resolve({events, full: events.length === most})
    },
  }
}
