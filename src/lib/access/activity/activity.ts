import type {AccessEvent} from '../../api/types.js'
import type {UserError} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import {resolveToken} from '../account/resolve.js'
import {knowledge, type KnownToken} from '../tokens/list.js'
import {recordedApplications, recordedRules, type Recorded} from './names.js'
import {DAY_MS, lastSeconds, readRecord, serverTime, unreadable} from './record.js'

/** How many requests Access let in and refused, and the last day (UTC) of either. */
export interface Counts {
  allowed: number
  refused: number
  last: string
}

/** What a service token was used for. */
export interface Activity {
  token: KnownToken
  /** ISO 8601: what was asked for, and what the record goes back to. */
  since: string
  until: string
  total: Omit<Counts, 'last'> & {last: string | undefined}
  /** By application and rule, the most used first. The rule is undefined where none let the requests in. */
  rules: (Counts & {application: Recorded; rule: Recorded | undefined})[]
  /** By address and country, the most used first. */
  places: (Counts & {address: string | undefined; country: string | undefined})[]
  /** Every day (UTC) of the time, the oldest first. */
  days: {day: string; allowed: number; refused: number}[]
  /** Why there is less than was asked for, in sentences. */
  incomplete: string | undefined
  /** Why the record could not be read at all. */
  unread: UserError | undefined
}

/**
 * What a service token was used for in the last so many seconds, by Access's record. Where the API token or the plan does not
 * allow to read that, `unread` has the reason.
 *
 * @throws UserError `not-found` / `TOKEN_NOT_FOUND`, `ambiguous` / `TOKEN_AMBIGUOUS`
 */
export async function activityOf(ctx: AccessContext, wanted: string, seconds: number): Promise<Activity> {
  const api = await ctx.api()
  ctx.progress.step('Reading the service token')
  const [tokens, known] = await Promise.all([api.listServiceTokens(), knowledge(ctx, api)])
  const token = known(resolveToken(ctx, wanted, tokens))
  const range = lastSeconds(seconds, await serverTime(ctx, api))
  const events: AccessEvent[] = []
  let read: Awaited<ReturnType<typeof readRecord>> = {...range, lacks: []}
  let unread: Activity['unread']
  try {
    read = await readRecord(ctx, api, {by: 'places', range, tokenId: token.token.id}, (some) => {
      for (const one of some) events.push(one)
      return 'more'
    })
  } catch (error) {
    unread = unreadable(error)?.error
    if (unread === undefined) throw error
    events.length = 0
  }
  const total = counted(events, () => '')[0]
  return {
    token,
    since: new Date(read.since).toISOString(),
    until: new Date(read.until).toISOString(),
    total: {allowed: total?.allowed ?? 0, refused: total?.refused ?? 0, last: total?.last},
    rules: await byRule(api, events),
    places: counted(events, ({address, country}) => JSON.stringify([address, country])).map(
      ({of: {address, country}, ...counts}) => ({address, country, ...counts}),
    ),
    days: unread ? [] : byDay(events, read),
    incomplete: read.lacks.length > 0 ? read.lacks.join(' ') : undefined,
    unread,
  }
}

async function byRule(
  api: Parameters<typeof recordedApplications>[0],
  events: readonly AccessEvent[],
): Promise<Activity['rules']> {
  const rows = counted(events, ({applicationId, policyId}) => JSON.stringify([applicationId, policyId]))
  const ids = (pick: (of: AccessEvent) => string | undefined): Set<string> =>
    new Set(rows.flatMap(({of}) => pick(of) ?? []))
  const applications = await recordedApplications(
    api,
    ids(({applicationId}) => applicationId),
  )
  const rules = await recordedRules(
    api,
    ids(({policyId}) => policyId),
    applications.values(),
  )
  return rows.map(({of: {applicationId = '', policyId}, ...counts}) => ({
    application: {id: applicationId, name: applications.get(applicationId)?.name},
    rule: policyId === undefined ? undefined : {id: policyId, name: rules.get(policyId)},
    ...counts,
  }))
}

/** The events with the same key as one row, the most frequent first. `of` is one of them. */
function counted(
  events: readonly AccessEvent[],
  keyOf: (event: AccessEvent) => string,
): (Counts & {of: AccessEvent})[] {
  const rows = new Map<string, Counts & {of: AccessEvent}>()
  for (const event of events) {
    const key = keyOf(event)
    const row = rows.get(key) ?? {of: event, allowed: 0, refused: 0, last: ''}
    row[event.allowed ? 'allowed' : 'refused'] += event.count
    const day = event.at.slice(0, 10)
    if (day > row.last) row.last = day
    rows.set(key, row)
  }
  const sum = ({allowed, refused}: Counts): number => allowed + refused
  return [...rows.values()].sort((a, b) => sum(b) - sum(a) || b.last.localeCompare(a.last))
}

function byDay(
  events: readonly AccessEvent[],
  {since, until}: {since: number; until: number},
): Activity['days'] {
  const days = new Map<string, {day: string; allowed: number; refused: number}>()
  for (let at = since - (since % DAY_MS); at < until; at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10)
    days.set(day, {day, allowed: 0, refused: 0})
  }
  for (const {at, allowed, count} of events) {
    const day = days.get(at.slice(0, 10))
    if (day) day[allowed ? 'allowed' : 'refused'] += count
  }
  return [...days.values()]
}
