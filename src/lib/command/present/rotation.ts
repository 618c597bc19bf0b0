import type {RotatedToken} from '../../access/tokens/rotate.js'
import {style} from '../../cli/streams.js'
import {facts} from '../../cli/table.js'

/** What a rotation has made, or would make, for people. */
export function rotationText(
  {token, store, previousUntil, previousKept}: RotatedToken,
  dryRun: boolean,
): string[] {
  const name = style.bold(token.name)
  const ended = dryRun ? 'ends when the new one is stored' : 'has ended'
  const until = `works until ${previousUntil ?? ''}${previousKept ? '' : ', and is not on this machine'}`
  return [
    dryRun ? `Would rotate ${name}:` : `${style.green('✓')} ${name} has a new secret`,
    ...facts([
      ['Client ID', token.clientId],
      ['secret', `${dryRun ? 'goes to' : 'saved in'} ${store.label}`],
      ['the one before', previousUntil === undefined ? ended : until],
    ]),
  ]
}
