import net, {type AddressInfo} from 'node:net'
import tls from 'node:tls'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'

/** A request, parsed as strictly as a server behind a proxy would. */
export interface RawRequest {
  line: string
  /** Each as `name: value`, as received. */
  headers: string[]
  body: Buffer
}

/** A TLS server that records every byte, and other servers without TLS that do, too. */
export class RawTlsEdge {
  readonly caFile: string
  readonly #tls: tls.Server
  readonly #plain: net.Server
  /** The bytes of each TLS connection. */
  #connections: Buffer[][] = []
  /** The bytes to the other host, which also serves as a proxy. */
  #elsewhere: Buffer[] = []
  readonly #open = new Set<net.Socket>()

  private constructor(caFile: string, contextFor: (name: string) => Promise<tls.SecureContext>) {
    this.caFile = caFile
    this.#tls = tls.createServer(
      {
        SNICallback: (name, done) => {
          contextFor(name).then((context) => {
            done(null, context)
          }, done)
        },
      },
      (socket) => {
        this.#serve(socket)
      },
    )
    this.#plain = net.createServer((socket) => {
      this.#proxy(socket)
    })
  }

  static async start(directory: string): Promise<RawTlsEdge> {
    const authority = await openCertificateAuthority(directory, Date.now())
    const edge = new RawTlsEdge(authority.caFile, (name) => authority.contextFor(name))
    for (const server of [edge.#tls, edge.#plain])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return edge
  }

  get port(): number {
    return (this.#tls.address() as AddressInfo).port
  }

  get otherPort(): number {
    return (this.#plain.address() as AddressInfo).port
  }

  /** The bytes since the last call, over TLS and elsewhere. */
  take(): {connections: Buffer[]; elsewhere: Buffer} {
    const taken = {
      connections: this.#connections.map((chunks) => Buffer.concat(chunks)),
      elsewhere: Buffer.concat(this.#elsewhere),
    }
    this.#connections = []
    this.#elsewhere = []
    return taken
  }

  close(): void {
    for (const socket of this.#open) socket.destroy()
    this.#tls.close()
    this.#plain.close()
  }

  #serve(socket: tls.TLSSocket): void {
    const chunks: Buffer[] = []
    this.#connections.push(chunks)
    this.#keep(socket)
    let answered = 0
    let promised = 0
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      const {requests, rest} = readRequests(Buffer.concat(chunks))
      if (requests.length === promised && /\r\nexpect: 100-continue\r\n/i.test(rest.toString('latin1'))) {
        promised++
        socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      }
      for (; answered < Math.min(requests.length, 1); answered++) {
        const elsewhere = `https://elsewhere.example:${this.otherPort}/away`
        socket.write(
          `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\nContent-Type: text/plain\r\nETag: "e"\r\nLocation: ${elsewhere}\r\n` +
            `Refresh: 0; url=${elsewhere}\r\nSet-Cookie: a=b\r\nAlt-Svc: h2="elsewhere.example:${this.otherPort}"\r\n\r\n` +
            (requests[answered]?.line.startsWith('HEAD ') ? '' : 'ok\n'),
        )
        // Records what the client still sends.
        socket.end()
      }
    })
  }

  /** Relays a CONNECT to the TLS server, whatever it names, and records what is sent without TLS. */
  #proxy(socket: net.Socket): void {
    this.#keep(socket)
    let through: net.Socket | undefined
    socket.on('data', (chunk: Buffer) => {
      if (through) {
        through.write(chunk)
        return
      }
      this.#elsewhere.push(chunk)
      if (!chunk.toString('latin1').startsWith('CONNECT ')) {
        socket.destroy()
        return
      }
      through = this.#keep(net.connect(this.port, '127.0.0.1'))
      socket.write('HTTP/1.1 200 Connected\r\n\r\n')
      through.pipe(socket)
      through.once('close', () => socket.destroy())
      socket.once('close', () => through?.destroy())
    })
  }

  #keep<T extends net.Socket>(socket: T): T {
    this.#open.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => this.#open.delete(socket))
    return socket
  }
}

/** The requests of a connection, and the bytes after the last complete one. */
export function readRequests(bytes: Buffer): {requests: RawRequest[]; rest: Buffer} {
  const requests: RawRequest[] = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return {requests, rest}
    const [line = '', ...headers] = rest.toString('latin1', 0, end).split('\r\n')
    const valueOf = (name: string): string | undefined =>
      headers
        .find((header) => header.toLowerCase().startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim()
    const behind = rest.subarray(end + 4)
    const length = /chunked/i.test(valueOf('transfer-encoding') ?? '')
      ? chunkedLength(behind)
      : Number(valueOf('content-length') ?? 0)
    if (length === undefined || behind.length < length) return {requests, rest}
    requests.push({line, headers, body: behind.subarray(0, length)})
    rest = behind.subarray(length)
  }
}

/** The length of a chunked body with its framing; undefined if its end has not arrived. */
function chunkedLength(bytes: Buffer): number | undefined {
  let at = 0
  for (;;) {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16)
    at = end + 2 + size + 2
    if (at > bytes.length) return undefined
    if (size === 0) return at
  }
}
