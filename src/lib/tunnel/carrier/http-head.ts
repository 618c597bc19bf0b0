import type {Duplex} from 'node:stream'

const HEAD_LIMIT = 64 * 1024

/** The head of an HTTP answer, and the bytes that came behind it. */
export interface HttpHead {
  status: number
  /** By lower-case name. */
  headers: Map<string, string>
  rest: Buffer
}

/** The answer is not one. */
export class NotHttpError extends Error {
  override readonly name = 'NotHttpError'
}

/** The other side ended before it had answered. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
}

/**
 * Reads one answer's head. The stream is paused behind it, and has no listener of ours left.
 *
 * @throws NotHttpError, NoAnswerError, or the stream's own error
 */
export function readHead(stream: Duplex, signal: AbortSignal): Promise<HttpHead> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    const settle = (): void => {
      stream.pause()
      stream.removeListener('data', onData)
      stream.removeListener('error', onError)
      stream.removeListener('close', onClose)
      signal.removeEventListener('abort', onAbort)
    }
    const onError = (error: unknown): void => {
      settle()
      reject(error instanceof Error ? error : new NoAnswerError())
    }
    const onClose = (): void => {
      onError(new NoAnswerError())
    }
    const onAbort = (): void => {
      onError(signal.reason)
    }
    const onData = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      // What is not HTTP need not be waited for: it may never end.
      const wrong = !looksLikeHttp(received) || (end < 0 && received.length > HEAD_LIMIT)
      const head = end < 0 ? undefined : parseHead(received.toString('latin1', 0, end))
      if (wrong || (end >= 0 && !head)) {
        onError(new NotHttpError())
      } else if (head) {
        settle()
        resolve({...head, rest: received.subarray(end + 4)})
      }
    }
    stream.on('data', onData)
    stream.resume()
    stream.once('error', onError)
    stream.once('close', onClose)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}

const BEGINNING = 'HTTP/1.'

function looksLikeHttp(received: Buffer): boolean {
  const length = Math.min(received.length, BEGINNING.length)
  return received.toString('latin1', 0, length) === BEGINNING.slice(0, length)
}

function parseHead(text: string): Omit<HttpHead, 'rest'> | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1]
  if (status === undefined) return undefined
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return {status: Number(status), headers}
}
