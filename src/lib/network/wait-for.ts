import type {Duplex} from 'node:stream'

/** The server closed the connection before it answered. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
}

/**
 * Waits for an event of a stream, until `take` makes a value of it. Leaves no listener behind.
 *
 * @param take returns undefined to wait for the next event
 * @param settled called once, at the same moment as the outcome: an error in between would have no listener
 * @throws what `take` throws, the stream's error or the signal's reason; NoAnswerError when the stream closes
 */
export function waitFor<T>(
  stream: Duplex,
  event: string,
  signal: AbortSignal,
  {take, settled}: {take: (argument: Buffer) => T | undefined; settled: (failed: boolean) => void},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (failed: boolean): void => {
      settled(failed)
      stream.removeListener(event, onEvent)
      stream.removeListener('error', fail)
      stream.removeListener('close', onClose)
      signal.removeEventListener('abort', onAbort)
    }
    const fail = (error: unknown): void => {
      settle(true)
      reject(error instanceof Error ? error : new NoAnswerError())
    }
    const onEvent = (argument: Buffer): void => {
      try {
        const value = take(argument)
        if (value === undefined) return
        settle(false)
        resolve(value)
      } catch (error) {
        fail(error)
      }
    }
    const onClose = (): void => {
      fail(new NoAnswerError())
    }
    const onAbort = (): void => {
      fail(signal.reason)
    }
    stream.on(event, onEvent)
    stream.once('error', fail)
    stream.once('close', onClose)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}
