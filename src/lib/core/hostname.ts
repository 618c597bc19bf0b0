import {isIP} from 'node:net'
import {UserError} from './errors.js'

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

/**
 * A host name as it is compared and sent: lower case, without a trailing dot. Rejects anything that could be read as an
 * option, a path or a pattern.
 *
 * @throws UserError `usage` / `BAD_HOSTNAME`
 */
export function normaliseHostname(text: string): string {
  const host = text.toLowerCase().replace(/\.$/, '')
  const labels = host.split('.')
  if (host.length > 253 || isIP(host) !== 0 || !labels.every((label) => LABEL.test(label))) {
    throw new UserError({
      kind: 'usage',
      code: 'BAD_HOSTNAME',
      message: `"${text}" is not a host name`,
      why: 'Access protects public host names, such as gitlab-ssh.example.com, without an address, port or path.',
    })
  }
  return host
}

/**
 * Whether an application's host pattern covers a host. `*` matches characters within one label and never a dot, so `*.example.com` covers neither `example.com` nor `a.b.example.com`
 * (Cloudflare's documentation on application paths).
 */
export function hostMatches(pattern: string, host: string): boolean {
  const wanted = pattern.toLowerCase().replace(/\.$/, '').split('.')
  const given = host.toLowerCase().replace(/\.$/, '').split('.')
  return wanted.length === given.length && wanted.every((part, i) => labelMatches(part, given[i] ?? ''))
}

function labelMatches(pattern: string, label: string): boolean {
  if (!pattern.includes('*')) return pattern === label
  if (label === '') return false
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop() ?? ''
  if (!label.startsWith(head)) return false
  let from = head.length
  for (const middle of rest) {
    const at = label.indexOf(middle, from)
    if (at < 0) return false
    from = at + middle.length
  }
  return label.length - tail.length >= from && label.endsWith(tail)
}
