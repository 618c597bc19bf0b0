import {UserError} from '../../core/errors.js'
import {normaliseHostname} from '../../core/hostname.js'
import {normalisePath} from '../../core/normalise-url.js'

/** A host to forward, as the command line or a project names it. */
export interface WantedHost {
  host: string
  /** The local port, unless `--listen` says another. */
  port: number | undefined
  /** Serve HTTP instead of carrying TCP; undefined: as the flags say. */
  http: boolean | undefined
  /** Of the web: which path, as that may have an application of its own. */
  path?: string | undefined
}

/**
 * Reads `HOST`, `HOST:PORT`, either with a path, and URLs. Access uses only port 443, so a port is that of the service, and zt listens on the
 * same one. A URL of the web is served with HTTP; those of other schemes, such as `postgres://app@db.example.com:5432/`,
 * name a host and a port.
 *
 * @throws UserError `usage` / `BAD_HOSTNAME`, `BAD_FORWARD_URL`
 */
export function parseWantedHost(text: string): WantedHost {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? []
  const [authority = '', rest = ''] = split(scheme === undefined ? text : text.slice(scheme.length + 3))
  const at = authority.lastIndexOf('@')
  const [, name = '', digits] = /^([^:]*)(?::(\d{1,5}))?$/.exec(authority.slice(at + 1)) ?? [text, text]
  if (authority.slice(0, Math.max(at, 0)).includes(':'))
    throw badUrl('It contains a password, which every process of this machine can read in a command line.')
  const host = normaliseHostname(scheme === undefined && at >= 0 ? text : name)
  const web = scheme !== undefined && /^(https?|wss?)$/i.test(scheme)
  const port = digits === undefined ? undefined : Number(digits)
  if (web && port !== undefined && port !== 443)
    throw badUrl('It names a port. Access uses only port 443.', [`zt forward https://${host}`])
  if (port !== undefined && (port < 1 || port > 65_535)) throw badUrl('Its port is not from 1 to 65535.')
  // The edge's own, which is not where a client of this machine expects a service.
  const local = port === 443 || port === 80 ? undefined : port
  const path = rest.startsWith('/') && (web || scheme === undefined) ? normalisePath(rest) : undefined
  return {host, port: local, http: scheme === undefined ? undefined : web, path}
}

/** What comes before the path, the query or the fragment, and the path, if there is one. */
function split(text: string): [authority: string, path: string | undefined] {
  const at = text.search(/[/?#]/)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at).split(/[?#]/, 1)[0]]
}

function badUrl(why: string, next: string[] = []): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_FORWARD_URL',
    message: 'zt cannot forward this address',
    why,
    next: next.length > 0 ? next : ['Give the host alone, for example: zt forward db.example.com:5432'],
  })
}
