import path from 'node:path'
import type {Command, Interfaces} from '@oclif/core'
import {parse} from '@oclif/core/parser'
import {hoistGlobalFlags} from '../../../src/lib/cli/hoist.js'
import {messageOf} from '../../../src/lib/core/errors.js'
import {COMMAND_FILES} from '../command-files.js'
import {simpleCommands} from './shell-words.js'
import {manifest} from '../manifest.js'
import type {Page} from './parse.js'

const sources = path.resolve(import.meta.dirname, '../../../src/commands')
/** Words before a command that leave it one. */
const BEFORE = /^(?:[A-Za-z_]\w*=.*|sudo|exec|env|time|if|then|do|while|until|!|else)$/
/** What bin/zt.cjs answers without a command. */
const WITHOUT_COMMAND = /^(?:--help|-h|--version|-V|help|__complete)$/
/** Other names of commands. */
const ALIASES = new Map(
  Object.entries(manifest.commands).flatMap(([id, {aliases = []}]) =>
    aliases.map((alias) => [alias.replaceAll(':', ' '), id.replaceAll(':', ' ')] as const),
  ),
)
const HELP = new Set(['--help', '-h'])

/** What is wrong with the lines of zt that a page only shows: those in its blocks that are not run, and in its text. */
export async function checkLines({name, notRun, inline}: Page): Promise<string[]> {
  const problems: string[] = []
  for (const {line, reason, text} of notRun) {
    for (const words of ztCommands(text)) {
      const isForm = reason === 'a synopsis' && words.some((word) => /^\[|\.\.\.$/.test(word))
      const wrong = await wrongWithWords(words, isForm ? 'form' : 'whole')
      if (wrong !== undefined) problems.push(`${name}:${line}: ${words.join(' ')}\n    ${wrong}`)
    }
  }
  for (const {line, code} of inline) {
    const wrong = await wrongWithWords(ztCommands(code)[0] ?? [], 'form')
    if (wrong !== undefined) problems.push(`${name}:${line}: \`${code}\`\n    ${wrong}`)
  }
  return problems
}

/** The words of each command of zt in a shell's text. */
export function ztCommands(text: string): string[][] {
  return simpleCommands(text).flatMap((words) => {
    const first = words.findIndex((word) => !BEFORE.test(word))
    return words[first] === 'zt' ? [words.slice(first)] : []
  })
}

/**
 * What is wrong with a command line of zt; undefined if nothing.
 *
 * @param how `whole`: as the command's own parser reads it, except that a word in capitals can be any value. `form`: only its
 * command and its flags, as in a text that says `zt token create --duration`
 */
export async function wrongWithWords(
  [, ...line]: readonly string[],
  how: 'whole' | 'form',
): Promise<string | undefined> {
  const words = hoistGlobalFlags(line)
  const found = find(words)
  if (found === undefined) {
    const [first = ''] = words
    if (words.length === 0 || WITHOUT_COMMAND.test(first)) return undefined
    const isTopic = [...COMMAND_FILES.keys()].some((one) => one.startsWith(`${first} `))
    const rest = words.slice(1).filter((word) => !isPlaceholder(word) && !HELP.has(word))
    return isTopic && rest.length === 0 ? undefined : 'there is no such command'
  }
  const {file, rest} = found
  const {default: command} = (await import(path.join(sources, file))) as {default: typeof Command & Own}
  if (rest.some((word) => HELP.has(word))) return undefined
  const end = rest.indexOf('--')
  const own = end < 0 ? rest : rest.slice(0, end)
  if (end >= 0 && !command.behindDashes && how === 'whole') own.push(...rest.slice(end))
  const {read} = command.prototype as unknown as DropIn
  if (read !== undefined) return how === 'form' ? undefined : messageOfCall(() => read.call({argv: rest}))
  const flags = {...command.baseFlags, ...command.flags}
  if (how === 'form') return unknownFlag(own, flags)
  try {
    const given = new Set(own.filter(isPlaceholder))
    await parse(own, {
      flags: taking(given, flags),
      args: taking(given, command.args),
      strict: command.strict,
      context: {...command.prototype, parsed: true},
    } as Parameters<typeof parse>[1])
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

interface Own {
  behindDashes?: object
}

/** A command that takes the lines of another program reads them itself. */
interface DropIn {
  argv: string[]
  read?: () => object
}

function messageOfCall(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function find(words: readonly string[]): {file: string; rest: string[]} | undefined {
  for (const count of [3, 2, 1]) {
    const name = words.slice(0, count).join(' ')
    const file = words.length < count ? undefined : COMMAND_FILES.get(ALIASES.get(name) ?? name)
    if (file !== undefined) return {file, rest: words.slice(count)}
  }
  return undefined
}

/** A word in capitals, one with `…` or a variable of the shell: it can be any value. */
function isPlaceholder(word: string): boolean {
  return /^[A-Z][A-Z0-9_.:@-]*$|…|\$[A-Za-z_({]/.test(word.replace(/^--[\w-]+=/, ''))
}

/** The same flags or arguments, which also take these words. */
function taking<One extends Interfaces.FlagInput | Interfaces.ArgInput>(words: Set<string>, of: One): One {
  const values = [...words].map((word) => word.replace(/^--[\w-]+=/, ''))
  return Object.fromEntries(
    Object.entries(of).map(([name, one]) => {
      const own = one as {parse?: (input: string, ...more: unknown[]) => unknown; options?: string[]}
      const parsed = own.parse
      return [
        name,
        {
          ...one,
          ...(own.options && {options: [...own.options, ...values]}),
          ...(parsed && {
            parse: async (input: string, ...more: unknown[]) =>
              values.includes(input) ? input : parsed.call(one, input, ...more),
          }),
        },
      ]
    }),
  ) as One
}

function unknownFlag(words: readonly string[], flags: Interfaces.FlagInput): string | undefined {
  const known = new Set(['--help', '-h'])
  for (const [name, {char, allowNo, aliases = []}] of Object.entries(flags as Record<string, {char?: string; allowNo?: boolean; aliases?: string[]}>)) {
    for (const one of [name, ...aliases]) known.add(`--${one}`)
    if (char !== undefined) known.add(`-${char}`)
    if (allowNo === true) known.add(`--no-${name}`)
  } // prettier-ignore
  const wrong = words.find((word) => /^--?[a-z]/i.test(word) && !known.has(word.split('=')[0] ?? ''))
  return wrong === undefined ? undefined : `there is no flag ${wrong}`
}
