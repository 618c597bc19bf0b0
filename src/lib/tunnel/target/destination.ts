import {UserError} from '../../core/errors.js'
import {normaliseHostname} from '../../core/hostname.js'

export interface Destination {
  host: string
  user: string | undefined
}

/**
 * Reads `[USER@]HOST`. A user may hold an @; nothing that ssh could take for an option, and no blanks.
 *
 * @throws UserError `usage` / `BAD_HOSTNAME`, `BAD_USER`
 */
export function parseDestination(text: string, usage: string): Destination {
  const at = text.lastIndexOf('@')
  const host = normaliseHostname(text.slice(at + 1))
  if (at < 0) return {host, user: undefined}
  const user = text.slice(0, at)
  if (/^[^-\s\p{Cc}][^\s\p{Cc}]*$/u.test(user)) return {host, user}
  throw new UserError({
    kind: 'usage',
    code: 'BAD_USER',
    message: 'This cannot be a user name',
    next: [usage],
  })
}
