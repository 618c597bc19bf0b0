import type {ClientRequest} from 'node:http'
import type net from 'node:net'
import {UserError} from '../core/errors.js'
import {keepLastBytes, onWriteError} from './connection-end.js'

/** Something that holds bytes which were read from a socket and not yet taken. */
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
 * Makes a connection lose nothing that has arrived on it. node destroys a socket at the first error, and what was read and
 * not yet taken goes with it: an answer that a slow client has not fetched when the connection is reset, or one to an
 * upload that the other side stopped reading. Here
 * - a write that fails is the end of writing only ({@link keepLastBytes}): the answer may be there already;
 * - a failure is told when everything before it was taken.
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
    // A limit of ours is no failure of the connection's.
    if (kept.abandoned || error instanceof UserError || !unread()) return destroy(error)
    if (!waiting) socket.on('data', () => setImmediate(kept.settle))
    waiting ??= {error}
    return socket
  }
  return socket
}

/** Whether another request can be sent on a connection that {@link keepReading} has: all was read, and writing works. */
export function isReusable(socket: net.Socket): boolean {
  return socket.readableLength === 0 && sockets.get(socket)?.deaf === false
}

/** Whoever takes what arrives says so: a failure is told when it has all. @returns what to call after each piece */
export function readThrough(socket: object | null, reader: Reader): () => void {
  const kept = sockets.get(socket ?? {})
  if (!kept) return () => undefined
  kept.reader = reader
  return () => setImmediate(kept.settle)
}

/** Gives a request up: what may still come is of no interest. */
export function abandon(request: ClientRequest): void {
  // Its connection may be another request's by now.
  if (request.closed || request.destroyed) return
  dropSocket(request.socket)
  request.destroy()
}

/** Closes a connection at once. */
export function dropSocket(socket: net.Socket | null): void {
  const kept = sockets.get(socket ?? {})
  if (kept) kept.abandoned = true
  socket?.destroy()
}
