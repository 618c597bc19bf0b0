import type {FinishedRotation, RotatedToken, UndoneRotation} from '../../access/tokens/rotate.js'
import {mark, style} from '../../cli/streams.js'
import {facts} from '../../cli/table.js'
import {indented} from '../../cli/wrapped.js'
import type {ClosedConnections} from '../../tunnel/types.js'
import {connectionsJson} from './connections.js'

/** What a rotation has done, or would do, for people. */
export function rotationText(
  {token, store, previousUntil, previousKept}: RotatedToken,
  dryRun: boolean,
): string[] {
  const name = style.name(token.name)
  const ended = dryRun ? 'ends when the new one is stored' : 'has ended'
  const until = `works until ${previousUntil ?? ''}${previousKept ? '' : ', but is not on this machine'}`
  return [
    ...indented(dryRun ? `Would rotate ${name}:` : `${mark.done} Rotated the secret of ${name}`, 0),
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
export function finishedText({token, changed}: FinishedRotation, dryRun: boolean): string {
  const name = style.name(token.name)
  if (!changed) return `${name} is not in a grace period; there is nothing to finish.`
  if (dryRun) return `Would end the previous secret of ${name}.`
  return `${mark.done} Ended the previous secret of ${name}; only the new one works`
}

/** The JSON shape of it. */
export function finishedJson(
  {token: {id, name}, changed}: FinishedRotation,
  closed: ClosedConnections,
  dryRun: boolean,
): object {
  return {token: {id, name}, changed: changed && !dryRun, connections: connectionsJson(closed), dryRun}
}

/** What `--undo` has done, or would do. */
export function undoneText({token, until}: UndoneRotation, dryRun: boolean): string {
  const name = style.name(token.name)
  return dryRun
    ? `Would go back to the previous secret of ${name}; it would work until ${until}.`
    : `${mark.done} ${name} uses its previous secret again; it works until ${until}`
}

/** The JSON shape of it. */
export function undoneJson({token: {id, name}, until}: UndoneRotation, dryRun: boolean): object {
  return {token: {id, name}, until, dryRun}
}
