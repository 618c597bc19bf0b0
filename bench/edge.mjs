// The edge of peers/edge for machines without Go: the same command line, answers, sizes and ends, in as many processes as
// the machine has cores. One connection is one process, which node makes slower than a fast client.
//   edge CERTIFICATE KEY HOST=PORT...
import cluster from 'node:cluster'
import {createHash, randomBytes} from 'node:crypto'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import tls from 'node:tls'

const MESSAGE_LIMIT = 16 * 1024
const READ_BYTES = 256 * 1024
const LARGEST_FRAME = 64 * 1024 * 1024
const HIGH_WATER = 1024 * 1024
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const [CONTINUATION, BINARY, CLOSE, PING, PONG] = [0, 2, 8, 9, 10]

const [certificate, key, ...hosts] = process.argv.slice(2)
const origins = new Map(hosts.map((word) => word.split('=')))

if (cluster.isPrimary) await startWorkers()
else await work()

async function startWorkers() {
  const workers = Array.from({length: os.availableParallelism()}, () => cluster.fork())
  const [[addresses]] = await Promise.all(workers.map((worker) => once(worker, 'message')))
  console.log(JSON.stringify({...addresses, pids: workers.map(({process: {pid}}) => pid)}))
  // Until the measurement ends.
  process.stdin.resume().on('end', () => {
    for (const worker of workers) worker.kill()
    process.exit(0)
  })
}

async function work() {
  const options = {
    cert: readFileSync(certificate),
    key: readFileSync(key),
    minVersion: 'TLSv1.3',
    highWaterMark: READ_BYTES,
  }
  const [[, first]] = origins
  const listeners = [
    tls.createServer(options, serve),
    tls.createServer(options, (client) => plain(client, first)),
  ]
  const addresses = []
  for (const server of listeners) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    addresses.push(`127.0.0.1:${server.address().port}`)
  }
  process.send({address: addresses[0], plainAddress: addresses[1]})
}

function dial(port, client) {
  const origin = net.connect({host: '127.0.0.1', port, noDelay: true, highWaterMark: READ_BYTES})
  client.setNoDelay(true)
  const endBoth = () => {
    client.end()
    origin.destroy()
  }
  for (const side of [client, origin]) side.on('error', endBoth).on('close', endBoth).on('end', endBoth)
  return origin
}

/** Writes, and pauses the source while the other side has enough. */
function pass(from, to, parts) {
  to.cork()
  for (const part of parts) to.write(part)
  to.uncork()
  if (to.writableLength <= HIGH_WATER || from.isPaused()) return
  from.pause()
  to.once('drain', () => from.resume())
}

function plain(client, port) {
  const origin = dial(port, client)
  client.on('data', (chunk) => pass(client, origin, [chunk]))
  origin.on('data', (chunk) => pass(origin, client, [chunk]))
}

const parser = http.createServer(answer).on('upgrade', upgrade)
function serve(client) {
  client.on('error', () => client.destroy())
  parser.emit('connection', client)
}

/** The headers of every answer, as the sandbox's edge gives them. */
const common = () => ({'cf-ray': `${randomBytes(8).toString('hex')}-ZT`, server: 'zt-sandbox'})

/** Undefined if the pair is right. */
function refusal({headers}) {
  if (!origins.has(hostOf(headers))) return 530
  const {CF_ACCESS_CLIENT_ID: id, CF_ACCESS_CLIENT_SECRET: secret} = process.env
  return headers['cf-access-client-id'] === id && headers['cf-access-client-secret'] === secret
    ? undefined
    : 403
}

const hostOf = ({host = ''}) => host.split(':')[0]

const agent = new http.Agent({keepAlive: true})

function answer(request, response) {
  const status = refusal(request)
  if (status !== undefined) return void response.writeHead(status, common()).end()
  const {'cf-access-client-id': _, 'cf-access-client-secret': __, ...headers} = request.headers
  const {method, url} = request
  const target = {host: '127.0.0.1', port: origins.get(hostOf(headers)), method, path: url, headers, agent}
  const onward = http.request(target, (from) => {
    response.writeHead(from.statusCode, from.headers)
    from.pipe(response)
  })
  onward.on('error', () => response.destroy())
  request.pipe(onward)
}

function upgrade(request, client, head) {
  const status = refusal(request)
  const lines = Object.entries(common()).map(([name, value]) => `${name}: ${value}\r\n`)
  if (status !== undefined)
    return void client.end(`HTTP/1.1 ${status} \r\n${lines.join('')}Content-Length: 0\r\n\r\n`)
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64')
  const origin = dial(origins.get(hostOf(request.headers)), client)
  client.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${lines.join('')}\r\n`,
  )
  const messages = readMessages(client)
  client.on('data', (chunk) => pass(client, origin, messages(chunk)))
  if (head.length > 0) client.unshift(head)
  origin.on('data', (chunk) => pass(origin, client, framesOf(chunk)))
}

function* framesOf(chunk) {
  for (let at = 0; at < chunk.length; at += MESSAGE_LIMIT) {
    const payload = chunk.subarray(at, at + MESSAGE_LIMIT)
    yield header(BINARY, payload.length)
    yield payload
  }
}

function header(opcode, length) {
  if (length < 126) return Buffer.from([0x80 | opcode, length])
  return Buffer.from([0x80 | opcode, 126, length >> 8, length & 255])
}

/** Takes chunks of frames, and yields each message's data, cut as the connector does; answers control frames. */
function readMessages(client) {
  let pending = Buffer.alloc(0)
  let message = []
  let isData = false
  return function* (chunk) {
    pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk
    for (;;) {
      const frame = readFrame(pending)
      if (frame === undefined) return
      const {opcode, final, payload, end} = frame
      pending = pending.subarray(end)
      if (opcode >= CLOSE) {
        if (opcode === PING || opcode === CLOSE)
          client.write(Buffer.concat([header(opcode === PING ? PONG : CLOSE, payload.length), payload]))
        if (opcode === CLOSE) client.end()
        continue
      }
      if (opcode !== CONTINUATION) {
        message = []
        isData = opcode === BINARY
      }
      message.push(payload)
      if (!final || !isData) continue
      const whole = message.length === 1 ? payload : Buffer.concat(message)
      yield whole.subarray(0, MESSAGE_LIMIT)
    }
  }
}

/** Undefined if it is not there as a whole. */
function readFrame(bytes) {
  if (bytes.length < 6) return undefined
  const short = bytes[1] & 127
  const more = short === 126 ? 2 : short === 127 ? 8 : 0
  const start = 6 + more
  if (bytes.length < start) return undefined
  const length = more === 0 ? short : more === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (length > LARGEST_FRAME || (bytes[1] & 128) === 0) throw new Error('a frame is too large, or not masked')
  const end = start + length
  if (bytes.length < end) return undefined
  // A copy: words need an aligned start.
  const payload = Buffer.from(bytes.subarray(start, end))
  unmask(payload, bytes.subarray(start - 4, start))
  return {opcode: bytes[0] & 15, final: (bytes[0] & 128) !== 0, payload, end}
}

function unmask(payload, mask) {
  let at = 0
  if (payload.byteOffset % 4 === 0) {
    const words = new Int32Array(payload.buffer, payload.byteOffset, payload.length >> 2)
    const word = os.endianness() === 'LE' ? mask.readInt32LE() : mask.readInt32BE()
    for (let index = 0; index < words.length; index++) words[index] ^= word
    at = words.length * 4
  }
  for (; at < payload.length; at++) payload[at] ^= mask[at % 4]
}
