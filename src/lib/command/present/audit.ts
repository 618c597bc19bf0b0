import {mainOf} from '../../access/audit/audit.js'
import {KIND_NAMES, KINDS, type FindingKind} from '../../access/audit/kinds.js'
import {closesJson} from '../../access/audit/sarif.js'
import type {Audit, Finding, Subject} from '../../access/audit/types.js'
import {columnsOf, mark, sign, style} from '../../cli/streams.js'
import {widthOf} from '../../cli/width.js'
import {indented, wrapped} from '../../cli/wrapped.js'
import {withoutMiddle} from '../../core/text.js'

/** The longest list of one kind on a terminal, unless that kind was asked for. */
const MOST = 10
/** How wide the names are at most. */
const WIDEST = 24
/** On a narrower terminal the sentences are below the name. */
const BESIDE = 60

/** The findings by severity and kind, what was not checked, and how many there are. */
export function auditText({findings, notChecked}: Audit, whole: boolean): string[] {
  const lines = KIND_NAMES.flatMap((kind) => {
    const some = findings.filter((one) => one.kind === kind)
    return some.length === 0 ? [] : [...group(kind, some, whole), '']
  })
  const missing = notChecked.flatMap(({kinds, why}) => entry(style.secondary(kinds.join(', ')), why, [], 0))
  return [
    ...lines,
    ...(missing.length > 0 ? [style.caution('Not checked'), ...missing, ''] : []),
    summary(findings),
  ]
}

function group(kind: FindingKind, findings: readonly Finding[], whole: boolean): string[] {
  const {severity, found} = KINDS[kind]
  const begin = severity === 'action' ? mark.caution : style.secondary('-')
  const most = whole || columnsOf('stdout') === Infinity ? Infinity : MOST
  const listed = findings.slice(0, most)
  const more = findings.length - listed.length
  const labels = listed.map(({subject}) => labelOf(subject))
  const columns = columnsOf('stdout')
  const width = columns < BESIDE ? 0 : Math.min(WIDEST, Math.max(...labels.map(widthOf)))
  return [
    ...wrapped(`${begin} ${style.name(found)} (${kind}: ${findings.length})`, columns),
    ...listed.flatMap(({why, next}, at) => entry(labels[at] ?? '', why, next, width)),
    ...(more > 0 ? [`  and ${more} more: --kind ${kind} shows all`] : []),
  ]
}

/** One finding: its name beside the sentences, and each command on a line of its own, to be copied. */
function entry(label: string, why: string, next: readonly string[], width: number): string[] {
  const indent = ' '.repeat(width > 0 ? width + 4 : 4)
  const text = wrapped(why, columnsOf('stdout') - indent.length)
  const isShort = width > 0 && widthOf(label) <= width
  const [first = '', ...others] = text
  const lead = isShort
    ? [`  ${label}${' '.repeat(width - widthOf(label) + 2)}${first}`, ...others.map((line) => indent + line)]
    : [...indented(label, 2), ...text.map((line) => indent + line)]
  return [...lead, ...next.map((command) => indent + style.command(command))]
}

/** What a finding is about, short. */
function labelOf({token, rule, application, group}: Subject): string {
  const main = token ?? rule ?? group ?? application
  const where = rule && application && !token ? ` (${application.name})` : ''
  return withoutMiddle(`${main?.name ?? ''}${where}`, 60, sign.more)
}

function summary(findings: readonly Finding[]): string {
  if (findings.length === 0) return `${mark.done} No findings`
  const action = findings.filter(({severity}) => severity === 'action').length
  const notices = findings.length - action
  return `${action} to act on, ${notices} ${notices === 1 ? 'notice' : 'notices'}`
}

/** What was not checked, a line each. */
export function notCheckedLines({notChecked}: Audit): string[] {
  return notChecked.map(({kinds, why}) => `Not checked: ${kinds.join(', ')}. ${why}`)
}

/** What --quiet prints: the ID of each thing, once. */
export function auditIds({findings}: Audit): string[] {
  return [...new Set(findings.map((one) => mainOf(one).id))]
}

/** The JSON shape of an audit. */
export function auditJson({findings, notChecked}: Audit): object {
  const counts = Object.fromEntries(
    KIND_NAMES.map((kind) => [kind, findings.filter((one) => one.kind === kind).length]).filter(
      ([, count]) => count !== 0,
    ),
  ) as object
  return {
    findings: findings.map(({kind, severity, subject, trap, why, next, closes}) => ({
      kind,
      severity,
      token: subject.token ?? null,
      rule: subject.rule ?? null,
      application: subject.application ?? null,
      group: subject.group ?? null,
      trap: trap ?? null,
      why,
      next,
      closes: closesJson(closes),
    })),
    counts,
    notChecked,
  }
}
