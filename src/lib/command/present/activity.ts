import type {Activity, Counts} from '../../access/activity/activity.js'
import type {Recorded} from '../../access/activity/names.js'
import type {RecordedRequest} from '../../access/activity/ray.js'
import {sparkline} from '../../cli/sparkline.js'
import {columnsOf, style} from '../../cli/streams.js'
import {facts, table, type Column} from '../../cli/table.js'
import {wrapped} from '../../cli/wrapped.js'
import {answerText, explainJson} from './explain.js'
import {day, NEVER_SEEN, statusColour} from './token.js'

/** The rows of a table on a terminal; piped output has all. */
const MOST_ROWS = 20
/** Of the line with a sparkline. */
const LABEL = 9

/** What a service token was used for. */
export function activityText(activity: Activity, width = columnsOf('stdout')): string[] {
  const {token, since, until, total, rules, places, days, unread} = activity
  const known = facts([
    ['name', style.name(token.token.name)],
    ['status', statusColour(token.status)],
    // The record may have what Cloudflare does not say of the token.
    ['last seen', token.token.lastSeenAt ?? (total.last === undefined ? NEVER_SEEN : 'not known')],
    ['record', unread ? undefined : `${day(since, '')} to ${day(until, '')}`],
    ['let in', unread ? undefined : about(total.allowed)],
    ['refused', unread ? undefined : about(total.refused)],
  ])
  if (unread) return known
  if (total.last === undefined) return [...known, '', ...wrapped(noTraffic(activity), width)]
  return [
    ...known,
    ...(width < Infinity ? ['', ...sparklines(days, width)] : []),
    '',
    ...shownRows(rules, [
      {title: 'APPLICATION', value: ({application}) => inWords(application)},
      {title: 'RULE', value: ({rule}) => (rule ? inWords(rule) : style.secondary('none'))},
      ...countColumns(rules),
    ]),
    '',
    ...shownRows(places, [
      {title: 'ADDRESS', value: ({address}) => address ?? style.secondary('unknown')},
      {title: 'COUNTRY', value: ({country}) => country ?? style.secondary('unknown')},
      ...countColumns(places),
    ]),
    '',
    ...wrapped(
      'Counts are estimates: Cloudflare records samples where there are many requests, and the last minutes may be missing.',
      width,
    ).map(style.secondary),
  ]
}

function about(count: number): string {
  return count === 0 ? 'none' : `about ${count.toLocaleString('en')}`
}

/** The name, or the ID of what has none (any more). */
function inWords({id, name}: Recorded): string {
  return name === undefined || name === '' ? style.secondary(id) : name
}

function countColumns<Row extends Counts>(rows: readonly Row[]): Column<Row>[] {
  return [
    numbers('LET IN', rows, ({allowed}) => allowed),
    numbers('REFUSED', rows, ({refused}) => refused),
    {title: 'LAST', value: ({last}) => last},
  ]
}

/** Aligned to the right. */
function numbers<Row>(title: string, rows: readonly Row[], valueOf: (row: Row) => number): Column<Row> {
  const text = (row: Row): string => valueOf(row).toLocaleString('en')
  const width = rows.reduce((most, row) => Math.max(most, text(row).length), title.length)
  return {title, value: (row) => text(row).padStart(width)}
}

function shownRows<Row>(rows: readonly Row[], columns: Column<Row>[]): string[] {
  const most = columnsOf('stdout') === Infinity ? Infinity : MOST_ROWS
  const more = rows.length - most
  return [
    ...table(rows.slice(0, most), columns),
    ...(more > 0 ? [style.secondary(`and ${more} more, which --json shows`)] : []),
  ]
}

function sparklines(days: Activity['days'], width: number): string[] {
  const columns = width - LABEL
  const line = (label: string, counts: number[]): string[] => {
    const {line: bars, each, most} = sparkline(counts, columns)
    if (most === 0) return []
    const unit = each === 1 ? 'a day' : `${each} days`
    return [
      `${style.secondary(label.padEnd(LABEL))}${bars}`,
      ...wrapped(`each bar is ${unit}, the highest ${about(most)}`, columns).map((text) =>
        style.secondary(' '.repeat(LABEL) + text),
      ),
    ]
  }
  return [
    ...line(
      'let in',
      days.map(({allowed}) => allowed),
    ),
    ...line(
      'refused',
      days.map(({refused}) => refused),
    ),
  ]
}

/** Compares an empty record with what Cloudflare says of the token itself. */
function noTraffic({token: {token}, since}: Activity): string {
  const nothing = `Access recorded no request of "${token.name}" since ${day(since, '')}.`
  const {lastSeenAt} = token
  if (lastSeenAt === undefined) return `${nothing} Cloudflare has never seen it.`
  return Date.parse(lastSeenAt) < Date.parse(since)
    ? `${nothing} That agrees with when Cloudflare last saw it: ${lastSeenAt}.`
    : `${nothing} But Cloudflare saw it at ${lastSeenAt}: the record has samples, and may miss rare use.`
}

/** The JSON shape of an {@link Activity}. */
export function activityJson({
  token: {token, status},
  since,
  until,
  total,
  rules,
  places,
  days,
  incomplete,
}: Activity): object {
  const {id, name, clientId, lastSeenAt} = token
  return {
    token: {id, name, clientId, status, lastSeenAt: lastSeenAt ?? null},
    since,
    until,
    total: {...total, last: total.last ?? null},
    rules: rules.map(({application, rule, ...counts}) => ({
      application: recordedJson(application),
      rule: recordedJson(rule),
      ...counts,
    })),
    places: places.map(({address, country, ...counts}) => ({
      address: address ?? null,
      country: country ?? null,
      ...counts,
    })),
    days,
    incomplete: incomplete ?? null,
  }
}

function recordedJson(one: Recorded | undefined): object | null {
  return one ? {id: one.id, name: one.name ?? null} : null
}

/** What Access recorded of a request, and what it would answer to it today. */
export function rayText({ray, event, token, application, rule, today}: RecordedRequest): string[] {
  const {allowed, at, address, country, identityProvider} = event
  return [
    ...facts([
      ['request', ray],
      ['when', at],
      ['outcome', allowed ? style.success('let in') : style.failure('refused')],
      ['application', application ? inWords(application) : undefined],
      ['service token', token ? inWords(token) : 'none that Access knows'],
      ['rule', rule ? inWords(rule) : allowed ? 'not recorded' : 'none let it in'],
      ['address', address],
      ['country', country],
      ['login', identityProvider === 'nonidentity' ? undefined : identityProvider],
    ]),
    ...(today
      ? [
          '',
          style.secondary('TODAY, a request like it'),
          ...answerText(today.explained, today.answered, today.from),
        ]
      : []),
  ]
}

/** The JSON shape of a {@link RecordedRequest}. */
export function rayJson({ray, event, token, application, rule, today}: RecordedRequest): object {
  const {allowed, at, address, country, identityProvider} = event
  return {
    ray,
    at,
    allowed,
    application: recordedJson(application),
    token: recordedJson(token),
    rule: recordedJson(rule),
    address: address ?? null,
    country: country ?? null,
    identityProvider: identityProvider ?? null,
    today: today ? explainJson(today.explained, today.from, {answered: today.answered}) : null,
  }
}
