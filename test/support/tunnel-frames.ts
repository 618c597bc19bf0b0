/** Frames as the other side of the tunnel sees them, written independently of the code under test. */

export interface FrameParts {
  opcode: number
  payload?: Buffer
  final?: boolean
  /** 0 to 7: RSV1, RSV2, RSV3. */
  reserved?: number
  masked?: boolean
  /** The form of the length; default: the shortest. */
  form?: 7 | 16 | 64
  /** Announces another length than the payload has. */
  announced?: bigint
}

/** A server's frame, or one that no server may send. */
export function frame({
  opcode,
  payload = Buffer.alloc(0),
  final = true,
  reserved = 0,
  masked = false,
  form,
  announced,
}: FrameParts): Buffer {
  const length = announced ?? BigInt(payload.length)
  const chosen = form ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64)
  const head = Buffer.alloc(chosen === 7 ? 2 : chosen === 16 ? 4 : 10)
  head[0] = (final ? 0x80 : 0) | (reserved << 4) | opcode
  const bit = masked ? 0x80 : 0
  if (chosen === 7) {
    head[1] = bit | Number(length)
  } else if (chosen === 16) {
    head[1] = bit | 126
    head.writeUInt16BE(Number(length), 2)
  } else {
    head[1] = bit | 127
    head.writeBigUInt64BE(length, 2)
  }
  if (!masked) return Buffer.concat([head, payload])
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78])
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ (mask[i & 3] ?? 0))])
}

export function closeFrame(code?: number, reason = ''): Buffer {
  if (code === undefined) return frame({opcode: 8})
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code)
  payload.write(reason, 2)
  return frame({opcode: 8, payload})
}

export interface ClientFrame {
  final: boolean
  reserved: number
  opcode: number
  masked: boolean
  mask: Buffer
  /** Unmasked. */
  payload: Buffer
}

/** Reads a client's frames from a stream in any pieces. */
export class ClientFrames {
  #pending = Buffer.alloc(0)

  push(chunk: Buffer): ClientFrame[] {
    this.#pending = Buffer.concat([this.#pending, chunk])
    const frames: ClientFrame[] = []
    for (;;) {
      const read = readFrame(this.#pending)
      if (!read) return frames
      frames.push(read.frame)
      this.#pending = this.#pending.subarray(read.size)
    }
  }

  get leftOver(): number {
    return this.#pending.length
  }
}

function readFrame(input: Buffer): {frame: ClientFrame; size: number} | undefined {
  if (input.length < 2) return undefined
  const first = input.readUInt8(0)
  const second = input.readUInt8(1)
  const short = second & 0x7f
  const masked = (second & 0x80) !== 0
  let at = short === 127 ? 10 : short === 126 ? 4 : 2
  if (input.length < at + (masked ? 4 : 0)) return undefined
  const length =
    short === 127 ? Number(input.readBigUInt64BE(2)) : short === 126 ? input.readUInt16BE(2) : short
  const mask = masked ? Buffer.from(input.subarray(at, at + 4)) : Buffer.alloc(4)
  if (masked) at += 4
  if (input.length < at + length) return undefined
  const payload = Buffer.from(input.subarray(at, at + length))
  for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0)
  return {
    frame: {final: first >= 0x80, reserved: (first >> 4) & 7, opcode: first & 15, masked, mask, payload},
    size: at + length,
  }
}
