import fs from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {HttpWorld} from '../support/http-world.js'
import {
  collect,
  rawClient,
  readMessage,
  readRequests,
  startRawServer,
  type RawClient,
  type RawServer,
} from '../support/raw-http.js'
import type {RunningForward} from '../support/running-forward.js'
import {tally} from './tally.js'

const webHost = 'app.widgetcorp.tech'
const tcpHost = 'db.widgetcorp.tech'
const FAMILY = 'listeners × hostile clients'

let directory: string
let world: HttpWorld
/** Records every byte that `forward --http` sends, and that the sandbox's edge sends to its service. */
let edge: RawServer
let service: RawServer
let echo: net.Server
let forward: RunningForward
let stream: RunningForward
let ca: string

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-listeners-'))
  edge = await startRawServer(directory)
  service = await startRawServer()
  echo = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket))
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  world = await HttpWorld.make({
    [webHost]: `http://${service.address}`,
    [tcpHost]: `tcp://127.0.0.1:${(echo.address() as net.AddressInfo).port}`,
  })
  ca = await fs.readFile(world.sandbox.caFile, 'utf8')
  for (const server of [edge, service])
    server.onPeer = (peer) => {
      let answered = 0
      // Answers each complete request once, as a careful server would.
      const answer = (): void => {
        let read: ReturnType<typeof readRequests>
        try {
          read = readRequests(peer.received)
        } catch {
          return
        }
        for (; answered < read.requests.length; answered++) {
          const head = read.requests[answered]?.line.startsWith('HEAD') === true
          peer.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n${head ? '' : 'ok'}`)
        }
      }
      peer.socket.on('data', answer)
    }
  forward = await world.forward([webHost, '--http', '--connect-to', edge.address, '--ca-file', edge.caFile])
  stream = await world.forward([tcpHost])
})
afterAll(async () => {
  await forward.stop()
  await stream.stop()
  await edge.close()
  await service.close()
  echo.close()
  await world.zt.end()
  await fs.rm(directory, {recursive: true, force: true})
})

type Name = 'forward --http' | "the sandbox's edge" | "the sandbox's API"
const NAMES: readonly Name[] = ['forward --http', "the sandbox's edge", "the sandbox's API"]

async function connect(name: Name, data = ''): Promise<RawClient> {
  if (name === 'forward --http') return rawClient(forward.port, data)
  if (name === "the sandbox's API") return rawClient(world.sandbox.api, data)
  const socket = tls.connect({
    host: '127.0.0.1',
    port: world.sandbox.edge,
    servername: webHost,
    ca,
    ALPNProtocols: ['http/1.1'],
  })
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
  })
  return collect(socket, data)
}

/** The headers of a request that is admitted. */
function own(name: Name): string {
  if (name === 'forward --http') return `Host: localhost:${forward.port}\r\n`
  if (name === "the sandbox's API")
    return `Host: 127.0.0.1:${world.sandbox.api}\r\nAuthorization: Bearer ${world.sandbox.apiToken}\r\n`
  return `Host: ${webHost}\r\nCF-Access-Client-Id: ${world.clientId}\r\nCF-Access-Client-Secret: ${world.secret}\r\n`
}

const GOOD: Record<Name, string> = {
  'forward --http': '/good',
  "the sandbox's edge": '/good',
  "the sandbox's API": '/client/v4/user/tokens/verify',
}

async function serves(name: Name): Promise<void> {
  const client = await connect(name, `GET ${GOOD[name]} HTTP/1.1\r\n${own(name)}Connection: close\r\n\r\n`)
  const {bytes} = await client.ended
  expect(bytes.toString('latin1')).toMatch(/^HTTP\/1\.1 200 /)
}

/** The requests that reached the server behind a listener since the last call; their framing must be unambiguous. */
function reached(server: RawServer, from: number[]): string[] {
  return server.peers.flatMap((peer, at) => {
    const {requests, left} = readRequests(peer.received.slice(from[at] ?? 0))
    // A request with an unfinished body was started, and its connection closed.
    return [...requests.map(({line}) => line), ...(left === '' ? [] : [left.split('\r\n')[0] ?? ''])]
  })
}

const lengths = (server: RawServer): number[] => server.peers.map(({received}) => received.length)

/** A request that is hidden in another: it must never arrive as a separate request. */
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n'

interface Attack {
  what: string
  data: (own: string, authority: string) => string
  /** How many requests may reach the server behind. */
  most?: number
  /** Whether it is refused with an answer. */
  refused?: boolean
}

const n = HIDDEN.length
const ATTACKS: Attack[] = [
  ...['content-length', 'transfer-encoding', 'host', 'cf-access-client-secret', 'content-length, close'].map(
    (name) => ({
      what: `Connection: ${name}`,
      data: (o: string) =>
        `GET /a HTTP/1.1\r\n${o}Connection: ${name}\r\nContent-Length: ${n}\r\n\r\n${HIDDEN}`,
      most: 1,
    }),
  ),
  {
    what: 'Connection names the framing of a POST',
    data: (o) =>
      `POST /a HTTP/1.1\r\n${o}Connection: transfer-encoding, trailer\r\nTransfer-Encoding: chunked\r\n\r\n${n.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`,
    most: 1,
  },
  ...[
    [`Content-Length: ${n}\r\nContent-Length: 0`, HIDDEN],
    ['Content-Length: 0\r\nContent-Length: 0', ''],
    [`Content-Length: ${n}, ${n}`, HIDDEN],
    [`Content-Length: +${n}`, HIDDEN],
    [`Content-Length: 0x${n.toString(16)}`, HIDDEN],
    [`Content-Length: -1`, HIDDEN],
    ['Content-Length: 99999999999999999999', HIDDEN],
    [`Content-Length : ${n}`, HIDDEN],
    [`Content-Length: ${n}\r\nTransfer-Encoding: chunked`, `0\r\n\r\n${HIDDEN}`],
    [`Transfer-Encoding: chunked\r\nContent-Length: ${n}`, `0\r\n\r\n${HIDDEN}`],
    ['Transfer-Encoding: chunked, identity', `0\r\n\r\n${HIDDEN}`],
    ['Transfer-Encoding: identity, chunked', `0\r\n\r\n${HIDDEN}`],
    ['Transfer-Encoding: gzip, chunked', `0\r\n\r\n${HIDDEN}`],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', `0\r\n\r\n${HIDDEN}`],
    ['Transfer-Encoding: xchunked', `0\r\n\r\n${HIDDEN}`],
    ['Transfer-Encoding: "chunked"', `0\r\n\r\n${HIDDEN}`],
    ['Transfer-Encoding:\x0bchunked', `0\r\n\r\n${HIDDEN}`],
    ['Transfer-Encoding : chunked', `0\r\n\r\n${HIDDEN}`],
    ['Transfer-Encoding: chunked', 'xyz\r\n'],
    ['Transfer-Encoding: chunked', '5\rabcde\r\n0\r\n\r\n'],
    ['Transfer-Encoding: chunked', `3\r\nabcX\r\n0\r\n\r\n`],
    ['Transfer-Encoding: chunked', `-1\r\n${HIDDEN}`],
    ['Transfer-Encoding: chunked', `FFFFFFFFFFFFFFFFF\r\n${HIDDEN}`],
    ['Transfer-Encoding: chunked', `1;${'e'.repeat(200_000)}\r\na\r\n0\r\n\r\n`],
    ['X: a\nTransfer-Encoding: chunked', `0\r\n\r\n${HIDDEN}`],
    ['X: a\rTransfer-Encoding: chunked', `0\r\n\r\n${HIDDEN}`],
    ['X: a\0b', ''],
    ['X\x01: a', ''],
    ['X: a\x7fb', ''],
    [' leading: a', ''],
    ['no colon', ''],
    [': no name', ''],
    ['Host: other.example', ''],
  ].map(([headers = '', body = '']) => ({
    what: JSON.stringify(`${headers} ${body.slice(0, 12)}`),
    data: (o: string) => `POST /a HTTP/1.1\r\n${o}${headers}\r\n\r\n${body}`,
    most: 1,
    refused: true,
  })),
  ...[
    'http://other.example/',
    'http://127.0.0.1/a',
    'a',
    '*',
    '?x',
    '',
    'javascript:x',
    '\\\\x',
    'HTTP/1.1',
  ].map((target) => ({
    what: `GET ${target}`,
    data: (o: string) => `GET ${target} HTTP/1.1\r\n${o}\r\n`,
    most: 0,
    refused: true,
  })),
  ...[
    '//',
    '//other.example',
    '///',
    '/%',
    '/%zz',
    '/%00',
    '/..//..',
    '/?%',
    '/x?a=%E0%A4%A',
    '/client/v4//',
    '/client/v4/accounts/%ff/access/apps',
    '/#x',
    `/${'a'.repeat(15_000)}`,
  ].map((target) => ({
    what: `GET ${target.slice(0, 40)}`,
    data: (o: string) => `GET ${target} HTTP/1.1\r\n${o}Connection: close\r\n\r\n`,
    most: 1,
  })),
  {what: 'CONNECT', data: (o) => `CONNECT other.example:443 HTTP/1.1\r\n${o}\r\n`, most: 0, refused: true},
  {what: 'TRACE', data: (o) => `TRACE /a HTTP/1.1\r\n${o}Connection: close\r\n\r\n`, most: 0, refused: true},
  {what: 'OPTIONS *', data: (o) => `OPTIONS * HTTP/1.1\r\n${o}Connection: close\r\n\r\n`, most: 1},
  {what: 'an unknown method', data: (o) => `FOO /a HTTP/1.1\r\n${o}\r\n`, most: 0, refused: true},
  {what: 'HTTP/2', data: (o) => `GET /a HTTP/2.0\r\n${o}\r\n`, most: 0, refused: true},
  {what: 'the preface of HTTP/2', data: () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', most: 0},
  {what: 'HTTP/0.9', data: () => 'GET /a\r\n\r\n', most: 0},
  {what: 'no host', data: () => 'GET /a HTTP/1.1\r\nConnection: close\r\n\r\n', most: 0, refused: true},
  {
    what: 'HTTP/1.0 in chunks',
    data: (o) => `POST /a HTTP/1.0\r\n${o}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
    most: 0,
    refused: true,
  },
  {
    what: 'HTTP/1.0 that stays',
    data: (o) => `GET /a HTTP/1.0\r\n${o}Connection: keep-alive\r\n\r\n`,
    most: 1,
  },
  {
    what: 'an upgrade with a body',
    data: (o) =>
      `GET /a HTTP/1.1\r\n${o}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: ${n}\r\n\r\n${HIDDEN}`,
    most: 1,
  },
  {
    what: 'an upgrade in chunks',
    data: (o) =>
      `GET /a HTTP/1.1\r\n${o}Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
    most: 1,
  },
  {
    what: 'an upgrade to HTTP/2',
    data: (o) =>
      `GET /a HTTP/1.1\r\n${o}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n`,
    most: 1,
  },
  {
    what: 'an odd expectation',
    data: (o) =>
      `POST /a HTTP/1.1\r\n${o}Expect: the-unexpected\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`,
    most: 1,
  },
  {
    what: 'a folded header',
    data: (o) => `GET /a HTTP/1.1\r\n${o}X: a\r\n b\r\nConnection: close\r\n\r\n`,
    most: 1,
  },
  {
    what: 'a folded length',
    data: (o) => `POST /a HTTP/1.1\r\n${o}Content-Length:\r\n ${n}\r\nConnection: close\r\n\r\n${HIDDEN}`,
    most: 1,
  },
  {
    what: '3000 headers, the length behind them',
    data: (o) =>
      `POST /a HTTP/1.1\r\n${o}${'x:y\r\n'.repeat(3000)}Content-Length: ${n}\r\nConnection: close\r\n\r\n${HIDDEN}`,
    most: 1,
  },
  {
    what: 'bytes above ASCII',
    data: (o) => `GET /a HTTP/1.1\r\n${o}X: \xff\xfe\x80\r\nConnection: close\r\n\r\n`,
    most: 1,
  },
  {
    what: 'a head without end',
    data: (o) => `GET /a HTTP/1.1\r\n${o}X: ${'a'.repeat(300_000)}`,
    most: 0,
    refused: true,
  },
  {what: 'noise', data: () => '\0\x01\xff\xfe'.repeat(1000), most: 0},
  {what: "TLS' greeting", data: () => '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', most: 0},
  {what: 'nothing', data: () => '\r\n\r\n\r\n', most: 0},
]

describe.each(NAMES)('%s', (name) => {
  it('serves on after each hostile request, and what it lets through is one clear request', async () => {
    const behind = name === 'forward --http' ? edge : name === "the sandbox's edge" ? service : undefined
    for (const {what, data, most = 0, refused = false} of ATTACKS) {
      const from = behind ? lengths(behind) : []
      const client = await connect(name, data(own(name), ''))
      client.socket.end()
      const {bytes} = await client.ended
      if (refused && bytes.length > 0)
        expect([what, bytes.toString('latin1', 0, 40)]).toEqual([
          what,
          expect.stringMatching(/^HTTP\/1\.1 (4|5)\d\d /),
        ])
      if (behind) {
        const lines = reached(behind, from)
        expect([what, lines.length <= most, lines.filter((line) => line.includes('hidden'))]).toEqual([
          what,
          true,
          [],
        ])
      }
      // Whatever was answered is one answer, and nothing after it.
      if (bytes.length > 0 && !what.startsWith('an upgrade')) {
        const message = readMessage(bytes, {ended: 'fin'})
        expect([what, message?.rest.toString('latin1').startsWith('HTTP/1.1 2') ?? false]).toEqual([
          what,
          false,
        ])
      }
      await serves(name)
    }
    tally(FAMILY, ATTACKS.length)
  })

  it('answers pipelined requests in order, and none behind a bad one', async () => {
    const one = (at: number): string => `GET ${GOOD[name]}?${at} HTTP/1.1\r\n${own(name)}\r\n`
    const client = await connect(
      name,
      `${Array.from({length: 20}, (_, at) => one(at)).join('')}BAD\r\n\r\n${HIDDEN}`,
    )
    const {bytes} = await client.ended
    const statuses: string[] = []
    for (let rest = bytes; rest.length > 0;) {
      const message = readMessage(rest, {ended: 'fin'})
      if (!message) break
      statuses.push(message.line.split(' ')[1] ?? '')
      rest = message.rest
    }
    expect(statuses).toEqual([...Array.from({length: 20}, () => '200'), '400'])
    // A flood of them is cut off, and never arrives in full.
    const flood = await connect(name, Array.from({length: 5000}, (_, at) => one(at)).join(''))
    await flood.ended
    await serves(name)
    tally(FAMILY, 2)
  })

  it('holds a bounded number of connections, and lets go of them', async () => {
    const pid = name === 'forward --http' ? forward.child.pid : world.sandbox.pid
    const port =
      name === 'forward --http'
        ? forward.port
        : name === "the sandbox's edge"
          ? world.sandbox.edge
          : world.sandbox.api
    const handles = async (): Promise<number> => (await fs.readdir(`/proc/${pid}/fd`)).length
    const before = await handles()
    const clients = Array.from({length: 1500}, () =>
      net.connect({port, host: '127.0.0.1'}).on('error', () => undefined),
    )
    await Promise.all(
      clients.map(
        (client) => new Promise((resolve) => client.once('connect', resolve).once('close', resolve)),
      ),
    )
    const most = await handles()
    for (const client of clients) client.destroy()
    expect(most - before).toBeLessThan(1100)
    await expect.poll(handles, {timeout: 120_000}).toBeLessThan(before + 50)
    await serves(name)
    tally(FAMILY, clients.length)
  })

  it('does not wait for a head that does not come', async () => {
    const slow = await connect(name, `GET /a HTTP/1.1\r\n${own(name)}X: `)
    const {bytes} = await slow.ended
    expect(bytes.toString()).toMatch(/^HTTP\/1\.1 408 /)
    tally(FAMILY, 1)
  })
})

it('of a thousand names the sandbox makes certificates, and serves on', async () => {
  const names = [
    ...Array.from({length: 1000}, (_, at) => `n${at}.example.com`),
    '*.example.com',
    'x'.repeat(250),
    `a\n.b`,
    'CN=a,O=b',
  ]
  for (let at = 0; at < names.length; at += 20)
    await Promise.all(
      names.slice(at, at + 20).map(
        (servername) =>
          new Promise<void>((resolve) => {
            const socket = tls.connect({
              host: '127.0.0.1',
              port: world.sandbox.edge,
              servername,
              rejectUnauthorized: false,
            })
            socket.once('secureConnect', () => socket.destroy())
            socket.on('error', () => undefined)
            socket.once('close', () => {
              resolve()
            })
          }),
      ),
    )
  await serves("the sandbox's edge")
  tally(FAMILY, names.length)
})

describe("the sandbox's API", () => {
  const call = (
    headers: Record<string, string>,
    method = 'GET',
  ): Promise<{status: number; headers: http.IncomingHttpHeaders}> =>
    new Promise((resolve, reject) => {
      const to = {
        host: '127.0.0.1',
        port: world.sandbox.api,
        path: '/client/v4/accounts',
        method,
        agent: false,
      }
      http
        .request(
          {...to, headers: {authorization: `Bearer ${world.sandbox.apiToken}`, ...headers}},
          (answer) => {
            answer.resume()
            resolve({status: answer.statusCode ?? 0, headers: answer.headers})
          },
        )
        .once('error', reject)
        .end()
    })

  it('answers no foreign Host and no page of another origin', async () => {
    expect((await call({})).status).toBe(200)
    const foreign: Record<string, string>[] = [
      {host: 'evil.example'},
      {host: `evil.example:${world.sandbox.api}`},
      {host: `127.0.0.1.evil.example:${world.sandbox.api}`},
      {origin: 'https://evil.example'},
      {origin: 'null'},
      {'sec-fetch-site': 'cross-site'},
      {'sec-fetch-site': 'same-site'},
    ]
    for (const headers of foreign) expect([headers, (await call(headers)).status]).toEqual([headers, 403])
    const preflight = await call(
      {origin: 'https://evil.example', 'access-control-request-method': 'POST'},
      'OPTIONS',
    )
    expect(preflight.status).toBe(403)
    expect(Object.keys(preflight.headers).filter((one) => one.startsWith('access-control'))).toEqual([])
    tally(FAMILY, foreign.length + 1)
  })

  it('takes no body of anybody unknown, and none without limit or of a depth that cannot be written', async () => {
    const head = (more: string, length: number): string =>
      `POST /client/v4/accounts HTTP/1.1\r\nHost: localhost:${world.sandbox.api}\r\nContent-Length: ${length}\r\n${more}\r\n`
    // Answered before the body has arrived.
    const unknown = rawClient(world.sandbox.api, head('', 100_000_000))
    await unknown.until((got) => got.toString().startsWith('HTTP/1.1 400 '))
    unknown.socket.destroy()
    const known = `Authorization: Bearer ${world.sandbox.apiToken}\r\n`
    const large = rawClient(world.sandbox.api, head(known, 3_000_000) + 'x'.repeat(3_000_000))
    await large.until((got) => got.toString().startsWith('HTTP/1.1 413 '))
    large.socket.destroy()
    const deep = '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)
    const nested = rawClient(world.sandbox.api, head(known, deep.length) + deep)
    await nested.until((got) => got.toString().startsWith('HTTP/1.1 400 '))
    nested.socket.destroy()
    await serves("the sandbox's API")
    tally(FAMILY, 3)
  })
})

it("the sandbox's SSH server and forward's TCP listener serve on after noise", async () => {
  const noise = [
    '',
    '\0'.repeat(100_000),
    'SSH-2.0-x\r\n',
    `SSH-2.0-x\r\n${'\xff'.repeat(40_000)}`,
    `SSH-1.0-x\r\n`,
    'GET / HTTP/1.1\r\n\r\n',
    `SSH-2.0-${'x'.repeat(100_000)}`,
    `SSH-2.0-x\r\n\0\0\0\x0c\x0a\x15${'\0'.repeat(20)}`,
  ]
  for (const data of noise) {
    const client = rawClient(world.sandbox.ssh, data)
    client.socket.end()
    await client.ended
    const tunnelled = rawClient(stream.port, data)
    await tunnelled.until((got) => got.length >= Buffer.from(data, 'latin1').length)
    tunnelled.socket.destroy()
  }
  const greeted = rawClient(world.sandbox.ssh)
  await greeted.until((got) => got.toString().startsWith('SSH-2.0-GitLab-SSHD'))
  greeted.socket.destroy()
  tally(FAMILY, 2 * noise.length)
})
