import {shellQuote} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import {hostParts, normaliseHostname, normaliseHostPattern, type HostParts} from '../../core/hostname.js'

export interface Destination {
  /** As `normaliseHostname` makes it. */
  host: string
  user: string | undefined
  /** Undefined: SSH's own, 22, or none given. The edge has no ports: it only matters to ssh, for its known hosts. */
  port: number | undefined
}

/**
 * Reads a host as people have it: `[USER@]HOST[:PORT]`, or a URL of any scheme without a path. The user may contain an @,
 * but no blanks, and nothing that ssh could take for an option.
 *
 * @param usage the command line, with `HOST` or `[USER@]HOST` in the place of this text
 * @param allow.pattern also a pattern such as `*.example.com`
 * @throws UserError `usage` / `BAD_HOSTNAME`, `BAD_USER`, with the command line that works
 */
export function parseDestination(text: string, usage: string, allow: {pattern?: boolean} = {}): Destination {
  const parts = hostParts(text)
  const host = hostOf(parts, usage, allow.pattern ?? false)
  const user = userOf(parts, usage, host)
  const port = parts.port === 22 ? undefined : parts.port
  const destination = {host, user, port}
  if (port !== undefined && !(port >= 1 && port <= 65535))
    throw bad('BAD_HOSTNAME', `${port} is not a port`, undefined, [
      inPlace(usage, {...destination, port: undefined}),
    ])
  if (parts.path !== '' && parts.path !== '/')
    throw bad(
      'BAD_HOSTNAME',
      `There is a path after the host ${host}`,
      'zt connects to a host; paths are for git, scp and rsync.',
      [inPlace(usage, destination)],
    )
  return destination
}

/** ssh's arguments for a port. */
export function portArguments(port: number | undefined): string[] {
  return port === undefined ? [] : ['-p', String(port)]
}

function hostOf({host: text}: HostParts, usage: string, pattern: boolean): string {
  if (!text.includes('*')) return normaliseHostname(text)
  const host = normaliseHostPattern(text)
  if (pattern) return host
  throw bad('BAD_HOSTNAME', `"${host}" is a pattern, not a host name`, 'A connection goes to one host.', [
    'Name one of the hosts that it covers',
    ...(usage.startsWith('zt ssh') ? [`For ssh to all of them: zt ssh config ${shellQuote(host)}`] : []),
  ])
}

function userOf({user: given, scheme}: HostParts, usage: string, host: string): string | undefined {
  if (given === undefined) return undefined
  const alone = inPlace(usage, {host, user: undefined, port: undefined})
  if (scheme !== undefined && given.includes(':'))
    throw bad(
      'BAD_USER',
      'The URL contains a password',
      'Every process on this machine can read it there. zt does not use it.',
      [alone],
    )
  const user = scheme === undefined ? given : decoded(given)
  if (/^[^-\s\p{Cc}][^\s\p{Cc}]*$/u.test(user)) return user
  throw bad('BAD_USER', 'The part before the host is not a user name', undefined, [alone])
}

/** The user of a URL, whose special characters are percent-encoded. Empty, and so no user, if that is damaged. */
function decoded(user: string): string {
  try {
    return decodeURIComponent(user)
  } catch {
    return ''
  }
}

/** The command line with a destination in its place. */
function inPlace(usage: string, {host, user, port}: Destination): string {
  const withUser = usage.includes('[USER@]HOST')
  const text = `${withUser && user !== undefined ? `${user}@` : ''}${host}${port === undefined ? '' : `:${port}`}`
  return usage.replace(/(\[USER@\])?HOST/, () => shellQuote(text))
}

function bad(
  code: 'BAD_HOSTNAME' | 'BAD_USER',
  message: string,
  why: string | undefined,
  next: string[],
): UserError {
  return new UserError({kind: 'usage', code, message, why, next})
}
