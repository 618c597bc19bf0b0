import http, {type IncomingMessage, type ServerResponse} from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import {breakOff} from './tcp-peer.js'
import {framingOf, HEAD_BYTES, hasBody, valuesOf} from './http-message.js'

/** How long a client may take to send the head of a request. */
const HEAD_MS = 20_000
/** How long a client that has its answer may go on sending; silence for that long closes its connection. */
const LINGER_MS = 10_000
/** How long a client may receive nothing of what is left for it. */
export const TAKING_MS = 120_000
/** Requests that a client may send before the answer to the first. */
const PIPELINED = 100

/** For every HTTP server of zt; node's switches for careless parsing have no effect on them. */
export const SERVER_OPTIONS = {
  maxHeaderSize: HEAD_BYTES,
  insecureHTTPParser: false,
  requireHostHeader: false,
  headersTimeout: HEAD_MS,
  requestTimeout: 0,
  connectionsCheckingInterval: 5000,
  noDelay: true,
  keepAlive: true,
} satisfies http.ServerOptions

export interface Serving {
  serve(request: IncomingMessage, response: ServerResponse): unknown
  /**
   * A WebSocket handshake: either answer by the response, or detach the response from the socket first. Without this, an
   * Upgrade header is ignored.
   */
  upgrade?(request: IncomingMessage, response: ServerResponse, end: UpgradedEnd): unknown
  /** The most connections at a time. */
  limit: number
  /** How long a connection may be silent, milliseconds. */
  idleMs: number
  /** Formats a text for the client. */
  words(text: string): string
}

/** A client's request, and the destination of its answer. */
export interface Exchange {
  request: IncomingMessage
  response: ServerResponse
}

/** The client's end of an upgraded connection, and what followed the request's head. */
export interface UpgradedEnd {
  socket: net.Socket
  head: Buffer
}

/** Status and text of a refusal. */
type Fault = [status: number, text: string]

/** The requests of a connection, one after the other. */
class Line {
  tail: Promise<unknown> = Promise.resolve()
  waiting = 0
  broken = false
  /** The request that is being answered. */
  current: Exchange | undefined
  /** The last request whose head has arrived. */
  last: IncomingMessage | undefined
  /** What is wrong with the body of `last`. */
  spoilt: Fault | undefined
}

/**
 * Serves requests one at a time per connection, so that answers never mix, and only those whose beginning and end every
 * server on the way reads alike. Whatever a client sends ends its own connection at most.
 */
export function guard(server: http.Server | https.Server, serving: Serving): void {
  const {serve, upgrade, limit, idleMs, words} = serving
  // Node must drop no header: it could be the one that says where the body ends. Their total size has a limit.
  const secure = server instanceof https.Server
  // A client may close its sending side and wait for the answer. With TLS clients do not do that.
  Object.assign(server, {
    maxHeadersCount: 0,
    maxConnections: limit,
    timeout: idleMs,
    httpAllowHalfOpen: !secure,
  })
  const lines = new WeakMap<object, Line>()
  const lineOf = (socket: net.Socket): Line => {
    const line = lines.get(socket) ?? new Line()
    lines.set(socket, line)
    return line
  }
  const inTurn = (socket: net.Socket, take: () => unknown): void => {
    const line = lineOf(socket)
    if (++line.waiting > PIPELINED) return void socket.destroy()
    line.tail = line.tail
      .then(() => (socket.destroyed || socket.writableEnded ? undefined : take()))
      .catch(() => socket.destroy())
      .finally(() => line.waiting--)
  }
  const answer = async ({request, response}: Exchange, how: () => unknown): Promise<void> => {
    const over = new Promise((resolve) => response.once('close', resolve))
    response.on('error', () => undefined)
    const line = lineOf(request.socket)
    line.current = {request, response}
    try {
      const refusal = (line.last === request ? line.spoilt : undefined) ?? faultOf(request)
      if (refusal) {
        response.shouldKeepAlive = false
        plain(response, refusal[0], words(refusal[1]))
      } else await how()
    } catch {
      if (response.headersSent) cutOff(response)
      else plain(response, 500, words('The request could not be served.'))
    }
    await over
  }
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    lineOf(request.socket).last = request
    inTurn(request.socket, () => {
      if (!response.destroyed) return answer({request, response}, () => serve(request, response))
    })
  }
  server.on(secure ? 'secureConnection' : 'connection', endSoftly)
  server.on('request', onRequest)
  // Only `serve` knows whether the body is wanted.
  server.on('checkContinue', onRequest)
  if (upgrade)
    server.on('upgrade', (request: IncomingMessage, socket: net.Socket, head: Buffer) => {
      socket.on('error', () => socket.destroy())
      inTurn(socket, () => {
        const response = responseOn(request, socket)
        // Other protocols are ignored (RFC 9110, 7.8).
        const webSocket = request.headers.upgrade?.toLowerCase() === 'websocket' && request.method === 'GET'
        return answer({request, response}, () => {
          if (hasBody(request)) plain(response, 400, words('An upgrade request must not have a body.'))
          else return webSocket ? upgrade(request, response, {socket, head}) : serve(request, response)
        })
      })
    })
  server.on('connect', (_request: IncomingMessage, socket: net.Socket) => {
    socket.on('error', () => socket.destroy())
    inTurn(socket, () => {
      raw(socket, 405, words('This server is not a proxy.'))
    })
  })
  server.on('clientError', (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as net.Socket
    const line = lineOf(socket)
    if (!socket.writable) return void socket.destroy()
    if (line.broken) return
    line.broken = true
    const [status, text] = CLIENT_ERRORS[error.code ?? ''] ?? [400, 'The request is not valid HTTP.']
    const {current, last} = line
    // An invalid body: answer its request, or cut off the answer that has begun.
    if (last && !last.complete) {
      line.spoilt = [status, text]
      if (current?.request !== last || current.response.writableFinished) return
      current.response.shouldKeepAlive = false
      if (current.response.headersSent) cutOff(current.response)
      else plain(current.response, status, words(text))
    } else
      inTurn(socket, () => {
        raw(socket, status, words(text))
      })
  })
}

const CLIENT_ERRORS: Record<string, Fault> = {
  HPE_HEADER_OVERFLOW: [431, `The head of the request is larger than ${HEAD_BYTES / 1024} KiB.`],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions of the request are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, `The head of the request did not arrive within ${HEAD_MS / 1000} s.`],
}

/** Why a request is never served: the next server might read it differently. */
function faultOf(request: IncomingMessage): Fault | undefined {
  const {method, url = '', rawHeaders, httpVersion} = request
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return [505, 'The request is not HTTP/1.1.']
  if (!framingOf(request)) {
    const coded = valuesOf(rawHeaders, 'content-length').length === 0 && httpVersion === '1.1'
    return [coded ? 501 : 400, 'The request does not clearly say where its body ends.']
  }
  const hosts = valuesOf(rawHeaders, 'host').length
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1'))
    return [400, 'The request must have exactly one Host header.']
  // The answer would contain the request, with the credentials that were added to it.
  if (method === 'TRACE') return [405, 'TRACE requests are not passed on.']
  if (!url.startsWith('/') && !(method === 'OPTIONS' && url === '*'))
    return [400, 'The request target must be a path.']
  return undefined
}

/**
 * Says what a browser needs for a page of text: that it loads nothing. Otherwise it would ask the listener for an icon, and a
 * page that is refused, opened by another site, would reach the service with that.
 */
const TEXT_ONLY = {
  'content-type': 'text/plain; charset=utf-8',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'",
  'cache-control': 'no-store',
}

/** Answers with a line of text; does nothing if an answer has begun. */
export function plain(
  response: ServerResponse,
  status: number,
  text: string,
  more: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {...TEXT_ONLY, ...more})
  response.end(text)
}

/**
 * Ends an answer so that the client notices that it is incomplete, after it has received everything so far. If the end of
 * the connection ends the body (HTTP/1.0), only a reset shows that.
 */
export function cutOff(response: ServerResponse): void {
  const {socket} = response
  if (!socket || response.destroyed) return void response.destroy()
  const byClosing = !response.chunkedEncoding && framedByClose.has(response)
  socket.write('', () => {
    if (byClosing) void breakOff(socket, TAKING_MS)
    else socket.destroySoon()
  })
}

/** Answers whose body ends with the connection; added by whoever writes the head. */
export const framedByClose = new WeakSet<ServerResponse>()

/** An answer on a connection that node handed over as upgraded; the last one on it. */
function responseOn(request: IncomingMessage, socket: net.Socket): ServerResponse {
  const response = new http.ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  socket.on('drain', () => {
    if (response.socket === socket) response.emit('drain')
  })
  response.once('finish', () => {
    response.detachSocket(socket)
    socket.destroySoon()
    response.emit('close')
  })
  // Node's own listener is only for responses that the server made.
  socket.once('close', () => {
    if (response.socket === socket) response.destroy()
  })
  return response
}

function raw(socket: net.Socket, status: number, text: string): void {
  const head = [
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${text}`)
  socket.destroySoon()
}

/**
 * Lets a client that is still sending read the last answer: closing a connection with unread data resets it, and the reset
 * may overtake the answer (RFC 9112, 9.6).
 */
function endSoftly(socket: net.Socket): void {
  socket.destroySoon = () => {
    if (socket.destroyed) return
    socket.end()
    socket.setTimeout(LINGER_MS, () => socket.destroy())
    socket.resume()
  }
}
