import type {Hook} from '@oclif/core'
import {closest} from '../core/closest.js'
import {UserError} from '../core/errors.js'
import {HELP_TOPICS} from './help-topics.js'

/** oclif's hook for a command that does not exist: says which one was probably meant. */
const commandNotFound: Hook.CommandNotFound = async function ({id, config}) {
  const typed = id.replaceAll(':', ' ')
  const names = config.commands
    .filter((command) => !command.hidden)
    .map((command) => command.id.replaceAll(':', ' '))
  const isTopic = HELP_TOPICS.some(({name}) => name === typed)
  const meant = isTopic ? `help ${typed}` : closest(typed, names)
  throw new UserError({
    kind: 'usage',
    code: 'UNKNOWN_COMMAND',
    message: `There is no command "zt ${typed}"`,
    next: [...(meant === undefined ? [] : [`zt ${meant}`]), 'zt --help'],
  })
}

export default commandNotFound
