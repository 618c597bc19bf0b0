import type {ClientRequest, IncomingMessage, ServerResponse} from 'node:http'
import type net from 'node:net'
import {endOf} from './connection-end.js'
import {abandon, dropSocket, readThrough} from './lossless-socket.js'
import {cutOff, TAKING_MS, framedByClose, reset, type UpgradedEnd} from './http-listener.js'
import {framingOf, trailersOf, valuesOf, type Header} from './http-message.js'

/** Provisional answers to one request; a server that sends more sends for ever. */
const PROVISIONAL = 1000
/** How long the other end of an upgraded connection may take to see that it has ended. */
const END_MS = 10_000

/** An answer, with the request that it is to; with the connection behind it, if that was upgraded. */
export interface Sent {
  answer: IncomingMessage
  upstream: ClientRequest
  /** Set when the connection failed before the answer's end. */
  cut: boolean
  far?: UpgradedEnd
}

/** Passed on when it was sent: what the next server needs to know of how the message ends, and what it may send. */
export function framingHeaders(request: IncomingMessage): Header[] {
  const {rawHeaders, method = '', httpVersion, headers} = request
  const framing = framingOf(request)
  const hop: Header[] = []
  // Trailers only come to whoever says so, on this connection (RFC 9110, 10.1.4).
  if (/(^|,)\s*trailers\s*($|,)/i.test(valuesOf(rawHeaders, 'te').join(',')))
    hop.push(['TE', 'trailers'], ['Connection', 'keep-alive, TE'])
  if (framing?.kind === 'chunked') {
    for (const value of valuesOf(rawHeaders, 'trailer')) hop.push(['Trailer', value])
    hop.push(['Transfer-Encoding', 'chunked'])
  }
  if (framing?.kind === 'length') hop.push(['Content-Length', framing.length])
  // Without it, node would announce a body.
  if (framing?.kind === 'none' && !['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(method))
    hop.push(['Content-Length', '0'])
  const wants = /^100-continue$/i.test(headers.expect ?? '') && httpVersion === '1.1'
  if (wants && framing?.kind !== 'none') hop.push(['Expect', '100-continue'])
  return hop
}

/**
 * Sends a request on, its body and trailers as they come, and passes provisional answers (1xx) back. The answer may come
 * before the body is sent; what is left of it is then sent as long as it is taken, and read to its end.
 *
 * @param rewrite what becomes of a provisional answer's headers
 * @throws the connection's error, where there is no answer
 */
export function sendOn(
  {request, response}: {request: IncomingMessage; response: ServerResponse},
  upstream: ClientRequest,
  rewrite: (raw: readonly string[]) => Header[],
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    let sent: Sent | undefined
    const settle = (answer: IncomingMessage, far?: UpgradedEnd): void => {
      sent = {answer, upstream, cut: false, ...(far && {far})}
      resolve(sent)
    }
    const gone = (): void => {
      abandon(upstream)
    }
    response.once('close', gone)
    upstream.once('close', () => response.removeListener('close', gone))
    upstream.on('error', (error) => {
      if (!sent) reject(error)
      else if (!sent.answer.complete) sent.cut = true
    })
    upstream.once('response', settle)
    upstream.once('upgrade', (answer, socket, head) => {
      response.removeListener('close', gone)
      settle(answer, {socket: socket, head})
    })
    let provisional = 0
    upstream.on('information', ({statusCode, statusMessage, rawHeaders}) => {
      if (++provisional > PROVISIONAL) return void upstream.destroy(new Error('too many provisional answers'))
      passProvisional({request, response}, {statusCode, statusMessage, headers: rewrite(rawHeaders)})
    })
    sendBody(request, upstream)
  })
}

function sendBody(request: IncomingMessage, upstream: ClientRequest): void {
  const framing = framingOf(request)
  if (framing?.kind === 'none') return void upstream.end()
  // The head goes out at once: the client may wait with the body until it is asked for it.
  upstream.flushHeaders()
  let open = true
  upstream.once('close', () => {
    open = false
    // Whoever was answered early may still be sending, and would otherwise never read.
    request.resume()
  })
  request.on('data', (chunk: Buffer) => {
    if (open && !upstream.write(chunk)) {
      request.pause()
      upstream.once('drain', () => request.resume())
    }
  })
  request.once('end', () => {
    if (!open) return
    if (framing?.kind === 'chunked') upstream.addTrailers(trailersOf(request.rawTrailers))
    upstream.end()
  })
  request.once('error', () => undefined)
  request.once('aborted', () => {
    abandon(upstream)
  })
}

interface Provisional {
  statusCode: number
  statusMessage: string
  headers: Header[]
}

function passProvisional(
  {request, response}: {request: IncomingMessage; response: ServerResponse},
  {statusCode, statusMessage, headers}: Provisional,
): void {
  const {socket} = response
  // They are advice: HTTP/1.0 knows none, and a client that does not read gets none heaped up.
  if (request.httpVersion !== '1.1' || response.headersSent || !socket || socket.writableNeedDrain) return
  if (statusCode === 100) {
    if (request.headers.expect !== undefined) response.writeContinue()
    return
  }
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines}\r\n`, 'latin1')
}

/** What makes an answer impossible to pass on; undefined when it can be. */
export function faultOfAnswer({answer}: Sent): string | undefined {
  if (!framingOf(answer)) return 'The answer does not say in one clear way where its body ends.'
  const {statusCode = 0} = answer
  return statusCode < 200 || statusCode > 599 ? `The answer has the status ${statusCode}.` : undefined
}

/** How an answer ended: `bare` where its end was the connection's, and TLS did not say so. */
export type AnswerEnd = 'whole' | 'bare' | 'cut'

/**
 * Passes an answer back to its last byte, with its trailers. One that is cut off looks so to the client: a body that ends
 * with its connection is whole only where that ended in order.
 */
export function passBack(
  {request, response}: {request: IncomingMessage; response: ServerResponse},
  sent: Sent,
  rewritten: Header[],
  onEnd: (how: AnswerEnd) => void = () => undefined,
): void {
  const {answer, upstream} = sent
  const {socket} = upstream
  const {statusCode = 502, statusMessage = ''} = answer
  const framing = framingOf(answer)
  const headers = [...rewritten]
  const bodiless = request.method === 'HEAD' || statusCode === 204 || statusCode === 304
  if (framing?.kind === 'length' && statusCode !== 204) headers.push(['Content-Length', framing.length])
  const byClosing = framing?.kind === 'none' && !bodiless
  const chunks = framing?.kind === 'chunked' && !bodiless && request.httpVersion === '1.1'
  if (chunks) for (const value of valuesOf(answer.rawHeaders, 'trailer')) headers.push(['Trailer', value])
  if (framing?.kind !== 'length' && request.httpVersion === '1.0' && !bodiless) framedByClose.add(response)
  response.writeHead(statusCode, statusMessage, headers.flat())
  response.flushHeaders()
  const taken = readThrough(socket, answer)
  answer.on('data', (chunk: Buffer) => {
    if (!response.write(chunk)) {
      answer.pause()
      response.once('drain', () => answer.resume())
    }
    taken()
  })
  let over = false
  const end = (whole: boolean): void => {
    if (over) return
    over = true
    taken()
    const closed = byClosing && socket ? endOf(socket) : 'orderly'
    const cut = !whole || closed === 'reset'
    if (!response.destroyed) onEnd(cut ? 'cut' : closed === 'bare' ? 'bare' : 'whole')
    if (cut) return void cutOff(response)
    if (chunks) response.addTrailers(trailersOf(answer.rawTrailers))
    response.end()
  }
  answer.once('end', () => {
    end(answer.complete && !sent.cut)
  })
  answer.on('error', () => {
    end(false)
  })
  answer.once('close', () => {
    end(false)
  })
}

/** Tells the client that its connection is upgraded, and carries between it and the far end from then on. */
export function join(
  {response, near}: {response: ServerResponse; near: UpgradedEnd},
  {answer, far}: Sent & {far: UpgradedEnd},
  headers: Header[],
): void {
  response.detachSocket(near.socket)
  const lines = [...headers, ['Connection', 'Upgrade'], ['Upgrade', 'websocket']].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  near.socket.write(`HTTP/1.1 101 ${answer.statusMessage ?? ''}\r\n${lines.join('')}\r\n`, 'latin1')
  // From here on the two ends keep the connection alive, or not.
  for (const {socket} of [far, near]) socket.setTimeout(0)
  if (far.head.length > 0) near.socket.write(far.head)
  if (near.head.length > 0) far.socket.write(near.head)
  carryOver(far.socket, near.socket)
  carryOver(near.socket, far.socket)
  response.emit('close')
}

/** An end is passed on as an end and a failure as one, each behind what came before it. */
function carryOver(from: net.Socket, to: net.Socket): void {
  readThrough(from, {readableLength: 0})
  from.on('error', () => undefined)
  from.pipe(to, {end: false})
  from.once('end', () => to.end())
  from.once('close', () => {
    if (to.destroyed) return
    // What it still sends leads nowhere.
    to.resume()
    to.setTimeout(to.writableFinished ? END_MS : TAKING_MS, () => {
      dropSocket(to)
    })
    to.once('finish', () => to.setTimeout(END_MS))
    if (!from.readableEnded)
      to.write('', () => {
        void reset(to)
      })
  })
}
