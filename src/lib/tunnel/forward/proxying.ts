import http, {type IncomingMessage, type ServerResponse} from 'node:http'
import net from 'node:net'
import type {Duplex} from 'node:stream'
import {pipeline} from 'node:stream'
import {UserError} from '../../core/errors.js'
import {redact} from '../../core/redact.js'
import type {ServiceCredentials} from '../../secrets/types.js'
import {askAccess, probeHeaders, type AcceptedSecret} from '../accepted-secret.js'
import {edgeFailed} from '../carrier/connect-errors.js'
import type {EdgeAgent} from '../carrier/edge-connection.js'
import {edgeRequest, judgeMessage} from '../edge-request.js'
import type {Target} from '../target.js'
import type {Callers} from './callers.js'
import {requestHeaders, responseHeaders, type Header} from './headers.js'
import type {ForwardEvents} from './types.js'

export interface ProxyingOptions {
  target: Target
  singleHeader?: string | undefined
  events: ForwardEvents
}

export interface Surroundings {
  agent: EdgeAgent
  /** For connections that do not come back: those that are upgraded. */
  single: EdgeAgent
  secret: AcceptedSecret
  callers: Callers
  idleMs: number
  upgraded: Set<Duplex>
  /** The listener's own `ADDRESS:PORT`. */
  own: string
}

/** Passes requests and upgrades on to the edge, and the answers back. */
export class Proxying {
  served = 0
  readonly #options: ProxyingOptions
  readonly #around: Surroundings

  constructor(options: ProxyingOptions, around: Surroundings) {
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
    const failed = (error: unknown): void => {
      // A client that is gone is told nothing, and what ended with it is no failure.
      if (response.destroyed) return
      const [status, text] = this.#answerTo(error)
      if (response.headersSent) response.destroy()
      else plain(response, status, text)
    }
    this.#accepted(request, (pair) => this.#send(request, response, pair, failed)).then(
      ({answer}) => this.#answer(request, response, answer),
      failed,
    )
  }

  /** Sends a request once, or once more where the connection was stale. */
  #send(
    request: IncomingMessage,
    response: ServerResponse,
    pair: ServiceCredentials,
    failedLate: (error: unknown) => void,
    again = false,
  ): Promise<Sent> {
    const body = hasBody(request)
    const headers = this.#headersFor(request, pair)
    if (request.headers['transfer-encoding'] !== undefined) headers.push(['Transfer-Encoding', 'chunked'])
    return new Promise((resolve, reject) => {
      const upstream = this.#open(request, headers, this.#around.agent)
      const gone = (): void => {
        upstream.destroy()
      }
      response.once('close', gone)
      let answered = false
      upstream.on('error', (error) => {
        response.removeListener('close', gone)
        if (answered) {
          failedLate(error)
          return
        }
        // The edge had closed a connection that was kept; nothing was sent on it.
        const stale = upstream.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET'
        if (stale && !again && !response.destroyed && isRepeatable(request))
          resolve(this.#send(request, response, pair, failedLate, true))
        else reject(error)
      })
      upstream.once('response', (answer) => {
        answered = true
        resolve({answer})
      })
      if (!body) upstream.end()
      else
        pipeline(request, upstream, (error) => {
          // What went wrong is told by the upstream's own event; a client that is gone is told nothing.
          if (error) upstream.destroy()
        })
    })
  }

  /** With the secret that Access accepts: a refused request is sent once more where it can be, or asked for before. */
  async #accepted(
    request: IncomingMessage,
    send: (pair: ServiceCredentials) => Promise<Sent>,
  ): Promise<Sent> {
    const {secret, agent} = this.#around
    const {target, singleHeader} = this.#options
    const {edge} = target
    const repeatable = isRepeatable(request)
    if (!repeatable) {
      await secret.decide((pair) =>
        askAccess({agent, edge, path: request.url, headers: probeHeaders(edge.host, pair, singleHeader)}),
      )
    }
    const {pair} = secret
    const first = await send(pair)
    const other = secret.heard(pair, judgeMessage(first.answer))
    if (!repeatable || !other) return first
    const second = await send(other).catch(() => undefined)
    if (!second) return first
    const judgement = judgeMessage(second.answer)
    secret.heard(other, judgement)
    const [taken, left] = judgement.by === 'nobody' ? [second, first] : [first, second]
    left.answer.destroy()
    return taken
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
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    this.#accepted(request, (pair) => this.#sendUpgrade(request, socket, pair)).then(
      async ({answer, far}) => {
        if (far) {
          this.#join(answer, far, {socket, head})
          return
        }
        const refused = await this.#explain(request, answer)
        answer.destroy()
        const status = answer.statusCode ?? 502
        raw(socket, refused === undefined ? status : 502, refused ?? `The service answered ${status}.`)
      },
      (error: unknown) => {
        if (!socket.destroyed) raw(socket, ...this.#answerTo(error))
      },
    )
  }

  #sendUpgrade(request: IncomingMessage, socket: Duplex, pair: ServiceCredentials): Promise<Sent> {
    const headers = this.#headersFor(request, pair)
    headers.push(['Connection', 'Upgrade'], ['Upgrade', 'websocket'])
    return new Promise((resolve, reject) => {
      const upstream = this.#open(request, headers, this.#around.single)
      const gone = (): void => {
        upstream.destroy()
      }
      const settle = (sent: Sent): void => {
        socket.removeListener('close', gone)
        resolve(sent)
      }
      socket.once('close', gone)
      upstream.on('error', reject)
      upstream.once('response', (answer) => {
        settle({answer})
      })
      upstream.once('upgrade', (answer, far, farHead) => {
        settle({answer, far: {socket: far, head: farHead}})
      })
      upstream.end()
    })
  }

  #join(answer: IncomingMessage, far: Side, near: Side): void {
    const {host} = this.#options.target.edge
    const lines = responseHeaders(answer.rawHeaders, {host, base: ''})
      .concat([
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
      ])
      .map(([name, value]) => `${name}: ${value}\r\n`)
    // From here on the two ends keep the connection alive, or not.
    for (const {socket} of [far, near]) if (socket instanceof net.Socket) socket.setTimeout(0)
    near.socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`)
    if (far.head.length > 0) near.socket.write(far.head)
    if (near.head.length > 0) far.socket.write(near.head)
    pipeline(far.socket, near.socket, () => near.socket.destroy())
    pipeline(near.socket, far.socket, () => far.socket.destroy())
  }

  #refusalOf({headers}: IncomingMessage): string | undefined {
    const fetchSite = headers['sec-fetch-site']
    return this.#around.callers.refusal({
      host: headers.host,
      origin: headers.origin,
      fetchSite: typeof fetchSite === 'string' ? fetchSite : undefined,
    })
  }

  #headersFor(request: IncomingMessage, credentials: ServiceCredentials): Header[] {
    const {target, singleHeader} = this.#options
    return requestHeaders({
      raw: request.rawHeaders,
      host: target.edge.host,
      credentials,
      singleHeader,
      isOwnOrigin: (origin) => this.#around.callers.isOwnOrigin(origin),
    })
  }

  /** @throws Unsendable where node finds the request's path or headers impossible */
  #open({method, url}: IncomingMessage, headers: Header[], agent: EdgeAgent): http.ClientRequest {
    const {edge} = this.#options.target
    try {
      return edgeRequest({agent, edge, method, path: url, headers, idleMs: this.#around.idleMs})
    } catch {
      throw new Unsendable()
    }
  }

  async #explain(request: IncomingMessage, answer: IncomingMessage): Promise<string | undefined> {
    const judgement = judgeMessage(answer)
    const {by} = judgement
    if (by === 'nobody') return undefined
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    const {text, certain} = await this.#options.events.explain(judgement, path)
    return by !== 'unknown' || certain ? text : undefined
  }

  /** Status and text for the client, of an error on the way to the edge. */
  #answerTo(error: unknown): [status: number, text: string] {
    if (error instanceof Unsendable) return [400, 'The request cannot be passed on as it is.']
    const known = error instanceof UserError ? error : edgeFailed(this.#options.target.edge, 'answer', error)
    this.#options.events.onFailure(known)
    return [502, `${known.message}.`]
  }
}

/** An answer of the edge's; with the connection behind it, if that was upgraded. */
interface Sent {
  answer: IncomingMessage
  far?: Side
}

/** One end of an upgraded connection, and what had come behind its head. */
interface Side {
  socket: Duplex
  head: Buffer
}

class Unsendable extends Error {
  override readonly name = 'Unsendable'
}

function hasBody({headers}: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Whether a request that got no answer, or a refusal, may be sent once more. */
function isRepeatable(request: IncomingMessage): boolean {
  return !hasBody(request) && ['GET', 'HEAD'].includes(request.method ?? '')
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
