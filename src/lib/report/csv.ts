import {visible} from '../core/text.js'
import type {Opening, Report} from './types.js'

type Cell = string | number | null

/** The tables of a report, by the name of their file. */
export function reportCsv(report: Report): Record<string, string> {
  const rules = new Map(report.rules.map((one) => [one.id, one]))
  const applications = new Map(report.applications.map((one) => [one.id, one.name]))
  const way = (
    token: {id: string | null; name: string},
    one: Pick<Opening, 'application' | 'rule' | 'by' | 'reach' | 'conditions'> & Partial<Opening>,
  ): Cell[] => {
    const rule = rules.get(one.rule ?? '')
    return [
      ...[token.id, token.name, one.application, applications.get(one.application) ?? null],
      ...[one.rule, rule?.name ?? null, rule?.action ?? null, one.by, one.through?.join(' > ') ?? ''],
      ...[one.reach, one.conditions.join('; '), one.uses ?? null, one.last ?? null],
      ...[one.unused === undefined ? null : one.unused ? 'unused' : ''],
    ]
  }
  const {changes} = report
  return {
    'tokens.csv': csv(
      [
        'id',
        'name',
        'status',
        'created',
        'expires',
        'last_seen',
        'last_use',
        'allowed',
        'refused',
        'ways',
        'unused',
        'zone',
      ],
      report.tokens.map(
        ({id, name, zone, status, createdAt, expiresAt, lastSeenAt, lastUse, allowed, refused, opens}) => [
          ...[id, name, status, createdAt, expiresAt, lastSeenAt, lastUse, allowed, refused],
          ...[opens.filter(({by}) => by === 'named').length, opens.filter(({unused}) => unused).length],
          zone,
        ],
      ),
    ),
    'applications.csv': csv(
      ['id', 'name', 'type', 'addresses', 'open_to', 'tokens', 'used', 'allowed', 'refused', 'zone'],
      report.applications.map(({id, name, zone, type, addresses, open, tokens, used, allowed, refused}) => [
        ...[id, name, type, addresses.join(' '), [...new Set(open.map(({by}) => by))].join(' ')],
        ...[tokens, used, allowed, refused, zone],
      ]),
    ),
    'ways.csv': csv(
      [
        ...[
          'token_id',
          'token',
          'application_id',
          'application',
          'rule_id',
          'rule',
          'action',
          'by',
          'through',
        ],
        ...['reach', 'conditions', 'uses', 'last', 'unused'],
      ],
      [
        ...report.tokens.flatMap((token) =>
          [...token.opens, ...token.formerly].map((one) => way(token, one)),
        ),
        ...report.applications.flatMap(({id, open}) =>
          open.map((one) => way({id: null, name: 'every service token'}, {...one, application: id})),
        ),
      ],
    ),
    'findings.csv': csv(
      [
        'severity',
        'kind',
        'trap',
        'about',
        'why',
        'next',
        'closes',
        'token_id',
        'application_id',
        'rule_id',
        'group_id',
      ],
      report.findings.map(
        ({severity, kind, trap, about, why, next, closes, token, application, rule, group}) => [
          ...[
            severity,
            kind,
            trap,
            about,
            why,
            next.join(' && '),
            closes.join('; '),
            token,
            application,
            rule,
            group,
          ],
        ],
      ),
    ),
    ...(changes && {
      'changes.csv': csv(
        ['change', 'token', 'application', 'rule', 'finding', 'from', 'to'],
        [
          ...changes.opened.map((one): Cell[] => [
            'opened',
            one.token,
            one.application,
            one.rule,
            null,
            null,
            null,
          ]),
          ...changes.closed.map((one): Cell[] => [
            'closed',
            one.token,
            one.application,
            one.rule,
            null,
            null,
            null,
          ]),
          ...changes.tokens.map((one): Cell[] => [one.change, one.name, null, null, null, one.from, one.to]),
          ...changes.applications.map((one): Cell[] => [
            one.change,
            null,
            one.name,
            null,
            null,
            one.from,
            one.to,
          ]),
          ...changes.findings.new.map((one): Cell[] => ['new', one.about, null, null, one.kind, null, null]),
          ...changes.findings.gone.map((one): Cell[] => [
            'gone',
            one.about,
            null,
            null,
            one.kind,
            null,
            null,
          ]),
        ],
      ),
    }),
  }
}

/** A table as RFC 4180 has it: CRLF, and every text in quotes, so that no other separator of a spreadsheet splits it. */
function csv(titles: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [titles, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/**
 * What a spreadsheet takes for the beginning of a formula, also after blanks (OWASP, "CSV Injection"), and the wide forms of
 * these signs.
 */
const FORMULA = /^\s*[=+\-@＝＋－＠]/

function cell(value: Cell): string {
  if (typeof value !== 'string') return value === null ? '' : String(value)
  const text = visible(value)
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`
}
