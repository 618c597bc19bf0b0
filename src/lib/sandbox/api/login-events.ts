import {globMatches} from '../../core/hostname.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import type {AccessEvent} from '../record.js'
import {settingOf, type SandboxSettings} from '../settings.js'

/** Cloudflare's dataset of what Access decided ("Querying Access login events with GraphQL"). */
export const DATASET = 'accessLoginRequestsAdaptiveGroups'

/** Its limits, as an account's settings node says them: seen in 2026 on an account of the free plan. */
export const LIMITS = {
  maxPageSize: 10_000,
  maxNumberOfFields: 30,
  /** Seconds. */
  maxDuration: 7 * 24 * 3600,
  notOlderThan: 90 * 24 * 3600,
} as const

type Value = string | number
type Kind = 'string' | 'uint8' | 'Time' | 'Date'

interface Dimension {
  kind: Kind
  /** A time in milliseconds since 1970. */
  of: (event: AccessEvent) => Value
}

const text = (of: (event: AccessEvent) => string): Dimension => ({kind: 'string', of})
const small = (of: (event: AccessEvent) => boolean): Dimension => ({
  kind: 'uint8',
  of: (event) => (of(event) ? 1 : 0),
})
/** The beginning of the minutes, hours or other parts that an event is in. */
const time = (ms: number, kind: Kind = 'Time'): Dimension => ({kind, of: ({at}) => Math.floor(at / ms) * ms})
const none = text(() => '')
const no = small(() => false)

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/**
 * What a query can filter, group and sort by. The names are those of the tutorial, of the filters in Cloudflare's documents
 * and of public exporters. Devices, client certificates and persons do not come to a sandbox.
 */
export const DIMENSIONS: Readonly<Record<string, Dimension>> = {
  appId: text(({appId}) => appId),
  approvingPolicyId: text(({policyId}) => policyId),
  cfRayId: text(({ray}) => ray),
  country: text(({country}) => country),
  date: time(DAY, 'Date'),
  datetime: time(1000),
  datetimeMinute: time(MINUTE),
  datetimeFiveMinutes: time(5 * MINUTE),
  datetimeFifteenMinutes: time(15 * MINUTE),
  datetimeHour: time(60 * MINUTE),
  deviceId: none,
  hasExistingJWT: small(({session}) => session),
  hasGatewayEnabled: no,
  hasWarpEnabled: no,
  identityProvider: text(() => 'nonidentity'),
  ipAddress: text(({ip}) => ip),
  isSuccessfulLogin: small(({admitted}) => admitted),
  mtlsCertSerialId: none,
  mtlsCommonName: none,
  mtlsStatus: text(() => 'NONE'),
  serviceTokenId: text(({tokenId}) => tokenId),
  userUuid: none,
}

/** The operators of a filter ("Filtering"); `like` is for texts. */
export const OPERATORS = ['gt', 'lt', 'geq', 'leq', 'neq', 'in'] as const
type Operator = (typeof OPERATORS)[number] | 'like' | 'eq'

/** How a query is wrong, in the words of Cloudflare's documents ("Error responses"). */
export class BadQuery extends Error {
  override readonly name = 'BadQuery'
}

const badArguments = (why: string): BadQuery => new BadQuery(`error parsing args for "${DATASET}": ${why}`)

export interface GroupsQuery {
  limit: unknown
  filter: unknown
  orderBy: unknown
  /** By which the events are grouped, in the order of the query. */
  dimensions: readonly string[]
}

export interface LoginGroup {
  count: number
  dimensions: Record<string, Value>
}

export interface Seen {
  accountId: string
  events: readonly AccessEvent[]
  settings: SandboxSettings
  /** Milliseconds since 1970. */
  now: number
}

/**
 * The groups that a query asks for.
 *
 * @throws BadQuery
 */
export function loginGroups({limit, filter, orderBy, dimensions}: GroupsQuery, seen: Seen): LoginGroup[] {
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > LIMITS.maxPageSize)
    throw new BadQuery(`limit must be positive number and not greater than ${LIMITS.maxPageSize}`)
  const condition = readFilter(filter)
  checkPeriod(condition.period, seen)
  const order = readOrders(orderBy, dimensions)
  const weight = Math.max(1, settingOf(seen.settings, 'analytics_sampling'))
  const groups = new Map<string, LoginGroup>()
  for (const event of visibleEvents(seen, weight)) {
    if (!condition.holds(event)) continue
    const values = dimensions.map((name) => valueOf(name, event))
    const key = JSON.stringify(values)
    const group = groups.get(key)
    if (group) group.count += weight
    else
      groups.set(key, {
        count: weight,
        dimensions: Object.fromEntries(dimensions.map((name, i) => [name, values[i] ?? ''])),
      })
  }
  // "Sorting": what the events are grouped by comes after what is asked for.
  const all = [...order, ...dimensions.map((name) => byDimension(name, 1))]
  return [...groups.values()].sort(inOrder(all)).slice(0, limit)
}

function valueOf(name: string, event: AccessEvent): Value {
  return DIMENSIONS[name]?.of(event) ?? ''
}

/** What the settings let the dataset show. */
function* visibleEvents({events, settings, now}: Seen, weight: number): Generator<AccessEvent> {
  const until = now - settingOf(settings, 'analytics_delay_ms')
  const refusals = settingOf(settings, 'recorded_refusals')
  const sessions = settingOf(settings, 'recorded_sessions')
  const policies = settingOf(settings, 'recorded_policy')
  let at = 0
  for (const event of events) {
    if (event.kind === 'session' && !sessions) continue
    if (!event.admitted && (refusals === 'none' || (refusals === 'attempts' && event.kind === 'visit')))
      continue
    // A test can foresee the sample of events that come at equal distances; Cloudflare's is by chance.
    if (at++ % weight !== 0 || event.at > until) continue
    yield policies || event.tokenId === '' ? event : {...event, policyId: ''}
  }
}

/** A dimension as the API writes it. */
export function shown(name: string, value: Value): Value {
  const kind = DIMENSIONS[name]?.kind
  if (kind !== 'Time' && kind !== 'Date') return value
  const iso = new Date(value).toISOString()
  return kind === 'Date' ? iso.slice(0, 10) : `${iso.slice(0, 19)}Z`
}

type Compare = (a: LoginGroup, b: LoginGroup) => number

function inOrder(all: readonly Compare[]): Compare {
  return (a, b) => {
    for (const compare of all) {
      const result = compare(a, b)
      if (result !== 0) return result
    }
    return 0
  }
}

function byDimension(name: string, sign: number): Compare {
  return (a, b) => sign * compareValues(a.dimensions[name] ?? '', b.dimensions[name] ?? '')
}

/** A sorting by something that the query does not ask for has no meaning for groups. */
function readOrders(orderBy: unknown, dimensions: readonly string[]): Compare[] {
  const names: unknown[] = Array.isArray(orderBy) ? orderBy : [orderBy ?? []].flat()
  return names.map((name) => {
    const [, field = '', direction] = /^(\w{1,40})_(ASC|DESC)$/.exec(String(name)) ?? []
    const sign = direction === 'DESC' ? -1 : 1
    if (field === 'count') return (a, b) => sign * (a.count - b.count)
    if (!dimensions.includes(field)) throw badArguments('orderBy needs fields that the query selects')
    return byDimension(field, sign)
  })
}

function compareValues(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** From when to when, in milliseconds since 1970, both included; undefined: no limit. */
interface Period {
  from: number
  to: number
}

interface Condition {
  holds: (event: AccessEvent) => boolean
  /** Outside of it, it does not hold. */
  period: Period
}

const ALWAYS: Period = {from: -Infinity, to: Infinity}
/** A filter is compared with each event. */
const MOST_CONDITIONS = 50
const MOST_DEPTH = 10
/** Its parts are looked for in each event. No dimension is longer. */
const MOST_LIKE = 100
/** So many more conditions it counts as. */
const LIKE_COST = 9

/** The filter of a dataset. @throws BadQuery */
function readFilter(filter: unknown): Condition {
  let left = MOST_CONDITIONS
  const read = (value: unknown, depth: number): Condition => {
    if (!isJsonObject(value)) throw badArguments('filter must be an object')
    if (depth > MOST_DEPTH) throw badArguments('filter is too deep')
    const entries = Object.entries(value)
    left -= entries.length + 1 + LIKE_COST * entries.filter(([name]) => name.endsWith('_like')).length
    if (left < 0) throw badArguments('filter has too many conditions')
    const parts = entries.map(([name, wanted]) => {
      if (name !== 'AND' && name !== 'OR') return readCondition(name, wanted)
      const filters = (Array.isArray(wanted) ? wanted : [wanted]).map((one) => read(one, depth + 1))
      return name === 'AND' ? every(filters) : some(filters)
    })
    return every(parts)
  }
  return read(filter ?? {}, 1)
}

function every(parts: readonly Condition[]): Condition {
  return {
    holds: (event) => parts.every(({holds}) => holds(event)),
    period: {
      from: Math.max(-Infinity, ...parts.map(({period}) => period.from)),
      to: Math.min(Infinity, ...parts.map(({period}) => period.to)),
    },
  }
}

function some(parts: readonly Condition[]): Condition {
  return {
    holds: (event) => parts.some(({holds}) => holds(event)),
    period:
      parts.length === 0
        ? ALWAYS
        : {
            from: Math.min(...parts.map(({period}) => period.from)),
            to: Math.max(...parts.map(({period}) => period.to)),
          },
  }
}

const TESTS: Record<Exclude<Operator, 'in' | 'like'>, (order: number) => boolean> = {
  eq: (order) => order === 0,
  neq: (order) => order !== 0,
  gt: (order) => order > 0,
  lt: (order) => order < 0,
  geq: (order) => order >= 0,
  leq: (order) => order <= 0,
}

function readCondition(key: string, wanted: unknown): Condition {
  const [, name = key, suffix] = /^(.*)_(gt|lt|geq|leq|neq|in|like)$/.exec(key) ?? []
  const operator = (suffix ?? 'eq') as Operator
  const dimension = Object.hasOwn(DIMENSIONS, name) ? DIMENSIONS[name] : undefined
  if (!dimension) throw badArguments(`unknown filter ${key}`)
  if (operator === 'like') {
    if (dimension.kind !== 'string' || typeof wanted !== 'string') throw badArguments(`${key} must be a text`)
    if (wanted.length > MOST_LIKE) throw badArguments(`${key} is too long`)
    // `%` is for any characters, and a `*` for itself.
    const plain = (value: Value): string => String(value).replaceAll('*', '\0')
    const pattern = plain(wanted).replaceAll('%', '*')
    return {holds: (event) => globMatches(pattern, plain(dimension.of(event))), period: ALWAYS}
  }
  if (operator === 'in') {
    if (!Array.isArray(wanted)) throw badArguments(`${key} must be a list`)
    const values = new Set(wanted.map((one) => readValue(key, one, dimension.kind)))
    return {holds: (event) => values.has(dimension.of(event)), period: ALWAYS}
  }
  const value = readValue(key, wanted, dimension.kind)
  const test = TESTS[operator]
  return {
    holds: (event) => test(compareValues(dimension.of(event), value)),
    period:
      typeof value === 'number' && dimension.kind !== 'uint8' ? periodOf(operator, value, name) : ALWAYS,
  }
}

function periodOf(operator: Operator, value: number, name: string): Period {
  // A day is over at its end.
  const end = name === 'date' ? value + DAY : value
  if (operator === 'eq') return {from: value, to: end}
  if (operator === 'geq' || operator === 'gt') return {from: value, to: Infinity}
  if (operator === 'leq') return {from: -Infinity, to: end}
  return operator === 'lt' ? {from: -Infinity, to: value} : ALWAYS
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
const DATE = /^\d{4}-\d\d-\d\d$/

/** A value of a filter, in the form in which events are compared. */
function readValue(key: string, value: unknown, kind: Kind): Value {
  if (kind === 'string' && typeof value === 'string') return value
  if (kind === 'uint8' && typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 256)
    return value
  if ((kind === 'Time' || kind === 'Date') && typeof value === 'string') {
    const ms = (kind === 'Time' ? TIME : DATE).test(value) ? Date.parse(value) : NaN
    if (!Number.isNaN(ms)) return ms
  }
  throw badArguments(`${key} must be of type ${kind}`)
}

/** The wording is that of refusals in 2026. */
function checkPeriod({from, to}: Period, {accountId, now}: Seen): void {
  const age = Math.floor((now - from) / 1000)
  if (!(age <= LIMITS.notOlderThan))
    throw new BadQuery(
      `account "${accountId}" cannot request data older than ${goPeriod(LIMITS.notOlderThan)}` +
        (Number.isFinite(age) ? `, but your query requests data from ${goPeriod(age)} ago` : ''),
    )
  const span = Math.floor((Math.min(to, Math.max(now, from)) - from) / 1000)
  if (span > LIMITS.maxDuration)
    throw new BadQuery(
      `account "${accountId}" cannot request a time range wider than ${goPeriod(LIMITS.maxDuration)}, but your query time range spans ${goPeriod(span)}`,
    )
}

/** `12w6d`, as the refusals write a period. */
function goPeriod(seconds: number): string {
  let left = seconds
  const parts = Object.entries({w: 604_800, d: 86_400, h: 3600, m: 60, s: 1}).map(([unit, length]) => {
    const count = Math.floor(left / length)
    left -= count * length
    return count > 0 ? `${count}${unit}` : ''
  })
  return parts.join('') || '0s'
}

/** What the settings node says of the dataset ("Settings node"). */
export function datasetSettings(settings: SandboxSettings): JsonObject {
  const {maxPageSize, maxNumberOfFields, maxDuration, notOlderThan} = LIMITS
  return {
    enabled: settingOf(settings, 'analytics'),
    availableFields: ['count', ...Object.keys(DIMENSIONS).map((name) => `dimensions_${name}`)],
    ...{maxPageSize, maxNumberOfFields, maxDuration, notOlderThan},
  }
}
