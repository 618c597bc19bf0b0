import type {AccessEvent} from '../../api/types.js'
import type {AccessContext} from '../account/context.js'
import {lastSeconds, readRecord, serverTime, unreadable, type ReadRange} from './record.js'

/** How often one service token was let in, or refused, at one application by one rule. */
export interface UsageRow {
  tokenId: string
  applicationId: string
  /** The rule that let it in, by its ID; undefined: none did, or the record does not say. */
  policyId: string | undefined
  allowed: boolean
  /** An estimate where the record has samples. */
  count: number
  /** On which day (UTC) it was last so: `2026-11-28`. */
  last: string
}

/** What Access recorded of an account's service tokens. */
export interface Usage {
  /** ISO 8601: what was asked for, and what the record goes back to. */
  since: string
  until: string
  rows: UsageRow[]
  /** Why there is less than was asked for (plan, permission, age), in sentences; undefined: it is whole. */
  incomplete: string | undefined
}

/**
 * How an account's service tokens were used in the last so many seconds, by Access's record. Where that cannot be read (the
 * permission Account Analytics Read, the plan), there are no rows, and `incomplete` says why.
 *
 * @param tokenId left out: all service tokens
 * @throws ApiError for anything else: no connection, too many requests, an invalid answer
 */
export async function readUsage(
  ctx: AccessContext,
  {seconds, tokenId}: {seconds: number; tokenId?: string | undefined},
): Promise<Usage> {
  const api = await ctx.api()
  const range = lastSeconds(seconds, await serverTime(ctx, api))
  const rows = new Map<string, UsageRow>()
  let read: ReadRange
  try {
    read = await readRecord(ctx, api, {by: 'rights', range, tokenId}, (events) => {
      for (const event of events) addTo(rows, event)
      return 'more'
    })
  } catch (error) {
    const known = unreadable(error)
    if (known === undefined) throw error
    rows.clear()
    read = {...range, lacks: [known.why]}
  }
  return {
    since: new Date(read.since).toISOString(),
    until: new Date(read.until).toISOString(),
    rows: [...rows.values()],
    incomplete: read.lacks.length > 0 ? read.lacks.join(' ') : undefined,
  }
}

function addTo(rows: Map<string, UsageRow>, event: AccessEvent): void {
  const {tokenId, applicationId, policyId, allowed, count, at} = event
  if (tokenId === undefined || applicationId === undefined) return
  const last = at.slice(0, 10)
  const key = JSON.stringify([tokenId, applicationId, policyId, allowed])
  const row = rows.get(key)
  if (row) {
    row.count += count
    if (last > row.last) row.last = last
  } else rows.set(key, {tokenId, applicationId, policyId, allowed, count, last})
}
