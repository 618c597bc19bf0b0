import {Duplex, PassThrough, Writable} from 'node:stream'
import type {TLSSocket} from 'node:tls'
import {UserError} from '../../src/lib/core/errors.js'
import {carry, type CarryEnd} from '../../src/lib/tunnel/carrier/carry.js'
import {FrameReader, ProtocolError} from '../../src/lib/tunnel/carrier/frames.js'
import {ClientFrames, closeFrame, frame} from './tunnel-frames.js'

/** A header and the longest control frame's payload: more is never buffered. */
const LONGEST_CONTROL = 10 + 125
const STUCK_MS = 5000
const ENDS = new Set(['EDGE_GONE', 'TUNNEL_CLOSED', 'TUNNEL_PROTOCOL'])

/** How often each kind of end occurred: a fuzzer that reaches only one finds nothing. */
export type Tally = Record<string, number>

/**
 * Feeds this many generated server streams to the decoder and to the carrier. The same seed makes the same streams.
 *
 * @throws Error that names the stream for which one of them does what it never may
 */
export async function fuzz(runs: number, seed: number): Promise<Tally> {
  const tally: Tally = {}
  for (let run = 0; run < runs; run++) {
    const random = numbers(seed + run)
    const {bytes, legal} = makeStream(random)
    const pieces = cut(bytes, random)
    try {
      const decoded = decode(pieces)
      const carried = await carryAgainst(pieces, random)
      if (!decoded.data.equals(carried.output)) throw new Error('the carrier and the decoder differ')
      if (legal && !legal.equals(carried.output)) throw new Error('a legal stream is not given back')
      if (legal && carried.end !== 'done') throw new Error(`a legal stream ends with ${carried.end}`)
      if (decoded.failed !== (carried.end === 'TUNNEL_PROTOCOL')) throw new Error('they judge differently')
      tally[carried.end] = (tally[carried.end] ?? 0) + 1
    } catch (error) {
      throw new Error(`seed ${seed + run}: ${String(error)}: ${bytes.toString('hex').slice(0, 400)}`, {
        cause: error,
      })
    }
  }
  return tally
}

function decode(pieces: Buffer[]): {data: Buffer; failed: boolean} {
  const data: Buffer[] = []
  const reader = new FrameReader({
    data: (piece) => void data.push(Buffer.from(piece)),
    ping: () => undefined,
    close: () => undefined,
  })
  let failed = false
  try {
    for (const piece of pieces) {
      reader.feed(piece)
      if (reader.buffered > LONGEST_CONTROL) throw new Error(`${reader.buffered} bytes are kept back`)
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    failed = true
  }
  return {data: Buffer.concat(data), failed}
}

async function carryAgainst(pieces: Buffer[], random: Numbers): Promise<{end: string; output: Buffer}> {
  const sent = new ClientFrames()
  const frames: ReturnType<ClientFrames['push']> = []
  const socket = new Duplex({
    allowHalfOpen: false,
    read: () => undefined,
    write: (chunk: Buffer, _, done) => {
      frames.push(...sent.push(chunk))
      done()
    },
  })
  const output: Buffer[] = []
  const collect = new Writable({
    write: (chunk: Buffer, _, done) => {
      output.push(Buffer.from(chunk))
      done()
    },
  })
  const input = new PassThrough()
  // Sometimes, the first piece arrives as if after the answer.
  const [head = Buffer.alloc(0), ...rest] = random(2) === 0 ? pieces : [Buffer.alloc(0), ...pieces]
  socket.pause()
  const ended = carry({tunnel: {socket: socket as TLSSocket, head}, input, output: collect}).then(
    (end: CarryEnd): string => {
      if (end.down !== Buffer.concat(output).length) throw new Error('what was carried is counted wrong')
      return 'done'
    },
    (error: unknown): string => {
      if (error instanceof UserError && ENDS.has(error.code)) return error.code
      throw error
    },
  )
  if (random(3) === 0) input.write(Buffer.alloc(random(40_000), 1))
  for (const piece of rest) socket.push(piece)
  socket.push(null)
  const end = await inTime(ended)
  if (sent.leftOver > 0) throw new Error('half a frame was sent')
  const closes = frames.filter(({opcode}) => opcode === 8).length
  // After the end of the stream an answer has nowhere to go.
  if (closes > 1 || (end === 'TUNNEL_PROTOCOL' && closes !== 1))
    throw new Error(`${closes} close frames were sent`)
  const wrong = frames.find(({masked, final, reserved}) => !masked || !final || reserved !== 0)
  if (wrong) throw new Error('a frame was sent that no client may send')
  socket.destroy()
  return {end, output: Buffer.concat(output)}
}

async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const stuck = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error('it does not end'))
    }, STUCK_MS)
  })
  try {
    return await Promise.race([promise, stuck])
  } finally {
    clearTimeout(timer)
  }
}

/** The next whole number below the limit. */
type Numbers = (limit: number) => number

/** A small generator with a seed (mulberry32's steps); node's own has none. */
function numbers(seed: number): Numbers {
  let state = (seed * 2_654_435_761) >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

/** Bytes of any kind: noise, a legal stream, or a damaged legal stream. `legal` is its content, if it is intact. */
function makeStream(random: Numbers): {bytes: Buffer; legal: Buffer | undefined} {
  const kind = random(10)
  if (kind === 0) return {bytes: noise(random(300), random), legal: undefined}
  const parts: Buffer[] = []
  const data: Buffer[] = []
  for (let messages = random(4); messages >= 0; messages--) {
    for (let left = random(3); left >= 0; left--) {
      const payload = noise(random(20) === 0 ? random(70_000) : random(200), random)
      const opcode = parts.length > 0 && data.length > 0 && !closed(parts) ? 0 : 1 + random(2)
      parts.push(frame({opcode, payload, final: left === 0, ...(random(8) === 0 && {form: 64 as const})}))
      data.push(payload)
      if (random(4) === 0) parts.push(frame({opcode: 9 + random(2), payload: noise(random(126), random)}))
    }
  }
  if (random(6) > 0) parts.push(closeFrame(random(2) === 0 ? 1000 : undefined))
  else if (random(2) > 0) parts.push(closeFrame(3000 + random(2000), 'over'))
  const bytes = Buffer.concat(parts)
  const last = parts.at(-1)
  const fine = last?.[0] === 0x88 && (last.length === 2 || last.readUInt16BE(2) === 1000)
  if (kind < 3) return {bytes, legal: fine ? Buffer.concat(data) : undefined}
  return {bytes: damage(bytes, random), legal: undefined}
}

/** A header of any kind with any length. */
function tall(random: Numbers): Buffer {
  const form = ([16, 64] as const)[random(2)] ?? 16
  const announced = form === 16 ? BigInt(random(65_536)) : BigInt(random(0xffff_ffff)) ** BigInt(random(3))
  return frame({opcode: random(16), final: random(2) === 0, announced: announced & (2n ** 64n - 1n), form})
}

/** Whether the last data frame ended its message. */
function closed(parts: Buffer[]): boolean {
  const last = parts.findLast((part) => ((part[0] ?? 0) & 8) === 0)
  return last === undefined || (last[0] ?? 0) >= 0x80
}

function noise(length: number, random: Numbers): Buffer {
  const out = Buffer.allocUnsafe(length)
  let at = 0
  for (; at + 4 <= length; at += 4) out.writeUInt32LE(random(0xffff_ffff), at)
  for (; at < length; at++) out[at] = random(256)
  return out
}

function damage(bytes: Buffer, random: Numbers): Buffer {
  let out = Buffer.from(bytes)
  for (let times = random(4); times >= 0; times--) {
    // Damage to headers matters most.
    const at = random(3) === 0 ? random(out.length + 1) : random(Math.min(out.length, 16) + 1)
    const before = out.subarray(0, at)
    const after = out.subarray(at)
    const how = random(6)
    if (how === 0 && at < out.length) out[at] = (out[at] ?? 0) ^ (1 << random(8))
    else if (how === 1) out = Buffer.concat([before, after.subarray(1 + random(20))])
    else if (how === 2) out = Buffer.concat([before, noise(1 + random(20), random), after])
    else if (how === 3) out = Buffer.concat([before, before.subarray(-1 - random(20)), after])
    else if (how === 4) out = Buffer.from(before)
    else if (how === 5) out = Buffer.concat([before, tall(random), after, noise(random(2000), random)])
  }
  return out
}

function cut(bytes: Buffer, random: Numbers): Buffer[] {
  const pieces: Buffer[] = []
  const most = [1, 3, 20, 1000, 100_000][random(5)] ?? 1
  const least = Math.ceil(bytes.length / 400)
  for (let at = 0; at < bytes.length;) {
    const length = least + random(most)
    pieces.push(bytes.subarray(at, at + Math.max(1, length)))
    at += Math.max(1, length)
  }
  return pieces
}
