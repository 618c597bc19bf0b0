import {isIP} from 'node:net'
import {domainToASCII, domainToUnicode} from 'node:url'
import {UserError} from './errors.js'

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

/**
 * A host name as it is compared and sent: lower case, without a trailing dot, an internationalised one as DNS has it
 * (`xn--…`). Rejects anything that could be read as an option, a path or a pattern.
 *
 * @throws UserError `usage` / `BAD_HOSTNAME`, with the host name if the text is another form of one
 */
export function normaliseHostname(text: string): string {
  const host = plainHost(text)
  if (!isHostname(host)) throw notHostname(text)
  return host
}

/** {@link normaliseHostname} for a host or a pattern with at most one `*` in each label, as an application may have. */
export function normaliseHostPattern(text: string): string {
  const labels = plainHost(text).split('.')
  const one = labels.every((label) => label.split('*').length <= 2)
  if (!one || labels.length === 1 || !isHostname(labels.join('.').replaceAll('*', 'x')))
    throw notHostname(text)
  return labels.join('.')
}

function isHostname(host: string): boolean {
  return host.length <= 253 && isIP(host) === 0 && host.split('.').every((label) => LABEL.test(label))
}

/** Lower case, without a trailing dot, in ASCII where that is certain: no character was mapped to another or left out. */
export function plainHost(text: string): string {
  const host = text.toLowerCase().replace(/\.$/, '')
  if (!/[^\0-\x7F]/.test(host) || /[\s%]/.test(host)) return host
  const ascii = domainToASCII(host)
  return domainToUnicode(ascii) === host.normalize('NFC') ? ascii : host
}

/** The parts of a text that names a host. */
export interface HostParts {
  scheme: string | undefined
  /** Everything before the last `@` of the authority. */
  user: string | undefined
  /** As written. */
  host: string
  port: number | undefined
  /** What follows host and port: a path and a query, or what follows the colon of `HOST:PATH`. */
  path: string
}

/**
 * Splits the forms in which people have a host: `HOST`, `USER@HOST`, `HOST:PORT`, `HOST/PATH`, `HOST:PATH` as scp and git
 * have it, and `SCHEME://USER@HOST:PORT/PATH`. Checks no part.
 */
export function hostParts(text: string): HostParts {
  const [, scheme, url = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? []
  // In a URL, an @ after the first slash is part of the path.
  const authority = scheme === undefined ? url : (/^[^/?#]*/.exec(url)?.[0] ?? '')
  const at = authority.lastIndexOf('@')
  const rest = url.slice(at + 1)
  const host = /^[^:/?#]*/.exec(rest)?.[0] ?? ''
  const [colon = '', port] = /^:(\d{1,5})(?![^/?#])/.exec(rest.slice(host.length)) ?? []
  return {
    scheme: scheme?.toLowerCase(),
    user: at < 0 ? undefined : authority.slice(0, at),
    host,
    port: port === undefined ? undefined : Number(port),
    path: rest.slice(host.length + colon.length),
  }
}

/** A text that should be a host, for an error: without a password, and without a query, which may be confidential. */
export function withoutCredentials(text: string): string {
  const [plain = ''] = text.split('?', 1)
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(plain)?.[0] ?? ''
  const at = plain.lastIndexOf('@')
  const hasPassword = plain.slice(scheme.length, Math.max(at, 0)).includes(':')
  return (hasPassword ? `${scheme}...${plain.slice(at)}` : plain) + (plain === text ? '' : '?...')
}

function notHostname(text: string): UserError {
  const {host} = hostParts(text.trim())
  const plain = plainHost(domainToASCII(host) || host)
  return new UserError({
    kind: 'usage',
    code: 'BAD_HOSTNAME',
    message: `"${withoutCredentials(text)}" is not a host name`,
    why: 'Access protects public host names, such as gitlab-ssh.example.com, without an address, port or path.',
    next: plain !== text && isHostname(plain) ? [`Give the host name alone: ${plain}`] : [],
  })
}

/**
 * Whether an application's host pattern covers a host. `*` matches characters within one label and never a dot, so `*.example.com` covers neither `example.com` nor `a.b.example.com`
 * (Cloudflare's documentation on application paths).
 */
export function hostMatches(pattern: string, host: string): boolean {
  const wanted = plainHost(pattern).split('.')
  const given = plainHost(host).split('.')
  return wanted.length === given.length && wanted.every((part, i) => labelMatches(part, given[i] ?? ''))
}

function labelMatches(pattern: string, label: string): boolean {
  return pattern.includes('*') ? label !== '' && globMatches(pattern, label) : pattern === label
}

/**
 * Whether a text is what a pattern says, whose `*` are for any characters. Takes the leftmost match of each part and never
 * backtracks: a regular expression could take forever.
 */
export function globMatches(pattern: string, text: string): boolean {
  const [head = '', ...parts] = pattern.split('*')
  const tail = parts.pop()
  if (tail === undefined) return pattern === text
  if (!text.startsWith(head)) return false
  let from = head.length
  for (const part of parts) {
    const at = text.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return text.length - tail.length >= from && text.endsWith(tail)
}
