import {BugError} from '../core/errors.js'
import type {SecretKey} from './types.js'

/** `service-token/<uuid>`: the entry's name in a store. Plain characters only, so that it is a file name as well. */
export function accountName({kind, id}: SecretKey): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id))
    throw new BugError('a secret was to be stored under an impossible name')
  return `${kind}/${id}`
}

/** The key of an entry's name; undefined for a name that zt does not write. */
export function keyOf(name: string): SecretKey | undefined {
  const match = /^(service-token|api-token|spool-key)\/([A-Za-z0-9][A-Za-z0-9._-]{0,127})$/.exec(name)
  return match?.[2] === undefined ? undefined : {kind: match[1] as SecretKey['kind'], id: match[2]}
}
