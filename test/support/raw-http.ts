import net, {type AddressInfo, type Socket} from 'node:net'
import tls from 'node:tls'
import {keepLastBytes} from '../../src/lib/network/connection-end.js'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'

/** A connection to a server that does what a script says; TLS or not. */
export interface RawPeer {
  /** The stream to write to and read from. */
  socket: Socket
  /** Everything received so far, latin1. */
  readonly received: string
  /** Resolves when the received data satisfies the condition. */
  until(enough: (received: string) => boolean): Promise<void>
  write(data: string | Buffer): Promise<void>
  /** Ends it: in order (with close_notify under TLS), by FIN alone, or by a reset. */
  end(how: 'order' | 'fin' | 'reset'): void
}

export interface RawServer {
  port: number
  address: string
  /** Of the CA; empty without TLS. */
  caFile: string
  peers: RawPeer[]
  onPeer: (peer: RawPeer) => unknown
  close(): Promise<void>
}

/** A server that records every byte and sends what its script says, behind TLS when given a directory for its CA. */
export async function startRawServer(directory?: string): Promise<RawServer> {
  const authority =
    directory === undefined ? undefined : await openCertificateAuthority(directory, Date.now())
  const raws = new Map<number | undefined, Socket>()
  const open = new Set<Socket>()
  const server: net.Server =
    authority === undefined
      ? net.createServer({allowHalfOpen: true})
      : tls.createServer({
          SNICallback: (name, done) => {
            authority.contextFor(name).then((context) => {
              done(null, context)
            }, done)
          },
        })
  server.prependListener('connection', (socket: Socket) => {
    raws.set(socket.remotePort, socket)
    open.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => open.delete(socket))
  })
  const raw: RawServer = {
    port: 0,
    address: '',
    caFile: authority?.caFile ?? '',
    peers: [],
    onPeer: () => undefined,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy()
        server.close(() => {
          resolve()
        })
      }),
  }
  server.on('tlsClientError', () => undefined)
  server.on(authority === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    const below = raws.get(socket.remotePort) ?? socket
    const peer = peerOf(socket, below)
    raw.peers.push(peer)
    void Promise.resolve(raw.onPeer(peer)).catch(() => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  raw.port = (server.address() as AddressInfo).port
  raw.address = `127.0.0.1:${raw.port}`
  return raw
}

function peerOf(socket: Socket, below: Socket): RawPeer {
  // Two writes are two packets: a reset after them discards none.
  socket.setNoDelay(true)
  let received = ''
  const waiting = new Set<() => void>()
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    for (const look of waiting) look()
  })
  return {
    socket,
    get received() {
      return received
    },
    until: (enough) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!enough(received)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        socket.once('close', () => {
          reject(new Error('the connection ended'))
        })
        look()
      }),
    write: (data) =>
      new Promise((resolve) =>
        socket.write(data, () => {
          resolve()
        }),
      ),
    end: (how) => {
      if (how === 'order') socket.end()
      else if (how === 'reset') below.resetAndDestroy()
      else below.end()
    },
  }
}

export const headCame = (received: string): boolean => received.includes('\r\n\r\n')

/** What a client received, byte by byte, and how the connection ended. */
export interface Got {
  bytes: Buffer
  /** `fin`, or the error of the connection. */
  ended: string
}

export interface RawClient {
  socket: Socket
  readonly got: Buffer
  until(enough: (got: Buffer) => boolean): Promise<void>
  ended: Promise<Got>
}

/** Connects and sends; collects the answer until the connection ends. */
export function rawClient(port: number, data: string | Buffer = '', host = '127.0.0.1'): RawClient {
  return collect(net.connect({port, host, allowHalfOpen: true}), data)
}

export function collect(socket: Socket, data: string | Buffer = ''): RawClient {
  // node itself reports a reset that arrives together with data as an end.
  keepLastBytes(socket, socket)
  const chunks: Buffer[] = []
  let fault: string | undefined
  const waiting = new Set<() => void>()
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    for (const look of [...waiting]) look()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => (fault ??= error.code ?? error.message))
  socket.once('end', () => socket.end())
  if (data.length > 0) socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  const all = (): Buffer => Buffer.concat(chunks)
  const ended = new Promise<Got>((resolve) =>
    socket.once('close', () => {
      resolve({bytes: all(), ended: fault ?? 'fin'})
    }),
  )
  return {
    socket,
    get got() {
      return all()
    },
    until: (enough) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!enough(all())) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        void ended.then(({bytes, ended: how}) => {
          if (enough(bytes)) resolve()
          else
            reject(
              new Error(`ended by ${how} after ${bytes.length} bytes: ${bytes.toString('latin1', 0, 300)}`),
            )
        })
        look()
      }),
    ended,
  }
}

export interface Message {
  /** The first line. */
  line: string
  headers: [name: string, value: string][]
  body: Buffer
  trailers: string
  /** False when the connection ended before the message did. */
  complete: boolean
  /** Whether only the end of the connection ended it. */
  byClosing: boolean
  rest: Buffer
}

/**
 * Reads one message strictly, according to RFC 9112.
 *
 * @param ended how the connection ended; undefined while it is open
 * @throws Error if the framing is ambiguous; returns undefined if the head is incomplete
 */
export function readMessage(
  bytes: Buffer,
  {ended, bodiless = false, request = false}: {ended?: string; bodiless?: boolean; request?: boolean} = {},
): Message | undefined {
  const at = bytes.indexOf('\r\n\r\n')
  if (at < 0) return undefined
  const [line = '', ...lines] = bytes.toString('latin1', 0, at).split('\r\n')
  const headers = lines.map((one): [string, string] => {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(one)
    if (!match?.[1]) throw new Error(`no header: ${JSON.stringify(one)}`)
    return [match[1].toLowerCase(), match[2] ?? '']
  })
  const values = (name: string): string[] => headers.filter(([one]) => one === name).map(([, value]) => value)
  const [lengths, codings] = [values('content-length'), values('transfer-encoding')]
  if (lengths.length + codings.length > 1) throw new Error('framed twice')
  const message: Message = {
    ...{line, headers, body: Buffer.alloc(0), trailers: '', complete: true, byClosing: false},
    rest: bytes.subarray(at + 4),
  }
  if (bodiless) return message
  const data = message.rest
  if (codings[0] !== undefined) {
    if (codings[0] !== 'chunked') throw new Error(`coded as ${codings[0]}`)
    return {...message, ...chunked(data)}
  }
  if (lengths[0] !== undefined) {
    const length = Number(lengths[0])
    return {
      ...message,
      body: data.subarray(0, length),
      complete: data.length >= length,
      rest: data.subarray(length),
    }
  }
  if (request) return message
  return {...message, body: data, byClosing: true, complete: ended === 'fin', rest: Buffer.alloc(0)}
}

function chunked(data: Buffer): Pick<Message, 'body' | 'trailers' | 'complete' | 'rest'> {
  const parts: Buffer[] = []
  let at = 0
  const open = (): Pick<Message, 'body' | 'trailers' | 'complete' | 'rest'> => ({
    body: Buffer.concat(parts),
    ...{trailers: '', complete: false, rest: Buffer.alloc(0)},
  })
  for (;;) {
    const end = data.indexOf('\r\n', at)
    if (end < 0) return open()
    const size = data.toString('latin1', at, end)
    if (!/^[0-9a-f]{1,8}$/i.test(size)) throw new Error(`no chunk: ${JSON.stringify(size)}`)
    const length = Number.parseInt(size, 16)
    at = end + 2
    if (length === 0) {
      const close = data.indexOf('\r\n\r\n', end)
      if (close < 0) return open()
      const trailers = close === end ? '' : data.toString('latin1', at, close)
      return {body: Buffer.concat(parts), trailers, complete: true, rest: data.subarray(close + 4)}
    }
    parts.push(data.subarray(at, at + length))
    if (data.length < at + length + 2) return open()
    if (data.toString('latin1', at + length, at + length + 2) !== '\r\n')
      throw new Error('a chunk without end')
    at += length + 2
  }
}

/** All requests of a recorded connection; an incomplete request at its end is `left`. */
export function readRequests(received: string): {requests: Message[]; left: string} {
  const requests: Message[] = []
  let rest = Buffer.from(received, 'latin1')
  while (rest.length > 0) {
    const message = readMessage(rest, {request: true})
    if (!message?.complete) return {requests, left: rest.toString('latin1')}
    requests.push(message)
    rest = Buffer.from(message.rest)
  }
  return {requests, left: ''}
}

/** Bytes that encode their position, so that missing, repeated or misplaced ones are detected. */
export function pattern(size: number): Buffer {
  const block = Buffer.alloc(size)
  for (let at = 0; at + 4 <= size; at += 4) block.writeUInt32LE((at * 2_654_435_761) >>> 0, at)
  return block
}
