import {UserError} from '../../core/errors.js'

/** Headers about the connection, or about where a request ends. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Why a header that a person gave cannot be sent beside zt's own: it must not name another host, change the framing, or
 * replace one that zt sends.
 *
 * @returns undefined if it can
 */
export function headerRefusal(line: string): string | undefined {
  if (/[\x00-\x1F\x7F]/.test(line)) return 'It contains control characters.'
  // With a blank before the name it would continue the previous header; with one after it, parsers disagree on the name.
  const name = /^([\w!#$%&'*+.^`|~-]+)[:;]/.exec(line)?.[1]?.toLowerCase()
  if (name === undefined) return 'It is not NAME: VALUE.'
  if (name === 'host') return 'It names a host, but the secret is only for the host in the URL.'
  if (/^cf[-_]access[-_]/.test(name)) return 'zt sends the headers of Access itself.'
  return FRAMING.has(name) ? 'It is about the connection, which zt manages itself.' : undefined
}

/** What one request may carry: edges and services refuse heads that are much longer. */
const MOST_BYTES = 8192
/** The handshake has its own. */
const OF_THE_HANDSHAKE = /^(?:sec-websocket-|user-agent:)/i

/**
 * Checks the further headers of a tunnel's request.
 *
 * @returns each as `NAME: VALUE`
 * @throws UserError `usage` / `BAD_HEADER`
 */
export function checkHeaders(lines: readonly string[]): string[] {
  const headers = lines.map((line) => {
    const end = line.indexOf(':')
    return end < 0 ? line : `${line.slice(0, end).trim()}: ${line.slice(end + 1).trim()}`.trimEnd()
  })
  for (const header of headers) {
    const why =
      headerRefusal(header) ??
      (OF_THE_HANDSHAKE.test(header) ? 'zt sends this header itself.' : undefined) ??
      (/^[^:;]+:[\x20-\x7E]*$/.test(header) ? undefined : 'It is not NAME: VALUE in plain characters.')
    if (why !== undefined) throw badHeader(why)
  }
  if (headers.join('').length > MOST_BYTES)
    throw badHeader(`All of them together exceed ${MOST_BYTES} bytes.`)
  return headers
}

function badHeader(why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_HEADER',
    message: 'This header cannot be sent to the edge',
    why,
    next: ['For example: --header "X-Client: build"'],
  })
}
