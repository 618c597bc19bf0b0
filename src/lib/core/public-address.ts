import {globMatches, hostMatches, normaliseHostname, plainHost} from './hostname.js'
import {normalisePath} from './normalise-url.js'

/** A public address. */
export interface Address {
  host: string
  path: string
  /** Both, written as a domain of an application. */
  text: string
}

/**
 * The address that a person may mean by `host`, `host/path` or a URL of any scheme. Access ignores the query and port.
 *
 * @returns undefined for any other text, such as a single word
 */
export function addressOf(text: string): Address | undefined {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(text) ?? []
  const bare = rest.replace(/[?#].*/s, '')
  const slash = bare.indexOf('/')
  const authority = slash < 0 ? bare : bare.slice(0, slash)
  const named = scheme === undefined ? authority : authority.replace(/^.*@/s, '')
  const host = plainHost(named.replace(/:\d*$/, ''))
  if (!/^[^\s@:.]+(\.[^\s@:.]+)+$/.test(host)) return undefined
  const path = slash < 0 ? '/' : bare.slice(slash)
  return {host, path, text: host + path}
}

/**
 * The address that a person names by `HOST` or `HOST/PATH`, as it is sent: {@link addressOf} without guessing.
 *
 * @throws UserError `usage` / `BAD_HOSTNAME`
 */
export function namedAddress(text: string): Address {
  const slash = text.indexOf('/')
  const host = normaliseHostname(slash < 0 ? text : text.slice(0, slash))
  const path = slash < 0 ? '/' : normalisePath(text.slice(slash))
  return {host, path, text: host + path}
}

/** Whether two domains of applications, however they are written, mean the same hosts and paths. */
export function sameAddress(a: string, b: string): boolean {
  return plainDomain(a) === plainDomain(b)
}

/** Whether one of an application's domains (`host`, `host/path`, with `*`) covers a host and a path from `normalisePath`. */
export function covers(domain: string, host: string, path: string): boolean {
  const {host: hostPattern, path: pathPattern} = split(domain)
  return hostMatches(hostPattern, host) && (pathPattern === undefined || pathMatches(pathPattern, path))
}

/** The host of an application's domain, without path. */
export function hostOf(domain: string): string {
  return split(domain).host
}

/** An application's domain in one form for all that mean the same: `host` or `host/path`, the host in lower case. */
export function plainDomain(domain: string): string {
  const {host, path} = split(domain)
  return host + (path === undefined ? '' : `/${path}`)
}

function split(domain: string): {host: string; path: string | undefined} {
  const bare = domain.replace(/^https?:\/\//i, '').replace(/[?#].*/s, '')
  const slash = bare.indexOf('/')
  const host = plainHost((slash < 0 ? bare : bare.slice(0, slash)).replace(/:\d*$/, ''))
  const path = slash < 0 ? '' : trim(bare.slice(slash))
  // `host/*` also covers the host itself: the same as no path.
  return {host, path: path === '' || path === '*' ? undefined : path}
}

/** A path covers everything below it; a trailing `/*` covers only that; other stars may span several segments. */
function pathMatches(pattern: string, path: string): boolean {
  const given = trim(path)
  return globMatches(pattern, given) || globMatches(`${pattern}/*`, given)
}

/** Without slashes at its ends. */
function trim(path: string): string {
  return path.replace(/^\/+/, '').replace(/(?<!\/)\/+$/, '')
}

/** Positive when the domain `a` is more specific. Equally specific domains are ordered by their text, so that the order given never matters. */
export function bySpecificity(a: string, b: string): number {
  return compare(specificity(a), specificity(b)) || (a < b ? 1 : -1)
}

/** Fewer stars in the host, then a longer host, a deeper path, fewer stars in it, a longer path. */
function specificity(domain: string): number[] {
  const {host, path} = split(domain)
  const segments = path === undefined ? 0 : path.split('/').length
  return [-stars(host), host.length, segments, -stars(path ?? ''), path?.length ?? 0]
}

function stars(pattern: string): number {
  return pattern.split('*').length - 1
}

function compare(a: number[], b: number[]): number {
  for (const [i, value] of a.entries()) {
    const difference = value - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
