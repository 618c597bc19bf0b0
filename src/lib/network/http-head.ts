import type {Duplex} from 'node:stream'
import {waitFor} from './wait-for.js'

const HEAD_LIMIT = 64 * 1024
const BEGINNING = 'HTTP/1.'

/** The head of an HTTP answer, and the bytes that followed it. */
export interface HttpHead {
  status: number
  /** By lower-case name. */
  headers: Map<string, string>
  rest: Buffer
}

/** The answer is not HTTP. */
export class NotHttpError extends Error {
  override readonly name = 'NotHttpError'
}

/**
 * Reads the head of one answer, and leaves the stream paused.
 *
 * @throws NotHttpError, NoAnswerError, or the stream's own error
 */
export function readHead(stream: Duplex, signal: AbortSignal): Promise<HttpHead> {
  let received: Buffer = Buffer.alloc(0)
  const head = waitFor(stream, 'data', signal, {
    take: (chunk) => {
      // A copy: the chunk's memory may be used again.
      received = Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      // Fail early: a stream that is not HTTP may never end.
      if (!looksLikeHttp(received) || (end < 0 && received.length > HEAD_LIMIT)) throw new NotHttpError()
      return end < 0
        ? undefined
        : {...parseHead(received.toString('latin1', 0, end)), rest: received.subarray(end + 4)}
    },
    settled: () => stream.pause(),
  })
  if (!signal.aborted) stream.resume()
  return head
}

function looksLikeHttp(received: Buffer): boolean {
  const length = Math.min(received.length, BEGINNING.length)
  return received.toString('latin1', 0, length) === BEGINNING.slice(0, length)
}

function parseHead(text: string): Omit<HttpHead, 'rest'> {
  const [first = '', ...lines] = text.split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1]
  if (status === undefined) throw new NotHttpError()
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return {status: Number(status), headers}
}
