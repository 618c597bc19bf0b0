import type {RotatedToken} from '../../access/tokens/rotate.js'
import {style} from '../../cli/streams.js'
import {facts} from '../../cli/table.js'
import type {ClosedConnections} from '../../tunnel/types.js'
import {connectionsJson} from './connections.js'

/** What a rotation has done, or would do, for people. */
export function rotationText(
  {token, store, previousUntil, previousKept}: RotatedToken,
  dryRun: boolean,
): string[] {
  const name = style.bold(token.name)
  const ended = dryRun ? 'ends when the new one is stored' : 'has ended'
  const until = `works until ${previousUntil ?? ''}${previousKept ? '' : ', but is not on this machine'}`
  return [
    dryRun ? `Would rotate ${name}:` : `${style.green('✓')} Rotated the secret of ${name}`,
    ...facts([
      ['Client ID', token.clientId],
      ['secret', `${dryRun ? 'goes to' : 'saved in'} ${store.label}`],
      ['previous secret', previousUntil === undefined ? ended : until],
    ]),
  ]
}

/** The JSON shape of it. */
export function rotationJson(
  {token: {id, name, clientId}, store, previousUntil, previousKept}: RotatedToken,
  closed: ClosedConnections,
  dryRun: boolean,
): object {
  const connections = connectionsJson(closed)
  const until = previousUntil ?? null
  return {
    token: {id, name, clientId},
    store: store.kind,
    previousUntil: until,
    previousKept,
    connections,
    dryRun,
  }
}

/** What `--finish` has done, or would do. */
export function finishedText(name: string, changed: boolean, dryRun: boolean): string {
  if (!changed) return `${style.bold(name)} is not in a grace period; there is nothing to finish.`
  if (dryRun) return `Would end the previous secret of ${style.bold(name)}.`
  return `${style.green('✓')} Ended the previous secret of ${style.bold(name)}; only the new one works`
}

/** What `--undo` has done, or would do. */
export function undoneText(name: string, until: string, dryRun: boolean): string {
  return dryRun
    ? `Would go back to the previous secret of ${style.bold(name)}; it would work until ${until}.`
    : `${style.green('✓')} ${style.bold(name)} uses its previous secret again; it works until ${until}`
}
