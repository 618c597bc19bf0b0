import {columnsOf, mark, style} from '../../cli/streams.js'
import {facts} from '../../cli/table.js'
import {wrapped} from '../../cli/wrapped.js'
import type {Report} from '../../report/types.js'

/** How many findings the summary has. */
const MOST = 10

/** A report in short, for a terminal: how much there is, and the findings that matter most. */
export function reportText({account, counts, record, findings, changes, notChecked}: Report): string[] {
  const {tokens, active, expiring, applications, ways, unused, action} = counts
  const shown = findings.slice(0, MOST)
  const columns = columnsOf('stdout')
  return [
    ...wrapped(style.heading(`Access review of ${account.name ?? account.id}`), columns),
    ...facts(
      [
        [
          'service tokens',
          `${tokens}, ${active} active, ${expiring} of them ${expiring === 1 ? 'expires' : 'expire'} within 30 days`,
        ],
        ['applications', String(applications)],
        [
          'ways in',
          record.incomplete === null
            ? `${ways}, ${unused} unused since ${record.since.slice(0, 10)}`
            : `${ways}; how many are unused is not known`,
        ],
        ['findings', `${findings.length}, ${action} to act on`],
        ['changes', changes ? changesInShort(changes) : undefined],
      ],
      columns,
    ),
    ...(shown.length > 0 ? ['', style.heading('Most pressing')] : []),
    ...shown.flatMap(({severity, about, why, next}) => [
      ...wrapped(about, columns - 2).map(
        (line, at) => `${at > 0 ? ' ' : severity === 'action' ? mark.caution : style.secondary('-')} ${line}`,
      ),
      ...wrapped(why, columns - 4).map((line) => `    ${line}`),
      ...next.map((command) => `    ${style.command(command)}`),
    ]),
    ...(findings.length > shown.length
      ? [style.secondary(`and ${findings.length - shown.length} more`)]
      : []),
    ...(notChecked.length > 0 ? ['', style.caution('Not checked')] : []),
    ...notChecked.flatMap((line) => wrapped(line, columns - 2).map((part) => `  ${part}`)),
  ]
}

function changesInShort({
  since,
  opened,
  closed,
  tokens,
  applications,
  findings,
}: NonNullable<Report['changes']>): string {
  const parts = [
    [opened.length, 'ways opened'],
    [closed.length, 'closed'],
    [tokens.length + applications.length, 'tokens and applications changed'],
    [findings.new.length, 'findings new'],
    [findings.gone.length, 'gone'],
  ] as const
  return `since ${since.slice(0, 10)}: ${parts.map(([count, what]) => `${count} ${what}`).join(', ')}`
}

/** `1.2 MB`. */
export function sizeInWords(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
