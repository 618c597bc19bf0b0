import type net from 'node:net'
import type {WebSocket} from 'ws'

/** The connector reads each message into a buffer of this size and drops the rest (cloudflared's source). */
const BUFFER = 16_384
const PING_MS = 54_000
const HIGH_WATER = 1024 * 1024

/** Carries between a WebSocket and its origin exactly as cloudflared's connector does, its faults included. */
export function connectOrigin(socket: WebSocket, origin: net.Socket): void {
  const ping = setInterval(() => {
    socket.ping()
  }, PING_MS)
  socket.on('message', (data: Buffer, binary) => {
    if (!binary) return
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
  origin.once('end', () => {
    socket.close(1000)
  })
  origin.once('error', () => {
    socket.close(1011)
  })
  socket.once('error', () => origin.destroy())
  socket.once('close', () => {
    clearInterval(ping)
    origin.end()
  })
}
