import type {Settlement} from '../../access/tokens/issuance.js'
import type {Recovered} from '../../access/tokens/recover.js'
import {style} from '../../cli/streams.js'
import {indented} from '../../cli/wrapped.js'
import type {ClosedConnections} from '../../tunnel/types.js'
import {connectionsJson} from './connections.js'

const MARK_WIDTH = 10
const MARKS: Record<Settlement, () => string> = {
  finished: () => style.success('finished'),
  undone: () => style.caution('undone  '),
  busy: () => style.secondary('busy    '),
  waiting: () => style.failure('waiting '),
}

/** How an interrupted run was settled, or would be. */
export function recoveredText(
  {entry, settlement, why}: Recovered,
  connections: string | undefined,
): string[] {
  const what = entry.kind === 'create' ? 'creation of' : 'rotation of'
  return [
    `${MARKS[settlement]()}  ${what} ${style.name(entry.name)} ${style.secondary(entry.startedAt)}`,
    ...[why, connections].flatMap((text) => (text === undefined ? [] : indented(text, MARK_WIDTH))),
  ]
}

/** The JSON shape of it. */
export function recoveredJson(
  {entry: {id, kind, name, startedAt}, settlement, why, next}: Recovered,
  closed: ClosedConnections,
): object {
  return {id, kind, name, startedAt, settlement, why, next, connections: connectionsJson(closed)}
}
