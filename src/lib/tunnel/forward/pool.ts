import type {ClientRequest} from 'node:http'
import type https from 'node:https'
import type net from 'node:net'
import type {Duplex} from 'node:stream'
import type tls from 'node:tls'
import {dropSocket, isReusable, keepReading} from '../../network/lossless-socket.js'
import type {EdgeWay} from '../carrier/connect.js'
import {EdgeAgent} from '../carrier/edge-agent.js'

/** How long a connection is kept without a request, milliseconds: each takes memory, and a burst may leave hundreds. */
const KEPT_MS = 60_000

/**
 * Connections to the edge that lose nothing of an answer. One on which data came without a request is not used again: that
 * data would be taken for the answer to the next request.
 */
export class Pool extends EdgeAgent {
  readonly #idle = new WeakMap<Duplex, () => void>()
  readonly #keptMs: number

  constructor(
    way: EdgeWay,
    context: tls.SecureContext,
    {keptMs = KEPT_MS, ...options}: https.AgentOptions & {keptMs?: number | undefined} = {},
  ) {
    super(way, context, options)
    this.#keptMs = keptMs
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    return super.createConnection(options, (error, stream) => {
      if (error) return void callback?.(error, stream)
      // Between two requests nothing else listens.
      stream.on('error', () => undefined)
      callback?.(null, keepReading(stream as net.Socket))
    })
  }

  override keepSocketAlive(stream: Duplex): boolean {
    // It returns a boolean, which node's types do not say.
    const kept: unknown = super.keepSocketAlive(stream)
    if (kept === false || !isReusable(stream as net.Socket)) return false
    const unasked = (): void => {
      dropSocket(stream as net.Socket)
    }
    this.#idle.set(stream, unasked)
    stream.on('data', unasked)
    // Node closes it then if it is still without a request; a request has its own limit.
    ;(stream as net.Socket).setTimeout(this.#keptMs)
    return true
  }

  override reuseSocket(stream: Duplex, request: ClientRequest): void {
    super.reuseSocket(stream, request)
    const unasked = this.#idle.get(stream)
    // Until the request itself listens, right after this.
    if (unasked) process.nextTick(() => stream.removeListener('data', unasked))
  }
}
