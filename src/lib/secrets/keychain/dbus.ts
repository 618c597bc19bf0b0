import net from 'node:net'

/**
 * As much of D-Bus as the Secret Service probe needs: method calls with string arguments, little endian.
 * Wire format: the D-Bus specification, "Message Protocol". Nothing here can prompt.
 */
export class DBus {
  readonly #socket: net.Socket
  readonly #waiting = new Map<number, {resolve: (body: Buffer) => void; reject: (error: Error) => void}>()
  #serial = 0
  #pending = Buffer.alloc(0)
  #greeted: {resolve: () => void; reject: (error: Error) => void} | undefined
  #failure: Error | undefined

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#read(chunk)
    })
    socket.on('error', (error) => {
      this.#fail(error)
    })
    socket.on('close', () => {
      this.#fail(new Error('the bus closed the connection'))
    })
  }

  /** Connects and authenticates as this user. Only `unix:path=` and `unix:abstract=` addresses are known. */
  static async connect(address: string): Promise<DBus> {
    const socketPath = unixPath(address)
    if (socketPath === undefined) throw new Error(`the session bus address is of an unknown kind`)
    const bus = new DBus(net.connect({path: socketPath}))
    try {
      await new Promise<void>((resolve, reject) => {
        bus.#greeted = {resolve, reject}
        const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex')
        bus.#socket.write(`\0AUTH EXTERNAL ${uid}\r\n`)
      })
      await bus.call(BUS, 'Hello')
    } catch (error) {
      bus.close()
      throw error
    }
    return bus
  }

  /** Calls a method and gives the answer's body. */
  call(
    target: {name: string; path: string; interface: string},
    member: string,
    ...args: string[]
  ): Promise<Buffer> {
    if (this.#failure) return Promise.reject(this.#failure)
    const serial = ++this.#serial
    return new Promise((resolve, reject) => {
      this.#waiting.set(serial, {resolve, reject})
      this.#socket.write(encodeCall(serial, target, member, args))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    try {
      if (this.#greeted) {
        const end = this.#pending.indexOf('\r\n')
        if (end < 0) {
          if (this.#pending.length > LINE_LIMIT) throw new Error('the bus does not speak D-Bus')
          return
        }
        const line = this.#pending.toString('latin1', 0, end)
        this.#pending = this.#pending.subarray(end + 2)
        if (!line.startsWith('OK')) throw new Error('the session bus refused this user')
        this.#socket.write('BEGIN\r\n')
        this.#greeted.resolve()
        this.#greeted = undefined
      }
      for (;;) {
        const message = decode(this.#pending)
        if (message === undefined) return
        this.#pending = this.#pending.subarray(message.length)
        const waiting = this.#waiting.get(message.replyTo)
        if (!waiting) continue
        this.#waiting.delete(message.replyTo)
        if (message.error === undefined) waiting.resolve(message.body)
        else waiting.reject(new Error(message.error))
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error('the bus sent nonsense'))
      this.#socket.destroy()
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#greeted?.reject(this.#failure)
    this.#greeted = undefined
    for (const {reject} of this.#waiting.values()) reject(this.#failure)
    this.#waiting.clear()
  }
}

export const BUS = {
  name: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
}

const LINE_LIMIT = 4096
/** The specification's limit for a whole message is 128 MiB; ours never need a hundredth of this. */
const MESSAGE_LIMIT = 1024 * 1024

/** The first string of an answer's body. */
export function readString(body: Buffer): string {
  const length = body.readUInt32LE(0)
  return body.toString('utf8', 4, 4 + length)
}

/** An answer's body that is an array of strings. */
export function readStrings(body: Buffer): string[] {
  const end = 4 + body.readUInt32LE(0)
  const strings: string[] = []
  for (let at = 4; at < end;) {
    at = align(at, 4)
    const length = body.readUInt32LE(at)
    strings.push(body.toString('utf8', at + 4, at + 4 + length))
    at += 4 + length + 1
  }
  return strings
}

function unixPath(address: string): string | undefined {
  for (const one of address.split(';')) {
    const match = /^unix:(?:[^;]*,)?(path|abstract)=([^,;]+)/.exec(one)
    if (match) return decodeURIComponent(match[1] === 'abstract' ? `\0${match[2] ?? ''}` : (match[2] ?? ''))
  }
  return undefined
}

function encodeCall(
  serial: number,
  target: {name: string; path: string; interface: string},
  member: string,
  args: string[],
): Buffer {
  const body = new Writer()
  for (const arg of args) body.string(arg)
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
    fields.signature('s'.repeat(args.length))
  }
  const head = new Writer()
  // Little endian, method call, no flags (the service may be started), protocol 1.
  for (const byte of [0x6c, 1, 0, 1]) head.byte(byte)
  head.uint32(body.length)
  head.uint32(serial)
  head.uint32(fields.length)
  head.raw(fields.bytes())
  head.align(8)
  return Buffer.concat([head.bytes(), body.bytes()])
}

interface Message {
  length: number
  replyTo: number
  error: string | undefined
  body: Buffer
}

/** The first message of the buffer; undefined while it is not whole. Throws on what cannot be one. */
function decode(buffer: Buffer): Message | undefined {
  if (buffer.length < 16) return undefined
  if (buffer[0] !== 0x6c) throw new Error('the bus speaks big endian')
  const bodyLength = buffer.readUInt32LE(4)
  const fieldsEnd = 16 + buffer.readUInt32LE(12)
  const bodyStart = align(fieldsEnd, 8)
  if (bodyStart + bodyLength > MESSAGE_LIMIT) throw new Error('the bus sent a message that is too long')
  if (buffer.length < bodyStart + bodyLength) return undefined
  const body = buffer.subarray(bodyStart, bodyStart + bodyLength)
  let replyTo = 0
  let errorName: string | undefined
  for (let at = 16; at < fieldsEnd;) {
    at = align(at, 8)
    const code = buffer.readUInt8(at)
    const type = String.fromCharCode(buffer.readUInt8(at + 2))
    at += 4
    if (type === 'u') {
      at = align(at, 4)
      if (code === 5) replyTo = buffer.readUInt32LE(at)
      at += 4
    } else if (type === 'g') {
      at += buffer.readUInt8(at) + 2
    } else {
      at = align(at, 4)
      const length = buffer.readUInt32LE(at)
      if (code === 4) errorName = buffer.toString('utf8', at + 4, at + 4 + length)
      at += 4 + length + 1
    }
  }
  const failed = buffer[1] === 3
  return {
    length: bodyStart + bodyLength,
    replyTo,
    error: failed ? (errorName ?? 'an error without a name') : undefined,
    body,
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

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

function align(at: number, to: number): number {
  return Math.ceil(at / to) * to
}
