import type net from 'node:net'
import type {Duplex} from 'node:stream'
import type {WebSocket} from 'ws'
import type {ConnectorEnd} from '../types.js'

/** The connector reads each message into a buffer of this size and drops the rest (cloudflared's source). */
const BUFFER = 16_384
const PING_MS = 54_000
const HIGH_WATER = 1024 * 1024
/** For a client that does not close its side. */
const LINGER_MS = 60_000

/**
 * Carries data between a WebSocket and its origin exactly as cloudflared's connector does, faults included. The side
 * that ends first ends both (its stream.Pipe), and it never initiates a close frame: when the origin has ended or
 * failed, the connection ends after the last message (close_notify, FIN). A close frame from the client is answered.
 *
 * @param end how an edge may signal the origin's end instead
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
    // Data that the client still sends is dropped.
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
  // ws can end without a close frame only by discarding what is not sent yet.
  const stream = (socket as unknown as {_socket?: Duplex & {setTimeout?: net.Socket['setTimeout']}})._socket
  if (!stream) return
  if (end === 1006) {
    stream.write('', () => {
      socket.terminate()
    })
    return
  }
  // While the socket is paused (for an origin that accepted no more data), its end is not noticed.
  socket.resume()
  stream.end()
  stream.setTimeout?.(LINGER_MS, () => {
    socket.terminate()
  })
}
