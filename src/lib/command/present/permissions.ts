import type {KnownPermission} from '../../access/account/session.js'
import {style} from '../../cli/streams.js'
import {indented} from '../../cli/wrapped.js'

const COLOURS = {yes: style.success, no: style.failure, unknown: style.caution}
const STATE_WIDTH = 'unknown'.length + 2

/** Each permission group with its state, and the commands that need it below: the names leave no room for a column. */
export function permissionLines(permissions: readonly KnownPermission[]): string[] {
  return permissions.flatMap(({group, state, why, neededBy}) => [
    ...indented(group, STATE_WIDTH).map((line, at) =>
      at === 0 ? COLOURS[state](state.padEnd(STATE_WIDTH)) + line.trimStart() : line,
    ),
    ...(why === undefined ? [] : indented(why, STATE_WIDTH).map(style.caution)),
    ...(neededBy.length === 0
      ? []
      : indented(`needed by ${byTopic(neededBy)}`, STATE_WIDTH).map(style.secondary)),
  ])
}

/** `curl`, `token create` and `token show` as `curl; token create, show`. */
function byTopic(commands: readonly string[]): string {
  const alone = commands.filter((command) => !command.includes(' '))
  const verbs = new Map<string, string[]>()
  for (const command of commands) {
    const [topic = '', verb] = command.split(' ')
    if (verb !== undefined) verbs.set(topic, [...(verbs.get(topic) ?? []), verb])
  }
  const topics = [...verbs].map(([topic, list]) => `${topic} ${list.join(', ')}`)
  return [...(alone.length === 0 ? [] : [alone.join(', ')]), ...topics].join('; ')
}
