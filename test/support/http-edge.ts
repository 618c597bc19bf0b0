import type {IncomingMessage} from 'node:http'
import https from 'node:https'
import type {AddressInfo} from 'node:net'
import {WebSocketServer} from 'ws'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'

/** A request as the edge received it. */
export interface EdgeRequestSeen {
  method: string
  url: string
  secret: string
  body: string
}

/** Access's answer to a request: undefined admits it, and the service answers 200 with the received body. */
export type Says = (
  request: EdgeRequestSeen,
) => {status: number; headers?: Record<string, string>; text?: string} | undefined

export interface HttpEdge {
  port: number
  /** `HOST:PORT`, for --connect-to. */
  address: string
  caFile: string
  seen: EdgeRequestSeen[]
  says: Says
  close(): Promise<void>
}

/** How Access refuses a token with a wrong secret if the application has only rules for tokens. */
export const REFUSED = {status: 403, headers: {'cf-access-aud': 'f00d', 'cf-access-domain': 'x'}}

/** A real TLS server that admits or refuses as a script says; WebSockets are echoed. */
export async function startHttpEdge(directory: string): Promise<HttpEdge> {
  const authority = await openCertificateAuthority(directory, Date.now())
  const sockets = new WebSocketServer({noServer: true})
  const server = https.createServer(
    {
      SNICallback: (name, done) => {
        authority.contextFor(name).then((context) => {
          done(null, context)
        }, done)
      },
    },
    (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString()
        const said = judge(request, request.method ?? '', body)
        if (said) response.writeHead(said.status, said.headers).end(said.text)
        else response.end(body)
      })
    },
  )
  const judge = ({url = '', headers}: IncomingMessage, method: string, body: string): ReturnType<Says> => {
    const request = {method, url, secret: String(headers['cf-access-client-secret']), body}
    edge.seen.push(request)
    return edge.says(request)
  }
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => undefined)
    const said = judge(request, 'UPGRADE', '')
    if (!said)
      sockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on('message', (data: Buffer) => {
          ws.send(data)
        })
      })
    else {
      const lines = Object.entries(said.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.end(`HTTP/1.1 ${said.status} No\r\n${lines.join('')}content-length: 0\r\n\r\n`)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  const edge: HttpEdge = {
    port,
    address: `127.0.0.1:${port}`,
    caFile: authority.caFile,
    seen: [],
    says: () => undefined,
    close: () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.terminate()
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
  return edge
}
