import {goDurationSeconds} from '../../core/duration.js'
import {UserError} from '../../core/errors.js'
import {normaliseHostPattern} from '../../core/hostname.js'

/**
 * A domain as an application has it: a host in lower case, and a path.
 *
 * @throws UserError `usage` / `BAD_DOMAIN`
 */
export function checkDomain(text: string): string {
  const bare = text.trim().replace(/^https?:\/\//i, '')
  const slash = bare.indexOf('/')
  const written = slash < 0 ? bare : bare.slice(0, slash)
  const path = slash < 0 ? '' : bare.slice(slash).replace(/(?<!\/)\/+$/, '')
  const bad = (why: string): UserError =>
    new UserError({
      kind: 'usage',
      code: 'BAD_DOMAIN',
      message: `"${text.slice(0, 100)}" cannot be the domain of an application`,
      why,
      next: ['For example: --domain git.example.com, or --domain example.com/admin'],
    })
  if (/[?#\s\p{Cc}\\]/u.test(bare)) throw bad('A domain has no query, fragment or space.')
  if (/:\d*$/.test(written)) throw bad('An application has no port: it covers the whole host.')
  // At most one star between two dots or two slashes (Cloudflare's documentation on application paths).
  if ([...written.split('.'), ...path.split('/')].some((part) => part.split('*').length > 2))
    throw bad('There can be at most one * between two dots or two slashes.')
  if (!written.replace(/\.$/, '').includes('.')) throw bad('A domain is a public host name of several parts.')
  try {
    return normaliseHostPattern(written) + path
  } catch {
    throw bad('A domain is a public host name, optionally with a path.')
  }
}

/**
 * The duration of a session, as the API has it.
 *
 * @throws UserError `usage` / `BAD_DURATION`
 */
export function checkSession(text: string): string {
  const trimmed = text.trim()
  const days = /^(\d{1,4})d$/.exec(trimmed)?.[1]
  if (days !== undefined && Number(days) > 0) return `${Number(days) * 24}h`
  if (goDurationSeconds(trimmed) !== undefined) return trimmed
  throw new UserError({
    kind: 'usage',
    code: 'BAD_DURATION',
    message: `"${text.slice(0, 60)}" is not a duration`,
    why: 'A session duration is a number with a unit (h, m, s or d), or several of them.',
    next: ['For example: --session-duration 24h or --session-duration 7d'],
  })
}
