import {createHash, randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {WebSocket, WebSocketServer} from 'ws'
import {HttpWorld} from '../support/http-world.js'
import {
  headCame,
  pattern,
  rawClient,
  readMessage,
  startRawServer,
  type Message,
  type RawPeer,
  type RawServer,
} from '../support/raw-http.js'
import type {RunningForward} from '../support/running-forward.js'
import {tally} from './tally.js'

const scriptedHost = 'app.widgetcorp.tech'
const socketHost = 'live.widgetcorp.tech'

/** Two ways to a service: a scripted edge, and the sandbox's edge with a scripted service. */
const WAYS = ['a scripted edge', "the sandbox's edge"] as const
type Way = (typeof WAYS)[number]

let directory: string
let world: HttpWorld
let servers: Record<Way, RawServer>
let forwards: Record<Way, RunningForward>
let sockets: {forward: RunningForward; server: http.Server; ws: WebSocketServer}

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-ends-'))
  servers = {'a scripted edge': await startRawServer(directory), "the sandbox's edge": await startRawServer()}
  const ws = new WebSocketServer({noServer: true})
  const server = http.createServer((request, response) =>
    response.writeHead(404).end(`no ${request.url ?? ''}`),
  )
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/no') {
      socket.end('HTTP/1.1 426 Upgrade Required\r\nx-why: version\r\ncontent-length: 7\r\n\r\nnot so!')
      return
    }
    ws.handleUpgrade(request, socket, head, (one) => {
      one.on('message', (data: Buffer, binary) => {
        if (data.toString() === 'close') one.close(4001, 'as requested')
        else if (data.toString() === 'terminate') one.terminate()
        else one.send(data, {binary})
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  world = await HttpWorld.make({
    [scriptedHost]: `http://${servers["the sandbox's edge"].address}`,
    [socketHost]: `127.0.0.1:${(server.address() as {port: number}).port}`,
  })
  const {address, caFile} = servers['a scripted edge']
  forwards = {
    'a scripted edge': await world.forward([
      scriptedHost,
      '--http',
      '--connect-to',
      address,
      '--ca-file',
      caFile,
    ]),
    "the sandbox's edge": await world.forward([scriptedHost, '--http']),
  }
  sockets = {forward: await world.forward([socketHost, '--http']), server, ws}
})
afterAll(async () => {
  for (const forward of [...Object.values(forwards), sockets.forward]) await forward.stop()
  for (const server of Object.values(servers)) await server.close()
  for (const client of sockets.ws.clients) client.terminate()
  sockets.server.closeAllConnections()
  sockets.server.close()
  await world.zt.end()
  await fs.rm(directory, {recursive: true, force: true})
})
afterEach(() => {
  for (const server of Object.values(servers)) server.onPeer = () => undefined
})

const sha = (data: Buffer): string => createHash('sha256').update(data).digest('hex')

/** The answer that a client of the listener gets for one request, parsed strictly. */
async function ask(way: Way, version: string, path = '/x'): Promise<Message> {
  const {port} = forwards[way]
  const client = rawClient(
    port,
    `GET ${path} HTTP/${version}\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`,
  )
  const {bytes, ended} = await client.ended
  const message = readMessage(bytes, {ended})
  if (!message) throw new Error(`no answer: ${bytes.toString('latin1')} (${ended})`)
  return message
}

const FRAMINGS = ['length', 'chunked', 'close'] as const
type Framing = (typeof FRAMINGS)[number]

/** The answer that a script writes. */
function written(framing: Framing, body: Buffer, whole: boolean): Buffer[] {
  const head = (more: string): Buffer => Buffer.from(`HTTP/1.1 200 OK\r\nconnection: close\r\n${more}\r\n`)
  // One that is cut off promises more than arrives.
  if (framing === 'length') return [head(`content-length: ${body.length + (whole ? 0 : 1)}\r\n`), body]
  if (framing === 'close') return [head(''), body]
  const chunks: Buffer[] = [head('transfer-encoding: chunked\r\n')]
  for (let at = 0; at < body.length; at += 40_000) {
    const part = body.subarray(at, at + 40_000)
    chunks.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
  }
  if (whole) chunks.push(Buffer.from('0\r\n\r\n'))
  return chunks
}

function script(way: Way, answer: (peer: RawPeer) => Promise<void>): void {
  servers[way].onPeer = async (peer) => {
    await peer.until(headCame)
    await answer(peer)
  }
}

describe.each(WAYS)('through %s', (way) => {
  const sizes = [0, 1, 16_384, 65_537, 3_000_000]

  it('an answer that ends in order is whole to its last byte, however it is framed', async () => {
    let tried = 0
    for (const framing of FRAMINGS)
      for (const size of sizes)
        for (const version of ['1.1', '1.0'])
          for (const how of ['order', 'fin'] as const) {
            const body = pattern(size)
            script(way, async (peer) => {
              for (const part of written(framing, body, true)) await peer.write(part)
              peer.end(how)
            })
            const message = await ask(way, version)
            const what = `${framing} ${size} ${version} ${how}`
            expect([what, message.complete, sha(message.body)]).toEqual([what, true, sha(body)])
            tried++
          }
    tally('ends of a connection', tried)
  })

  it('an answer that is cut off has all that came, and looks cut off', async () => {
    let tried = 0
    for (const framing of FRAMINGS)
      for (const size of sizes.slice(1))
        for (const how of ['order', 'fin', 'reset'] as const) {
          // A body that ends with its connection is cut off only if the connection fails.
          if (framing === 'close' && how !== 'reset') continue
          const body = pattern(size)
          const {port} = forwards[way]
          let arrived = (): void => undefined
          const all = new Promise<void>((resolve) => (arrived = resolve))
          script(way, async (peer) => {
            for (const part of written(framing, body, false)) await peer.write(part)
            // A reset discards what is still in transit.
            if (how === 'reset') await all
            peer.end(how)
          })
          const client = rawClient(
            port,
            `GET /x HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`,
          )
          void client
            .until((got) => got.length > size && (readMessage(got)?.body.length ?? 0) >= size)
            .then(arrived, arrived)
          const {bytes, ended} = await client.ended
          const message = readMessage(bytes, {ended})
          const what = `${framing} ${size} ${how}`
          expect([what, message?.complete, sha(message?.body ?? Buffer.alloc(0))]).toEqual([
            what,
            false,
            sha(body),
          ])
          tried++
        }
    tally('ends of a connection', tried)
  })

  it('a reset right behind the last byte never looks like an end', async () => {
    let tried = 0
    for (const size of [0, 1, 16_384, 65_537])
      for (const version of ['1.1', '1.0'])
        for (let again = 0; again < 10; again++) {
          const body = pattern(size)
          script(way, async (peer) => {
            for (const part of written('close', body, true)) await peer.write(part)
            peer.end('reset')
          })
          const {port} = forwards[way]
          const {bytes, ended} = await rawClient(
            port,
            `GET /x HTTP/${version}\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`,
          ).ended
          const message = readMessage(bytes, {ended})
          const what = `${size} ${version} ${again}`
          // The head may be lost with the reset: then it is a 502, or nothing at all.
          const whole = message?.complete === true && !message.line.includes(' 502 ')
          expect([what, whole]).toEqual([what, false])
          tried++
        }
    tally('ends of a connection', tried)
  })

  it('an answer that is cut off reaches a client that reads late, also where only a reset tells', async () => {
    const body = pattern(4_000_000)
    const {port} = forwards[way]
    script(way, async (peer) => {
      for (const part of written('chunked', body, false)) await peer.write(part)
      peer.end('order')
    })
    const client = rawClient(port, `GET /x HTTP/1.0\r\nHost: localhost:${port}\r\n\r\n`)
    await client.until((got) => got.length > 0)
    client.socket.pause()
    // Everything has left the service; what the client has not read is in zt's and the system's buffers.
    await expect.poll(() => servers[way].peers.at(-1)?.socket.writableLength, {timeout: 60_000}).toBe(0)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    client.socket.resume()
    const {bytes, ended} = await client.ended
    expect(ended).toBe('ECONNRESET')
    expect(sha(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4))).toBe(sha(body))
    tally('ends of a connection', 1)
  })

  it('a client that reads late gets all of it', async () => {
    const body = pattern(48_000_000)
    const {port} = forwards[way]
    for (const framing of FRAMINGS) {
      script(way, async (peer) => {
        for (const part of written(framing, body, true)) await peer.write(part)
        peer.end('order')
      })
      const client = rawClient(
        port,
        `GET /x HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`,
      )
      await client.until((got) => got.length > 0)
      client.socket.pause()
      // Until nothing moves any more: all buffers are full.
      await expect.poll(() => stuck(servers[way].peers.at(-1)), {timeout: 60_000, interval: 200}).toBe(true)
      client.socket.resume()
      const {bytes, ended} = await client.ended
      const message = readMessage(bytes, {ended})
      expect([framing, message?.complete, sha(message?.body ?? Buffer.alloc(0))]).toEqual([
        framing,
        true,
        sha(body),
      ])
    }
    tally('ends of a connection', FRAMINGS.length)
  })

  it('a client that closes its sending side, or goes, ends nothing else', async () => {
    const body = pattern(100_000)
    const {port} = forwards[way]
    script(way, async (peer) => {
      for (const part of written('length', body, true)) await peer.write(part)
    })
    const half = rawClient(port, `GET /x HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
    half.socket.end()
    const {bytes} = await half.ended
    expect(sha(readMessage(bytes)?.body ?? Buffer.alloc(0))).toBe(sha(body))
    for (const go of ['destroy', 'resetAndDestroy'] as const) {
      const before = servers[way].peers.length
      script(way, async (peer) => peer.write('HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\nsome'))
      const client = rawClient(port, `GET /x HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
      await client.until((got) => got.includes('some'))
      client.socket[go]()
      // The far end is notified: nothing stays open for a client that has gone.
      const peer = servers[way].peers[before]
      if (go === 'resetAndDestroy')
        await expect
          .poll(() => peer?.socket.readableEnded === true || peer?.socket.closed, {timeout: 60_000})
          .toBe(true)
    }
    tally('ends of a connection', 3)
  })

  it('an answer that comes before the upload was read reaches the client whole', async () => {
    const {port} = forwards[way]
    const upload = pattern(8_000_000)
    const text = pattern(200_000)
    let tried = 0
    for (const how of ['order', 'reset', 'open', 'read'] as const)
      for (const status of [413, 401, 302, 200])
        for (const chunks of [false, true])
          for (const connection of ['close', 'keep-alive']) {
            const reset = how === 'reset'
            const size = reset ? 1000 : text.length
            servers[way].onPeer = async (peer) => {
              await peer.until(headCame)
              if (how !== 'read') peer.socket.pause()
              const extra =
                status === 302
                  ? 'location: /elsewhere\r\n'
                  : status === 401
                    ? 'www-authenticate: Basic realm="x"\r\n'
                    : ''
              await peer.write(
                `HTTP/1.1 ${status} Early\r\nconnection: close\r\n${extra}content-length: ${size}\r\n\r\n`,
              )
              await peer.write(text.subarray(0, size))
              if (reset || how === 'order') peer.end(how)
            }
            const framing = chunks ? 'Transfer-Encoding: chunked' : `Content-Length: ${upload.length}`
            const client = rawClient(
              port,
              `POST /up HTTP/1.1\r\nHost: localhost:${port}\r\n${framing}\r\nConnection: ${connection}\r\n\r\n`,
            )
            if (chunks) client.socket.write(`${upload.length.toString(16)}\r\n`)
            client.socket.write(upload)
            if (chunks) client.socket.write('\r\n0\r\n\r\n')
            await client.until((got) => readMessage(got)?.complete === true)
            const message = readMessage(client.got)
            const what = `${how} ${status} ${framing} ${connection}`
            expect([what, message?.line.split(' ')[1], sha(message?.body ?? Buffer.alloc(0))]).toEqual([
              what,
              String(status),
              sha(text.subarray(0, size)),
            ])
            client.socket.destroy()
            tried++
          }
    tally('ends of a connection', tried)
  })

  it('100 Continue comes from the service, as do other provisional answers, and trailers pass both ways', async () => {
    const {port} = forwards[way]
    let first = ''
    let whole = ''
    servers[way].onPeer = async (peer) => {
      await peer.until(headCame)
      await peer.write(
        'HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n',
      )
      first = peer.received
      await peer.write('HTTP/1.1 100 Continue\r\n\r\n')
      await peer.until((received) => received.endsWith('x-sum: 1\r\n\r\n'))
      whole = peer.received
      await peer.write(
        'HTTP/1.1 200 OK\r\nconnection: close\r\ntrailer: x-end\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-end: yes\r\n\r\n',
      )
    }
    const client = rawClient(
      port,
      `POST /up HTTP/1.1\r\nHost: localhost:${port}\r\nTE: trailers\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n`,
    )
    await client.until((got) => got.includes('100 Continue'))
    const early = client.got.toString('latin1')
    expect(early.indexOf('HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n')).toBe(0)
    expect(early).toContain('HTTP/1.1 102 Processing\r\n')
    expect(first.toLowerCase()).toContain('\r\nexpect: 100-continue\r\n')
    expect(first.toLowerCase()).toContain('\r\nte: trailers\r\n')
    expect(first.endsWith('\r\n\r\n')).toBe(true)
    client.socket.write('3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n')
    await client.until((got) => got.includes('x-end: yes\r\n\r\n'))
    expect(readMessage(Buffer.from(whole, 'latin1'), {request: true})).toMatchObject({
      trailers: '\r\nx-sum: 1'.slice(2),
    })
    client.socket.destroy()
    // A service that refuses says so, and does not ask for the body.
    script(way, async (peer) =>
      peer.write('HTTP/1.1 417 No\r\nconnection: close\r\ncontent-length: 4\r\n\r\nnot!'),
    )
    const refused = rawClient(
      port,
      `POST /up HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n`,
    )
    await refused.until((got) => got.includes('not!'))
    expect(refused.got.toString()).toMatch(/^HTTP\/1\.1 417/)
    refused.socket.destroy()
    tally('ends of a connection', 2)
  })

  it('heads of up to 128 KiB pass both ways, and larger ones are refused with words', async () => {
    const {port} = forwards[way]
    const value = 'v'.repeat(100_000)
    let seen = ''
    script(way, async (peer) => {
      seen = peer.received
      await peer.write(`HTTP/1.1 200 OK\r\nx-large: ${value}\r\ncontent-length: 0\r\n\r\n`)
      peer.end('order')
    })
    const send = (large: string): string =>
      `GET /x HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\nx-large: ${large}\r\n\r\n`
    const {bytes} = await rawClient(port, send(value)).ended
    expect(seen).toContain(value)
    expect(bytes.toString()).toContain(value)
    const over = await rawClient(port, send('v'.repeat(200_000))).ended
    expect(over.bytes.toString()).toMatch(/^HTTP\/1\.1 431 [\s\S]*larger than/)
    script(way, async (peer) => {
      await peer.write(`HTTP/1.1 200 OK\r\nx-large: ${'v'.repeat(200_000)}\r\ncontent-length: 0\r\n\r\n`)
      peer.end('order')
    })
    const answer = await ask(way, '1.1')
    expect(answer.line).toMatch(/ 502 /)
    expect(answer.body.toString()).toMatch(/\w+ \w+/)
    tally('ends of a connection', 4)
  })
})

it('200 MB come whole, with the length, in chunks and to the end of the connection', async () => {
  const body = pattern(1_000_000)
  for (const way of WAYS) {
    const framing = way === 'a scripted edge' ? 'close' : 'chunked'
    script(way, async (peer) => {
      await peer.write(
        `HTTP/1.1 200 OK\r\n${framing === 'chunked' ? 'transfer-encoding: chunked' : 'connection: close'}\r\n\r\n`,
      )
      for (let nth = 0; nth < 200; nth++) {
        if (framing === 'chunked') await peer.write(`${body.length.toString(16)}\r\n`)
        await peer.write(body)
        if (framing === 'chunked') await peer.write('\r\n')
      }
      if (framing === 'chunked') await peer.write('0\r\n\r\n')
      peer.end('order')
    })
    const wanted = createHash('sha256')
    for (let nth = 0; nth < 200; nth++) wanted.update(body)
    const {port} = forwards[way]
    const hash = createHash('sha256')
    await new Promise<void>((resolve, reject) => {
      http
        .get({port, host: '127.0.0.1', path: '/big', agent: false}, (answer) => {
          answer.on('data', (chunk: Buffer) => hash.update(chunk))
          answer.once('end', resolve)
          answer.once('error', reject)
        })
        .once('error', reject)
    })
    expect(hash.digest('hex')).toBe(wanted.digest('hex'))
  }
  tally('ends of a connection', 2)
})

it('what forward --http says of an end: a note, an error, or nothing', async () => {
  const {address, caFile} = servers['a scripted edge']
  const args = [scriptedHost, '--http', '--connect-to', address, '--ca-file', caFile]
  const cases: [Framing, whole: boolean, how: 'order' | 'fin' | 'reset', said: string | undefined][] = [
    ['length', true, 'fin', undefined],
    ['chunked', true, 'fin', undefined],
    ['close', true, 'order', undefined],
    ['close', true, 'fin', 'without saying goodbye'],
    ['close', true, 'reset', 'ANSWER_CUT'],
    ['length', false, 'order', 'ANSWER_CUT'],
    ['chunked', false, 'fin', 'ANSWER_CUT'],
  ]
  for (const [framing, whole, how, said] of cases) {
    const running = await world.forward(args)
    script('a scripted edge', async (peer) => {
      for (const part of written(framing, pattern(1000), whole)) await peer.write(part)
      peer.end(how)
    })
    const {port} = running
    const request = `GET /x HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`
    const {bytes} = await rawClient(port, request).ended
    expect(bytes.toString('latin1', 0, 15)).toBe('HTTP/1.1 200 OK')
    expect(await running.stop()).toBe(0)
    const lines = running.lines.filter(({event}) => event !== 'listening' && event !== 'ended')
    const all = lines.map((line) => JSON.stringify(line)).join('\n') + running.stderr
    if (said === undefined) expect([framing, how, all]).toEqual([framing, how, ''])
    else expect([framing, how, all]).toEqual([framing, how, expect.stringContaining(said)])
    tally('ends of a connection', 1)
  }
})

describe('an upgrade in front of an HTTP service', () => {
  const open = async (path = '/live'): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${sockets.forward.port}${path}`)
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return socket
  }

  it('is decided by the service, and carries both ways byte for byte', async () => {
    const socket = await open()
    for (const size of [0, 1, 125, 126, 65_536, 3_000_000]) {
      const data = randomBytes(size)
      const echoed = new Promise<Buffer>((resolve) => socket.once('message', resolve))
      socket.send(data)
      expect(sha(await echoed)).toBe(sha(data))
    }
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    socket.send('close')
    expect(await closed).toBe(4001)
    const other = await open()
    const ended = new Promise<number>((resolve) => other.once('close', resolve))
    other.on('error', () => undefined)
    other.send('terminate')
    expect(await ended).toBe(1006)
    const third = await open()
    third.close(1000)
    await new Promise((resolve) => third.once('close', resolve))
    await expect.poll(() => sockets.ws.clients.size, {timeout: 30_000}).toBe(0)
    tally('ends of a connection', 9)
  })

  it('that the service refuses is answered with its own answer', async () => {
    const {port} = sockets.forward
    const head = `GET /no HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n`
    const {bytes, ended} = await rawClient(port, head).ended
    const message = readMessage(bytes, {ended})
    expect(message).toMatchObject({line: 'HTTP/1.1 426 Upgrade Required', complete: true})
    expect(message?.headers).toContainEqual(['x-why', 'version'])
    expect(message?.body.toString()).toBe('not so!')
    tally('ends of a connection', 1)
  })
})

const lastSeen = new WeakMap<object, number>()
/** Whether the server's writes have stopped since the last check. */
function stuck(peer: RawPeer | undefined): boolean {
  if (!peer) return false
  const left = peer.socket.writableLength
  const before = lastSeen.get(peer)
  lastSeen.set(peer, left)
  return left > 0 && before === left
}
