import type {Application} from '../api/types.js'
import {hostMatches} from '../core/hostname.js'

/**
 * The application that answers for a host and path: the most specific of those that cover it, and only that one
 * (nothing is inherited). Rules: Cloudflare's documentation on application paths.
 */
export function applicationFor<T extends Pick<Application, 'domains'>>(
  host: string,
  path: string,
  applications: readonly T[],
): T | undefined {
  let best: {application: T; rank: number[]} | undefined
  for (const application of applications) {
    for (const domain of application.domains) {
      if (!covers(domain, host, path)) continue
      const rank = specificity(domain)
      if (best === undefined || compare(rank, best.rank) > 0) best = {application, rank}
    }
  }
  return best?.application
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
  const bare = domain.replace(/^https?:\/\//, '')
  const slash = bare.indexOf('/')
  if (slash < 0) return {host: bare, path: undefined}
  const path = bare.slice(slash + 1)
  return {host: bare.slice(0, slash), path: path === '' ? undefined : path}
}

/** A path covers what lies below it; a trailing `/*` covers only that; other stars may span several segments. */
function pathMatches(pattern: string, path: string): boolean {
  const given = trim(path.split(/[?#]/)[0] ?? '')
  const below = pattern.endsWith('/*')
  const source = trim(below ? pattern.slice(0, -2) : pattern)
    .split('*')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*')
  return new RegExp(below ? `^${source}/.+$` : `^${source}(/.*)?$`).test(given)
}

/** Without slashes at its ends. */
function trim(path: string): string {
  return path.replace(/^\/+/, '').replace(/\/+$/, '')
}

/** A host without star before one with, then the longer path, then the longer host. */
function specificity(domain: string): number[] {
  const {host, path} = split(domain)
  const segments = path === undefined ? 0 : trim(path).split('/').length
  return [host.includes('*') ? 0 : 1, segments, path?.includes('*') ? 0 : 1, path?.length ?? 0, host.length]
}

function compare(a: number[], b: number[]): number {
  for (const [i, value] of a.entries()) {
    const difference = value - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
