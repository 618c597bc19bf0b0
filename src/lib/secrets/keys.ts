import {BugError} from '../core/errors.js'
import type {SecretKey} from './types.js'

/** `service-token/<uuid>`: the entry's name in a store. Plain characters only, so that it is a file name as well. */
export function accountName({kind, id}: SecretKey): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id))
    throw new BugError('a secret was to be stored under an impossible name')
  return `${kind}/${id}`
}
