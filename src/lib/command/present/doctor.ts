import {columnsOf, mark, sign, style} from '../../cli/streams.js'
import {widthOf} from '../../cli/width.js'
import {wrapped} from '../../cli/wrapped.js'
import type {ErrorJson} from '../../core/error-text.js'
import {leadAndTyped} from '../../core/shell-words.js'
import {AREAS, type Area, type Finding, type Fixed, type State} from '../../doctor/types.js'

const MARKS: Record<State, (text: string) => string> = {
  ok: (text) => style.success(`${sign.done} ${text}`),
  warn: (text) => style.caution(`! ${text}`),
  fail: (text) => style.failure(`${sign.failed} ${text}`),
  skipped: (text) => style.secondary(`${sign.left} ${text}`),
}
const STATES = Object.keys(MARKS) as State[]
const STATE_WIDTH = Math.max(...STATES.map((state) => state.length))
const HEADINGS: Record<Area, string> = {
  machine: 'This machine',
  zt: 'zt',
  secrets: 'Secrets',
  account: 'Account',
  network: 'Network',
  ssh: 'ssh',
  host: 'Host',
}
/** On a narrower terminal the sentences are below the titles. */
const BESIDE = 60

/** What was found, area by area, and a line with how many of each. */
export function findingsText(findings: readonly Finding[], step: (text: string) => string): string[] {
  const width = Math.max(0, ...findings.map(({title}) => widthOf(title)))
  const areas = AREAS.flatMap((area) => {
    const some = findings.filter((one) => one.area === area)
    return some.length === 0
      ? []
      : [style.heading(HEADINGS[area]), ...some.flatMap((one) => findingLines(one, width, step)), '']
  })
  return [...areas, countsText(findings)]
}

/** One finding: its state and title beside the sentences, and each cure on a line of its own, to be copied. */
function findingLines(
  {state, title, detail, why, next}: Finding,
  width: number,
  step: (text: string) => string,
): string[] {
  const columns = columnsOf('stdout')
  const lead = `  ${MARKS[state](state.padEnd(STATE_WIDTH))}  `
  const beside = columns >= BESIDE
  const indent = ' '.repeat(beside ? 2 + 2 + STATE_WIDTH + 2 + width + 2 : 4)
  const shade = state === 'skipped' ? style.secondary : (text: string) => text
  const sentences = [
    ...wrapped(detail, columns - indent.length).map(shade),
    ...(why === undefined ? [] : wrapped(why, columns - indent.length).map(style.secondary)),
  ]
  const cures = next.map(step).flatMap((cure) => cureLines(cure, columns - indent.length))
  const [first = '', ...more] = [...sentences, ...cures]
  // A command that has no room beside gets a line of its own from further left.
  const placed = (line: string): string => (widthOf(line) > columns - indent.length ? '    ' : indent) + line
  return beside
    ? [`${lead}${title}${' '.repeat(width - widthOf(title) + 2)}${first}`, ...more.map(placed)]
    : [`${lead}${title}`, ...[first, ...more].map((line) => indent + line)]
}

const NEXT = 'next: '

/** A command stays on one line, however long: it will be copied. */
function cureLines(cure: string, columns: number): string[] {
  if (/^[a-z-]+ /.test(cure)) return [`${style.command(NEXT)}${style.command(cure)}`]
  const parts = leadAndTyped(cure)
  const splits = parts !== undefined && widthOf(cure) > columns - NEXT.length
  const [first = '', ...more] = wrapped(splits ? parts.lead : cure, columns - NEXT.length)
  if (splits) more.push(style.command(parts.line))
  return [`${style.command(NEXT)}${first}`, ...more.map((line) => ' '.repeat(NEXT.length) + line)]
}

function countsText(findings: readonly Finding[]): string {
  const counts = countsOf(findings)
  const named = STATES.filter((state) => state === 'ok' || counts[state] > 0)
  return named.map((state) => MARKS[state](`${counts[state]} ${state}`)).join('  ')
}

/** What became of each cure, and what is found after them. */
export function fixesText(
  fixes: readonly Fixed[],
  again: readonly Finding[],
  step: (text: string) => string,
): string[] {
  if (fixes.length === 0) return ['', 'There is nothing that --fix does.']
  const done = ['', ...fixes.map(fixedText)]
  const changed = fixes.some(({outcome}) => outcome !== 'left')
  return changed ? [...done, '', 'Checked again:', '', ...findingsText(again, step)] : done
}

function fixedText({what, outcome, error}: Fixed): string {
  if (outcome === 'fixed') return `${style.success(`${sign.done} done:`)} ${what}`
  if (outcome === 'left') return `${style.secondary(`${sign.left} left:`)} ${what}`
  return `${style.failure(`${sign.failed} failed:`)} ${what}. ${error?.why ?? error?.message ?? ''}`.trimEnd()
}

export function countsOf(findings: readonly Finding[]): Record<State, number> {
  const count = (state: State): number => findings.filter((one) => one.state === state).length
  return {ok: count('ok'), warn: count('warn'), fail: count('fail'), skipped: count('skipped')}
}

/** What a bundle has, and what is not in it. */
interface Bundled {
  bytes: number
  sections: readonly {name: string; entries: number}[]
  replaced: Readonly<Record<string, number>>
}

/** What a bundle has, so that a person knows before it is sent. */
export function bundleText({bytes, sections, replaced}: Bundled, file: string): string[] {
  const has = sections.filter(({entries}) => entries > 0).map(({name, entries}) => `${name} (${entries})`)
  const without = Object.entries(replaced).map(([kind, count]) => `${count} ${kind}`)
  const indent = columnsOf('stdout') - 2
  return [
    '',
    `${mark.done} Wrote ${file} (${bytes} bytes). Read it before you send it.`,
    ...wrapped(`It has: ${has.join(', ')}.`, indent).map((line) => `  ${line}`),
    ...wrapped(`Replaced: ${without.join(', ') || 'nothing'}.`, indent).map((line) => `  ${line}`),
  ]
}

interface Report {
  findings: readonly Finding[]
  fixes: readonly Fixed[]
  bundle: (Bundled & {file: string}) | undefined
}

/** The JSON shape of all of it. */
export function reportJson(
  {findings, fixes, bundle}: Report,
  step: (text: string) => string,
  errorOf: (error: unknown) => ErrorJson,
): object {
  return {
    findings: findings.map(({id, area, state, title, detail, why, next, facts, fix}) => ({
      ...{id, area, state, title, detail, why: why ?? null, next: next.map(step), facts: facts ?? {}},
      fix: fix?.what ?? null,
    })),
    fixes: fixes.map(({id, what, outcome, error}) => ({
      ...{id, what, outcome},
      error: error ? errorOf(error) : null,
    })),
    counts: countsOf(findings),
    bundle: bundle
      ? {file: bundle.file, bytes: bundle.bytes, sections: bundle.sections, replaced: bundle.replaced}
      : null,
  }
}
