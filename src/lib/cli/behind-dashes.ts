import type {Interfaces} from '@oclif/core'
import {shellQuote} from '../core/command-line.js'
import {mayBeSecret} from './parse-error.js'

/** The words after `--` of a command that passes them to another program. */
export interface BehindDashes {
  /** As USAGE names one of them. */
  what: string
  /** What the words may be. `a command`: they must not be missing, and begin with a program. */
  are: 'a command' | 'options' | 'options or a command'
  /** Whom the words are for, in a sentence. */
  program: string
}

/** What the other program does with a word that begins with a dash; undefined if it does not know the option. */
export type OptionOf = (word: string) => 'alone' | 'takes-next' | undefined

/** As USAGE and the man pages write them. */
export function dashesInUsage({what, are}: BehindDashes): string {
  return are === 'a command' ? `-- ${what} [ARGUMENT...]` : `[-- ${what}...]`
}

export interface CommandLine {
  /** The words after the command's. */
  words: readonly string[]
  args: Interfaces.ArgInput
  flags: Interfaces.FlagInput
  behind: BehindDashes
  optionOf: OptionOf
}

/**
 * The same words with `--` where it is missing: before the first word that the command does not take. Flags of zt that
 * follow go before it, unless the other program knows them or they are its command's. On Windows that is how the line is
 * read: PowerShell runs npm's `zt.ps1`, to which it does not pass the first `--` (npm/cli issues 3136 and 4903). A second
 * one is left out there: whoever writes two has one in each shell.
 *
 * @returns the words as they are if they have it, if every word is the command's, or if the line would not run either
 */
export function withDashes(line: CommandLine): readonly string[] {
  const {front, rest} = split(line) ?? {}
  if (front && rest) return [...front, '--', ...rest]
  const {words} = line
  const end = words.indexOf('--')
  return end >= 0 && words[end + 1] === '--' ? [...words.slice(0, end), ...words.slice(end + 1)] : words
}

/**
 * The same line for the error, where it is missing elsewhere.
 *
 * @param command the command's words, e.g. `exec`
 * @returns undefined if `withDashes` changes nothing, or they have one
 */
export function correctedLine(command: string, line: CommandLine): string | undefined {
  if (line.words.includes('--')) return undefined
  const {front, rest} = split(line) ?? {}
  if (!front || !rest) return undefined
  // A password or header is not repeated; without it the line would not run.
  const hidden = rest.some((word, at) => mayBeSecret(word) || saysSecret(word) || saysSecret(rest[at - 1]))
  const theirs = hidden ? [line.behind.what] : rest.map(shellQuote)
  return ['zt', command, ...front.map(shellQuote), '--', ...theirs].join(' ')
}

function split({
  words,
  args,
  flags,
  behind,
  optionOf,
}: CommandLine): {front: string[]; rest: string[]} | undefined {
  const several = Object.values(args).some(({multiple}) => multiple === true)
  const wanted = Object.keys(args).length
  const front: string[] = []
  const rest: string[] = []
  let taken = 0
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--') {
      if (rest.length === 0) return undefined
      rest.push(...words.slice(at))
      break
    }
    const isLast = at + 1 === words.length
    const isOption = word.startsWith('-') && word !== '-'
    const option = isOption ? optionOf(word) : undefined
    const isTheirs = option === 'alone' || (option === 'takes-next' && !isLast)
    const flag = flagOf(word, flags)
    const value = (takes: boolean): string[] => (takes && !isLast ? [words[++at] ?? ''] : [])
    if (flag && !(rest.length > 0 && isTheirs)) {
      front.push(word, ...value(flag.type === 'option' && !word.includes('=')))
    } else if (isOption) {
      // An option of neither.
      if (option === undefined) return undefined
      rest.push(word, ...value(option === 'takes-next'))
    } else if (taken < wanted || (several && !PROGRAM.test(word))) {
      front.push(word)
      taken++
    } else if (optionOf(front.at(-1) ?? '') === 'takes-next') {
      // A switch of zt takes no value: it is the other program's option of the same name.
      rest.push(front.pop() ?? '', word)
    } else if (behind.are === 'options') {
      return undefined
    } else {
      rest.push(...words.slice(at))
      break
    }
  }
  const begins = rest[0]
  if (begins === undefined || taken < wanted || (behind.are === 'a command' && begins.startsWith('-')))
    return undefined
  return {front, rest}
}

/** A name or path of a program, where several hosts may come before it. */
const PROGRAM = /^[\w-]+$|\\|^\.{0,2}\/|^[a-z]:\/|\.(?:exe|bat|cmd)$/i

function flagOf(word: string, flags: Interfaces.FlagInput): Interfaces.FlagInput[string] | undefined {
  if (word.startsWith('--')) {
    const name = word.slice(2).split('=')[0] ?? ''
    return flags[name] ?? (name.startsWith('no-') ? flags[name.slice('no-'.length)] : undefined)
  }
  return Object.values(flags).find(({char}) => char !== undefined && word === `-${char}`)
}

/** Options and names of values that people keep to themselves. */
function saysSecret(word = ''): boolean {
  return (
    /^(-[uUHb]|--(user|proxy-user|header|cookie))$/.test(word) ||
    /pass|pw|secret|token|auth|cookie|credential|key\s*[:=]/i.test(word)
  )
}
