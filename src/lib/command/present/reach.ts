import type {NotLetIn, OpenedApplication, TokenReach} from '../../access/tokens/reach.js'
import {style} from '../../cli/streams.js'
import {table, type Column} from '../../cli/table.js'
import {indented} from '../../cli/wrapped.js'

/** A cell has this many domains, and counts the rest. */
const DOMAINS = 2

const BY: Record<OpenedApplication['by'], string> = {
  named: '',
  'any-token': ' (any service token)',
  everyone: ' (everyone)',
}

type Place = Pick<OpenedApplication, 'application' | 'zone' | 'rule' | 'through'>

const PLACE: Column<Place>[] = [
  {title: 'APPLICATION', value: ({application, zone}) => application.name + (zone === undefined ? '' : ` (zone ${zone})`)},
  {title: 'ADDRESS', value: ({application: {domains}}) => folded(domains)},
] // prettier-ignore
const THROUGH: Column<Place> = {title: 'THROUGH', value: ({through}) => through.join(' > '), optional: true}

/** What a service token opens, and where a rule includes it in vain. */
export function tokenReachText({token: {token, status}, opens, notLetIn}: TokenReach): string[] {
  const name = style.name(token.name)
  const count = new Set(opens.map(({application}) => application.id)).size
  const applications = count === 1 ? '1 application' : `${count} applications`
  const now = status === 'active' ? '' : ` is ${status} and opens nothing now. It`
  const verb = status === 'active' ? 'opens' : 'would open'
  return [
    ...indented(
      `${name}${now} ${verb} ${count === 0 ? 'no application' : applications}${opens.length > 0 ? ':' : '.'}`,
      0,
    ),
    ...(opens.length > 0
      ? [
          '',
          ...table<OpenedApplication>(opens, [
            ...PLACE,
            {title: 'RULE', value: ({rule, by}) => rule.name + BY[by]},
            THROUGH,
            {title: 'REACH', value: reachWords, wraps: true},
          ]),
        ]
      : []),
    ...(notLetIn.length > 0
      ? [
          '',
          ...indented('These rules include it and do not let it in:', 0),
          '',
          ...table<NotLetIn>(notLetIn, [
            ...PLACE,
            {title: 'RULE', value: ({rule}) => `${rule.name} (${rule.action})`},
            THROUGH,
            {title: 'WHY', value: ({why}) => why, wraps: true},
          ]),
        ]
      : []),
  ]
}

function reachWords({reach, conditions}: OpenedApplication): string {
  if (reach === 'yes') return 'yes'
  return conditions.length > 0 ? conditions.join(', ') : 'unknown: zt does not know the action of the rule'
}

function folded(domains: readonly string[]): string {
  const more = domains.length - DOMAINS
  return domains.slice(0, DOMAINS).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** The JSON shape of the same. */
export function tokenReachJson({token: {token, status}, opens, notLetIn}: TokenReach): object {
  const place = ({application: {id, name, domains}, zone, rule, through}: Place): object => ({
    application: {id, name, domains},
    zone: zone ?? null,
    rule,
    through,
  })
  return {
    token: {id: token.id, name: token.name, clientId: token.clientId, status},
    opens: opens.map((one) => ({
      ...place(one),
      ...{by: one.by, reach: one.reach, conditions: one.conditions},
    })),
    notLetIn: notLetIn.map((one) => ({...place(one), why: one.why})),
  }
}
