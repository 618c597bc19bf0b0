import http, {type IncomingMessage, type ServerResponse} from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import {resetOnceTaken} from './tcp-peer.js'
import {framingOf, HEAD_BYTES, hasBody, valuesOf} from './http-message.js'

/** How long a client may take for the head of a request. */
const HEAD_MS = 20_000
/** How long a client that was answered may still send, once it has stopped for that long its connection is closed. */
const LINGER_MS = 10_000
/** How long a client may take nothing of what is left for it. */
export const TAKING_MS = 120_000
/** Requests that a client sends before it has the answer to the first. */
const PIPELINED = 100

/** For every HTTP server of zt's; switches of node's that make it read carelessly do not count. */
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
   * A WebSocket's beginning. What is no upgrade after all is answered by the response; otherwise it is detached from the
   * socket first. Without this, an Upgrade header is not looked at.
   */
  upgrade?(request: IncomingMessage, response: ServerResponse, end: UpgradedEnd): unknown
  /** Connections at once. */
  limit: number
  /** How long a connection may be silent, milliseconds. */
  idleMs: number
  /** What a text to the client looks like. */
  words(text: string): string
}

/** The client's end of an upgraded connection, and what came behind its head. */
export interface UpgradedEnd {
  socket: net.Socket
  head: Buffer
}

/** Status and text of a refusal. */
type Fault = [status: number, text: string]

/** A connection's requests, one after the other. */
interface Line {
  tail: Promise<unknown>
  waiting: number
  broken: boolean
  /** The one that is being answered. */
  current: {request: IncomingMessage; response: ServerResponse} | undefined
  /** The last one of which the head has come. */
  last: IncomingMessage | undefined
  /** What is wrong with the body of the last. */
  spoilt: Fault | undefined
}

/**
 * Serves requests one at a time for each connection, so that answers never mix, and lets through only those whose beginning
 * and end everybody on the way reads alike. Whatever a client sends ends its own connection at most.
 */
export function guard(server: http.Server | https.Server, serving: Serving): void {
  const {serve, upgrade, limit, idleMs, words} = serving
  // All headers count, or one of those left out could be the one that says where the body ends; their size has a limit.
  const secure = server instanceof https.Server
  // A client may close its sending side and wait for the answer; over TLS that is not done, and an end is one.
  Object.assign(server, {
    maxHeadersCount: 0,
    maxConnections: limit,
    timeout: idleMs,
    httpAllowHalfOpen: !secure,
  })
  const lines = new WeakMap<object, Line>()
  const lineOf = (socket: net.Socket): Line => {
    const line = lines.get(socket) ?? {
      tail: Promise.resolve(),
      waiting: 0,
      broken: false,
      current: undefined,
      last: undefined,
      spoilt: undefined,
    }
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
  const answer = async (
    {request, response}: {request: IncomingMessage; response: ServerResponse},
    how: () => unknown,
  ): Promise<void> => {
    const over = new Promise((resolve) => response.once('close', resolve))
    response.on('error', () => undefined)
    lineOf(request.socket).current = {request, response}
    try {
      const line = lineOf(request.socket)
      const refusal = (line.last === request ? line.spoilt : undefined) ?? faultOf(request)
      if (refusal) {
        response.shouldKeepAlive = false
        plain(response, refusal[0], words(refusal[1]))
      } else await how()
    } catch {
      if (response.headersSent) cutOff(response)
      else plain(response, 500, words('The request cannot be served.'))
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
  // Only the service knows whether it wants the body.
  server.on('checkContinue', onRequest)
  if (upgrade)
    server.on('upgrade', (request: IncomingMessage, socket: net.Socket, head: Buffer) => {
      socket.on('error', () => socket.destroy())
      inTurn(socket, () => {
        const response = responseOn(request, socket)
        // What else a client would like to speak is not looked at (RFC 9110, 7.8).
        const webSocket = request.headers.upgrade?.toLowerCase() === 'websocket' && request.method === 'GET'
        return answer({request, response}, () => {
          if (hasBody(request)) plain(response, 400, words('An upgrade has no body.'))
          else return webSocket ? upgrade(request, response, {socket, head}) : serve(request, response)
        })
      })
    })
  server.on('connect', (_request: IncomingMessage, socket: net.Socket) => {
    socket.on('error', () => socket.destroy())
    inTurn(socket, () => {
      raw(socket, 405, words('This is no proxy.'))
    })
  })
  server.on('clientError', (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as net.Socket
    const line = lineOf(socket)
    if (!socket.writable) return void socket.destroy()
    if (line.broken) return
    line.broken = true
    const [status, text] = CLIENT_ERRORS[error.code ?? ''] ?? [
      400,
      'The request is not HTTP as it should be.',
    ]
    const {current, last} = line
    // A body that is not as it should be: its own request is answered, or the answer cut off.
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
  ERR_HTTP_REQUEST_TIMEOUT: [408, `The head of the request did not come within ${HEAD_MS / 1000} s.`],
}

/** Why a request is not served to anybody: the next server might read it in another way. */
function faultOf(request: IncomingMessage): Fault | undefined {
  const {method, url = '', rawHeaders, httpVersion} = request
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return [505, 'The request is not of HTTP/1.1.']
  if (!framingOf(request)) {
    const coded = valuesOf(rawHeaders, 'content-length').length === 0 && httpVersion === '1.1'
    return [coded ? 501 : 400, 'The request does not say in one clear way where its body ends.']
  }
  const hosts = valuesOf(rawHeaders, 'host').length
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return [400, 'The request does not name one host.']
  // It would be answered with the request itself, and what was added to that.
  if (method === 'TRACE') return [405, 'TRACE is not passed on.']
  if (!url.startsWith('/') && !(method === 'OPTIONS' && url === '*'))
    return [400, 'The request does not name a path.']
  return undefined
}

/** Answers with a line of text, and nothing where an answer has begun. */
export function plain(
  response: ServerResponse,
  status: number,
  text: string,
  more: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return
  const type = 'text/plain; charset=utf-8'
  response.writeHead(status, {'content-type': type, 'cache-control': 'no-store', ...more})
  response.end(text)
}

/**
 * Ends an answer so that the client sees it was cut off, when it has got all before that. Where the end of the connection
 * is the end of the body (HTTP/1.0), only a reset tells.
 */
export function cutOff(response: ServerResponse): void {
  const {socket} = response
  if (!socket || response.destroyed) return void response.destroy()
  const byClosing = !response.chunkedEncoding && framedByClose.has(response)
  socket.write('', () => {
    if (byClosing) void reset(socket)
    else socket.destroySoon()
  })
}

/** Answers whose body ends with the connection; whoever writes the head knows. */
export const framedByClose = new WeakSet<ServerResponse>()

/** Closes a connection so that the other end does not take it for an end in order, and has got what came before. */
export async function reset(socket: net.Socket): Promise<void> {
  try {
    if (!(await resetOnceTaken(socket, TAKING_MS))) socket.resetAndDestroy()
  } catch {
    // It is none of TCP alone.
    socket.destroy()
  }
}

/** An answer on a connection that node has handed over as upgraded; it is the last there. */
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
  // Its own listener for this is for a response that the server has made.
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
 * The last answer is read even by a client that is still sending: a connection that is closed with something unread is
 * reset, and the reset may overtake the answer (RFC 9112, 9.6).
 */
function endSoftly(socket: net.Socket): void {
  socket.destroySoon = () => {
    if (socket.destroyed) return
    socket.end()
    socket.setTimeout(LINGER_MS, () => socket.destroy())
    socket.resume()
  }
}
