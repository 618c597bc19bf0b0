import {randomBytes} from 'node:crypto'
import type {IncomingMessage, ServerResponse} from 'node:http'
import https from 'node:https'
import net, {type AddressInfo} from 'node:net'
import {WebSocketServer} from 'ws'
import {guard, plain, SERVER_OPTIONS, type UpgradedEnd} from '../../network/http-listener.js'
import type {CertificateAuthority} from '../certificates.js'
import {readOrigin} from '../origins.js'
import type {Origin, RecordingState} from '../types.js'
import {connectOrigin} from './connector.js'
import {passToOrigin, type HttpOriginOptions} from './http-origin.js'
import {decide, type EdgeDecision} from './decide.js'
import {presentedTokens, sessionCookie} from './session.js'
import {sightingOf} from './sighting.js'
import {targetOf} from './target.js'
import {ownAnswer} from './well-known.js'

export interface EdgeOptions {
  state: RecordingState
  authority: CertificateAuthority
  /** Countries of clients by CIDR block, in addition to those of the settings. */
  countries?: Readonly<Record<string, string>> | undefined
  /** The origin of a host: `ADDRESS:PORT`, with `http://`, `tcp://` or `ssh://` if its protocol is known. */
  originOf: (host: string) => string
  /** The same for plain HTTP requests; undefined if the host accepts only upgrades. */
  httpOriginOf?: ((host: string) => string | undefined) | undefined
  port?: number | undefined
}

const CONNECTION_LIMIT = 1024
const IDLE_MS = 400_000
const HANDSHAKE_MS = 20_000
const CONNECT_MS = 15_000
const NOWHERE: Origin = {address: '127.0.0.1', port: 9, kind: 'tcp'}
/** These clients use an upgrade only for a stream. */
const STREAM_CLIENTS = /^(zt|cloudflared)\//

/** Cloudflare's edge, with Access in front of it and a tunnel behind it, on loopback. */
export async function startEdge(options: EdgeOptions): Promise<{
  address: string
  close(): Promise<void>
}> {
  const {state, authority, originOf, httpOriginOf, countries, port = 0} = options
  /** The detected kind of origins that were given without one. */
  const found = new Map<string, 'http' | 'tcp'>()
  const originFor = (host: string): Origin => {
    const origin = readOrigin(originOf(host)) ?? NOWHERE
    if (httpOriginOf?.(host) === undefined) return {...origin, kind: 'tcp'}
    return {...origin, kind: found.get(addressOf(origin)) ?? origin.kind}
  }
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 64 * 1024 * 1024,
  })
  const server = https.createServer({
    ...SERVER_OPTIONS,
    ...authority.fallback,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    SNICallback: (name, callback) => {
      authority.contextFor(name.toLowerCase()).then(
        (context) => {
          callback(null, context)
        },
        // The server's own.
        () => {
          callback(null)
        },
      )
    },
  })
  /** What was admitted; undefined if the request was refused and answered. */
  const admitted = async (
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Admission | undefined> => {
    const ray = randomBytes(8).toString('hex')
    const common = commonHeaders(ray)
    const own = await ownAnswer({state, authority}, request)
    if (own) {
      plain(response, 200, own.text, {...common, ...own.headers})
      return undefined
    }
    const key = presentedTokens(request).length > 0 ? await authority.signingKey() : undefined
    const decision = decide(state, request, {key, countries})
    const event = sightingOf(request, decision, {view: state.edgeView(), ray, key, countries})
    if (event) state.recordEvent(event)
    if (decision.admit) return {...decision, common}
    plain(response, decision.status, `${decision.text}\n`, {...common, ...decision.headers})
    return undefined
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const admission = await admitted(request, response)
    if (!admission) return
    const origin = originFor(targetOf(request).host)
    if (origin.kind === 'tcp')
      plain(
        response,
        200,
        `${admission.application.name}, behind the sandbox's Access\n`,
        await withCookie(admission, authority),
      )
    else await passToOrigin({request, response}, {...origin, ...(await identified(admission, authority))})
  }
  const upgrade = async (
    request: IncomingMessage,
    response: ServerResponse,
    near: UpgradedEnd,
  ): Promise<void> => {
    const admission = await admitted(request, response)
    if (!admission) return
    const origin = originFor(targetOf(request).host)
    const guessing = origin.kind === 'either'
    if (origin.kind !== 'tcp' && !(guessing && STREAM_CLIENTS.test(request.headers['user-agent'] ?? ''))) {
      const options = {...origin, ...(await identified(admission, authority)), near}
      const passed = await passToOrigin({request, response}, options, guessing)
      if (guessing) found.set(addressOf(origin), passed ? 'http' : 'tcp')
      if (passed) return
    }
    const headers = await withCookie(admission, authority)
    const stream = await connect(origin)
    if (!stream || near.socket.destroyed) {
      stream?.destroy()
      plain(response, 502, 'The origin does not answer\n', admission.common)
      return
    }
    response.detachSocket(near.socket)
    const addCookie = (lines: string[]): void => {
      const {'set-cookie': cookie} = headers
      if (cookie !== undefined) lines.push(`Set-Cookie: ${cookie}`)
    }
    // `handleUpgrade` writes the answer at once; where it refuses the handshake, that answer has no such headers.
    sockets.on('headers', addCookie)
    sockets.handleUpgrade(request, near.socket, near.head, (webSocket) => {
      connectOrigin(webSocket, stream, state.edgeView().connectorEnd)
      stream.resume()
    })
    sockets.off('headers', addCookie)
    near.socket.once('close', () => stream.destroyed || stream.end())
    response.emit('close')
  }
  guard(server, {serve, upgrade, limit: CONNECTION_LIMIT, idleMs: IDLE_MS, words: (text) => `${text}\n`})
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

/** With the headers that all of its answers have. */
type Admission = Extract<EdgeDecision, {admit: true}> & {common: Record<string, string>}

/** What an HTTP service learns of who was admitted, and what the edge adds to the answer. */
async function identified(
  {application, session: open, cookie, common}: Admission,
  authority: CertificateAuthority,
): Promise<Pick<HttpOriginOptions, 'named' | 'session' | 'common'>> {
  const session = open?.(await authority.signingKey())
  const cookies = session && cookie ? {'set-cookie': sessionCookie(session, application)} : {}
  const named = application.raw['read_service_tokens_from_header']
  return {named: typeof named === 'string' ? named : undefined, session, common: {...common, ...cookies}}
}

/** What the edge adds to the answer where no HTTP service is: a signature takes longer than all the rest. */
async function withCookie(
  admission: Admission,
  authority: CertificateAuthority,
): Promise<Record<string, string>> {
  return admission.cookie ? (await identified(admission, authority)).common : admission.common
}

const addressOf = ({address, port}: Origin): string => `${address}:${port}`

/** A paused socket, so that no data is lost if the origin speaks first; undefined if the connection failed. */
function connect({address, port}: Origin): Promise<net.Socket | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({host: address, port, timeout: CONNECT_MS})
    const failed = (): void => {
      socket.destroy()
      resolve(undefined)
    }
    socket.once('error', failed)
    socket.once('timeout', failed)
    socket.once('connect', () => {
      socket.removeListener('error', failed)
      socket.removeListener('timeout', failed)
      socket.setTimeout(0)
      // Until the connector handles its errors.
      socket.on('error', () => undefined)
      socket.pause()
      resolve(socket)
    })
  })
}

function commonHeaders(ray: string): Record<string, string> {
  return {'cf-ray': `${ray}-ZT`, server: 'zt-sandbox'}
}
