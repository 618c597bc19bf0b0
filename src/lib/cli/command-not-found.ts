import type {Command, Hook} from '@oclif/core'
import {closest} from '../core/closest.js'
import {shellQuote} from '../core/command-line.js'
import {UserError} from '../core/errors.js'
import {refuseSecretWords} from '../core/redact.js'
import {HELP_TOPICS} from './help-topics.js'
import {hoistGlobalFlags} from './hoist.js'
import {inOwnWords} from './other-words.js'
import {mayBeSecret, unexpectedArguments} from './parse-error.js'

/** Commands of cloudflared (cmd/cloudflared/access/cmd.go) beside those that zt has. */
const OF_PEOPLE = new Set(['access login', 'access token', 'access ssh-gen'])

/** oclif's hook for words that are no command. */
const commandNotFound: Hook.CommandNotFound = async function ({config}) {
  const words = hoistGlobalFlags(process.argv.slice(2))
  refuseSecretWords(words)
  const commands = config.commands.filter(({hidden}) => hidden !== true).map(({id}) => id)
  throw unknownCommand(
    words,
    commands.map((id) => id.split(':')),
    config.topics.map(({name}) => name.split(':')),
    (command) => config.findCommand(command.replaceAll(' ', ':')),
  )
}

/** What a command takes, as oclif's manifest says it. */
type Takes = Pick<Command.Loadable, 'args' | 'flags'>
type TakenBy = (command: string) => Takes | undefined

/**
 * Suggests the nearest command with what it takes of the rest of the command line, unless that may hold a secret.
 *
 * @param words of the command line
 * @param commands the words of each
 */
export function unknownCommand(
  words: readonly string[],
  commands: readonly string[][],
  topics: readonly string[][],
  taken: TakenBy,
): UserError {
  // oclif treats an argument as part of the name of a command that takes none.
  const longer = commands.find(
    (one) => one.length < words.length && one.every((word, at) => word === words[at]),
  )
  if (longer) {
    const given = words.slice(longer.length).filter((word) => !word.startsWith('-'))
    return new UserError({
      kind: 'usage',
      code: 'BAD_COMMAND_LINE',
      ...unexpectedArguments(given, []),
      next: [`zt ${longer.join(' ')} --help`],
    })
  }
  const [first = '', second = ''] = words
  const typed = topics.some(([name]) => name === first) ? `${first} ${second}` : first
  if (OF_PEOPLE.has(typed)) {
    return new UserError({
      kind: 'usage',
      code: 'UNKNOWN_COMMAND',
      message: `zt does not do what cloudflared ${typed} does`,
      why: 'It is for people, who log in. zt uses service tokens, which need no login.',
      next: ['zt access --help'],
    })
  }
  const next = HELP_TOPICS.some(({name}) => name === typed)
    ? [`zt help ${typed}`]
    : meantBy(words, commands, topics, taken)
  return new UserError({
    kind: 'usage',
    code: 'UNKNOWN_COMMAND',
    message: `There is no command "zt ${mayBeSecret(typed) ? '[hidden]' : typed}"`,
    next: [...next, 'zt --help'],
  })
}

/** The command line in zt's words: as users of other programs mean it, or else by its spelling; empty if neither helps. */
function meantBy(
  words: readonly string[],
  commands: readonly string[][],
  topics: readonly string[][],
  taken: TakenBy,
): string[] {
  const own = inOwnWords(words, commands)
  if (own?.command) return [suggestion(own.command.join(' '), own.rest, taken)]
  if (own?.topic !== undefined) return [`zt ${own.topic} --help`]
  return nearest(words, [...commands, ...topics], taken)
}

/** Without the words behind the command if one may be a secret. */
function suggestion(command: string, rest: readonly string[], taken: TakenBy): string {
  // `login --profile` takes its value from the line.
  const [name = '', flag] = command.split(/ (?=-)/)
  const words = flag === undefined ? rest : [flag, ...rest]
  const takes = taken(name)
  const kept = takes ? fitting(words, takes) : words
  return ['zt', name, ...(kept.some(mayBeSecret) ? [] : kept.map(shellQuote))].join(' ')
}

/** The words up to the first that the command does not take, such as another program's flag. */
function fitting(words: readonly string[], {args, flags}: Takes): readonly string[] {
  const known = Object.values(flags)
  let room = Object.values(args).some(({multiple}) => multiple === true) ? Infinity : Object.keys(args).length
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const [name = ''] = word.split('=')
    if (word === '--') break
    if (!word.startsWith('-')) {
      if (--room < 0) return words.slice(0, at)
      continue
    }
    const flag = known.find((one) =>
      [`--${one.name}`, `--no-${one.name}`, `-${one.char ?? ''}`].includes(name),
    )
    if (!flag) return words.slice(0, at)
    if (flag.type === 'option' && name === word) at++
  }
  return words
}

/**
 * The command line with the nearest known word in place of each of its first two; where none is near the first, with what
 * comes before that word in a command. Empty if there is neither.
 */
function nearest(words: readonly string[], known: readonly string[][], taken: TakenBy): string[] {
  const near = (word: string, candidates: string[]): string | undefined =>
    candidates.includes(word) ? word : closest(word, candidates)
  const [typed = '', second, ...rest] = words
  const first = near(
    typed,
    known.map(([one = '']) => one),
  )
  if (first === undefined) {
    const behind = new Set(known.flatMap(([topic, verb]) => (verb === typed ? [`${topic} ${verb}`] : [])))
    return [...behind].map((command) => suggestion(command, words.slice(1), taken))
  }
  const verbs = known.flatMap(([topic, verb]) => (topic === first && verb !== undefined ? [verb] : []))
  const verb = second === undefined ? undefined : near(second, verbs)
  if (verb !== undefined) return [suggestion(`${first} ${verb}`, rest, taken)]
  return first === typed ? [`zt ${first} --help`] : [suggestion(first, words.slice(1), taken)]
}

export default commandNotFound
