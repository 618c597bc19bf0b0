import type net from 'node:net'
import {getSystemErrorName} from 'node:util'
import {hasCode} from '../core/errors.js'

/**
 * How the other side ended a TLS connection. `orderly`: with close_notify. `bare`: TCP ended (FIN) without it. `reset`:
 * anything else.
 */
export type TlsEnd = 'orderly' | 'bare' | 'reset'

/** Node's internal object below a socket; two of its members show what the socket does not. */
interface Handle {
  reading?: boolean
  readStart?: () => number
  /** Of TLS: the one below it. */
  _parent?: Handle
}

interface Watch {
  end: 'orderly' | 'bare' | undefined
  writeError: unknown
  onWriteError: ((error: unknown) => void) | undefined
}

const watched = new WeakMap<object, Watch>()

/**
 * Keeps everything that has arrived on a connection, and finds out how the connection ended. When a write fails, node
 * destroys the socket together with all that is still to be read; here only {@link onWriteError} gets that failure.
 *
 * Node emits `end` after a close_notify, after a FIN, and after a reset that it sees together with data. Below it, libuv
 * still reads after a close_notify, has stopped after a FIN, and cannot start again after a reset. If this node does not
 * show that, an end counts as orderly.
 *
 * @param raw the socket below TLS, if it is one of its own; the socket itself if there is no TLS, and then every regular
 *   end is `bare`
 */
export function keepLastBytes(socket: net.Socket, raw?: net.Socket): void {
  if (watched.has(socket)) return
  const watch: Watch = {end: undefined, writeError: undefined, onWriteError: undefined}
  let asking = false
  watched.set(socket, watch)
  const {push, _write, _writev} = socket
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk !== null || watch.end !== undefined) return Reflect.apply(push, socket, [chunk, encoding])
    if (asking) return false
    asking = true
    const below = raw ? handleOf(raw) : handleOf(socket)?._parent
    const again = handleOf(socket)?.reading === false ? 'EALREADY' : readAgain(below)
    if (again === 'EALREADY') watch.end = 'orderly'
    // If TLS runs over TLS (a proxy), the lower one has shown how it ended.
    else if (again === 'no' || (raw && 'encrypted' in raw)) watch.end = 'bare'
    if (watch.end !== undefined) return Reflect.apply(push, socket, [null])
    // Twice, so that pending data is read in between.
    setImmediate(() =>
      setImmediate(() => {
        if (socket.destroyed) return
        if (readAgain(below) === 'no')
          return void socket.destroy(Object.assign(new Error('it was reset'), {code: 'ECONNRESET'}))
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

/** How a connection ended, once it has. Without {@link keepLastBytes}, an end without an error is `orderly`. */
export function endOf(socket: object, error?: unknown): TlsEnd {
  const watch = watched.get(socket)
  if (!watch) return error === undefined ? 'orderly' : 'reset'
  if (watch.end === 'orderly') return 'orderly'
  if (error !== undefined || watch.end === undefined) return 'reset'
  // A write after a reset has consumed that error; after a FIN it fails with EPIPE.
  return hasCode(watch.writeError, 'ECONNRESET') ? 'reset' : 'bare'
}

/** Calls back when a write fails; reading continues. */
export function onWriteError(socket: object, call: (error: unknown) => void): void {
  const watch = watched.get(socket)
  if (!watch) return
  watch.onWriteError = call
  if (watch.writeError !== undefined) call(watch.writeError)
}

function handleOf(socket: net.Socket): Handle | undefined {
  return (socket as unknown as {_handle?: Handle | null})._handle ?? undefined
}

/** Tries to read again. `EALREADY`: it never stopped. `no`: it cannot. `yes`: it does. */
function readAgain(handle: Handle | undefined): 'EALREADY' | 'yes' | 'no' {
  // A handle that cannot be asked.
  if (typeof handle?.readStart !== 'function') return 'EALREADY'
  const code = handle.readStart()
  if (code === 0) return 'yes'
  return getSystemErrorName(code) === 'EALREADY' ? 'EALREADY' : 'no'
}
