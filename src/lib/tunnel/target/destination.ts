import {UserError} from '../../core/errors.js'
import {normaliseHostname} from '../../core/hostname.js'

export interface Destination {
  host: string
  user: string | undefined
}

/**
 * Reads `[USER@]HOST`. The user may contain an @, but no blanks, and nothing that ssh could take for an option.
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
    message: 'The part before the host is not a user name',
    next: [usage],
  })
}
