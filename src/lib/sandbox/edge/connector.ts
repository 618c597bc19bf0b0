import type net from 'node:net'
import type {Duplex} from 'node:stream'
import type {WebSocket} from 'ws'
import type {ConnectorEnd} from '../types.js'

/** The connector reads each message into a buffer of this size and drops the rest (cloudflared's source). */
const BUFFER = 16_384
const PING_MS = 54_000
const HIGH_WATER = 1024 * 1024
/** For a client that does not end its side. */
const LINGER_MS = 60_000

/**
 * Carries between a WebSocket and its origin exactly as cloudflared's connector does, its faults included. Whichever side
 * ends first ends both (its stream.Pipe), and it never sends a close frame of its own: when the origin has ended or
 * failed, the connection ends behind the last message (close_notify, FIN). A close frame of the client's is answered.
 *
 * @param end what an edge may make of the origin's end instead
 */
export function connectOrigin(socket: WebSocket, origin: net.Socket, end: ConnectorEnd = 'none'): void {
  const ping = setInterval(() => {
    socket.ping()
  }, PING_MS)
  let over = false
  const endBoth = (): void => {
    if (over) return
    over = true
    clearInterval(ping)
    endStream(socket, end)
    origin.end(() => origin.destroy())
  }
  socket.on('message', (data: Buffer, binary) => {
    // What the client still sends has nowhere to go.
    if (!binary || over) return
    if (!origin.write(data.subarray(0, BUFFER))) {
      socket.pause()
      origin.once('drain', () => {
        socket.resume()
      })
    }
  })
  origin.on('data', (chunk) => {
    socket.send(chunk, {binary: true}, () => {
      if (origin.isPaused() && socket.bufferedAmount < HIGH_WATER) origin.resume()
    })
    if (socket.bufferedAmount > HIGH_WATER) origin.pause()
  })
  origin.once('end', endBoth)
  origin.once('error', endBoth)
  origin.once('close', endBoth)
  socket.once('error', endBoth)
  socket.once('close', endBoth)
}

function endStream(socket: WebSocket, end: ConnectorEnd): void {
  if (end === 1000 || end === 1001) {
    socket.close(end)
    return
  }
  // ws has no way to end without a close frame but to throw away what is not sent yet.
  const stream = (socket as unknown as {_socket?: Duplex & {setTimeout?: net.Socket['setTimeout']}})._socket
  if (!stream) return
  if (end === 1006) {
    stream.write('', () => {
      socket.terminate()
    })
    return
  }
  // Paused behind an origin that took nothing any more, its end would not be seen.
  socket.resume()
  stream.end()
  stream.setTimeout?.(LINGER_MS, () => {
    socket.terminate()
  })
}
