import type {Application} from '../api/types.js'
import {hostMatches} from '../core/hostname.js'

/**
 * The application that answers for a host and path: the most specific of those that cover it, and only that one
 * (nothing is inherited). Rules: Cloudflare's documentation on application paths.
 */
export function applicationFor<T extends Matchable>(
  host: string,
  path: string,
  applications: readonly T[],
): T | undefined {
  return answering(host, path, applications)?.application
}

type Matchable = Pick<Application, 'domains'> & {type?: string}

/** The same, with the domain of the application by which it answers. */
export function answering<T extends Matchable>(
  host: string,
  path: string,
  applications: readonly T[],
): {application: T; domain: string} | undefined {
  let best: {application: T; domain: string} | undefined
  for (const application of applications) {
    // A bookmark's domain is where it links to.
    if (application.type === 'bookmark') continue
    for (const domain of application.domains) {
      if (!covers(domain, host, path)) continue
      if (best === undefined || bySpecificity(domain, best.domain) > 0) best = {application, domain}
    }
  }
  return best
}

/** Whether two domains of applications, however they are written, stand for the same hosts and paths. */
export function sameAddress(a: string, b: string): boolean {
  const [one, other] = [split(a), split(b)]
  return one.host.toLowerCase() === other.host.toLowerCase() && one.path === other.path
}

/** Whether one of an application's domains (`host`, `host/path`, with `*`) covers a host and path. */
export function covers(domain: string, host: string, path: string): boolean {
  const {host: hostPattern, path: pathPattern} = split(domain)
  return hostMatches(hostPattern, host) && (pathPattern === undefined || pathMatches(pathPattern, path))
}

/** The host of an application's domain, without path. */
export function hostOf(domain: string): string {
  return split(domain).host
}

function split(domain: string): {host: string; path: string | undefined} {
  const bare = domain.replace(/^https?:\/\//i, '').replace(/[?#].*/s, '')
  const slash = bare.indexOf('/')
  const host = (slash < 0 ? bare : bare.slice(0, slash)).replace(/:\d*$/, '')
  const path = slash < 0 ? '' : trim(bare.slice(slash))
  // `host/*` covers the host itself too: the same as no path.
  return {host, path: path === '' || path === '*' ? undefined : path}
}

/** A path covers what lies below it; a trailing `/*` covers only that; other stars may span several segments. */
function pathMatches(pattern: string, path: string): boolean {
  const given = trim(path.split(/[?#]/)[0] ?? '')
  return globMatches(pattern, given) || globMatches(`${pattern}/*`, given)
}

/** Takes the leftmost fit of each part and never goes back: a regular expression could take for ever. */
function globMatches(pattern: string, text: string): boolean {
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

/** Without slashes at its ends. */
function trim(path: string): string {
  return path.replace(/^\/+/, '').replace(/(?<!\/)\/+$/, '')
}

/** Positive when `a` is more specific. Two domains that say the same much go by their text: the order given never matters. */
function bySpecificity(a: string, b: string): number {
  return compare(specificity(a), specificity(b)) || (a < b ? 1 : -1)
}

/** Fewer stars in the host, then the longer host, then the deeper path, then one without star, then the longer one. */
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
