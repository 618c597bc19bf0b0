import {UserError} from '../../core/errors.js'
import {looksSecret} from '../../core/redact.js'

/** An option of a command line that Go's flag package would read. */
export interface GoOption {
  /** Further names. */
  also?: readonly string[]
  /** It needs no value, and takes one only behind `=`. */
  switch?: true
}

/** What was given, by the first name of each option. */
export interface GoWords {
  /** The values in their order; `true` or `false` for a switch. */
  values: ReadonlyMap<string, readonly string[]>
  others: string[]
}

const TRUE = /^(?:1|t|true)$/i
const FALSE = /^(?:0|f|false)$/i

/**
 * Reads words as Go's flag package does (pkg.go.dev/flag, "Command line flag syntax"): one dash or two, the value behind `=`
 * or in the next word, whatever that begins with. Options may also follow other words, where Go stops.
 *
 * @param untilOther stops at the first other word, which begins `others` together with all that follows it
 * @throws UserError `usage` / `BAD_COMMAND_LINE`
 */
export function readGoWords(
  words: readonly string[],
  options: Readonly<Record<string, GoOption>>,
  {command, untilOther = false}: {command: string; untilOther?: boolean},
): GoWords {
  const names = new Map(
    Object.entries(options).flatMap(([first, option]) =>
      [first, ...(option.also ?? [])].map((name): [string, [string, GoOption]] => [name, [first, option]]),
    ),
  )
  const values = new Map<string, string[]>()
  const others: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const [, name = '', joined] = /^--?([^-=][^=]*)(?:=([^]*))?$/.exec(word) ?? []
    if (name === '' && (word === '--' || !word.startsWith('-') || word === '-')) {
      if (word === '--' || untilOther) {
        others.push(...words.slice(word === '--' ? at + 1 : at))
        break
      }
      others.push(word)
      continue
    }
    const [first, option] = names.get(name) ?? []
    if (first === undefined || option === undefined) throw unknownOption(word, options, command)
    const value = joined ?? (option.switch ? 'true' : words[++at])
    if (value === undefined) throw usage(`${written(word)} needs a value`, command)
    if (option.switch && !TRUE.test(value) && !FALSE.test(value))
      throw usage(`${written(word)} takes no value`, command)
    const given = option.switch ? String(TRUE.test(value)) : value
    values.set(first, [...(values.get(first) ?? []), given])
  }
  return {values, others}
}

function unknownOption(
  word: string,
  options: Readonly<Record<string, GoOption>>,
  command: string,
): UserError {
  const known = Object.keys(options).map((name) => `--${name}`)
  return usage(`There is no option ${written(word)} here`, command, `The options are ${known.join(', ')}.`)
}

/** A command line that cannot be read. */
export function usage(message: string, command: string, why?: string, next: string[] = []): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_COMMAND_LINE',
    message,
    why,
    next: [...next, `zt ${command} --help`],
  })
}

/** An option as it was written, without a value that may be a secret. */
function written(word: string): string {
  const [name = ''] = word.split('=')
  return /^--?[\w.-]{1,30}$/.test(name) && !looksSecret(name.replace(/^-+/, '')) ? name : '(unreadable)'
}
