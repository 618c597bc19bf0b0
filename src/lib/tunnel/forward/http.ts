import http, {type IncomingMessage, type ServerResponse} from 'node:http'
import https from 'node:https'
import type {AddressInfo} from 'node:net'
import type {Duplex} from 'node:stream'
import {pipeline} from 'node:stream'
import type tls from 'node:tls'
import {UserError} from '../../core/errors.js'
import {redact} from '../../core/redact.js'
import {edgeFailed, timedOut} from '../carrier/connect-errors.js'
import {addressOf} from '../carrier/handshake.js'
import {trustContext} from '../carrier/trust.js'
import {judgeAnswer} from '../refused-by.js'
import type {Target} from '../target.js'
import {Callers} from './callers.js'
import {requestHeaders, responseHeaders, type Header} from './headers.js'
import {authorityOf, listenError, type ListenAddress} from './listen.js'
import {CLOSE_MS, CONNECTION_LIMIT, type Forward, type ForwardEvents} from './types.js'

export interface HttpForwardOptions {
  target: Target
  listen: ListenAddress
  singleHeader?: string | undefined
  allowedOrigins?: readonly string[] | undefined
  /** For connecting to the edge, milliseconds. */
  timeoutMs?: number | undefined
  /** How long an answer may take, and how long either side may be silent; milliseconds. */
  idleMs?: number | undefined
  events: ForwardEvents
}

const CONNECT_MS = 15_000
const HEAD_MS = 20_000
const IDLE_MS = 300_000

/**
 * Listens for HTTP requests and passes each to the edge with the token's headers, WebSockets included. Nothing is
 * followed, stored or changed but for what {@link requestHeaders} and {@link responseHeaders} say.
 *
 * @throws UserError `conflict` / `CANNOT_LISTEN`, `config` / `BAD_CA_FILE`
 */
export async function forwardHttp(options: HttpForwardOptions): Promise<Forward> {
  const {target, listen, idleMs = IDLE_MS} = options
  const secureContext = await trustContext(target.edge.caFile)
  const agent = new https.Agent({keepAlive: true, maxSockets: CONNECTION_LIMIT, maxFreeSockets: 32})
  // A body may take as long as it moves; silence is what ends a connection.
  const server = http.createServer({
    headersTimeout: HEAD_MS,
    requestTimeout: 0,
    noDelay: true,
    keepAlive: true,
  })
  server.maxConnections = CONNECTION_LIMIT
  server.timeout = idleMs
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(listenError(listen, error))
    })
    server.listen({host: listen.address, port: listen.port}, resolve)
  })
  const bound = {address: listen.address, port: (server.address() as AddressInfo).port}
  const callers = new Callers({listen: bound, allowedOrigins: options.allowedOrigins ?? []})
  const upgraded = new Set<Duplex>()
  const proxy = new Proxying(options, {
    agent,
    secureContext,
    callers,
    idleMs,
    upgraded,
    own: authorityOf(bound),
  })
  server.on('request', (request, response) => {
    proxy.serve(request, response)
  })
  server.on('upgrade', (request, socket, head) => {
    proxy.upgrade(request, socket, head)
  })
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
  })
  return {
    listen: bound,
    served: () => proxy.served,
    close: () =>
      new Promise((resolve) => {
        const force = setTimeout(() => {
          server.closeAllConnections()
        }, CLOSE_MS)
        server.close(() => {
          clearTimeout(force)
          agent.destroy()
          resolve()
        })
        server.closeIdleConnections()
        for (const socket of upgraded) socket.destroy()
      }),
  }
}

interface Surroundings {
  agent: https.Agent
  secureContext: tls.SecureContext
  callers: Callers
  idleMs: number
  upgraded: Set<Duplex>
  /** The listener's own `ADDRESS:PORT`. */
  own: string
}

class Proxying {
  served = 0
  readonly #options: HttpForwardOptions
  readonly #around: Surroundings

  constructor(options: HttpForwardOptions, around: Surroundings) {
    this.#options = options
    this.#around = around
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    this.served++
    const refusal = this.#refusalOf(request)
    if (refusal !== undefined) {
      plain(response, 403, refusal)
      return
    }
    if (!request.url?.startsWith('/') && !(request.method === 'OPTIONS' && request.url === '*')) {
      plain(response, 400, 'The request does not name a path.')
      return
    }
    this.#send(request, response)
  }

  #send(request: IncomingMessage, response: ServerResponse, again = false): void {
    const hasBody =
      request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
    const headers = this.#headersFor(request)
    if (request.headers['transfer-encoding'] !== undefined) headers.push(['Transfer-Encoding', 'chunked'])
    const upstream = this.#open(request, headers, this.#around.agent)
    if (!upstream) {
      plain(response, 400, 'The request cannot be passed on as it is.')
      return
    }
    const gone = (): void => {
      upstream.destroy()
    }
    response.once('close', gone)
    upstream.once('error', (error) => {
      response.removeListener('close', gone)
      // The edge had closed a connection that was kept; nothing was sent on it.
      const stale = upstream.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET'
      if (
        stale &&
        !hasBody &&
        !again &&
        !response.destroyed &&
        ['GET', 'HEAD'].includes(request.method ?? '')
      ) {
        this.#send(request, response, true)
        return
      }
      this.#failed(response, error)
    })
    upstream.once('response', (answer) => {
      void this.#answer(request, response, answer)
    })
    if (!hasBody) upstream.end()
    else
      pipeline(request, upstream, (error) => {
        // What went wrong is told by the upstream's own event; a client that is gone is told nothing.
        if (error) upstream.destroy()
      })
  }

  async #answer(request: IncomingMessage, response: ServerResponse, answer: IncomingMessage): Promise<void> {
    const refused = await this.#explain(request, answer)
    if (refused !== undefined) {
      answer.destroy()
      plain(response, 502, refused)
      return
    }
    if (response.destroyed) return void answer.destroy()
    const {host} = this.#options.target.edge
    const base = `http://${request.headers.host ?? this.#around.own}`
    const headers = responseHeaders(answer.rawHeaders, {host, base})
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', headers.flat())
    response.flushHeaders()
    // An answer that is cut off must look so to the client: pipeline then destroys the response.
    pipeline(answer, response, () => undefined)
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.served++
    const {upgraded} = this.#around
    socket.on('error', () => socket.destroy())
    const refusal = this.#refusalOf(request)
    if (refusal !== undefined) {
      raw(socket, 403, refusal)
      return
    }
    if (request.headers.upgrade?.toLowerCase() !== 'websocket' || !request.url?.startsWith('/')) {
      raw(socket, 400, 'Of upgrades only WebSockets pass.')
      return
    }
    const headers = this.#headersFor(request)
    headers.push(['Connection', 'Upgrade'], ['Upgrade', 'websocket'])
    const upstream = this.#open(request, headers, false)
    if (!upstream) {
      raw(socket, 400, 'The request cannot be passed on as it is.')
      return
    }
    upgraded.add(socket)
    socket.once('close', () => {
      upgraded.delete(socket)
      upstream.destroy()
    })
    upstream.once('error', (error) => {
      raw(socket, 502, this.#toldOf(error))
    })
    upstream.once('response', (answer) => {
      void this.#explain(request, answer).then((refused) => {
        answer.destroy()
        const status = answer.statusCode ?? 502
        raw(socket, refused === undefined ? status : 502, refused ?? `The service answered ${status}.`)
      })
    })
    upstream.once('upgrade', (answer, far, farHead) => {
      const lines = responseHeaders(answer.rawHeaders, {host: this.#options.target.edge.host, base: ''})
        .concat([
          ['Connection', 'Upgrade'],
          ['Upgrade', 'websocket'],
        ])
        .map(([name, value]) => `${name}: ${value}\r\n`)
      // From here on the two ends keep the connection alive, or not.
      far.setTimeout(0)
      if ('setTimeout' in socket) (socket as typeof far).setTimeout(0)
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`)
      if (farHead.length > 0) socket.write(farHead)
      if (head.length > 0) far.write(head)
      pipeline(far, socket, () => socket.destroy())
      pipeline(socket, far, () => far.destroy())
    })
    upstream.end()
  }

  #refusalOf({headers}: IncomingMessage): string | undefined {
    const fetchSite = headers['sec-fetch-site']
    return this.#around.callers.refusal({
      host: headers.host,
      origin: headers.origin,
      fetchSite: typeof fetchSite === 'string' ? fetchSite : undefined,
    })
  }

  #headersFor(request: IncomingMessage): Header[] {
    const {target, singleHeader} = this.#options
    return requestHeaders({
      raw: request.rawHeaders,
      host: target.edge.host,
      credentials: target.credentials,
      singleHeader,
      isOwnOrigin: (origin) => this.#around.callers.isOwnOrigin(origin),
    })
  }

  /** Undefined where node finds the request's path or headers impossible. */
  #open(
    request: IncomingMessage,
    headers: Header[],
    agent: https.Agent | false,
  ): http.ClientRequest | undefined {
    const {secureContext, idleMs} = this.#around
    const {edge} = this.#options.target
    const {timeoutMs = CONNECT_MS} = this.#options
    const {host, port} = addressOf(edge)
    let upstream: http.ClientRequest
    try {
      upstream = https.request({
        ...{agent, host, port, servername: edge.host, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1']},
        ...{method: request.method, path: request.url, headers: headers.flat()},
        // Passed on to tls.connect, though the types do not say so.
        ...{secureContext},
      })
    } catch {
      return undefined
    }
    let connected = false
    const timer = setTimeout(
      () => upstream.destroy(timedOut(edge, undefined, 'connect', timeoutMs)),
      timeoutMs,
    )
    const done = (): void => {
      connected = true
      clearTimeout(timer)
    }
    upstream.once('socket', (socket) => {
      if (upstream.reusedSocket) done()
      else socket.once('secureConnect', done)
    })
    upstream.once('close', done)
    upstream.setTimeout(idleMs, () =>
      upstream.destroy(timedOut(edge, undefined, connected ? 'answer' : 'connect', idleMs)),
    )
    return upstream
  }

  async #explain(request: IncomingMessage, answer: IncomingMessage): Promise<string | undefined> {
    const headers = new Map(
      Object.entries(answer.headers).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name, value] as const] : [],
      ),
    )
    const {by, refusal} = judgeAnswer(answer.statusCode ?? 0, headers)
    if (by === 'nobody') return undefined
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    const {text, certain} = await this.#options.events.explain(refusal, path)
    return by === 'access' || certain ? text : undefined
  }

  #failed(response: ServerResponse, error: unknown): void {
    const text = this.#toldOf(error)
    if (response.headersSent || response.destroyed) response.destroy()
    else plain(response, 502, text)
  }

  /** What the client is told of an error on the way to the edge. */
  #toldOf(error: unknown): string {
    const known = error instanceof UserError ? error : edgeFailed(this.#options.target.edge, 'answer', error)
    this.#options.events.onFailure(known)
    return `${known.message}.`
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store'})
  response.end(`zt: ${redact(text)}\n`)
}

function raw(socket: Duplex, status: number, text: string): void {
  if (!socket.writable) return
  const body = `zt: ${redact(text)}\n`
  const head = [
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
