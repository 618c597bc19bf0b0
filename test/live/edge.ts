import type {IncomingMessage} from 'node:http'
import {randomBytes} from 'node:crypto'
import {patient} from '../../src/lib/core/patience.js'
import type {Secret} from '../../src/lib/core/secret.js'
import {endOf} from '../../src/lib/network/connection-end.js'
import {dialEdge, type EdgeWay} from '../../src/lib/tunnel/carrier/connect.js'
import {EdgeAgent, trustOf} from '../../src/lib/tunnel/carrier/edge-agent.js'
import {FrameReader, encodeControl, encodeData, OPCODE} from '../../src/lib/tunnel/carrier/frames.js'
import {readHead} from '../../src/lib/network/http-head.js'
import {answerOf, edgeRequest} from '../../src/lib/tunnel/edge/request.js'
import type {EdgeAnswer} from '../../src/lib/tunnel/types.js'

const IDLE_MS = 30_000
const STREAM_MS = 60_000

/** How the edge is reached, if not by the host's name. */
export interface EdgeOptions {
  connectTo?: string | undefined
  caFile?: string | undefined
}

type Headers = [name: string, value: string][]

export interface EdgeReply {
  status: number
  /** `admitted`: Access let the request in. `challenged`: it was not asked. Otherwise the status of its refusal. */
  verdict: 'admitted' | 'challenged' | number
  /** Whether it is certain that Access answered. */
  byAccess: boolean
  /** What the redirect to the login page says of them. */
  credentials: EdgeAnswer['credentials']
  headers: IncomingMessage['headers']
}

export const pairOf = (id: string, secret?: Secret): Headers => [
  ['Cf-Access-Client-Id', id],
  ...(secret ? [['Cf-Access-Client-Secret', secret.expose()] as [string, string]] : []),
]

/** Requests to the edge, one connection each. Redirects are not followed. */
export class Edge {
  readonly #options: EdgeOptions
  readonly #trust: ReturnType<typeof trustOf>
  /** Interrupts requests. */
  signal: AbortSignal | undefined

  constructor(options: EdgeOptions) {
    this.#options = options
    this.#trust = trustOf(this.#wayTo('any.invalid').way)
    // Shown by the first request.
    this.#trust.catch(() => undefined)
  }

  /** @param place a host name, with a path if it has one */
  async ask(place: string, headers: Headers = [], method = 'GET'): Promise<EdgeReply> {
    const {way, path} = this.#wayTo(place)
    const agent = new EdgeAgent(way, await this.#trust)
    try {
      const given: Headers = [['Host', way.edge.host], ['User-Agent', 'zt-live'], ...headers]
      const request = edgeRequest({
        agent,
        edge: way.edge,
        method,
        path,
        headers: given,
        idleMs: patient(IDLE_MS),
      })
      const {signal} = this
      const stop = (): void => {
        request.destroy(signal?.reason as Error)
      }
      signal?.addEventListener('abort', stop)
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        request.once('response', resolve)
        request.once('upgrade', (incoming, socket) => {
          socket.destroy()
          resolve(incoming)
        })
        request.once('error', reject)
        request.end()
      }).finally(() => signal?.removeEventListener('abort', stop))
      answer.destroy()
      const {by, status, reason, credentials} = answerOf(answer)
      const refused =
        by === 'access' || (by === 'unknown' && (reason === 'unauthenticated' || reason === 'forbidden'))
      return {
        status,
        verdict: by === 'zone' ? 'challenged' : refused ? status : 'admitted',
        byAccess: by === 'access',
        credentials,
        headers: answer.headers,
      }
    } finally {
      agent.destroy()
    }
  }

  /**
   * Opens a stream to an SSH server, sends what makes it hang up, and says how the edge passes that on: `none`, the code
   * of a close frame, `1006` for an end without close_notify, `reset`, `open` if nothing ends.
   */
  async endOfStream(place: string, headers: Headers): Promise<string | number> {
    const {way, path} = this.#wayTo(place)
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${way.edge.host}`,
      'User-Agent: zt/live',
      ...headers.map(([name, value]) => `${name}: ${value}`),
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Version: 13',
    ]
    const context = await this.#trust
    return dialEdge({...way, context, signal: this.signal}, async (socket, deadlines) => {
      deadlines.begin('answer')
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      const head = await readHead(socket, deadlines.signal)
      deadlines.stop()
      if (head.status !== 101) return `no stream: ${head.status}`
      let begun = false
      const end = await new Promise<string | number>((resolve) => {
        const timer = setTimeout(() => {
          resolve('open')
        }, patient(STREAM_MS))
        timer.unref()
        const reader = new FrameReader({
          data: () => {
            if (!begun) socket.write(encodeData(Buffer.from('zt-live\r\n\r\n')))
            begun = true
          },
          ping: (payload) => socket.write(encodeControl(OPCODE.pong, payload)),
          close: (code) => {
            resolve(code ?? 1005)
          },
        })
        const ended = (error?: unknown): void => {
          const how = endOf(socket, error instanceof Error ? error : undefined)
          resolve(how === 'orderly' ? 'none' : how === 'bare' ? 1006 : 'reset')
        }
        socket.on('data', (chunk: Buffer) => {
          reader.feed(chunk)
        })
        for (const event of ['end', 'error', 'close']) socket.once(event, ended)
        if (head.rest.length > 0) reader.feed(head.rest)
        socket.resume()
      })
      socket.on('error', () => undefined).destroy()
      return end
    })
  }

  #wayTo(place: string): {way: EdgeWay; path: string} {
    const slash = place.indexOf('/')
    const host = slash < 0 ? place : place.slice(0, slash)
    const {connectTo, caFile} = this.#options
    const way = {edge: {host, connectTo, caFile}, environment: process.env}
    return {way, path: slash < 0 ? '/' : place.slice(slash)}
  }
}
