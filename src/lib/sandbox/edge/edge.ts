import {randomBytes} from 'node:crypto'
import type {IncomingMessage} from 'node:http'
import https from 'node:https'
import net, {type AddressInfo} from 'node:net'
import type {Duplex} from 'node:stream'
import {WebSocketServer} from 'ws'
import type {CertificateAuthority} from '../certificates.js'
import type {EdgeState} from '../types.js'
import {connectOrigin} from './connector.js'
import {passToOrigin} from './http-origin.js'
import {decide, type EdgeDecision} from './decide.js'

export interface EdgeOptions {
  state: EdgeState
  authority: CertificateAuthority
  /** `ADDRESS:PORT` of what is behind a host. */
  originOf: (host: string) => string
  /** Of those, what also takes plain HTTP; undefined where only upgrades lead anywhere. */
  httpOriginOf?: ((host: string) => string | undefined) | undefined
  port?: number | undefined
}

/** Cloudflare's edge with Access before it and a tunnel behind it, on loopback. */
export async function startEdge({state, authority, originOf, httpOriginOf, port = 0}: EdgeOptions): Promise<{
  address: string
  close(): Promise<void>
}> {
  const fallback = await authority.contextFor('localhost')
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 64 * 1024 * 1024,
  })
  const server = https.createServer(
    {
      minVersion: 'TLSv1.2',
      SNICallback: (name, callback) => {
        authority.contextFor(name.toLowerCase()).then(
          (context) => {
            callback(null, context)
          },
          () => {
            callback(null, fallback)
          },
        )
      },
    },
    (request, response) => {
      const decision = decide(state, request)
      const origin = httpOriginOf?.(hostOf(request))
      if (decision.admit && origin !== undefined) {
        const [address, originPort] = splitAddress(origin)
        const named = decision.application.raw['read_service_tokens_from_header']
        passToOrigin(request, response, {
          ...{address, port: originPort, common: common()},
          named: typeof named === 'string' ? named : undefined,
        })
      } else if (decision.admit) {
        response.writeHead(200, {...common(), 'content-type': 'text/plain; charset=utf-8'})
        response.end(`${decision.application.name}, behind the sandbox's Access\n`)
      } else {
        response.writeHead(decision.status, {
          ...common(),
          ...decision.headers,
          'content-type': 'text/plain; charset=utf-8',
        })
        response.end(`${decision.text}\n`)
      }
    },
  )
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const decision = decide(state, request)
    if (!decision.admit) {
      answer(socket, decision)
      return
    }
    const [address, originPort] = splitAddress(originOf(hostOf(request)))
    const origin = net.connect({host: address, port: originPort})
    const down = (): void => {
      answer(socket, {admit: false, status: 502, headers: {}, text: 'The origin does not answer'})
    }
    origin.once('error', down)
    origin.once('connect', () => {
      origin.removeListener('error', down)
      origin.pause()
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        connectOrigin(webSocket, origin, state.edgeView().connectorEnd)
        origin.resume()
      })
    })
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.terminate()
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

function answer(socket: Duplex, {status, headers, text}: Extract<EdgeDecision, {admit: false}>): void {
  const body = `${text}\n`
  const all = {
    ...common(),
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  socket.end(
    `HTTP/1.1 ${status} ${status === 302 ? 'Found' : 'Refused'}\r\n${lines.join('\r\n')}\r\n\r\n${body}`,
  )
}

function common(): Record<string, string> {
  return {'cf-ray': `${randomBytes(8).toString('hex')}-ZT`, server: 'zt-sandbox'}
}

function hostOf(request: IncomingMessage): string {
  return (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
}

function splitAddress(text: string): [string, number] {
  const colon = text.lastIndexOf(':')
  return [text.slice(0, colon), Number(text.slice(colon + 1))]
}
