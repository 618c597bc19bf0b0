import {existsSync, readdirSync, readFileSync} from 'node:fs'
import path from 'node:path'
import {asPage, difference, isAsShown} from './compare.js'
import {checkData} from './data.js'
import {parsePage, type Command, type Page, type Session, type Step} from './parse.js'
import {runSession, type Shown} from './session.js'
import {checkLines} from './zt-lines.js'

export const root = path.resolve(import.meta.dirname, '../../..')

/** A command of a page and what it showed. */
export interface Ran {
  command: Command
  shown: Shown
}

export interface Result {
  page: Page
  home: string
  /** Every command of the page's console blocks, as far as it was run. */
  ran: Ran[]
  /** What is wrong with the page, for people. */
  problems: string[]
}

/** Every page of the manual. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(path.join(root, 'docs'), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll(path.sep, '/')}`)
    .sort(),
]

export function readPage(name: string): Page {
  return parsePage(name, readFileSync(path.join(root, name), 'utf8'))
}

/** Checks all of a page: its form, its data, the command lines that it does not run, and those that it runs. */
export async function checkPage(page: Page): Promise<Result> {
  const problems = [...page.problems, ...(await checkData(page)), ...(await checkLines(page))]
  const before = page.continues === undefined ? [] : chain(page, problems)
  const first = before[0] ?? page
  const preparing = before.flatMap(({steps}) => steps)
  const steps: Step[] = [...preparing, ...page.steps]
  if (page.steps.length === 0) return {page, home: '', ran: [], problems}
  const {home, shown} = await runSession(steps, sessionOf(first))
  const ran: Ran[] = []
  for (const [at, step] of steps.entries()) {
    const end = shown[at]
    const isOwn = at >= preparing.length
    if (isOwn && step.kind === 'command') ran.push({command: step, shown: end})
    const wrong = isOwn
      ? wrongWith(step, end, home)
      : end === undefined
        ? 'the session ended here'
        : undefined
    if (wrong !== undefined) problems.push(`${page.name}:${step.line}: ${isOwn ? '' : `(in ${page.continues}) `}${wrong}`) // prettier-ignore
    if (end === undefined) break
  }
  return {page, home, ran, problems}
}

/** The pages before this one, the first of them first. */
function chain(page: Page, problems: string[]): Page[] {
  const pages: Page[] = []
  for (let current = page; current.continues !== undefined;) {
    const name = path.join(path.dirname(current.name), current.continues)
    if (!existsSync(path.join(root, name)) || pages.some((one) => one.name === name)) {
      problems.push(`${page.name}: continues ${current.continues}, which is not there or continues this one`)
      break
    }
    current = readPage(name)
    pages.unshift(current)
  }
  return pages
}

/** With the path of its seed. */
function sessionOf({name, session}: Page): Session {
  return {...session, seed: session.seed && path.join(root, path.dirname(name), session.seed)}
}

/** What is wrong with how a step ended; undefined if nothing. */
export function wrongWith(step: Step, end: Shown, home: string): string | undefined {
  const what = step.kind === 'file' ? `writing ${step.name}` : `$ ${step.command}`
  if (end === undefined) return `${what}\n    the session ended here`
  const code = step.kind === 'command' ? step.exitCode : 0
  if (end.exitCode !== code)
    return `${what}\n    exit ${end.exitCode} instead of ${code}\n${difference([], end.lines, home)}`
  if (step.kind !== 'command' || isAsShown(step.expected, end.lines, home)) return undefined
  // What was erased again is in it, too.
  return `${what}\n${difference(step.expected, end.lines, home)}\n    the terminal got ${JSON.stringify(end.raw)}`
}

/** The page with the outputs that its commands showed. */
export function updated(markdown: string, {ran, home}: Result): string {
  const lines = markdown.split('\n')
  // From the end, so that the line numbers before it stay.
  for (const {command, shown} of [...ran].reverse()) {
    if (shown === undefined || isAsShown(command.expected, shown.lines, home)) continue
    const had = command.expected.length
    const empty = command.expected.length - command.expected.findLastIndex((line) => line.trim() !== '') - 1
    const output = [...asPage(command.expected, shown.lines, home), ...Array<string>(empty).fill('')]
    lines.splice(
      command.outputLine - 1,
      had,
      ...output.map((line) => (line === '' ? '' : command.indent + line)),
    )
  }
  return lines.join('\n')
}
