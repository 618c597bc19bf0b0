import https from 'node:https'
import type {Duplex} from 'node:stream'
import type tls from 'node:tls'
import type {Environment} from '../../config/paths.js'
import {patient} from '../../core/patience.js'
import type {EdgeAddress} from '../types.js'
import {Clock, limitsWithin, TIMEOUT_MS} from './clock.js'
import {dialSecurely} from './connect.js'
import {edgeFailed, isConnectionError, timedOut} from '../failure/connection.js'
import {addressOf} from './handshake.js'
import {proxyFor} from './proxy-settings.js'
import {trustContext} from './trust.js'

/** How the edge is reached. */
export interface EdgeWay {
  edge: EdgeAddress
  /** Where HTTPS_PROXY, NO_PROXY and NODE_EXTRA_CA_CERTS are looked up; no proxy is used without it. */
  environment?: Environment | undefined
  /** For connecting, a proxy and TLS together, milliseconds. */
  timeoutMs?: number | undefined
}

/** What the edge's certificate is checked against. @throws UserError `config` / `BAD_CA_FILE` */
export function trustOf({edge, environment}: EdgeWay): Promise<tls.SecureContext> {
  return trustContext(edge.caFile, environment?.['NODE_EXTRA_CA_CERTS'])
}

/**
 * A TLS connection to the edge, through the environment's proxy where there is one. Nothing was sent on it yet.
 *
 * @param context as {@link trustOf} makes it, where many connections are made
 * @throws UserError `unreachable` (EDGE_UNREACHABLE, EDGE_TIMEOUT, EDGE_NOT_TRUSTED, PROXY_…), `config` / BAD_CA_FILE,
 *   `usage` / BAD_PROXY
 */
async function connectEdge(way: EdgeWay, context?: tls.SecureContext): Promise<tls.TLSSocket> {
  const {edge, environment = {}, timeoutMs = patient(TIMEOUT_MS)} = way
  const to = addressOf(edge)
  const proxy = proxyFor(environment, [{host: edge.host, port: 443}, to])
  const trusted = context ?? (await trustOf(way))
  const clock = new Clock({
    limits: limitsWithin(timeoutMs),
    totalMs: timeoutMs,
    signal: undefined,
    timedOut: (stage, ms) => timedOut(edge, proxy, stage, ms),
  })
  try {
    return await dialSecurely({proxy, to, host: edge.host, makeContext: () => trusted, clock})
  } catch (error) {
    throw clock.reason ?? (isConnectionError(error) ? edgeFailed(edge, clock.stage, error) : error)
  } finally {
    clock.stop()
  }
}

/** Makes node's HTTP client use connections of {@link connectEdge}; a request fails with its errors. */
export class EdgeAgent extends https.Agent {
  readonly #way: EdgeWay
  readonly #context: tls.SecureContext

  constructor(way: EdgeWay, context: tls.SecureContext, options: https.AgentOptions = {}) {
    super(options)
    this.#way = way
    this.#context = context
  }

  override createConnection(
    _options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const done = callback as ((error: Error | null, stream?: Duplex) => void) | undefined
    connectEdge(this.#way, this.#context).then(
      (socket) => done?.(null, socket),
      (error: unknown) => done?.(error as Error),
    )
  }
}
