import http, {type IncomingMessage, type ServerResponse} from 'node:http'
import net from 'node:net'
import {keepReading} from '../../network/lossless-socket.js'
import {plain, type UpgradedEnd} from '../../network/http-listener.js'
import {endToEnd, HEAD_BYTES, type Header} from '../../network/http-message.js'
import {faultOfAnswer, framingHeaders, join, passBack, sendOn} from '../../network/http-relay.js'
import {withSessionCookie, type Session} from './session.js'

export interface HttpOriginOptions {
  address: string
  port: number
  /** The header from which the application reads both credentials. */
  named: string | undefined
  /** Whom Access has admitted; the origin gets the token. */
  session: Session | undefined
  /** Headers that the edge adds to its answers. */
  common: Record<string, string>
  /** The client's connection, for an upgrade request. */
  near?: UpgradedEnd | undefined
}

/** How long an origin of unknown kind may take to answer an upgrade before it is treated as a TCP service. */
const GUESS_MS = 10_000

/**
 * Passes an admitted request to the HTTP server behind the host, as the edge and its connector do. Upgrade requests are
 * passed too; the origin decides about them.
 *
 * @param guessing true if the origin may not speak HTTP at all
 * @returns false if it apparently does not; nothing has been answered then
 */
export async function passToOrigin(
  exchange: {request: IncomingMessage; response: ServerResponse},
  {address, port, named, session, common, near}: HttpOriginOptions,
  guessing = false,
): Promise<boolean> {
  const {request, response} = exchange
  // Access removes the credentials from a request that it admits.
  const pass = (raw: readonly string[]): Header[] =>
    endToEnd(raw).filter(([name]) => {
      const lower = name.toLowerCase()
      return !/^cf-access-client-(id|secret)$/.test(lower) && lower !== named?.toLowerCase()
    })
  const identified = (headers: Header[]): Header[] => {
    if (!session) return headers
    // What a client sends as such is replaced (seen on an edge in October 2026).
    const others = headers.filter(([name]) => !/^(cf-access-jwt-assertion|cookie)$/i.test(name))
    return [
      ...others,
      ['Cookie', withSessionCookie(request.headers.cookie, session)],
      ['Cf-Access-Jwt-Assertion', session.token],
    ]
  }
  const upgrade: Header[] = [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
  ]
  try {
    const upstream = http.request({
      method: request.method,
      path: request.url,
      maxHeaderSize: HEAD_BYTES,
      insecureHTTPParser: false,
      headers: [
        ...identified(pass(request.rawHeaders)),
        ...(near ? upgrade : framingHeaders(request)),
      ].flat(),
      createConnection: () => keepReading(net.connect({host: address, port, noDelay: true})),
    })
    upstream.maxHeadersCount = 0
    if (guessing) upstream.setTimeout(GUESS_MS, () => upstream.destroy(new Error('silent')))
    const sent = await sendOn(exchange, upstream, pass)
    upstream.setTimeout(0)
    const headers = [...pass(sent.answer.rawHeaders), ...Object.entries(common)]
    if (sent.far && near) join({response, near}, {...sent, far: sent.far}, headers)
    else if (faultOfAnswer(sent) === undefined) passBack(exchange, sent, headers)
    else throw new Error('unreadable')
    return true
  } catch (error) {
    if (guessing && (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED' && !response.destroyed)
      return false
    plain(response, 502, 'The origin does not answer\n', common)
    return true
  }
}
