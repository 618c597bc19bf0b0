/**
 * D-Bus messages as bytes: outgoing method calls and incoming answers, little endian. Wire format: the D-Bus
 * specification, "Type System" and "Message Protocol". Any input is either decoded or an error.
 */

/** An argument of a method call: a string, or a{ss}. */
export type Argument = string | Readonly<Record<string, string>>

export interface Target {
  name: string
  path: string
  interface: string
}

export interface Message {
  /** In bytes. */
  length: number
  replyTo: number
  /** The error's name, if the answer is an error. */
  error: string | undefined
  signature: string
  body: Buffer
}

/** The specification allows 128 MiB; zt's messages are far below this. */
const MESSAGE_LIMIT = 1024 * 1024
/** The deepest nesting of containers; the specification allows 64. */
const DEPTH_LIMIT = 16

/** A method call. No flags are set, so the bus may start the service. */
export function encodeCall(
  serial: number,
  target: Target,
  member: string,
  args: readonly Argument[],
): Buffer {
  const body = new Writer()
  for (const arg of args) {
    if (typeof arg === 'string') body.string(arg)
    else body.strings(arg)
  }
  const fields = new Writer()
  for (const [code, type, value] of [
    [1, 'o', target.path],
    [2, 's', target.interface],
    [3, 's', member],
    [6, 's', target.name],
  ] as const) {
    fields.align(8)
    fields.byte(code)
    fields.signature(type)
    fields.string(value)
  }
  if (args.length > 0) {
    fields.align(8)
    fields.byte(8)
    fields.signature('g')
    fields.signature(args.map((arg) => (typeof arg === 'string' ? 's' : 'a{ss}')).join(''))
  }
  const head = new Writer()
  // Little endian, method call, no flags, protocol 1.
  for (const byte of [0x6c, 1, 0, 1]) head.byte(byte)
  head.uint32(body.length)
  head.uint32(serial)
  head.uint32(fields.length)
  head.raw(fields.bytes())
  head.align(8)
  return Buffer.concat([head.bytes(), body.bytes()])
}

/** The first message of the buffer; undefined while it is incomplete. Throws if it cannot be a message. */
export function decodeMessage(buffer: Buffer): Message | undefined {
  if (buffer.length < 16) return undefined
  if (buffer[0] !== 0x6c) throw new Error('the bus uses big endian, or not D-Bus')
  const bodyLength = buffer.readUInt32LE(4)
  const fieldsEnd = 16 + buffer.readUInt32LE(12)
  const bodyStart = align(fieldsEnd, 8)
  if (bodyStart + bodyLength > MESSAGE_LIMIT) throw new Error('the bus sent a message that is too long')
  if (buffer.length < bodyStart + bodyLength) return undefined
  let replyTo = 0
  let errorName: string | undefined
  let signature = ''
  const fields = new Reader(buffer.subarray(0, fieldsEnd), 16)
  while (!fields.atEnd) {
    fields.align(8)
    const code = fields.byte()
    const value = fields.variant(0)
    if (code === 5 && typeof value === 'number') replyTo = value
    if (code === 4 && typeof value === 'string') errorName = value
    if (code === 8 && typeof value === 'string') signature = value
  }
  return {
    length: bodyStart + bodyLength,
    replyTo,
    error: buffer[1] === 3 ? (errorName ?? 'an error without a name') : undefined,
    signature,
    body: buffer.subarray(bodyStart, bodyStart + bodyLength),
  }
}

/**
 * The values of an answer's body: strings, object paths and signatures as strings, numbers, booleans, arrays, and
 * dictionaries as maps; a variant as its value. Throws on other types and on malformed data.
 */
export function decodeBody({signature, body}: Pick<Message, 'signature' | 'body'>): unknown[] {
  const reader = new Reader(body, 0)
  return typesOf(signature).map((type) => reader.value(type, 0))
}

/** `sa{ss}u` → `s`, `a{ss}`, `u`. */
function typesOf(signature: string): string[] {
  const types: string[] = []
  for (let at = 0; at < signature.length;) {
    const end = typeEnd(signature, at)
    types.push(signature.slice(at, end))
    at = end
  }
  return types
}

function typeEnd(signature: string, from: number): number {
  let at = from
  while (signature[at] === 'a') at++
  if (signature[at] !== '{') {
    if (at >= signature.length) throw nonsense()
    return at + 1
  }
  const end = typeEnd(signature, typeEnd(signature, at + 1))
  if (signature[end] !== '}') throw nonsense()
  return end + 1
}

class Reader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  align(to: number): void {
    this.#at = align(this.#at, to)
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  uint32(): number {
    this.align(4)
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  variant(depth: number): unknown {
    const types = typesOf(this.#signature())
    if (types[0] === undefined || types.length > 1) throw nonsense()
    return this.value(types[0], depth + 1)
  }

  value(type: string, depth: number): unknown {
    if (depth > DEPTH_LIMIT) throw nonsense()
    switch (type.charAt(0)) {
      case 'y':
        return this.byte()
      case 'u':
        return this.uint32()
      case 'b':
        return this.uint32() === 1
      case 't':
        this.align(8)
        return Number(this.#bytes.readBigUInt64LE(this.#take(8)))
      case 's':
      case 'o':
        return this.#text(this.uint32())
      case 'g':
        return this.#signature()
      case 'v':
        return this.variant(depth)
      case 'a':
        return this.#array(type.slice(1), depth + 1)
      default:
        throw new Error('the bus sent an unexpected type')
    }
  }

  #array(type: string, depth: number): unknown[] | Map<unknown, unknown> {
    const length = this.uint32()
    const dictionary = type.startsWith('{')
    // The padding before the first element is always present and not counted.
    this.align(dictionary || type === 't' ? 8 : /^[yvg]/.test(type) ? 1 : 4)
    const end = this.#at + length
    if (end > this.#bytes.length) throw nonsense()
    const items: unknown[] = []
    const entries = new Map<unknown, unknown>()
    const [key = '', value = ''] = dictionary ? typesOf(type.slice(1, -1)) : []
    while (this.#at < end) {
      if (dictionary) {
        this.align(8)
        entries.set(this.value(key, depth), this.value(value, depth))
      } else {
        items.push(this.value(type, depth))
      }
    }
    if (this.#at !== end) throw nonsense()
    return dictionary ? entries : items
  }

  #signature(): string {
    return this.#text(this.byte())
  }

  /** Text of that length and the zero byte after it. */
  #text(length: number): string {
    const from = this.#take(length + 1)
    return this.#bytes.toString('utf8', from, from + length)
  }

  #take(length: number): number {
    const from = this.#at
    if (from + length > this.#bytes.length) throw nonsense()
    this.#at += length
    return from
  }
}

class Writer {
  readonly #parts: Buffer[] = []
  length = 0

  raw(bytes: Buffer): void {
    this.#parts.push(bytes)
    this.length += bytes.length
  }

  align(to: number): void {
    this.raw(Buffer.alloc(align(this.length, to) - this.length))
  }

  byte(value: number): void {
    this.raw(Buffer.from([value]))
  }

  uint32(value: number): void {
    this.align(4)
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    this.raw(bytes)
  }

  string(value: string): void {
    const bytes = Buffer.from(value)
    this.uint32(bytes.length)
    this.raw(bytes)
    this.byte(0)
  }

  signature(value: string): void {
    this.byte(value.length)
    this.raw(Buffer.from(value))
    this.byte(0)
  }

  /** a{ss}: the length of the entries, padding (not counted), then each entry at a multiple of 8. */
  strings(entries: Readonly<Record<string, string>>): void {
    const content = new Writer()
    for (const [key, value] of Object.entries(entries)) {
      content.align(8)
      content.string(key)
      content.string(value)
    }
    this.uint32(content.length)
    this.align(8)
    this.raw(content.bytes())
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

function align(at: number, to: number): number {
  return Math.ceil(at / to) * to
}

function nonsense(): Error {
  return new Error('the bus sent invalid data')
}
