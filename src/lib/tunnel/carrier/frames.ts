import {isUtf8} from 'node:buffer'
import {randomFillSync} from 'node:crypto'
import {mask} from './mask.js'

/** The connector reads each message into a buffer of 16 KiB and cuts off a longer one (cloudflared's source). */
const MESSAGE_LIMIT = 16_384

export const OPCODE = {continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10} as const

/** Close codes that are for a program's own use: no code, and cut off (RFC 6455, 7.4.1). Some servers send them anyway. */
export const NO_CODE = 1005
export const CUT_OFF = 1006

/** The server broke the rules of RFC 6455. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'

  /** @param closeCode for our close frame: 1002 protocol error, 1007 bad data, 1009 too big */
  constructor(
    message: string,
    readonly closeCode: 1002 | 1007 | 1009 = 1002,
  ) {
    super(message)
  }
}

const pool = new Int32Array(2048)
let poolAt = pool.length

/** Four random bytes. */
function nextMask(): number {
  if (poolAt >= pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  return pool[poolAt++] ?? 0
}

/** The most bytes that {@link encodeData} makes of this many. */
export function encodedLength(length: number): number {
  return length + Math.ceil(length / MESSAGE_LIMIT) * 8
}

/**
 * Data as masked binary messages of at most {@link MESSAGE_LIMIT} bytes, in one buffer.
 *
 * @param out the buffer to write to, with room for {@link encodedLength}; a new one by default
 */
export function encodeData(
  data: Buffer,
  out: Buffer = Buffer.allocUnsafeSlow(encodedLength(data.length)),
): Buffer {
  let at = 0
  for (let from = 0; from < data.length; from += MESSAGE_LIMIT) {
    at = writeFrame(out, at, OPCODE.binary, data, from, Math.min(data.length, from + MESSAGE_LIMIT))
  }
  return out.subarray(0, at)
}

/** A masked control frame; `payload` has at most 125 bytes. */
export function encodeControl(opcode: number, payload: Buffer): Buffer {
  const out = Buffer.allocUnsafeSlow(6 + payload.length)
  return out.subarray(0, writeFrame(out, 0, opcode, payload, 0, payload.length))
}

function writeFrame(
  out: Buffer,
  start: number,
  opcode: number,
  data: Buffer,
  from: number,
  to: number,
): number {
  const length = to - from
  let at = start
  out[at++] = 0x80 | opcode
  if (length < 126) {
    out[at++] = 0x80 | length
  } else {
    out[at++] = 0x80 | 126
    out[at++] = length >> 8
    out[at++] = length & 0xff
  }
  const word = nextMask()
  out[at++] = word
  out[at++] = word >> 8
  out[at++] = word >> 16
  out[at++] = word >>> 24
  data.copy(out, at, from, to)
  mask(out, at, at + length, word)
  return at + length
}

export interface FrameHandler {
  /** A piece of a data message; text and binary alike, as cloudflared treats them. */
  data(piece: Buffer): void
  ping(payload: Buffer): void
  close(code: number | undefined, reason: string): void
}

/** The longest header: two bytes, and eight of length. */
const HEADER_LIMIT = 10

/** Reads a server's frames from chunks of any size, and keeps none. Data is passed on as it arrives, never collected. */
export class FrameReader {
  readonly #handler: FrameHandler
  /** The start of a header, or of a control frame, that is not complete yet. */
  #pending: Buffer = Buffer.alloc(0)
  /** How many bytes of the current data frame are still to come. */
  #remaining = 0
  #inMessage = false
  #ended = false

  constructor(handler: FrameHandler) {
    this.#handler = handler
  }

  /** How many bytes are kept for the next chunk: never more than a control frame has. */
  get buffered(): number {
    return this.#pending.length
  }

  /** Whether a message has begun and not ended. */
  get isInside(): boolean {
    return this.#remaining > 0 || this.#pending.length > 0 || this.#inMessage
  }

  /** @throws ProtocolError */
  feed(chunk: Buffer): void {
    let input = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk
    this.#pending = Buffer.alloc(0)
    while (input.length > 0 && !this.#ended) {
      if (this.#remaining > 0) {
        const piece = input.subarray(0, this.#remaining)
        this.#remaining -= piece.length
        input = input.subarray(piece.length)
        this.#handler.data(piece)
        continue
      }
      const header = readHeader(input)
      if (header === undefined) {
        this.#pending = Buffer.from(input)
        return
      }
      this.#check(header)
      if (header.opcode < 8) {
        this.#inMessage = !header.final
        this.#remaining = header.length
        input = input.subarray(header.size)
        continue
      }
      if (input.length < header.size + header.length) {
        this.#pending = Buffer.from(input)
        return
      }
      this.#control(header.opcode, input.subarray(header.size, header.size + header.length))
      input = input.subarray(header.size + header.length)
    }
  }

  #check({opcode, final, length}: Header): void {
    if (opcode >= 8) {
      if (!final || length > 125) throw new ProtocolError('a control frame that is too long or in pieces')
      if (opcode > OPCODE.pong) throw new ProtocolError('a frame of an unknown kind')
      return
    }
    if (opcode > OPCODE.binary) throw new ProtocolError('a frame of an unknown kind')
    if ((opcode === OPCODE.continuation) !== this.#inMessage) {
      throw new ProtocolError('a message that begins inside another')
    }
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.ping) this.#handler.ping(payload)
    if (opcode === OPCODE.close) {
      if (payload.length === 1) throw new ProtocolError('a close frame with half a code')
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : undefined
      if (code !== undefined && !isKnown(code)) throw new ProtocolError(`a close frame with code ${code}`)
      const reason = payload.subarray(2)
      if (!isUtf8(reason)) throw new ProtocolError('a close frame whose reason is not text', 1007)
      this.#ended = true
      this.#handler.close(code, reason.toString('utf8'))
    }
  }
}

/** Whether a close frame may carry this code, or does in practice; the others exist inside a program only (RFC 6455, 7.4). */
function isKnown(code: number): boolean {
  if (code >= 3000) return code < 5000
  return (code >= 1000 && code <= 1003) || (code >= NO_CODE && code <= 1014)
}

interface Header {
  opcode: number
  final: boolean
  /** Of the payload. */
  length: number
  /** Of the header. */
  size: number
}

/** The header at the start of the input; undefined while it is incomplete. */
function readHeader(input: Buffer): Header | undefined {
  const [first, second] = input
  if (first === undefined || second === undefined) return undefined
  if ((first & 0x70) !== 0) throw new ProtocolError('a frame with reserved bits')
  if ((second & 0x80) !== 0) throw new ProtocolError('a masked frame')
  const short = second & 0x7f
  const size = short === 127 ? HEADER_LIMIT : short === 126 ? 4 : 2
  if (input.length < size) return undefined
  const length =
    short === 127 ? Number(input.readBigUInt64BE(2)) : short === 126 ? input.readUInt16BE(2) : short
  // Data is passed on as it arrives, so the length only has to be a number we can count to.
  if (!Number.isSafeInteger(length)) throw new ProtocolError('a frame of an impossible length', 1009)
  return {opcode: first & 0x0f, final: (first & 0x80) !== 0, length, size}
}
