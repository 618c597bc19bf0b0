import {endToEnd, type Header, type RawHeaders} from '../../network/http-message.js'
import type {ServiceCredentials} from '../../secrets/types.js'
import {isAccessCookie} from '../edge/access-cookies.js'
import {localLink, localPolicy, localRefresh, localUrl, type Origins} from './local-urls.js'

export interface RequestHeaderOptions {
  raw: RawHeaders
  /** The public host. */
  host: string
  credentials: ServiceCredentials
  /** The single header that the application reads the pair from, instead of the two usual ones. */
  singleHeader?: string | undefined
  /** True for the listener's own origin. */
  isOwnOrigin: (origin: string) => boolean
}

/**
 * The headers of a request for the edge: with the public host and the token, and without the client's own headers for
 * Access. To the service, a page of the listener is a page of the public host.
 */
export function requestHeaders(options: RequestHeaderOptions): Header[] {
  const {raw, host, credentials, singleHeader, isOwnOrigin} = options
  const headers = endToEnd(raw).flatMap(([name, value]): Header[] => {
    const lower = name.toLowerCase()
    if (lower === 'host' || /^cf[-_]access[-_]/.test(lower) || lower === singleHeader?.toLowerCase())
      return []
    if (lower === 'origin' && isOwnOrigin(value)) return [[name, `https://${host}`]]
    if (lower === 'referer') return [[name, publicReferer(value, host, isOwnOrigin)]]
    return [[name, value]]
  })
  return [['Host', host], ...headers, ...credentialHeaders(credentials, singleHeader)]
}

/** The pair as Access reads it: in its two headers, or as JSON in the header that the application names. */
export function credentialHeaders(
  {clientId, clientSecret}: ServiceCredentials,
  singleHeader?: string,
): Header[] {
  if (singleHeader === undefined)
    return [
      ['CF-Access-Client-Id', clientId],
      ['CF-Access-Client-Secret', clientSecret.expose()],
    ]
  const pair = {'cf-access-client-id': clientId, 'cf-access-client-secret': clientSecret.expose()}
  return [[singleHeader, JSON.stringify(pair)]]
}

function publicReferer(value: string, host: string, isOwnOrigin: (origin: string) => boolean): string {
  const match = /^(https?:\/\/[^/?#]+)(.*)/is.exec(value)
  return match?.[1] !== undefined && isOwnOrigin(match[1]) ? `https://${host}${match[2] ?? ''}` : value
}

/** How the public host's URLs are replaced in the headers that browsers act on. */
const REWRITTEN = new Map<string, (value: string, origins: Origins) => string>([
  ['location', localUrl],
  ['content-location', localUrl],
  ['sourcemap', localUrl],
  ['access-control-allow-origin', localUrl],
  ['timing-allow-origin', localUrl],
  ['refresh', localRefresh],
  ['link', localLink],
  ['content-security-policy', localPolicy],
  ['content-security-policy-report-only', localPolicy],
])

/**
 * The headers of an answer for the client: what leads to the host leads to the listener, cookies work over the listener's
 * plain http, and Access's own cookies are removed.
 */
export function responseHeaders(raw: RawHeaders, origins: Origins): Header[] {
  return endToEnd(raw).flatMap(([name, value]): Header[] => {
    const lower = name.toLowerCase()
    if (lower === 'strict-transport-security' || lower === 'alt-svc') return []
    if (lower !== 'set-cookie') return [[name, REWRITTEN.get(lower)?.(value, origins) ?? value]]
    const cookie = localCookie(value)
    return cookie === undefined ? [] : [[name, cookie]]
  })
}

/** Undefined for one of Access's own cookies. */
function localCookie(value: string): string | undefined {
  const [pair = '', ...attributes] = value.split(';')
  const name = (pair.split('=')[0] ?? '').trim()
  if (isAccessCookie(name)) return undefined
  // Browsers refuse these names without Secure, and accept Secure from a loopback address.
  const secure = /^__(Secure|Host)-/i.test(name)
  const kept = attributes.filter((attribute) => {
    const word = attribute
      .trim()
      .toLowerCase()
      .replaceAll(/(?<!\s)\s*=\s*/g, '=')
    if (word.startsWith('domain=') || word === 'domain') return false
    return secure || !['secure', 'partitioned', 'samesite=none'].includes(word)
  })
  return [pair, ...kept].join(';')
}
