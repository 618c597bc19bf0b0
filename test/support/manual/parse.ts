/** Why a block is shown and not run. */
const REASONS = [
  'needs an account',
  'installs software',
  'needs a service',
  'another system',
  'runs the tests',
  'not part of zt',
  'a synopsis',
] as const
export type Reason = (typeof REASONS)[number]

/** Languages of blocks that are data: those that can be checked, and those that cannot. */
const CHECKED = ['yaml', 'json', 'jsonl', 'ini', 'ssh-config'] as const
const UNCHECKED = ['dockerfile', 'groovy', 'hcl', 'toml', 'diff'] as const

/** Where a page's commands run. */
export interface Session {
  /** With a started sandbox, whose profile is the current one. */
  sandbox: boolean
  /** stdin is the terminal, so zt prompts. */
  tty: boolean
  /** The file with the sandbox's seed, as the page names it; undefined: the tutorial's. */
  seed: string | undefined
}

/** What a page does, in order. Lines count from 1. */
export type Step =
  /** A comment `run`: it must succeed, and its output is not shown. */
  | {kind: 'hidden'; line: number; command: string}
  | Command
  | {kind: 'file'; line: number; name: string; text: string}

/** A command of a console block, with what it must show. */
export interface Command {
  kind: 'command'
  line: number
  command: string
  expected: readonly string[]
  exitCode: number
  /** Where the expected output is in the page: its first line, and how far it is indented. */
  outputLine: number
  indent: string
  /** What a person types in this command or another one of its block: once the screen shows the first, the second. */
  typed: readonly Typed[]
  /** Whether its stdin is the terminal. */
  tty: boolean
}

export interface Typed {
  shown: string
  keys: string
}

/** A block that is shown and not run. */
export interface NotRun {
  line: number
  reason: Reason
  text: string
}

/** A block of data that is valid by itself. */
export interface Data {
  line: number
  language: (typeof CHECKED)[number]
  text: string
}

export interface Page {
  name: string
  session: Session
  /** The page whose end is this one's beginning, as the page names it. */
  continues: string | undefined
  /** The programs that it needs beside zt. */
  needs: string[]
  steps: Step[]
  notRun: NotRun[]
  data: Data[]
  /** Code in the text that is a command line of zt. */
  inline: {line: number; code: string}[]
  problems: string[]
}

interface Block {
  line: number
  indent: string
  info: string
  lines: string[]
}

/**
 * Reads a page of the manual in the format of docs/manual-format.md.
 *
 * @param name how to call it in a problem
 */
export function parsePage(name: string, markdown: string): Page {
  const page: Page = {
    name,
    session: {sandbox: false, tty: false, seed: undefined},
    continues: undefined,
    needs: [],
    steps: [],
    notRun: [],
    data: [],
    inline: [],
    problems: [],
  }
  const lines = markdown.split('\n')
  const problem = (line: number, what: string): void => void page.problems.push(`${name}:${line}: ${what}`)
  const typed: Typed[] = []
  let started = false
  for (let at = 0; at < lines.length; at++) {
    const text = lines[at] ?? ''
    const line = at + 1
    const [, indent, ticks = '', info = ''] = /^( *)(`{3,}|~{3,})(.*)$/.exec(text) ?? []
    if (indent !== undefined) {
      const end = lines.findIndex((one, index) => index > at && one.trim() === ticks)
      if (end < 0) {
        problem(line, 'a block without an end')
        break
      }
      const inside = lines.slice(at + 1, end).map((one) => withoutIndent(one, indent))
      takeBlock(page, {line, indent, info: info.trim(), lines: inside}, typed.splice(0))
      started = true
      at = end
    } else if (/^ *<!--/.test(text)) {
      const end = lines.findIndex((one, index) => index >= at && one.includes('-->'))
      if (end < 0) {
        problem(line, 'a comment without an end')
        break
      }
      const comment = lines.slice(at, end + 1).join('\n').replace(/^ *<!--/, '').replace(/-->.*$/, '') // prettier-ignore
      const [, word = '', rest = ''] = /^\s*([a-z]+)\b:?([^]*)$/.exec(comment) ?? []
      if (word === 'run') {
        page.steps.push({kind: 'hidden', line, command: dedent(rest)})
        started = true
      } else if (word === 'type') {
        const [, shown = '', keys = ''] = /^\s*(.+?) => (.*?)\s*$/.exec(rest) ?? []
        if (shown === '') problem(line, 'a comment `type` that is not `type: WHAT THE SCREEN SHOWS => KEYS`')
        else typed.push({shown, keys})
      } else if (word === 'session' || word === 'continues' || word === 'needs') {
        if (started) problem(line, `\`${word}\` behind the first block`)
        else takeBeginning(page, word, rest.trim(), line)
      }
      at = end
    } else {
      for (const [, code = ''] of text.matchAll(/`(zt(?: [^`]*)?)`/g)) page.inline.push({line, code})
    }
  }
  if (!page.session.tty)
    for (const {typed: keys, line} of commandsOf(page))
      if (keys.length > 0) problem(line, 'keys are typed, and the session has no `tty`')
  return page
}

export function commandsOf({steps}: Page): Command[] {
  return steps.filter((step) => step.kind === 'command')
}

function takeBeginning(page: Page, word: string, value: string, line: number): void {
  if (word === 'continues') {
    page.continues = value
    return
  }
  if (word === 'needs') {
    page.needs = value.split(/[ ,]+/)
    return
  }
  const [, empty, sandbox, seed, tty] = /^(?:(empty)|(sandbox)(?: seed=(\S+))?)?\b ?(tty)?$/.exec(value) ?? []
  if (empty === undefined && sandbox === undefined && tty === undefined)
    page.problems.push(`${page.name}:${line}: no such session: ${value}`)
  page.session = {sandbox: sandbox !== undefined, tty: tty !== undefined, seed}
}

function takeBlock(page: Page, block: Block, typed: Typed[]): void {
  const {info, line, lines} = block
  const problem = (what: string): void => void page.problems.push(`${page.name}:${line}: ${what}`)
  const language = /^\S*/.exec(info)?.[0] ?? ''
  const attributes = info.slice(language.length).trim()
  const [, file] = /^file=(\S+)$/.exec(attributes) ?? []
  const [, reason] = /^not-run="([^"]*)"$/.exec(attributes) ?? []
  const text = lines.map((one) => `${one}\n`).join('')
  if (language === 'console' && attributes === '') {
    const commands = readConsole(block, {typed, tty: page.session.tty})
    if (commands === undefined) problem('a console block that does not begin with `$ `')
    else page.steps.push(...commands)
  } else if (reason !== undefined && language === 'sh') {
    if (isOneOf(REASONS, reason)) page.notRun.push({line, reason, text})
    else problem(`no reason of the list: ${reason}`)
  } else if (file !== undefined && language !== '') {
    page.steps.push({kind: 'file', line, name: file, text})
  } else if (attributes !== '') {
    problem(`a block that is not classified: ${info}`)
  } else if (isOneOf(CHECKED, language)) {
    page.data.push({line, language, text})
  } else if (language !== 'text' && !isOneOf(UNCHECKED, language)) {
    problem(`a block that is not classified: ${info === '' ? 'it has no language' : info}`)
  }
}

function isOneOf<Word extends string>(list: readonly Word[], word: string): word is Word {
  return (list as readonly string[]).includes(word)
}

function readConsole(
  {line, indent, lines}: Block,
  person: Pick<Command, 'typed' | 'tty'>,
): Command[] | undefined {
  const commands: Command[] = []
  for (let at = 0; at < lines.length;) {
    const first = lines[at] ?? ''
    if (!first.startsWith('$ ')) return undefined
    const words = [first.slice(2)]
    const begins = line + 1 + at
    at++
    for (; /^>(?: |$)/.test(lines[at] ?? ''); at++) words.push((lines[at] ?? '').slice(2))
    const outputLine = line + 1 + at
    const expected: string[] = []
    for (; at < lines.length && !(lines[at] ?? '').startsWith('$ '); at++) expected.push(lines[at] ?? '')
    const [, code] = /\s# exit (\d+)$/.exec(words.at(-1) ?? '') ?? []
    commands.push({
      ...{kind: 'command', line: begins, command: words.join('\n'), expected, exitCode: Number(code ?? 0)},
      ...{outputLine, indent, ...person},
    })
  }
  return commands.length > 0 ? commands : undefined
}

function withoutIndent(text: string, indent: string): string {
  return text.startsWith(indent) ? text.slice(indent.length) : text.trimStart()
}

function dedent(text: string): string {
  const lines = text.replace(/^\n+|\s+$/g, '').split('\n')
  const least = Math.min(...lines.filter((one) => one.trim() !== '').map((one) => /^ */.exec(one)?.[0].length ?? 0)) // prettier-ignore
  return lines.map((one) => one.slice(Number.isFinite(least) ? least : 0)).join('\n')
}
