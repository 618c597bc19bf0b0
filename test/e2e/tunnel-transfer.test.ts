import {spawn} from 'node:child_process'
import {createCipheriv, createHash, type Hash} from 'node:crypto'
import https from 'node:https'
import type {AddressInfo} from 'node:net'
import path from 'node:path'
import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {WebSocketServer, type WebSocket} from 'ws'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import type {BuiltZt} from '../support/built-zt.js'
import {peakMemory, proxyArgs, proxyCommandLine, tunnelZt} from '../support/tunnel-world.js'

const MIB = 1024 * 1024
const TOTAL = 1024 * MIB
/** A buffer of the whole, or of a large part, would not fit; this does not measure speed or memory. */
const MEMORY_LIMIT = 200 * MIB

let zt: BuiltZt
let edge: {address: string; caFile: string}
let talk: (peer: WebSocket) => void
let stop: () => Promise<void>

beforeAll(async () => {
  zt = await tunnelZt()
  const authority = await openCertificateAuthority(path.join(zt.home, 'edge'), Date.now())
  const server = https.createServer({
    SNICallback: (name, done) => {
      authority.contextFor(name).then((context) => {
        done(null, context)
      }, done)
    },
  })
  // Longer messages than the connector takes are refused.
  const sockets = new WebSocketServer({server, perMessageDeflate: false, maxPayload: 16_384})
  sockets.on('connection', (peer) => {
    peer.on('error', () => undefined)
    talk(peer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  edge = {address: `127.0.0.1:${(server.address() as AddressInfo).port}`, caFile: authority.caFile}
  stop = async () => {
    for (const peer of sockets.clients) peer.terminate()
    server.close()
    await zt.end()
  }
})

afterAll(() => stop())

/** Pseudo-random bytes, the same for the same seed, in pieces of 1 byte to 256 KiB; `hash` gets all of them. */
function* pieces(total: number, seed: number, hash: Hash): Generator<Buffer> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16))
  const zeros = Buffer.alloc(256 * 1024)
  let state = seed
  for (let left = total; left > 0;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    // Now and then a small piece that fills no word and no message.
    const length = Math.min(
      left,
      (state >>> 8) % 4 === 0 ? 1 + ((state >>> 12) % 9) : 1 + ((state >>> 10) % zeros.length),
    )
    const piece = cipher.update(zeros.subarray(0, length))
    hash.update(piece)
    left -= length
    yield piece
  }
}

interface Carried {
  code: number | null
  stderr: string
  received: number
  digest: string
  peak: number | undefined
}

/** Runs the proxy with this input, and hashes its output. */
async function carryThrough(input: Readable): Promise<Carried> {
  const child = spawn(...proxyCommandLine(proxyArgs(edge)), {env: zt.env, cwd: zt.home, stdio: 'pipe'})
  const hash = createHash('sha256')
  const end: Carried = {code: null, stderr: '', received: 0, digest: '', peak: undefined}
  const watch = setInterval(() => {
    void peakMemory(child.pid ?? 0).then((peak) => (end.peak = peak ?? end.peak))
  }, 100)
  child.stderr.on('data', (text: Buffer) => (end.stderr += text.toString()))
  child.stdout.on('data', (data: Buffer) => {
    end.received += data.length
    hash.update(data)
  })
  const over = new Promise<number | null>((resolve) => child.once('close', resolve))
  try {
    await pipeline(input, child.stdin)
    end.code = await over
  } finally {
    clearInterval(watch)
    child.kill()
  }
  return {...end, digest: hash.digest('hex')}
}

function expectBounded({peak}: Carried): void {
  // Only Linux shows it.
  if (process.platform !== 'linux') return
  expect(peak).toBeGreaterThan(MIB)
  expect(peak).toBeLessThan(MEMORY_LIMIT)
}

describe('1 GiB in pieces of every size', () => {
  it('arrives at the edge byte for byte', async () => {
    const there = createHash('sha256')
    let received = 0
    talk = (peer) => {
      peer.on('message', (message: Buffer) => {
        there.update(message)
        received += message.length
        if (received === TOTAL) peer.close(1000)
      })
    }
    const here = createHash('sha256')
    const end = await carryThrough(Readable.from(pieces(TOTAL, 3, here), {objectMode: false}))
    expect(end).toMatchObject({code: 0, stderr: '', received: 0})
    expect(received).toBe(TOTAL)
    expect(there.digest('hex')).toBe(here.digest('hex'))
    expectBounded(end)
  })

  it('arrives at the output byte for byte', async () => {
    const there = createHash('sha256')
    talk = (peer) => {
      void (async () => {
        for (const piece of pieces(TOTAL, 7, there)) {
          await new Promise<void>((resolve) => {
            peer.send(piece, () => {
              resolve()
            })
          })
        }
        peer.close(1000)
      })()
    }
    const end = await carryThrough(Readable.from([]))
    expect(end).toMatchObject({code: 0, stderr: '', received: TOTAL})
    expect(end.digest).toBe(there.digest('hex'))
    expectBounded(end)
  })

  it('goes both ways at once (256 MiB)', async () => {
    const quarter = TOTAL / 4
    const sent = createHash('sha256')
    const echoed = createHash('sha256')
    let back = 0
    talk = (peer) => {
      peer.on('message', (message: Buffer) => {
        echoed.update(message)
        back += message.length
        // With backpressure as in the other direction, or this process would be the buffer.
        peer.pause()
        peer.send(message, () => {
          peer.resume()
          if (back === quarter) peer.close(1000)
        })
      })
    }
    const end = await carryThrough(Readable.from(pieces(quarter, 11, sent), {objectMode: false}))
    expect(end).toMatchObject({code: 0, stderr: '', received: quarter})
    const digest = sent.digest('hex')
    expect([echoed.digest('hex'), end.digest]).toEqual([digest, digest])
    expectBounded(end)
  })
})
