import type {Hook} from '@oclif/core'
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
  )
}

/**
 * Suggests the nearest command with the rest of the command line, unless that may hold a secret.
 *
 * @param words of the command line
 * @param commands the words of each
 */
export function unknownCommand(
  words: readonly string[],
  commands: readonly string[][],
  topics: readonly string[][],
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
    : meantBy(words, commands, topics)
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
): string[] {
  const own = inOwnWords(words, commands)
  if (own?.command) return [suggestion(own.command.join(' '), own.rest)]
  if (own?.topic !== undefined) return [`zt ${own.topic} --help`]
  return nearest(words, [...commands, ...topics])
}

/** Without the words behind the command if one may be a secret. */
function suggestion(command: string, rest: readonly string[]): string {
  return ['zt', command, ...(rest.some(mayBeSecret) ? [] : rest.map(shellQuote))].join(' ')
}

/** The command line with the nearest known words in place of its first two, or its first; empty if none is near. */
function nearest(words: readonly string[], known: readonly string[][]): string[] {
  for (const length of [2, 1]) {
    const candidates = known.filter((one) => one.length === length).map((one) => one.join(' '))
    const meant = words.length < length ? undefined : closest(words.slice(0, length).join(' '), candidates)
    if (meant === undefined) continue
    return [suggestion(meant, words.slice(length))]
  }
  return []
}

export default commandNotFound
