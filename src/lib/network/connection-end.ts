import type net from 'node:net'
import {getSystemErrorName} from 'node:util'
import {hasCode} from '../core/errors.js'

/**
 * How the other side of a TLS connection ended. `orderly`: it said so (close_notify). `bare`: TCP ended (FIN), and TLS
 * said nothing. `reset`: anything else.
 */
export type TlsEnd = 'orderly' | 'bare' | 'reset'

/** What node has below a socket, of which two things are asked that it does not say. */
interface Handle {
  reading?: boolean
  readStart?: () => number
}

interface Watch {
  end: 'orderly' | 'bare' | undefined
  writeError: unknown
  onWriteError: ((error: unknown) => void) | undefined
}

const watched = new WeakMap<object, Watch>()

/**
 * Keeps what has arrived on a connection from being thrown away, and finds out how it ended. Node destroys a socket
 * that cannot be written to, with all that is still to be read from it: here only {@link onWriteError} learns of that.
 *
 * Node says `end` of a close_notify, of a FIN, and of a reset that is seen together with data. Below it, libuv still
 * reads after a close_notify, and has stopped after a FIN; after a reset it cannot begin again. Where a node has none
 * of this, an end counts as orderly.
 *
 * @param raw what TLS was made over; the socket itself where there is no TLS, and then every end in order is `bare`
 */
export function keepLastBytes(socket: net.Socket, raw: net.Socket): void {
  if (watched.has(socket)) return
  const watch: Watch = {end: undefined, writeError: undefined, onWriteError: undefined}
  let asking = false
  watched.set(socket, watch)
  const {push, _write, _writev} = socket
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk !== null || watch.end !== undefined) return Reflect.apply(push, socket, [chunk, encoding])
    if (asking) return false
    asking = true
    const below = handleOf(raw)
    const again = handleOf(socket)?.reading === false ? 'EALREADY' : readAgain(below)
    if (again === 'EALREADY') watch.end = 'orderly'
    // What TLS is spoken over has said how it ended, if that is TLS itself.
    else if (again === 'no' || 'encrypted' in raw) watch.end = 'bare'
    if (watch.end !== undefined) return Reflect.apply(push, socket, [null])
    // Twice: what is there to be read is read between them.
    setImmediate(() =>
      setImmediate(() => {
        if (socket.destroyed) return
        if (readAgain(below) === 'no') {
          socket.destroy(Object.assign(new Error('it was reset'), {code: 'ECONNRESET'}))
          return
        }
        watch.end = 'bare'
        Reflect.apply(push, socket, [null])
        socket.read(0)
      }),
    )
    return false
  }
  const failed =
    (callback: (error?: Error | null) => void) =>
    (error?: Error | null): void => {
      if (error) {
        watch.writeError ??= error
        watch.onWriteError?.(error)
      }
      callback()
    }
  socket._write = (chunk, encoding, callback) => {
    Reflect.apply(_write, socket, [chunk, encoding, failed(callback)])
  }
  if (_writev) {
    socket._writev = (chunks, callback) => {
      Reflect.apply(_writev, socket, [chunks, failed(callback)])
    }
  }
}

/** How it ended, once it has. A stream that is not watched ends in order, unless it has an error. */
export function endOf(socket: object, error?: unknown): TlsEnd {
  const watch = watched.get(socket)
  if (!watch) return error === undefined ? 'orderly' : 'reset'
  if (watch.end === 'orderly') return 'orderly'
  if (error !== undefined || watch.end === undefined) return 'reset'
  // A write that met a reset has taken its news; one behind a FIN says EPIPE.
  return hasCode(watch.writeError, 'ECONNRESET') ? 'reset' : 'bare'
}

/** Calls when the connection takes no more; what it gives is read all the same. */
export function onWriteError(socket: object, call: (error: unknown) => void): void {
  const watch = watched.get(socket)
  if (!watch) return
  watch.onWriteError = call
  if (watch.writeError !== undefined) call(watch.writeError)
}

function handleOf(socket: net.Socket): Handle | undefined {
  return (socket as unknown as {_handle?: Handle | null})._handle ?? undefined
}

/** `EALREADY`: it has never stopped. `no`: it cannot. `yes`: it reads again. */
function readAgain(handle: Handle | undefined): 'EALREADY' | 'yes' | 'no' {
  // Where there is nothing to ask, the end is what it says.
  if (typeof handle?.readStart !== 'function') return 'EALREADY'
  const code = handle.readStart()
  if (code === 0) return 'yes'
  return getSystemErrorName(code) === 'EALREADY' ? 'EALREADY' : 'no'
}
