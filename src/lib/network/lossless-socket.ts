import type {ClientRequest} from 'node:http'
import type net from 'node:net'
import {UserError} from '../core/errors.js'
import {keepLastBytes, onWriteError} from './connection-end.js'

/** Holds bytes that were read from a socket and not taken yet. */
interface Reader {
  readableLength: number
}

interface Kept {
  /** Writing has failed. */
  deaf: boolean
  reader: Reader | undefined
  abandoned: boolean
  settle(): void
}

const sockets = new WeakMap<object, Kept>()

/**
 * Makes a connection deliver everything that has arrived. Node destroys a socket at its first error and drops what was
 * read and not taken yet: the answer that a slow client has not fetched when the connection is reset, or the answer to an
 * upload that the server stopped reading. Here
 * - a failed write ends only the writing ({@link keepLastBytes}): the answer may have arrived already;
 * - a failure is reported when everything before it has been taken.
 */
export function keepReading<T extends net.Socket>(socket: T): T {
  keepLastBytes(socket, socket)
  const final = socket._final.bind(socket)
  socket._final = (callback) => {
    if (kept.deaf) callback()
    else
      final(() => {
        callback()
      })
  }
  const destroy = socket.destroy.bind(socket)
  let waiting: {error: Error | undefined} | undefined
  const unread = (): boolean =>
    (kept.reader?.readableLength ?? 0) > 0 || (socket.readableLength > 0 && socket.listenerCount('data') > 0)
  const kept: Kept = {
    deaf: false,
    reader: undefined,
    abandoned: false,
    settle: () => {
      if (waiting && !unread()) destroy(waiting.error)
    },
  }
  sockets.set(socket, kept)
  onWriteError(socket, () => (kept.deaf = true))
  socket.destroy = (error) => {
    // A limit that zt sets is not a failure of the connection.
    if (kept.abandoned || error instanceof UserError || !unread()) return destroy(error)
    if (!waiting) socket.on('data', () => setImmediate(kept.settle))
    waiting ??= {error}
    return socket
  }
  return socket
}

/** Whether a connection of {@link keepReading} can carry another request: everything was read, and writing works. */
export function isReusable(socket: net.Socket): boolean {
  return socket.readableLength === 0 && sockets.get(socket)?.deaf === false
}

/** Registers who takes what arrives, and gets a failure only after that. @returns a function to call after each piece */
export function readThrough(socket: object | null, reader: Reader): () => void {
  const kept = sockets.get(socket ?? {})
  if (!kept) return () => undefined
  kept.reader = reader
  return () => setImmediate(kept.settle)
}

/** Gives up a request and whatever may still arrive for it. */
export function abandon(request: ClientRequest): void {
  // Its connection may belong to another request by now.
  if (request.closed || request.destroyed) return
  dropSocket(request.socket)
  request.destroy()
}

/** Closes a connection immediately, whatever has arrived on it. */
export function dropSocket(socket: net.Socket | null): void {
  const kept = sockets.get(socket ?? {})
  if (kept) kept.abandoned = true
  socket?.destroy()
}
