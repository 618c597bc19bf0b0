import {spawn, type ChildProcess} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import net, {type AddressInfo, type Socket} from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import type {BuiltZt} from '../support/built-zt.js'
import {HOST, startEdge, type EdgeOptions, type Peer, type ScriptedEdge} from '../support/scripted-edge.js'
import {ClientFrames, closeFrame, frame} from '../support/tunnel-frames.js'
import {CLIENT_ID, CLIENT_SECRET, proxyArgs, proxyCommandLine, tunnelZt} from '../support/tunnel-world.js'
import {AMPLE_MS, withGrowingLimit} from '../support/patience.js'

let zt: BuiltZt
const edges: ScriptedEdge[] = []
const servers: net.Server[] = []

beforeAll(async () => {
  zt = await tunnelZt()
})

afterEach(async () => {
  for (const edge of edges.splice(0)) await edge.close()
  for (const server of servers.splice(0)) server.close()
})

afterAll(() => zt.end())

async function start(onPeer: EdgeOptions['onPeer'], more: Partial<EdgeOptions> = {}): Promise<ScriptedEdge> {
  const edge = await startEdge({directory: path.join(zt.home, 'edge'), onPeer, ...more})
  edges.push(edge)
  return edge
}

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

interface Ended {
  code: number | null
  error: {code: string; kind: string; message: string; why?: string} | undefined
  stdout: Buffer
  stderr: string
}

/** Runs a proxy whose stdin stays open unless `input` is given. */
function proxy(
  args: string[],
  options: {env?: NodeJS.ProcessEnv; input?: Buffer; onStart?: (child: ChildProcess) => void} = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(...proxyCommandLine([...args, '--json']), {
      env: {...zt.env, ...options.env},
      cwd: zt.home,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const pieces: Buffer[] = []
    let stderr = ''
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
    child.stdin.on('error', () => undefined)
    if (options.input) child.stdin.end(options.input)
    child.once('error', reject)
    child.once('close', (code) => {
      const error = stderr === '' ? undefined : (JSON.parse(stderr) as {error: Ended['error']}).error
      resolve({code, error, stdout: Buffer.concat(pieces), stderr})
    })
    options.onStart?.(child)
  })
}

const answer =
  (status: number, headers: Record<string, string> = {}) =>
  (peer: Peer): void => {
    const lines = Object.entries({'CF-RAY': '8f1e2d3c4b5a6978-FRA', ...headers}).map(
      ([k, v]) => `${k}: ${v}\r\n`,
    )
    peer.socket.end(`HTTP/1.1 ${status} No\r\n${lines.join('')}Content-Length: 4\r\n\r\nbody`)
  }

/** Upgrades, sends 100 KiB, and continues when the client has sent something. */
const midway =
  (end: (peer: Peer) => void) =>
  (peer: Peer): void => {
    peer.accept()
    peer.socket.write(frame({opcode: 2, payload: Buffer.alloc(102_400, 7)}))
    peer.socket.once('data', () => {
      end(peer)
    })
    peer.socket.resume()
  }

interface Fault {
  script?: (peer: Peer) => void
  edge?: Partial<EdgeOptions>
  /** Its limit must be reached where the server sends nothing more. */
  silent?: true
  /** A CA file other than the edge's. */
  otherCa?: boolean
  exit: number
  code: string
  why: RegExp
  /** Nothing was sent to it over TLS, not even a request. */
  nothingSent?: boolean
}

const nothing = (): void => undefined
const login = 'https://widgetcorp.cloudflareaccess.com/cdn-cgi/access/login/x?kid=1'
const YEARS_AGO = Date.now() - 2 * 366 * 24 * 3600_000

const FAULTS: [string, Fault][] = [
  ['that is silent before TLS', {edge: {onConnection: () => true}, silent: true, exit: 8, code: 'EDGE_TIMEOUT', why: /TLS was not established within [\d.]+ s/}],
  ['that is silent after the request', {script: nothing, silent: true, exit: 8, code: 'EDGE_TIMEOUT', why: /accepted the request and sent nothing/}],
  ['that answers half a head', {script: ({socket}) => socket.write('HTTP/1.1 101 Sw'), silent: true, exit: 8, code: 'EDGE_TIMEOUT', why: /accepted the request and sent nothing/}],
  ['that resets before TLS', {edge: {onConnection: (socket) => Boolean(socket.resetAndDestroy())}, exit: 8, code: 'EDGE_UNREACHABLE', why: /reset/}],
  ['that resets after the request', {script: ({reset}) => { void reset() }, exit: 8, code: 'EDGE_GONE', why: /reset before an answer/}],
  ['that ends after the request', {script: ({socket}) => socket.end(), exit: 8, code: 'EDGE_GONE', why: /closed before an answer/}],
  ['that ends inside a message midway', {script: midway(({socket}) => socket.end(frame({opcode: 2, announced: 9n}))), exit: 8, code: 'EDGE_GONE', why: /in the middle of a message\. .*5 bytes to the edge and 100.0 KiB back/}],
  ['that resets midway', {script: midway(({reset}) => { void reset() }), exit: 8, code: 'EDGE_GONE', why: /reset\. .* 5 bytes to the edge/}],
  ['that closes with 1011 midway', {script: midway(({socket}) => socket.write(closeFrame(1011, 'origin gone'))), exit: 8, code: 'TUNNEL_CLOSED', why: /1011: an error occurred .*"origin gone"/}],
  ['that sends garbage midway', {script: midway(({socket}) => socket.write('SSH-2.0-garbage')), exit: 8, code: 'TUNNEL_PROTOCOL', why: /The edge sent a/}],
  ['that does not speak TLS', {edge: {onConnection: (socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n')}, exit: 8, code: 'EDGE_UNREACHABLE', why: /does not speak TLS/}],
  ['that does not speak HTTP', {script: ({socket}) => socket.write('SSH-2.0-OpenSSH_9.9\r\n'), exit: 8, code: 'EDGE_PROTOCOL', why: /not HTTP/}],
  ['that upgrades to something else', {script: ({accept}) => { accept({Upgrade: 'h2c'}) }, exit: 8, code: 'EDGE_PROTOCOL', why: /than WebSocket/}],
  ['whose answer is to another request', {script: ({accept}) => { accept({'Sec-WebSocket-Accept': 'AAAA'}) }, exit: 8, code: 'EDGE_PROTOCOL', why: /does not belong to this request/}],
  ['that answers 301', {script: answer(301, {Location: `https://www.${HOST}/`}), exit: 10, code: 'ACCESS_REFUSED', why: /does not follow/}],
  ['that answers 302 to a login', {script: answer(302, {Location: login}), exit: 10, code: 'ACCESS_REFUSED', why: /Service Auth.*CF-RAY/}],
  ['that answers 302 to elsewhere', {script: answer(302, {Location: 'https://elsewhere.example/'}), exit: 10, code: 'ACCESS_REFUSED', why: /does not follow/}],
  ['that answers 307', {script: answer(307, {Location: '/there'}), exit: 10, code: 'ACCESS_REFUSED', why: /does not follow/}],
  ['that answers 401', {script: answer(401), exit: 10, code: 'ACCESS_REFUSED', why: /expired, disabled, deleted.*CF-RAY/}],
  ['that answers 403', {script: answer(403), exit: 10, code: 'ACCESS_REFUSED', why: /has another secret\. Or a firewall/}],
  ['that answers 404', {script: answer(404), exit: 10, code: 'ACCESS_REFUSED', why: /WebSockets may be off/}],
  ['that answers 429', {script: answer(429), exit: 8, code: 'ACCESS_REFUSED', why: /too many requests/}],
  ['that answers 502', {script: answer(502), exit: 8, code: 'ACCESS_REFUSED', why: /connector or the service/}],
  ['that answers 200', {script: answer(200), exit: 10, code: 'ACCESS_REFUSED', why: /WebSockets may be off/}],
  ['with the certificate of a host that looks alike', {edge: {certificateFor: 'gitlab-ssh.widgetcorp.tech.example'}, exit: 8, code: 'EDGE_NOT_TRUSTED', why: /for another host.*Nothing was sent/, nothingSent: true}],
  ['with the certificate of a part of the host', {edge: {certificateFor: 'widgetcorp.tech'}, exit: 8, code: 'EDGE_NOT_TRUSTED', why: /for another host/, nothingSent: true}],
  ['whose CA has expired', {edge: {madeAt: YEARS_AGO}, exit: 8, code: 'EDGE_NOT_TRUSTED', why: /expired/, nothingSent: true}],
  ['with another CA', {otherCa: true, exit: 8, code: 'EDGE_NOT_TRUSTED', why: /./, nothingSent: true}],
] // prettier-ignore

describe('an edge', () => {
  it.each(FAULTS)('%s ends the proxy in time, and is named', async (name, fault) => {
    const directory = path.join(zt.home, name.replaceAll(' ', '-'))
    const edge = await start(fault.script ?? nothing, {directory, ...fault.edge})
    const caFile = fault.otherCa ? (await start(nothing)).caFile : edge.caFile
    const limited = (ms: number): Promise<Ended> =>
      proxy(proxyArgs({address: edge.address, caFile}, '--timeout', String(ms / 1000)), {
        onStart: (child) => child.stdin?.write('hello'),
      })
    const named = ({error}: Ended): boolean => fault.why.test(error?.why ?? '')
    const end = await withGrowingLimit(fault.silent ? 600 : AMPLE_MS, limited, named)
    expect({exit: end.code, code: end.error?.code}).toEqual({exit: fault.exit, code: fault.code})
    expect(end.error?.why).toMatch(fault.why)
    expect(end.stderr + end.stdout.toString('latin1')).not.toContain(CLIENT_SECRET)
    if (fault.nothingSent) expect(edge.received).toBe('')
  })
})

describe('a secret goes to no other:', () => {
  it.each([301, 302, 303, 307, 308])('not to where a %i points', async (status) => {
    const other = await start((peer) => {
      peer.accept()
    })
    for (const target of [
      `https://${other.address}/`,
      `https://${HOST}:${other.port}/`,
      `//${other.address}/`,
    ]) {
      const edge = await start(answer(status, {Location: target}))
      const end = await proxy(proxyArgs(edge))
      expect(end.code).toBe(10)
      expect(edge.received).toContain(CLIENT_SECRET)
    }
    expect(other.connections).toBe(0)
  })

  it.each([`${HOST}.example`, `x${HOST}`, 'gitlab-ssh.widgetcorp.tech.', 'gitlab-ssh-widgetcorp.tech'])(
    'not to %s, which no one confirmed',
    async (host) => {
      const edge = await start((peer) => {
        peer.accept()
      })
      const args = proxyArgs(edge).filter((word) => word !== '--yes')
      const end = await proxy(args.map((word) => (word === HOST ? host : word)))
      expect(end).toMatchObject({code: 9, error: {code: 'TOKEN_NOT_BOUND'}})
      expect(edge.connections).toBe(0)
    },
  )

  it('not to the proxy of the network, which gets to know the host alone', async () => {
    const seen: string[] = []
    const edge = await start((peer) => {
      peer.accept()
      peer.socket.write(closeFrame(1000))
    })
    const port = await listen((socket) => {
      socket.on('data', (data) => seen.push(data.toString('latin1')))
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        const behind = net.connect(edge.port, '127.0.0.1')
        behind.on('error', nothing)
        socket.pipe(behind).pipe(socket)
      })
    })
    const args = ['ssh', 'proxy', HOST, '--token', 'env', '--yes', '--ca-file', edge.caFile]
    const end = await proxy(args, {env: {https_proxy: `http://user:pass@127.0.0.1:${port}`}})
    expect(end).toMatchObject({code: 0, stderr: ''})
    expect(edge.received).toContain(CLIENT_SECRET)
    expect(seen[0]).toContain(`CONNECT ${HOST}:443 HTTP/1.1`)
    expect(seen.join('')).not.toContain(CLIENT_SECRET)
    expect(seen.join('')).not.toContain(CLIENT_ID)
  })
})

describe('a proxy of the network', () => {
  it.each([
    [407, 'HTTPS_PROXY', /requires a user|does not accept/],
    [403, 'https_proxy', /does not allow/],
    [502, 'HTTPS_PROXY', /cannot reach/],
    [401, 'https_proxy', /does not accept the user and password/],
  ])('that refuses with %i, by %s, is named without its password', async (status, variable, why) => {
    const port = await listen((socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`))
    })
    const args = ['ssh', 'proxy', HOST, '--token', 'env', '--yes']
    const end = await proxy(args, {env: {[variable]: `http://user:hunter2-hunter2@127.0.0.1:${port}`}})
    expect(end).toMatchObject({code: 8, error: {code: 'PROXY_REFUSED'}})
    expect(end.error?.why).toMatch(why)
    expect(end.error?.why).toContain(variable)
    expect(end.stderr).not.toContain('hunter2')
  })

  it('is not asked for this machine, nor where NO_PROXY says so', async () => {
    let asked = 0
    const port = await listen((socket) => {
      asked++
      socket.destroy()
    })
    const edge = await start((peer) => {
      peer.accept()
      peer.socket.write(closeFrame(1000))
    })
    expect(await proxy(proxyArgs(edge), {env: {HTTPS_PROXY: `http://127.0.0.1:${port}`}})).toMatchObject({
      code: 0,
    })
    expect(asked).toBe(0)
  })
})

it.each<[string, (caFile: string) => NodeJS.ProcessEnv]>([
  ['NODE_EXTRA_CA_CERTS', (caFile) => ({NODE_EXTRA_CA_CERTS: caFile})],
  ["node's own roots", (caFile) => ({NODE_OPTIONS: '--use-openssl-ca', SSL_CERT_FILE: caFile})],
])('%s stay trusted beside --ca-file', async (_, trusting) => {
  const edge = await start((peer) => {
    peer.accept()
    peer.socket.write(closeFrame(1000))
  })
  const another = path.join(zt.home, 'a-root.pem')
  await fs.writeFile(another, tls.rootCertificates[0] ?? '')
  const args = proxyArgs({address: edge.address, caFile: another})
  expect(await proxy(args, {env: trusting(edge.caFile)})).toMatchObject({code: 0, stderr: ''})
  expect(await proxy(args)).toMatchObject({code: 8, error: {code: 'EDGE_NOT_TRUSTED'}})
})

describe('the other side', () => {
  it('gets a slow writer as it writes', async () => {
    const reader = new ClientFrames()
    let got = ''
    const edge = await start((peer) => {
      peer.accept()
      peer.socket.on('data', (data: Buffer) => {
        for (const {opcode, payload} of reader.push(data)) if (opcode === 2) got += payload.toString()
        if (got.endsWith('!')) peer.socket.write(closeFrame(1000))
      })
      peer.socket.resume()
    })
    const end = await proxy(proxyArgs(edge), {
      onStart: (child) => {
        const words = ['one ', 'two ', 'three', '!']
        const timer = setInterval(() => {
          child.stdin?.write(words.shift() ?? '')
          if (words.length === 0) clearInterval(timer)
        }, 120)
      },
    })
    expect(end).toMatchObject({code: 0, stderr: ''})
    expect(got).toBe('one two three!')
  })

  it('waits for a slow reader, who gets everything', async () => {
    const data = randomBytes(8 * 1024 * 1024)
    const edge = await start((peer) => {
      peer.accept()
      peer.socket.write(frame({opcode: 2, payload: data}))
      peer.socket.write(closeFrame(1000))
      peer.socket.resume()
    })
    const end = await proxy(proxyArgs(edge), {
      onStart: ({stdout}) => {
        stdout?.on('data', () => {
          stdout.pause()
          setTimeout(() => stdout.resume(), 5)
        })
      },
    })
    expect(end).toMatchObject({code: 0, stderr: ''})
    expect(end.stdout.equals(data)).toBe(true)
  })

  it('that is gone ends the proxy quietly, with the code of a broken pipe', async () => {
    const edge = await start((peer) => {
      peer.accept()
      const timer = setInterval(
        () => peer.socket.write(frame({opcode: 2, payload: Buffer.alloc(10_000)})),
        10,
      )
      peer.socket.once('close', () => {
        clearInterval(timer)
      })
      peer.socket.resume()
    })
    const end = await proxy(proxyArgs(edge), {
      onStart: ({stdout}) => {
        stdout?.once('data', () => stdout.destroy())
      },
    })
    expect(end).toMatchObject({code: 141, stderr: ''})
  })

  // SIGINT and SIGHUP wait for the end of stdin: others may share the connection (ssh-sharing.test.ts).
  it.each<[NodeJS.Signals, number]>([['SIGTERM', 143]])(
    'is sent a close frame when the proxy is ended by %s',
    async (signal, code) => {
      const reader = new ClientFrames()
      const closes: number[] = []
      let kill: () => void = nothing
      const edge = await start((peer) => {
        peer.accept()
        peer.socket.on('data', (data: Buffer) => {
          for (const {opcode, payload} of reader.push(data))
            if (opcode === 8) closes.push(payload.readUInt16BE(0))
        })
        peer.socket.resume()
        setTimeout(kill, 100)
      })
      const end = await proxy(proxyArgs(edge), {onStart: (child) => (kill = () => void child.kill(signal))})
      expect(end).toMatchObject({code, stderr: ''})
      expect(closes).toEqual([1000])
    },
  )

  it('that does not answer is left at once on a signal', async () => {
    let kill: () => void = nothing
    const edge = await start(() => {
      kill()
    })
    const end = await proxy(proxyArgs(edge), {onStart: (child) => (kill = () => void child.kill('SIGTERM'))})
    expect(end).toMatchObject({code: 143, stderr: ''})
  })

  it('gets what --destination says', async () => {
    const edge = await start((peer) => {
      peer.accept()
      peer.socket.write(closeFrame(1000))
    })
    expect(await proxy(proxyArgs(edge, '--destination', '10.0.0.7:22'))).toMatchObject({code: 0})
    expect(edge.received).toContain('\r\nCf-Access-Jump-Destination: 10.0.0.7:22\r\n')
    const bad = await proxy(proxyArgs(edge, '--destination', '10.0.0.7:22\r\nX: y'))
    expect(bad).toMatchObject({code: 2, error: {code: 'BAD_DESTINATION'}})
    expect(edge.connections).toBe(1)
  })
})

it('100 proxies at once carry each its own, byte for byte', async () => {
  const edge = await start((peer) => {
    const reader = new ClientFrames()
    peer.accept()
    let back = 0
    peer.socket.on('data', (data: Buffer) => {
      for (const {opcode, payload} of reader.push(data)) {
        if (opcode !== 2) continue
        back += payload.length
        peer.socket.write(frame({opcode: 2, payload}))
      }
      if (back === 65_536) peer.socket.end(closeFrame(1000))
    })
    peer.socket.resume()
  })
  const ends = await Promise.all(
    Array.from({length: 100}, async () => {
      const input = randomBytes(65_536)
      const end = await proxy(proxyArgs(edge, '--timeout', '100'), {input})
      return {code: end.code, stderr: end.stderr, same: end.stdout.equals(input)}
    }),
  )
  expect(ends).toEqual(ends.map(() => ({code: 0, stderr: '', same: true})))
  expect(edge.connections).toBe(100)
})
