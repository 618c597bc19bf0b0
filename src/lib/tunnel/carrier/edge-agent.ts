import https from 'node:https'
import type {Duplex} from 'node:stream'
import type tls from 'node:tls'
import {dialEdge, type EdgeWay} from './connect.js'
import {trustContext} from './trust.js'

/** What the edge's certificate is checked against. @throws UserError `config` / `BAD_CA_FILE` */
export function trustOf({edge, environment}: EdgeWay): Promise<tls.SecureContext> {
  return trustContext(edge.caFile, environment?.['NODE_EXTRA_CA_CERTS'])
}

/** Makes node's HTTP client use connections of {@link dialEdge}; a request fails with its errors. */
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
    dialEdge({...this.#way, context: this.#context}, (socket) => socket).then(
      (socket) => done?.(null, socket),
      (error: unknown) => done?.(error as Error),
    )
  }
}
