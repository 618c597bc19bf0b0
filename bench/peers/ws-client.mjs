// What `zt ssh proxy` does once it has its credentials, with the ws package instead of zt's own frames: stdin and stdout
// through an edge, and nothing else loaded. A peer to measure against, not a tool: it is called in one way only.
//   ws-client HOST ADDRESS:PORT CA-FILE
import {readFileSync} from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import {WebSocket} from 'ws'

// All of these as in zt's carrier, so that only the library differs.
const MESSAGE_LIMIT = 16 * 1024
const READ_BYTES = 64 * 1024
const HIGH_WATER = 1024 * 1024

const [host, address, caFile] = process.argv.slice(2)
const colon = address.lastIndexOf(':')

// If node uses the system's CAs, as in zt's proxy: looked up one by one, and no file read whole.
process.env.SSL_CERT_DIR = '/etc/ssl/certs'
process.env.SSL_CERT_FILE = '/dev/null'
const secureContext = tls.createSecureContext({minVersion: 'TLSv1.2'})
// The `ca` option would read all of node's roots again: 20 ms that have nothing to do with ws.
secureContext.context.addCACert(readFileSync(caFile, 'utf8'))

let socket
const webSocket = new WebSocket(`wss://${host}/`, {
  perMessageDeflate: false,
  headers: {
    'Cf-Access-Client-Id': process.env.CF_ACCESS_CLIENT_ID,
    'Cf-Access-Client-Secret': process.env.CF_ACCESS_CLIENT_SECRET,
  },
  createConnection: () =>
    (socket = tls.connect({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      servername: host,
      secureContext,
      highWaterMark: READ_BYTES,
    })),
})

webSocket.on('error', (error) => {
  console.error(`error: ${error.message}`)
  process.exit(1)
})

webSocket.on('open', () => {
  const input = process.stdin
  input.on('data', (chunk) => {
    // One write to the system for all messages of a chunk.
    socket.cork()
    for (let at = 0; at < chunk.length; at += MESSAGE_LIMIT)
      webSocket.send(chunk.subarray(at, at + MESSAGE_LIMIT))
    socket.uncork()
    if (socket.writableLength > HIGH_WATER) input.pause()
  })
  socket.on('drain', () => input.resume())
  input.on('end', () => webSocket.close())
})

// A message may come together with the answer to the handshake.
const output = new net.Socket({fd: 1, readable: false, writable: true})
webSocket.on('message', (data) => {
  output.write(data)
  if (output.writableLength <= HIGH_WATER || webSocket.isPaused) return
  webSocket.pause()
  output.once('drain', () => webSocket.resume())
})
webSocket.on('close', () => process.exit(0))
