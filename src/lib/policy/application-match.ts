import type {Application} from '../api/types.js'
import {normalisePath} from '../core/normalise-url.js'
import {bySpecificity, covers, sameAddress, type Address} from '../core/public-address.js'

type Matchable = Pick<Application, 'domains'> & {type?: string}

/**
 * The application that answers for an address: the most specific of those that cover it, and only that one (nothing is
 * inherited). The path is normalised first, as Cloudflare does by default. Rules: Cloudflare's documentation on
 * application paths and on URL normalization.
 *
 * @returns also by which of its domains it does, the other applications that cover the address, and those of them that
 *   have the same domain
 */
export function findApplication<T extends Matchable>(
  {host, path}: Pick<Address, 'host' | 'path'>,
  applications: readonly T[],
): {application: T; domain: string; others: T[]; rivals: T[]} | undefined {
  const normal = normalisePath(path)
  let best: {application: T; domain: string} | undefined
  const covering = new Set<T>()
  for (const application of applications) {
    // A bookmark's domain is the address that it links to.
    if (application.type === 'bookmark') continue
    for (const domain of application.domains) {
      if (!covers(domain, host, normal)) continue
      covering.add(application)
      if (best === undefined || bySpecificity(domain, best.domain) > 0) best = {application, domain}
    }
  }
  if (!best) return undefined
  const {application, domain} = best
  const others = [...covering].filter((one) => one !== application)
  const rivals = others.filter(({domains}) => domains.some((one) => sameAddress(one, domain)))
  return {application, domain, others, rivals}
}
