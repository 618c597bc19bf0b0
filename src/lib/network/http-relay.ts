import type {ClientRequest, IncomingMessage, InformationEvent, ServerResponse} from 'node:http'
import type net from 'node:net'
import {endOf} from './connection-end.js'
import {abandon, dropSocket, readThrough} from './lossless-socket.js'
import {cutOff, framedByClose, TAKING_MS, type Exchange, type UpgradedEnd} from './http-listener.js'
import {breakOff} from './tcp-peer.js'
import {framingOf, trailersOf, valuesOf, type Header} from './http-message.js'

/** The most provisional answers to one request; a server that sends more would never stop. */
const PROVISIONAL = 1000
/** How long the other end of an upgraded connection may take to notice the end. */
const END_MS = 10_000

/** An answer and the request it belongs to; if it was upgraded, with the connection. */
export interface Sent {
  answer: IncomingMessage
  upstream: ClientRequest
  /** Set when the connection failed before the end of the answer. */
  cut: boolean
  far?: UpgradedEnd
}

/** The headers that tell the next server how the request ends and what it may send. */
export function framingHeaders(request: IncomingMessage): Header[] {
  const {rawHeaders, method = '', httpVersion, headers} = request
  const framing = framingOf(request)
  const hop: Header[] = []
  // A server sends trailers only to a client that asks for them on this connection (RFC 9110, 10.1.4).
  if (/(^|,)\s*trailers\s*($|,)/i.test(valuesOf(rawHeaders, 'te').join(',')))
    hop.push(['TE', 'trailers'], ['Connection', 'keep-alive, TE'])
  if (framing?.kind === 'chunked') {
    for (const value of valuesOf(rawHeaders, 'trailer')) hop.push(['Trailer', value])
    hop.push(['Transfer-Encoding', 'chunked'])
  }
  if (framing?.kind === 'length') hop.push(['Content-Length', framing.length])
  // Otherwise node would announce a body.
  if (framing?.kind === 'none' && !['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(method))
    hop.push(['Content-Length', '0'])
  const wants = /^100-continue$/i.test(headers.expect ?? '') && httpVersion === '1.1'
  if (wants && framing?.kind !== 'none') hop.push(['Expect', '100-continue'])
  return hop
}

/**
 * Sends a request on, with its body and trailers as they arrive, and passes provisional answers (1xx) back. The answer may
 * arrive before the body is sent; the rest of the body is then still sent while the server takes it.
 *
 * @param rewrite changes the headers of a provisional answer
 * @throws the connection's error if there is no answer
 */
export function sendOn(
  {request, response}: Exchange,
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
    upstream.on('information', (info) => {
      if (++provisional > PROVISIONAL) return void upstream.destroy(new Error('too many provisional answers'))
      passProvisional({request, response}, info, rewrite(info.rawHeaders))
    })
    sendBody(request, upstream)
  })
}

function sendBody(request: IncomingMessage, upstream: ClientRequest): void {
  const framing = framingOf(request)
  if (framing?.kind === 'none') return void upstream.end()
  // The head goes out at once: the client may wait for `100 Continue` before it sends the body.
  upstream.flushHeaders()
  let open = true
  upstream.once('close', () => {
    open = false
    // A client that was answered early may still be sending, and reads the answer only afterwards.
    request.resume()
  })
  request.on('data', (chunk: Buffer) => {
    if (open) write(chunk, request, upstream)
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

function passProvisional(
  {request, response}: Exchange,
  {statusCode, statusMessage}: InformationEvent,
  headers: Header[],
): void {
  const {socket} = response
  // They are optional: HTTP/1.0 has none, and they must not pile up for a client that does not read.
  if (request.httpVersion !== '1.1' || response.headersSent || !socket || socket.writableNeedDrain) return
  if (statusCode === 100) {
    if (request.headers.expect !== undefined) response.writeContinue()
    return
  }
  socket.write(headOf(statusCode, statusMessage, headers), 'latin1')
}

function headOf(status: number, text = '', headers: Header[]): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `HTTP/1.1 ${status} ${text}\r\n${lines}\r\n`
}

/** Why an answer cannot be passed on; undefined if it can. */
export function faultOfAnswer({answer}: Sent): string | undefined {
  if (!framingOf(answer)) return 'The answer does not clearly say where its body ends.'
  const {statusCode = 0} = answer
  return statusCode < 200 || statusCode > 599 ? `The answer has the status ${statusCode}.` : undefined
}

/** Writes a chunk, and pauses its source while the target is full. */
function write(chunk: Buffer, from: IncomingMessage, to: ClientRequest | ServerResponse): void {
  if (to.write(chunk)) return
  from.pause()
  to.once('drain', () => from.resume())
}

/** How an answer ended. `bare`: with the connection, without TLS's close_notify. */
export type AnswerEnd = 'whole' | 'bare' | 'cut'

/**
 * Passes an answer back to its last byte, with its trailers. The client notices when it is cut off: a body that ends with
 * its connection is complete only if that ended regularly.
 */
export function passBack(
  {request, response}: Exchange,
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
    write(chunk, answer, response)
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

/** Answers that the connection is upgraded, and from then on carries bytes between it and the far end. */
export function join(
  {response, near}: {response: ServerResponse; near: UpgradedEnd},
  {answer, far}: Sent & {far: UpgradedEnd},
  headers: Header[],
): void {
  response.detachSocket(near.socket)
  const all: Header[] = [...headers, ['Connection', 'Upgrade'], ['Upgrade', 'websocket']]
  near.socket.write(headOf(101, answer.statusMessage, all), 'latin1')
  // From here on the two ends decide how long it may be idle.
  for (const {socket} of [far, near]) socket.setTimeout(0)
  if (far.head.length > 0) near.socket.write(far.head)
  if (near.head.length > 0) far.socket.write(near.head)
  carryOver(far.socket, near.socket)
  carryOver(near.socket, far.socket)
  response.emit('close')
}

/** Passes an end on as an end and a failure as a failure, each after what came before it. */
function carryOver(from: net.Socket, to: net.Socket): void {
  readThrough(from, {readableLength: 0})
  from.on('error', () => undefined)
  from.pipe(to, {end: false})
  from.once('end', () => to.end())
  from.once('close', () => {
    if (to.destroyed) return
    // What it still sends goes nowhere.
    to.resume()
    to.setTimeout(to.writableFinished ? END_MS : TAKING_MS, () => {
      dropSocket(to)
    })
    to.once('finish', () => to.setTimeout(END_MS))
    if (!from.readableEnded)
      to.write('', () => {
        void breakOff(to, TAKING_MS)
      })
  })
}
