import {createHash} from 'node:crypto'
import type {ListenAddress} from '../types.js'

const LONGEST_LABEL = 63

/**
 * The name below `localhost` under which a browser opens a host: `grafana.example.com` is `grafana-example-com.localhost`.
 * Browsers resolve it to this machine (RFC 6761, section 6.3). As each host has one of its own, the cookies of one service
 * are not sent to another.
 *
 * It is one label, because browsers take the label before `localhost` for the site: with more, a service could set cookies
 * for the others (publicsuffix.org, the default rule). A dot becomes one hyphen and a hyphen two, so that two hosts never
 * have the same name. A hash ends what would be too long, has an underscore, or could be read as an encoded name (RFC 5891,
 * section 4.2.3.1).
 */
export function localNameOf(host: string): string {
  const label = host.replaceAll('-', '--').replaceAll('.', '-')
  if (label.length <= LONGEST_LABEL && /^(?!..--)[a-z0-9-]+$/.test(label)) return `${label}.localhost`
  const hash = createHash('sha256').update(host).digest('hex').slice(0, 16)
  const start = `host-${host.replaceAll(/[^a-z0-9]+/g, '-')}`.slice(0, LONGEST_LABEL - hash.length - 2)
  return `${start}--${hash}.localhost`
}

/** Whether a browser that resolves `localhost` reaches a listener. */
export function isAtLocalhost({address}: ListenAddress): boolean {
  return address === '127.0.0.1' || address === '::1'
}
