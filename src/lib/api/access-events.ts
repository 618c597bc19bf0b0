import {isJsonObject, type JsonObject} from '../core/json.js'
import {OPERATIONS} from './operations.js'
import type {AccessEvent, AccessEvents, AccessEventsQuery} from './types.js'

/** The most rows that one query may return (Cloudflare's documentation, "Limits": 10,000 for most datasets). */
export const MOST_ROWS = 10_000

/**
 * What the rows are counted by. The dimensions of the dataset are those of "Querying Access login events with GraphQL",
 * `appId` is in exporters that read it, `date` in all of Cloudflare's datasets of this kind.
 */
const DIMENSIONS = {
  rights: 'date serviceTokenId appId approvingPolicyId isSuccessfulLogin',
  places: 'date serviceTokenId appId approvingPolicyId isSuccessfulLogin ipAddress country',
  requests:
    'datetime serviceTokenId appId approvingPolicyId isSuccessfulLogin ipAddress country cfRayId identityProvider',
} as const satisfies Record<AccessEventsQuery['by'], string>

/** Values are variables; what differs between the queries is a constant of this file. */
const queryBy = (by: AccessEventsQuery['by']): string =>
  `query ($accountTag: string!, $filter: AccountAccessLoginRequestsAdaptiveGroupsFilter_InputObject!) {
  viewer {
    accounts(filter: {accountTag: $accountTag}) {
      accessLoginRequestsAdaptiveGroups(limit: ${MOST_ROWS}, filter: $filter, orderBy: [${by === 'requests' ? 'datetime' : 'date'}_DESC]) {
        count
        dimensions { ${DIMENSIONS[by]} }
      }
    }
  }
}`

/** The body of a request for events. A service token's traffic is what names a token; a ray may be anyone's. */
export function eventsRequest(
  accountTag: string,
  {by, since, until, tokenId, ray}: AccessEventsQuery,
): object {
  const filter = {
    datetime_geq: wholeSecond(since),
    datetime_lt: wholeSecond(until),
    ...(ray === undefined
      ? tokenId === undefined
        ? {serviceTokenId_neq: ''}
        : {serviceTokenId: tokenId}
      : {cfRayId: ray}),
  }
  return {query: queryBy(by), variables: {accountTag, filter}}
}

/** `2026-11-28T02:43:00Z`, the form in Cloudflare's documentation. */
function wholeSecond(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
}

/**
 * The events of an answer's data; `no-account` if it leaves the account out, which does not mean that there are none; and
 * what is wrong, as a sentence that quotes none of it, if it is not such data.
 */
export function toAccessEvents(data: unknown): AccessEvents | 'no-account' | {wrong: string} {
  const viewer = isJsonObject(data) ? data['viewer'] : undefined
  const accounts = isJsonObject(viewer) ? viewer['accounts'] : undefined
  if (!Array.isArray(accounts) || accounts.length > 1) return {wrong: 'It contains no account.'}
  if (accounts.length === 0) return 'no-account'
  const [account] = accounts as unknown[]
  const rows = isJsonObject(account) ? account['accessLoginRequestsAdaptiveGroups'] : undefined
  if (!Array.isArray(rows) || rows.length > MOST_ROWS) return {wrong: 'It contains no list of events.'}
  const events: AccessEvent[] = []
  for (const row of rows as unknown[]) {
    const event = toAccessEvent(row)
    if (event === undefined) return {wrong: 'One of its events is not valid.'}
    events.push(event)
  }
  return {events, full: events.length === MOST_ROWS}
}

function toAccessEvent(row: unknown): AccessEvent | undefined {
  const found = isJsonObject(row) ? row['dimensions'] : undefined
  if (!isJsonObject(row) || !isJsonObject(found)) return undefined
  const {count} = row
  const {date, datetime = date, isSuccessfulLogin: allowed} = found
  const given = NAMES.map((name) => found[name])
  if (!Number.isSafeInteger(count) || (count as number) < 0) return undefined
  if (typeof datetime !== 'string' || !/^\d{4}-\d\d-\d\d(T[\d:.]{5,20}Z)?$/.test(datetime)) return undefined
  if (Number.isNaN(Date.parse(datetime)) || ![0, 1, true, false].includes(allowed as number)) return undefined
  if (!given.every(isShortText)) return undefined
  const {serviceTokenId, appId, approvingPolicyId, ipAddress, country, cfRayId, identityProvider} =
    found as Record<string, string | undefined>
  return {
    tokenId: serviceTokenId || undefined,
    applicationId: appId || undefined,
    policyId: approvingPolicyId || undefined,
    allowed: Boolean(allowed),
    at: datetime,
    address: ipAddress || undefined,
    country: country || undefined,
    ray: cfRayId || undefined,
    identityProvider: identityProvider || undefined,
    count: count as number,
  }
}

/** What is unknown is an empty text. */
const NAMES = [
  'serviceTokenId',
  'appId',
  'approvingPolicyId',
  'ipAddress',
  'country',
  'cfRayId',
  'identityProvider',
]

function isShortText(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.length <= 256)
}

/** Whether a request is one for GraphQL: its answers have another form than those of the rest of the API. */
export function isGraphql({path}: {path: string}): boolean {
  return path === OPERATIONS.accessEvents.path
}

/**
 * The status of a GraphQL answer with errors: Cloudflare documents one for each message ("Error responses"), and also sends
 * them with 200. Undefined: it contains no error.
 */
export function statusOfErrors(body: JsonObject): number | undefined {
  const {errors} = body
  if (errors === undefined || errors === null || (Array.isArray(errors) && errors.length === 0))
    return undefined
  const [first] = Array.isArray(errors) ? (errors as unknown[]) : []
  const {message = '', extensions} = isJsonObject(first) ? first : {}
  const code = isJsonObject(extensions) ? extensions['code'] : undefined
  const said = typeof message === 'string' ? message.slice(0, 1000) : ''
  if (code === 'authz' || /not authorized|does not have access/i.test(said)) return 403
  if (/^unauthorized/i.test(said)) return 401
  if (code === 'budget' || /rate limiter|quota exceeded/i.test(said)) return 429
  return /try again later|internal server error/i.test(said) ? 503 : 400
}

/**
 * How Cloudflare words what a dataset does not offer an account, or not in one query. Undefined: it is about something
 * else. Sources: "Error responses" (its versions of 2024 and 2026), and `cannot request a time range wider than` of the
 * reports.
 */
export function datasetLimit(
  messages: readonly string[],
): {kind: 'unavailable'} | {kind: 'age'; seconds: number} | {kind: 'size'; seconds?: number} | undefined {
  for (const said of messages) {
    const oldest = periodAfter('older than', said)
    if (oldest !== undefined) return {kind: 'age', seconds: oldest}
    const widest = periodAfter('wider than', said)
    if (widest !== undefined) return {kind: 'size', seconds: widest}
    if (/time range|excessive resources|limit reached/i.test(said)) return {kind: 'size'}
    if (/not available for your plan|unknown field|cannot query field/i.test(said))
      return {kind: 'unavailable'}
  }
  return undefined
}

const SECONDS: Readonly<Record<string, number>> = {w: 604_800, d: 86_400, h: 3600, m: 60, s: 1}

/** The seconds of a period as Cloudflare writes it: `2678400s`, `12w6d`, `720h0m0s`. */
function periodAfter(words: string, said: string): number | undefined {
  const [, period] = new RegExp(String.raw`${words} ((?:\d{1,9} ?[wdhms]){1,5})(?!\w)`, 'i').exec(said) ?? []
  if (period === undefined) return undefined
  let seconds = 0
  for (const [, amount, unit = ''] of period.toLowerCase().matchAll(/(\d{1,9}) ?([wdhms])/g))
    seconds += Number(amount) * (SECONDS[unit] ?? 0)
  return seconds > 0 ? seconds : undefined
}
