import {stripVTControlCharacters} from 'node:util'
import {closest} from '../core/closest.js'
import {UserError} from '../core/errors.js'
import {visible} from '../core/text.js'

/** Long runs of characters like those of client secrets and API tokens. A UUID is shorter. */
const LIKELY_SECRET = /[A-Za-z0-9_-]{37,}/g

/** Whether a word of the command line may be a secret, so that no message repeats it. */
export function mayBeSecret(word: string): boolean {
  return word.search(LIKELY_SECRET) >= 0
}

/** What oclif's parser throws; the fields depend on what is wrong. */
interface ParseFailure extends Error {
  parse?: {input?: {args?: Record<string, unknown>; flags?: Record<string, unknown>}}
  args?: unknown[]
  flags?: string[]
}

interface Said {
  message: string
  why?: string[]
  next?: string[]
  /** The next step is a guess, which the command line with `--` is better than. */
  isGuess?: boolean
}

/** Where a command line was refused. */
interface Refused {
  /** The command's words, e.g. `token create`. */
  command: string
  /** Words after `--` are for another program. */
  hasBehind: boolean
}

/**
 * Turns what oclif throws for a bad command line into a `usage` error in zt's words; leaves everything else as it is.
 * Of the values that were typed it repeats arguments that the command does not take, without what may be a secret.
 *
 * @param command the command's words, e.g. `token create`
 * @param behind whom the words after `--` are for, and the command line with `--` in its place
 */
export function fromOclif(
  error: unknown,
  command = '',
  behind?: {program: string; line: string | undefined},
): unknown {
  if (error instanceof UserError) return unwrapped(error)
  if (!(error instanceof Error) || !('oclif' in error)) return error
  const {
    message,
    why,
    next = [],
  } = withLine(inOurWords(error, {command, hasBehind: behind !== undefined}), behind)
  const help = ['zt', command, '--help'].filter((word) => word !== '').join(' ')
  return new UserError({kind: 'usage', code: 'BAD_COMMAND_LINE', message, why, next: [...next, help]})
}

/** Unless a flag of zt was meant. */
function withLine(said: Said, behind: {program: string; line: string | undefined} | undefined): Said {
  const {message, next = [], isGuess = false} = said
  if (behind?.line === undefined || (next.length > 0 && !isGuess)) return said
  return {message, why: [`What is for ${behind.program} must follow --.`], next: [behind.line]}
}

function inOurWords({message, parse, args, flags}: ParseFailure, refused: Refused): Said {
  if (flags) return unknownFlags(flags, parse?.input ?? {}, refused)
  if (args?.every((one) => typeof one === 'string')) {
    return unexpectedArguments(args, Object.values(parse?.input?.args ?? {}).map(nameOf))
  }
  if (args) {
    return {
      message: `${args.map(nameOf).join(' and ')} ${args.length === 1 ? 'is' : 'are'} missing`,
      why: args.map((one) => `${nameOf(one)}: ${(one as {description?: string}).description ?? ''}`),
    }
  }
  const text = stripVTControlCharacters(message).replace(/\nSee more help with --help$/, '')
  // Its help does not call the hook command-not-found.
  const unknown = /^Command (\S+) not found\.$/.exec(text)?.[1]
  if (unknown !== undefined)
    return {message: `There is no command "zt ${unknown.split(':').map(shown).join(' ')}"`}
  const flag = /^Parsing (--[\w-]+)/.exec(text)?.[1]
  const [first = '', ...rest] = text
    .replace(/^The following errors? occurred:/, '')
    .replace(/^Parsing --[\w-]+/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => reworded(line, flag))
  return {message: first, why: rest}
}

/** What users of other programs write (kubectl, gh, gcloud, docker, aws, ssh), in the order in which it is tried. */
const OTHER_FLAGS: Readonly<Record<string, string>> = {
  '-o': 'json',
  '--output': 'json',
  '--format': 'json',
  '--query': 'jq',
  '--template': 'jq',
  '--force': 'yes',
  '--ttl': 'duration',
  '--expires': 'duration',
  '--expires-in': 'duration',
  '-L': 'listen',
  '-p': 'listen',
  '--port': 'listen',
  '--local-port': 'listen',
}

function unknownFlags(
  given: string[],
  {args = {}, flags = {}}: NonNullable<NonNullable<ParseFailure['parse']>['input']>,
  {command, hasBehind}: Refused,
): Said {
  const names = given.map((flag) => shown(flag.split('=')[0] ?? ''))
  const [only = ''] = names
  const message =
    names.length === 1 ? `There is no flag ${only} here` : `There are no flags ${names.join(', ')} here`
  if (names.length > 1) return {message}
  const name = only.replace(/^-+/, '')
  if (Object.hasOwn(args, name))
    return {message, next: [['zt', command, nameOf(args[name])].filter((word) => word !== '').join(' ')]}
  const other = Object.hasOwn(OTHER_FLAGS, only) ? OTHER_FLAGS[only] : undefined
  const takes = (flag: string): boolean => Object.hasOwn(flags, flag)
  // A letter is near to any other; where it may be another program's, it is.
  const isLetter = !only.startsWith('--')
  const near = isLetter ? undefined : closest(name, Object.keys(flags))
  const meant =
    other !== undefined && takes(other) && !(isLetter && hasBehind && other === 'json') ? other : near
  return {message, next: meant === undefined ? [] : [`Write --${meant} instead`], isGuess: isLetter}
}

/** @param known the names of the arguments that the command takes */
export function unexpectedArguments(given: readonly string[], known: readonly string[]): Said {
  return {
    message: `Unexpected argument${given.length === 1 ? '' : 's'}: ${given.map(shown).join(' ')}`,
    why: [known.length === 0 ? 'The command takes no argument.' : `The command takes ${known.join(' ')}.`],
  }
}

function nameOf(arg: unknown): string {
  return String((arg as {name?: unknown}).name).toUpperCase()
}

function shown(word: string): string {
  return visible(word).replaceAll(LIKELY_SECRET, '[hidden]')
}

const CHOICES = ' to be one of: '

/** One of oclif's messages about flags and their values, without the value. */
function reworded(line: string, flag = 'The argument'): string {
  const choices = line.lastIndexOf(CHOICES)
  if (line.startsWith('Expected ') && choices >= 0) {
    const named = /^Expected (--[\w-]+)=/.exec(line)?.[1] ?? flag
    return `${named} takes one of: ${line.slice(choices + CHOICES.length)}`
  }
  const bound = /^Expected an integer (greater|less) than or equal to (-?\d+) but/.exec(line)
  if (bound) return `${flag} is at ${bound[1] === 'less' ? 'most' : 'least'} ${bound[2] ?? ''}`
  if (line.startsWith('Expected an integer but')) return `${flag} needs a whole number`
  const other = /cannot also be provided when using (--[\w-]+)$/.exec(line)?.[1]
  const one = /^--[\w-]+/.exec(line)?.[0]
  if (one !== undefined && other !== undefined) return `${one} cannot be used with ${other}`
  return line
    .replace(/^Flag (--[\w-]+) expects one of these values: /, '$1 takes one of: ')
    .replace(/^Flag (--[\w-]+) expects a value$/, '$1 needs a value')
    .replace(/^Flag (--[\w-]+) can only be specified once$/, '$1 is given more than once')
    .replace(/^All of the following must be provided when using (--[\w-]+): /, '$1 needs ')
    .replace(/^Missing required flag ([\w-]+)$/, '--$1 is missing')
    .replaceAll(LIKELY_SECRET, '[hidden]')
}

/** What a flag's own check threw, without the lines that oclif puts around its message. */
function unwrapped(error: UserError): UserError {
  const end = '\nSee more help with --help'
  const [start] = /^Parsing --\S+\s+/.exec(error.message) ?? []
  if (start?.includes('\n') !== true || !error.message.endsWith(end)) return error
  return error.with({message: error.message.slice(start.length, -end.length)})
}
