import net from 'node:net'
import {decodeBody, decodeMessage, type Argument} from '../../src/lib/secrets/keychain/wire.js'

/** The body of an answer, as bytes. */
export interface Reply {
  signature: string
  body: Buffer
}

type Answer = (member: string, args: unknown[], path: string) => Reply | string | undefined

/** A session bus that answers as the test says: with a body, or with an error of that name; undefined: not at all. */
export class FakeBus {
  private constructor(
    readonly server: net.Server,
    readonly sockets: Set<net.Socket>,
  ) {}

  static async start(socketPath: string, answer: Answer): Promise<FakeBus> {
    const sockets = new Set<net.Socket>()
    const server = net.createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      let pending = Buffer.alloc(0)
      let greeted = false
      socket.on('data', (chunk) => {
        pending = Buffer.concat([pending, Buffer.from(chunk)])
        if (!greeted) {
          if (pending.includes('AUTH') && !pending.includes('BEGIN')) socket.write('OK 0123\r\n')
          const begin = pending.indexOf('BEGIN\r\n')
          if (begin < 0) return
          greeted = true
          pending = pending.subarray(begin + 7)
        }
        for (let call = decodeMessage(pending); call; call = decodeMessage(pending)) {
          const {member, path} = headOf(pending.subarray(0, call.length - call.body.length))
          const serial = pending.readUInt32LE(8)
          pending = pending.subarray(call.length)
          const said = answer(member, decodeBody(call), path)
          if (said !== undefined) socket.write(encodeReply(serial, said))
        }
      })
    })
    await new Promise<void>((resolve) => server.listen(socketPath, resolve))
    return new FakeBus(server, sockets)
  }

  async end(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.server.close(resolve))
  }
}

type Value = string | boolean | readonly string[] | Readonly<Record<string, Argument | boolean>> | undefined

/** A body of strings, booleans, arrays of object paths, and variants (`{type: value}`). */
export function reply(signature: string, ...values: Value[]): Reply {
  const types = signature.match(/ao|[sobv]/g) ?? []
  let body: Buffer = Buffer.alloc(0)
  types.forEach((type, at) => {
    body = write(body, type, values[at])
  })
  return {signature, body}
}

function write(before: Buffer, type: string, value: Value | Argument): Buffer {
  const uint32 = (number: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(number)
    return bytes
  }
  const pad = (bytes: Buffer, to: number): Buffer =>
    Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)])
  if (type === 'v') {
    const [inner = 'b', content] = Object.entries((value ?? {b: false}) as Record<string, Value>)[0] ?? []
    return write(
      Buffer.concat([before, Buffer.from([inner.length]), Buffer.from(`${inner}\0`)]),
      inner,
      content,
    )
  }
  if (type === 'b') return Buffer.concat([pad(before, 4), uint32(value === true ? 1 : 0)])
  if (type === 'ao' || type === 'a{ss}') {
    let content: Buffer = Buffer.alloc(0)
    // The content begins at a multiple of 8, or of 4 if that is enough.
    if (Array.isArray(value)) for (const one of value) content = write(content, 's', String(one))
    else
      for (const [key, text] of Object.entries((value ?? {}) as Record<string, string>))
        content = write(write(pad(content, 8), 's', key), 's', text)
    const counted = Buffer.concat([pad(before, 4), uint32(content.length)])
    return Buffer.concat([type === 'ao' ? counted : pad(counted, 8), content])
  }
  const text = Buffer.from(typeof value === 'string' ? value : '')
  return Buffer.concat([pad(before, 4), uint32(text.length), text, Buffer.from([0])])
}

function encodeReply(serial: number, said: Reply | string): Buffer {
  const {signature, body} = typeof said === 'string' ? {signature: '', body: Buffer.alloc(0)} : said
  const field = (code: number, type: string): Buffer => Buffer.from([code, 1, type.charCodeAt(0), 0])
  const pad8 = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)])
  let fields: Buffer = Buffer.concat([field(5, 'u'), Buffer.from([serial, 0, 0, 0])])
  if (typeof said === 'string') fields = write(Buffer.concat([pad8(fields), field(4, 's')]), 's', said)
  else
    fields = Buffer.concat([
      pad8(fields),
      field(8, 'g'),
      Buffer.from([signature.length]),
      Buffer.from(`${signature}\0`),
    ])
  const head = Buffer.alloc(16)
  Buffer.from([0x6c, typeof said === 'string' ? 3 : 2, 0, 1]).copy(head)
  head.writeUInt32LE(body.length, 4)
  head.writeUInt32LE(99, 8)
  head.writeUInt32LE(fields.length, 12)
  return Buffer.concat([pad8(Buffer.concat([head, fields])), body])
}

/** A call's member and object path: header fields 3 and 1. */
function headOf(head: Buffer): {member: string; path: string} {
  const found = new Map<number, string>()
  const end = 16 + head.readUInt32LE(12)
  for (let at = 16; at < end;) {
    at = Math.ceil(at / 8) * 8
    const code = head.readUInt8(at)
    if (head[at + 2] === 'g'.charCodeAt(0)) {
      at += 4 + head.readUInt8(at + 4) + 2
      continue
    }
    const length = head.readUInt32LE(at + 4)
    found.set(code, head.toString('utf8', at + 8, at + 8 + length))
    at += 8 + length + 1
  }
  return {member: found.get(3) ?? '', path: found.get(1) ?? ''}
}
