import {hostMatches} from '../core/hostname.js'
import type {Application} from '../api/types.js'

/** Kinds that have a `domain` without standing before it. */
const NOT_BEFORE_A_HOST = new Set(['bookmark', 'saas'])

/** An application's domain, read. */
interface Pattern {
  text: string
  host: string
  /** Begins with a slash; empty: every path. */
  path: string
}

/**
 * The application that answers for a URL: the one with the most specific domain, from which nothing is inherited by
 * another. An exact host beats a wildcard one; then the deeper path, the path without a wildcard, the longer one.
 * Two applications with the same domain (the API refuses that) go by id. `path` may have a query, which is ignored.
 *
 * Cloudflare's documentation on application paths.
 */
export function applicationFor<T extends Pick<Application, 'id' | 'type' | 'domains'>>(
  host: string,
  path: string,
  applications: readonly T[],
): T | undefined {
  const asked = pathOnly(path)
  const matches = applications
    .filter(({type}) => !NOT_BEFORE_A_HOST.has(type))
    .flatMap((application) => application.domains.map((domain) => ({application, pattern: read(domain)})))
    .filter(({pattern}) => hostMatches(pattern.host, host) && pathCovers(pattern.path, asked))
  matches.sort((a, b) => bySpecificity(a.pattern, b.pattern) || compare(a.application.id, b.application.id))
  return matches[0]?.application
}

function read(domain: string): Pattern {
  const text = domain.replace(/^https?:\/\//i, '').replace(/[?#].*$/s, '')
  const slash = text.indexOf('/')
  const host = (slash < 0 ? text : text.slice(0, slash)).replace(/:\d+$/, '')
  const path = slash < 0 ? '' : text.slice(slash).replace(/\/+$/, '')
  // `example.com/*` covers example.com itself too, as the documentation's table says of the whole host.
  return {text, host, path: path === '/*' ? '' : path}
}

function pathOnly(path: string): string {
  const bare = path.replace(/[?#].*$/s, '')
  return bare.startsWith('/') ? bare : `/${bare}`
}

/** A path covers what lies below it as well; `*` may span segments, so `/a/*` covers all below `/a` and not `/a`. */
function pathCovers(pattern: string, path: string): boolean {
  return pattern === '' || globMatches(pattern, path) || globMatches(`${pattern}/*`, path)
}

/** `*` stands for any characters, or none. Takes the leftmost fit of each part, so it never goes back. */
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

function bySpecificity(a: Pattern, b: Pattern): number {
  return (
    wildcards(a.host) - wildcards(b.host) ||
    literals(b.host) - literals(a.host) ||
    depth(b.path) - depth(a.path) ||
    wildcards(a.path) - wildcards(b.path) ||
    literals(b.path) - literals(a.path) ||
    compare(a.text, b.text)
  )
}

const wildcards = (text: string): number => text.split('*').length - 1
const literals = (text: string): number => text.length - wildcards(text)
const depth = (path: string): number => path.split('/').length
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
