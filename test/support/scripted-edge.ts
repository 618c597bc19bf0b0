import {createHash} from 'node:crypto'
import type {AddressInfo, Socket} from 'node:net'
import tls from 'node:tls'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {waitingFor} from '../../src/lib/network/tcp-peer.js'

export const HOST = 'gitlab-ssh.widgetcorp.tech'

/** One client that has sent its request, for a script to answer. */
export interface Peer {
  socket: tls.TLSSocket
  /** The head of the request. */
  request: string
  /** The value of a request header; undefined if it was not sent. */
  header(name: string): string | undefined
  /** Upgrades according to RFC 6455; `changed` replaces header lines, or removes those that are undefined. */
  accept(changed?: Record<string, string | undefined>): void
  /** Ends the TCP connection with RST, once the client's system has everything that was sent (where the system shows that). */
  reset: () => Promise<void>
  /** Ends the TCP connection with FIN, without an end of TLS. */
  cut: () => Promise<void>
}

export interface ScriptedEdge {
  port: number
  /** `HOST:PORT`, for --connect-to. */
  address: string
  caFile: string
  /** The number of TCP connections. */
  connections: number
  /** Everything it received, decrypted. */
  received: string
  close(): Promise<void>
}

export interface EdgeOptions {
  /** For the CA's files. */
  directory: string
  onPeer: (peer: Peer) => void
  /** The name in its certificate; default: the requested one. */
  certificateFor?: string
  /** When the CA was made; it is valid for a year. */
  madeAt?: number
  /** Called with each TCP connection; if it returns true, TLS does not get the connection. */
  onConnection?: (socket: Socket) => boolean
}

/** A real TLS server that does what a script says. */
export async function startEdge(options: EdgeOptions): Promise<ScriptedEdge> {
  const {directory, onPeer, certificateFor, madeAt = Date.now(), onConnection} = options
  const authority = await openCertificateAuthority(directory, madeAt)
  const sockets = new Set<Socket>()
  const byPort = new Map<number | undefined, Socket>()
  const server = tls.createServer({
    SNICallback: (name, done) => {
      authority.contextFor(certificateFor ?? name).then((context) => {
        done(null, context)
      }, done)
    },
  })
  const [tlsConnection] = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const edge: ScriptedEdge = {
    port: 0,
    address: '',
    caFile: authority.caFile,
    connections: 0,
    received: '',
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => {
          resolve()
        })
      }),
  }
  server.on('connection', (socket: Socket) => {
    edge.connections++
    sockets.add(socket)
    byPort.set(socket.remotePort, socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    if (!onConnection?.(socket)) tlsConnection?.call(server, socket)
  })
  server.on('tlsClientError', () => undefined)
  server.on('secureConnection', (socket: tls.TLSSocket) => {
    socket.on('error', () => undefined)
    socket.setNoDelay(true)
    let request = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      edge.received += chunk.toString('latin1')
      request = Buffer.concat([request, chunk])
      const end = request.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.removeListener('data', onData)
      socket.pause()
      const raw = byPort.get(socket.remotePort)
      onPeer({
        ...peerOf(socket, request.toString('latin1', 0, end)),
        reset: async () => {
          await sent(socket)
          while (raw && ((await waitingFor(raw)) ?? 0) > 0)
            await new Promise((resolve) => setTimeout(resolve, 5))
          raw?.resetAndDestroy()
        },
        cut: async () => {
          await sent(socket)
          raw?.end()
        },
      })
    }
    socket.on('data', onData)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  edge.port = (server.address() as AddressInfo).port
  edge.address = `127.0.0.1:${edge.port}`
  return edge
}

/** Resolves when the system has everything. */
function sent(socket: tls.TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.write('', () => {
      resolve()
    })
  })
}

function peerOf(socket: tls.TLSSocket, request: string): Omit<Peer, 'reset' | 'cut'> {
  const header = (name: string): string | undefined =>
    request
      .split('\r\n')
      .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      ?.slice(name.length + 1)
      .trim()
  return {
    socket,
    request,
    header,
    accept: (changed = {}) => {
      const headers: Record<string, string | undefined> = {
        Upgrade: 'websocket',
        Connection: 'Upgrade',
        'Sec-WebSocket-Accept': acceptOf(header('Sec-WebSocket-Key') ?? ''),
        ...changed,
      }
      const lines = Object.entries(headers).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}: ${value}`],
      )
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
    },
  }
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}
