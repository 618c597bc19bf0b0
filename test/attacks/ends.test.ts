import {spawn} from 'node:child_process'
import {createCipheriv, createHash, type Hash} from 'node:crypto'
import fs from 'node:fs/promises'
import net, {type AddressInfo} from 'node:net'
import path from 'node:path'
import type {Readable} from 'node:stream'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {keepLastBytes} from '../../src/lib/network/connection-end.js'
import {CLOSE_MS} from '../../src/lib/tunnel/forward/types.js'
import {bin, BuiltZt} from '../support/built-zt.js'
import {HOST, startEdge, type Peer, type ScriptedEdge} from '../support/scripted-edge.js'
import {ClientFrames, closeFrame, frame} from '../support/tunnel-frames.js'
import {proxyArgs, proxyCommandLine, tunnelZt} from '../support/tunnel-world.js'
import {RunningForward} from '../support/running-forward.js'
import {tally} from './tally.js'

const FAMILY = 'ends of a connection'
const MIB = 1024 * 1024
/** Longer than zt once waited for a reader, or for an answer after the end of its input. */
const LONG_MS = Math.max(CLOSE_MS, 5000) + 1500

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Bytes that look random, the same every time, and never all in memory. */
function* pieces(total: number, size: number): Generator<Buffer> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 9), Buffer.alloc(16))
  for (let left = total; left > 0; left -= size) yield cipher.update(Buffer.alloc(Math.min(left, size)))
}

const digests = new Map<number, string>()
function digestOf(total: number): string {
  const known = digests.get(total)
  if (known !== undefined) return known
  const hash = createHash('sha256')
  for (const piece of pieces(total, MIB)) hash.update(piece)
  const digest = hash.digest('hex')
  digests.set(total, digest)
  return digest
}

/** What a reader received through zt. */
interface Got {
  bytes: number
  same: boolean
  /** `end`: an end of file. `reset`: an error. */
  how: 'end' | 'reset'
}

/** Reads to the end; a slow reader reads nothing until it is released. */
async function take(stream: Readable, total: number, slow?: Promise<unknown>): Promise<Got> {
  const hash: Hash = createHash('sha256')
  let bytes = 0
  stream.on('data', (piece: Buffer) => {
    hash.update(piece)
    bytes += piece.length
  })
  if (slow) {
    stream.pause()
    void slow.then(() => stream.resume())
  }
  const how = await new Promise<Got['how']>((resolve) => {
    stream.once('end', () => {
      resolve('end')
    })
    stream.once('error', () => {
      resolve('reset')
    })
  })
  return {bytes, same: hash.digest('hex') === digestOf(total), how}
}

interface Ran extends Got {
  exit: number | null
  said: string
}

/** `zt ssh proxy` until its end; stdin stays open unless there is an input. */
async function throughProxy(
  zt: BuiltZt,
  args: string[],
  {total, slow, input}: {total: number; slow?: Promise<unknown> | undefined; input?: Iterable<Buffer>},
): Promise<Ran> {
  const child = spawn(...proxyCommandLine(args), {env: zt.env, cwd: zt.home, stdio: 'pipe'})
  let said = ''
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  child.stdin.on('error', () => undefined)
  if (input) {
    for (const piece of input) child.stdin.write(piece)
    child.stdin.end()
  }
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
  const got = await take(child.stdout, total, slow)
  return {...got, exit: await exit, said}
}

async function forward(zt: BuiltZt, args: string[]): Promise<RunningForward> {
  const child = spawn(process.execPath, [bin, 'forward', ...args, '--json'], {
    env: zt.env,
    cwd: zt.home,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const running = new RunningForward(child)
  await running.ready
  return running
}

async function throughForward(
  {port}: RunningForward,
  {total, slow, input}: {total: number; slow?: Promise<unknown> | undefined; input?: Iterable<Buffer>},
): Promise<Got> {
  const socket = net.connect({port, host: '127.0.0.1', allowHalfOpen: true})
  // libuv reports a reset as an end where it reads the last bytes after the reset has come; the system still knows.
  keepLastBytes(socket, socket)
  if (input) {
    for (const piece of input) socket.write(piece)
    socket.end()
  }
  const got = await take(socket, total, slow)
  socket.destroy()
  return got
}

/** The events of a forward other than that it listens and has ended. */
async function saidBy(running: RunningForward): Promise<string> {
  expect(await running.stop()).toBe(0)
  return running.lines
    .filter(({event}) => event !== 'listening' && event !== 'ended')
    .map((line) => JSON.stringify(line))
    .join('\n')
    .concat(running.stderr)
    .replaceAll(HOST, '')
}

/** Writes as the connector does: one message for each piece that it has read, no faster than it is read. */
async function send({socket}: Peer, total: number): Promise<void> {
  for (const payload of pieces(total, 32 * 1024))
    if (!socket.write(frame({opcode: 2, payload})))
      await new Promise((resolve) => socket.once('drain', resolve))
}

interface End {
  what: string
  end: (peer: Peer) => void | Promise<void>
  exit: 0 | 8
  /** What zt says about it, in a note or an error. */
  words?: RegExp
  sizes: number[]
}

const big = 5_000_000
const half = frame({opcode: 2, announced: 500n}).subarray(0, 4)
const ENDS: End[] = [
  {what: 'in order, as the connector ends', end: ({socket}) => void socket.end(), exit: 0, sizes: [0, 1, 16_385, big]},
  {what: 'with a close frame of 1000', end: ({socket}) => void socket.end(closeFrame(1000)), exit: 0, sizes: [0, 70_001, big]},
  {what: 'with a close frame of 1000 and a connection that stays', end: ({socket}) => void socket.write(closeFrame(1000)), exit: 0, sizes: [70_001]},
  {what: 'with a close frame of 1001', end: ({socket}) => void socket.end(closeFrame(1001, 'restart')), exit: 0, words: /going away/, sizes: [70_001]},
  {what: 'with a close frame without a code', end: ({socket}) => void socket.end(closeFrame()), exit: 0, sizes: [70_001]},
  {what: 'with a close frame of 1005', end: ({socket}) => void socket.end(closeFrame(1005)), exit: 0, sizes: [70_001]},
  {what: 'with a close frame of 1006', end: ({socket}) => void socket.end(closeFrame(1006)), exit: 0, words: /without saying goodbye/, sizes: [70_001]},
  {what: 'with FIN and no close_notify', end: (peer) => peer.cut(), exit: 0, words: /without saying goodbye/, sizes: [0, 70_001, big]},
  {what: 'with a reset', end: (peer) => peer.reset(), exit: 8, words: /EDGE_GONE|was reset/, sizes: [0, 70_001, big]},
  {what: 'in a message', end: ({socket}) => void socket.end(half), exit: 8, words: /in the middle of a message/, sizes: [0, 70_001, big]},
  {what: 'in a message, with FIN alone', end: (peer) => (peer.socket.write(half), peer.cut()), exit: 8, words: /in the middle of a message/, sizes: [70_001]},
  {what: 'in a header', end: ({socket}) => void socket.end(half.subarray(0, 1)), exit: 8, words: /in the middle of a message/, sizes: [70_001]},
  {what: 'between the pieces of a message', end: ({socket}) => void socket.end(frame({opcode: 2, final: false})), exit: 8, words: /in the middle of a message/, sizes: [70_001]},
  {what: 'with a close frame of 1011', end: ({socket}) => void socket.end(closeFrame(1011, 'gone')), exit: 8, words: /1011/, sizes: [70_001, big]},
  {what: 'with what is no frame', end: ({socket}) => void socket.write('SSH-2.0-x'), exit: 8, words: /The edge sent/, sizes: [70_001]},
] // prettier-ignore

describe('an edge of our own that behaves as the connector’s code', () => {
  let zt: BuiltZt
  let edge: ScriptedEdge
  let script: (peer: Peer) => void | Promise<void>
  beforeAll(async () => {
    zt = await tunnelZt()
    edge = await startEdge({
      directory: path.join(zt.home, 'edge'),
      onPeer: (peer) => {
        peer.socket.resume()
        void script(peer)
      },
    })
  })
  afterAll(async () => {
    await edge.close()
    await zt.end()
  })

  const forwardArgs = (): string[] => {
    const [, , ...rest] = proxyArgs(edge)
    return rest
  }

  const rows = ENDS.map((one) => [one.what, one] as const)
  it.each(rows)('ends %s', async (_, {end, exit, words, sizes}) => {
    const running = await forward(zt, forwardArgs())
    for (const total of sizes) {
      script = async (peer) => {
        peer.accept()
        await send(peer, total)
        await end(peer)
      }
      const {said, ...ran} = await throughProxy(zt, proxyArgs(edge), {total})
      expect({total, ...ran}).toEqual({total, bytes: total, same: true, how: 'end', exit})
      if (words) expect(said).toMatch(words)
      else expect(said).toBe('')
      expect(await throughForward(running, {total})).toEqual({
        ...{bytes: total, same: true, how: exit === 0 ? 'end' : 'reset'},
      })
      tally(FAMILY, 2)
    }
    const said = await saidBy(running)
    if (words) expect(said).toMatch(words)
    else expect(said).toBe('')
    expect(said.includes('error')).toBe(exit !== 0)
    expect(said).not.toMatch(/ssh|ServerAlive/i)
  })

  it('a reader that begins long after the end gets everything, whatever the end was', async () => {
    const running = await forward(zt, forwardArgs())
    // All at once, so that they wait together.
    const slow = after(LONG_MS)
    const ended: Promise<void>[] = []
    for (const {what, end, exit} of ENDS.filter((one) => one.sizes.includes(big))) {
      let isReady: () => void = () => undefined
      let peers = 0
      const ready = new Promise<void>((resolve) => (isReady = resolve))
      script = async (peer) => {
        if (++peers === 2) isReady()
        peer.accept()
        await send(peer, big)
        await end(peer)
      }
      const ways = Promise.all([
        throughProxy(zt, proxyArgs(edge), {total: big, slow}),
        throughForward(running, {total: big, slow}),
      ])
      ended.push(
        ways.then(([proxied, forwarded]) => {
          const whole = {what, bytes: big, same: true}
          expect({what, ...proxied}).toMatchObject({...whole, exit})
          expect({what, ...forwarded}).toEqual({...whole, how: exit === 0 ? 'end' : 'reset'})
        }),
      )
      await ready
    }
    await Promise.all(ended)
    await running.stop()
    tally(FAMILY, ended.length * 2)
  })

  it('a late reader, whose system had everything before the reset, knows that it is not all', async () => {
    const running = await forward(zt, forwardArgs())
    // Node has read the first 64 KiB of it then, and a plain reader in node would see an end.
    const total = 100_000
    let isReset: () => void = () => undefined
    const reset = new Promise<void>((resolve) => (isReset = resolve))
    script = async (peer) => {
      peer.accept()
      await send(peer, total)
      await peer.reset()
      isReset()
    }
    const slow = reset.then(() =>
      expect.poll(() => running.lines.length, {timeout: 60_000}).toBeGreaterThan(1),
    )
    expect(await throughForward(running, {total, slow})).toEqual({bytes: total, same: true, how: 'reset'})
    await running.stop()
    tally(FAMILY, 1)
  })

  it('200 MB arrive to the last byte, though nothing says that they have', async () => {
    const total = 200_000_000
    const running = await forward(zt, forwardArgs())
    script = async (peer) => {
      peer.accept()
      await send(peer, total)
      peer.socket.end()
    }
    expect(await throughProxy(zt, proxyArgs(edge), {total})).toEqual({
      ...{bytes: total, same: true, how: 'end', exit: 0, said: ''},
    })
    expect(await throughForward(running, {total})).toEqual({bytes: total, same: true, how: 'end'})
    expect(await saidBy(running)).toBe('')
    tally(FAMILY, 2)
  })

  it.each([
    ['reads', false],
    ['reads late', true],
  ])('a client that %s knows that the end of the forward has cut it off', async (_, late) => {
    const total = 70_001
    const running = await forward(zt, forwardArgs())
    const sent = new Promise<void>((resolve) => {
      script = async (peer) => {
        peer.accept()
        await send(peer, total)
        resolve()
      }
    })
    const socket = net.connect({port: running.port, host: '127.0.0.1', allowHalfOpen: true})
    keepLastBytes(socket, socket)
    let isStopped: () => void = () => undefined
    const stopped = new Promise<void>((resolve) => (isStopped = resolve))
    const got = take(socket, total, late ? stopped : undefined)
    const whole = new Promise<void>((resolve) => {
      let bytes = 0
      socket.on('data', (piece: Buffer) => {
        if ((bytes += piece.length) === total) resolve()
      })
    })
    await (late ? sent : whole)
    expect(await running.stop()).toBe(0)
    isStopped()
    expect(await got).toMatchObject(late ? {how: 'reset'} : {bytes: total, same: true, how: 'reset'})
    tally(FAMILY, 1)
  })

  it('a client that writes meets a reset, and gets what had come before', async () => {
    const running = await forward(zt, forwardArgs())
    // More than zt buffers, and less than zt and the system buffer together: nothing is read until the reset.
    const total = MIB + 200_000
    for (const way of ['proxy', 'forward']) {
      let isReset: () => void = () => undefined
      const reset = new Promise<void>((resolve) => (isReset = resolve))
      script = async (peer) => {
        peer.accept()
        // Nothing more is read: the buffers are full, and further writes meet the reset.
        peer.socket.pause()
        await send(peer, total)
        await peer.reset()
        isReset()
      }
      // The client reads only at the end, and writes all the time.
      const slow = reset.then(() => after(500))
      const input = pieces(8 * MIB, 64 * 1024)
      const got =
        way === 'proxy'
          ? await throughProxy(zt, proxyArgs(edge), {total, slow, input})
          : await throughForward(running, {total, slow, input})
      expect({way, ...got}).toMatchObject({bytes: total, same: true})
      if ('exit' in got)
        expect(got).toMatchObject({exit: 8, said: expect.stringContaining('reset') as string})
      tally(FAMILY, 1)
    }
    await running.stop()
  })

  it('what is sent arrives to the last byte before the end', async () => {
    const running = await forward(zt, forwardArgs())
    for (const way of ['proxy', 'forward']) {
      const hash = createHash('sha256')
      let bytes = 0
      script = (peer) => {
        const frames = new ClientFrames()
        peer.accept()
        peer.socket.on('data', (chunk: Buffer) => {
          for (const {opcode, payload} of frames.push(chunk)) {
            if (opcode !== 2) continue
            hash.update(payload)
            bytes += payload.length
          }
          if (bytes === big) peer.socket.end()
        })
      }
      const input = pieces(big, 50_000)
      if (way === 'proxy') {
        expect(await throughProxy(zt, proxyArgs(edge), {total: 0, input})).toMatchObject({exit: 0, said: ''})
      } else expect(await throughForward(running, {total: 0, input})).toMatchObject({how: 'end'})
      expect(hash.digest('hex')).toBe(digestOf(big))
      tally(FAMILY, 1)
    }
    expect(await saidBy(running)).toBe('')
  })

  it('answers long after the client has ended its sending', async () => {
    const running = await forward(zt, forwardArgs())
    script = async (peer) => {
      peer.accept()
      await new Promise((resolve) => peer.socket.once('data', resolve))
      await after(LONG_MS)
      await send(peer, 70_001)
      peer.socket.end()
    }
    const asked = {total: 70_001, input: [Buffer.from('ask')]}
    const [proxied, forwarded] = await Promise.all([
      throughProxy(zt, proxyArgs(edge), asked),
      throughForward(running, asked),
    ])
    expect(proxied).toMatchObject({same: true, exit: 0, said: ''})
    expect(forwarded).toMatchObject({same: true, how: 'end'})
    expect(await saidBy(running)).toBe('')
    tally(FAMILY, 2)
  })

  it.runIf(process.platform === 'linux').each<[string, (peer: Peer) => void | Promise<void>]>([
    ['is reset', (peer) => peer.reset()],
    ['is cut in a message', ({socket}) => void socket.end(half)],
    ['is closed with 1011', ({socket}) => void socket.end(closeFrame(1011))],
    ['ends in order', ({socket}) => void socket.end()],
    ['stays open', () => undefined],
  ])('a client that has closed gets no error when the tunnel %s', async (_, end) => {
    const running = await forward(zt, forwardArgs())
    const gone = new Promise<void>((resolve) => {
      script = async (peer) => {
        peer.accept()
        peer.socket.once('close', resolve)
        await new Promise((more) => peer.socket.once('data', more))
        await end(peer)
      }
    })
    const client = net.connect(running.port, '127.0.0.1')
    await new Promise((resolve) => client.write('bye', resolve))
    client.destroy()
    await gone
    expect(await saidBy(running)).toBe('')
    tally(FAMILY, 1)
  })

  it.runIf(process.platform === 'linux')(
    'a proxy whose reader and writer have gone does not stay',
    async () => {
      const closes: number[] = []
      const ended = new Promise<void>((resolve) => {
        script = (peer) => {
          const frames = new ClientFrames()
          peer.accept()
          peer.socket.on('data', (chunk: Buffer) => {
            for (const {opcode, payload} of frames.push(chunk))
              if (opcode === 8) closes.push(payload.readUInt16BE(0))
          })
          peer.socket.write(frame({opcode: 2, payload: Buffer.from('greeting')}))
          peer.socket.once('close', resolve)
        }
      })
      // A pipe, as ssh and shells make them: node's own are sockets.
      const [node, words] = proxyCommandLine(proxyArgs(edge))
      const child = spawn('sh', ['-c', '"$@" | head -c 8', 'sh', node, ...words], {
        env: zt.env,
        cwd: zt.home,
        stdio: 'pipe',
      })
      await new Promise((resolve) => child.stdout.once('data', resolve))
      child.stdin.end()
      await ended
      expect(closes).toEqual([1000])
      tally(FAMILY, 1)
    },
  )
})

describe('the sandbox’s edge and connector', () => {
  let zt: BuiltZt
  let origin: net.Server
  let serve: (socket: net.Socket) => void | Promise<void>
  beforeAll(async () => {
    zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
    origin = net.createServer({allowHalfOpen: true}, (socket) => {
      socket.on('error', () => undefined)
      void serve(socket)
    })
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    await zt.end()
    origin.close()
  })

  async function start(settings: object): Promise<RunningForward> {
    await zt.run(['sandbox', 'stop'])
    const seed = path.join(zt.home, 'seed.json')
    const text = {zones: [{name: 'widgetcorp.tech'}], apps: [{name: 'App', domain: HOST}], settings}
    await fs.writeFile(seed, JSON.stringify(text))
    const to = `${HOST}=127.0.0.1:${(origin.address() as AddressInfo).port}`
    await zt.json(['sandbox', 'start', '--seed', seed, '--origin', to])
    await zt.run(['token', 'create', 'user'])
    await zt.json(['app', 'add-rule', 'App', '--service-auth', '--token', 'user'])
    return forward(zt, [HOST])
  }

  /** Like a server that does not know of the tunnel. */
  async function write(socket: net.Socket, total: number): Promise<void> {
    for (const piece of pieces(total, 64 * 1024))
      if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve))
  }

  const ORIGINS: [string, (socket: net.Socket) => void][] = [
    ['closes first', (socket) => socket.resume().end()],
    ['ends its sending first', (socket) => socket.end()],
  ]

  it.each<[string, object, RegExp | undefined]>([
    ['by itself', {}, undefined],
    ['with 1000', {connector_end: 1000}, undefined],
    ['with 1001', {connector_end: 1001}, /going away/],
    ['with 1006', {connector_end: 1006}, /without saying goodbye/],
  ])('end %s: a service that ends first is heard to the last byte', async (_, settings, words) => {
    const running = await start(settings)
    const proxy = ['ssh', 'proxy', HOST]
    const sizes = words === undefined && Object.keys(settings).length === 0 ? [0, 1, 16_385, big] : [big]
    for (const [what, end] of ORIGINS) {
      for (const total of sizes) {
        serve = async (socket) => {
          await write(socket, total)
          end(socket)
        }
        const {said, ...ran} = await throughProxy(zt, proxy, {total})
        expect({what, total, ...ran}).toMatchObject({bytes: total, same: true, exit: 0})
        if (words) expect(said).toMatch(words)
        else expect(said).toBe('')
        expect(await throughForward(running, {total})).toEqual({bytes: total, same: true, how: 'end'})
        tally(FAMILY, 2)
      }
    }
    const slow = after(LONG_MS)
    expect(await throughForward(running, {total: big, slow})).toEqual({bytes: big, same: true, how: 'end'})
    const said = await saidBy(running)
    if (words) expect(said).toMatch(words)
    else expect(said).toBe('')
    tally(FAMILY, 1)
  })

  it('a service that resets, an answer that takes long, and 15 downloads in a row', async () => {
    const running = await start({})
    serve = async (socket) => {
      await write(socket, big)
      socket.end()
    }
    for (let at = 0; at < 15; at++)
      expect(await throughForward(running, {total: big})).toEqual({bytes: big, same: true, how: 'end'})
    serve = async (socket) => {
      await new Promise((resolve) => socket.once('data', resolve))
      await after(LONG_MS)
      await write(socket, 70_001)
      socket.end()
    }
    const asked = {total: 70_001, input: [Buffer.from('ask')]}
    expect(await throughForward(running, asked)).toMatchObject({same: true, how: 'end'})
    // Once connected, the connector does not distinguish a reset from an end; an earlier reset is rightly a 502.
    serve = (socket) => {
      socket.once('data', () => socket.resetAndDestroy())
    }
    const hello = {total: 0, input: [Buffer.from('hello')]}
    expect(await throughProxy(zt, ['ssh', 'proxy', HOST], hello)).toMatchObject({exit: 0, said: ''})
    expect(await throughForward(running, hello)).toMatchObject({how: 'end'})
    expect(await saidBy(running)).toBe('')
    tally(FAMILY, 18)
  })
})
