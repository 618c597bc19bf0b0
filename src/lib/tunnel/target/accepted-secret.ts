import type {Environment} from '../../config/paths.js'
import {patient} from '../../core/patience.js'
import {USER_AGENT} from '../../core/version.js'
import type {ServiceCredentials, StoredCredentials} from '../../secrets/types.js'
import {EdgeAgent, trustOf} from '../carrier/edge-agent.js'
import {answerOf, edgeRequest, type EdgeRequest} from '../edge/request.js'
import {credentialHeaders} from '../forward/headers.js'
import type {EdgeAddress, EdgeAnswer} from '../types.js'

/** For how long the previous secret is used, once Access accepted it, before the current one is tried again. */
const TRY_AGAIN_MS = 30_000
const PROBE_MS = 15_000

export interface AcceptedSecretOptions {
  credentials: StoredCredentials
  /** Called each time that Access accepts only the previous secret, with the end of its grace period (ISO 8601). */
  onlyPrevious?: ((until: string) => void) | undefined
  now?: (() => number) | undefined
}

/**
 * Which of a token's secrets HTTP requests are sent with. Outside a rotation's grace period it is always the current one.
 * Within it, Access may not know that one everywhere yet (about 85 s are reported), and the previous secret still works.
 */
export class AcceptedSecret {
  readonly #present: ServiceCredentials
  readonly #before: (ServiceCredentials & {until: string}) | undefined
  readonly #onlyPrevious: (until: string) => void
  readonly #now: () => number
  #accepted: {pair: ServiceCredentials; at: number} | undefined
  #deciding: Promise<void> | undefined

  constructor({credentials, onlyPrevious = () => undefined, now = Date.now}: AcceptedSecretOptions) {
    const {clientId, clientSecret, previous} = credentials
    this.#present = {clientId, clientSecret}
    this.#before = previous && {clientId, ...previous}
    this.#onlyPrevious = onlyPrevious
    this.#now = now
  }

  /** The pair for the next request. */
  get pair(): ServiceCredentials {
    return this.#known ?? this.#present
  }

  /** Takes note of an answer. @returns the pair with which a refused request may be sent again; undefined: none */
  heard(pair: ServiceCredentials, {by, reason}: EdgeAnswer): ServiceCredentials | undefined {
    const before = this.#usable
    if (by === 'service') {
      // These may come from before Access, and say nothing about the secret.
      if (reason === 'rate-limited' || reason === 'origin-down') return undefined
      this.#accepted = {pair, at: this.#now()}
      if (before && pair === before) this.#onlyPrevious(before.until)
      return undefined
    }
    // Access was not asked.
    if (by === 'zone') return undefined
    // A service behind Access may refuse a request whose secret is right.
    if (by === 'unknown' && this.#known === pair) return undefined
    this.#accepted = undefined
    return pair === this.#present ? before : undefined
  }

  /**
   * Finds out which pair is accepted, for a request that cannot be sent twice. Returns at once if that is known or there is
   * no choice. If it cannot be found out, the current one is used.
   */
  async decide(ask: (pair: ServiceCredentials) => Promise<EdgeAnswer>): Promise<void> {
    if (!this.#usable || this.#known) return
    this.#deciding ??= this.#decide(ask).finally(() => (this.#deciding = undefined))
    await this.#deciding
  }

  async #decide(ask: (pair: ServiceCredentials) => Promise<EdgeAnswer>): Promise<void> {
    try {
      const other = this.heard(this.#present, await ask(this.#present))
      if (other) this.heard(other, await ask(other))
    } catch {
      // The request itself will report what is wrong with the connection.
    }
  }

  get #usable(): (ServiceCredentials & {until: string}) | undefined {
    return this.#before && Date.parse(this.#before.until) > this.#now() ? this.#before : undefined
  }

  get #known(): ServiceCredentials | undefined {
    if (!this.#accepted) return undefined
    const {pair, at} = this.#accepted
    if (pair === this.#present) return pair
    return this.#usable && this.#now() - at < TRY_AGAIN_MS ? pair : undefined
  }
}

/**
 * Asks Access about a pair at a path, by a HEAD request without a query: that makes no service do anything. No redirect is
 * followed.
 */
export function askAccess(
  {path, headers, ...to}: Omit<EdgeRequest, 'method' | 'idleMs'>,
  timeoutMs = patient(PROBE_MS),
): Promise<EdgeAnswer> {
  return new Promise((resolve, reject) => {
    const plain = (path ?? '/').split('?')[0]
    const request = edgeRequest({...to, headers, path: plain, method: 'HEAD', idleMs: timeoutMs})
    request.on('error', reject)
    request.once('response', (answer) => {
      resolve(answerOf(answer))
      answer.resume()
    })
    request.end()
  })
}

/** The headers of a request that zt makes itself. */
export function probeHeaders(
  host: string,
  pair: ServiceCredentials,
  singleHeader?: string,
): EdgeRequest['headers'] {
  return [['Host', host], ['User-Agent', USER_AGENT], ...credentialHeaders(pair, singleHeader)]
}

export interface AcceptedAtOptions {
  edge: EdgeAddress
  path: string
  environment: Environment
  timeoutMs?: number | undefined
}

/** The pair for one request at a path, found out before it is made. Sends nothing where the token has only one secret. */
export async function acceptedAt(
  options: AcceptedSecretOptions,
  {edge, path, environment, timeoutMs = patient(PROBE_MS)}: AcceptedAtOptions,
): Promise<ServiceCredentials> {
  const secret = new AcceptedSecret(options)
  await secret.decide(async (pair) => {
    const way = {edge, environment, timeoutMs}
    const agent = new EdgeAgent(way, await trustOf(way))
    return askAccess({agent, edge, path, headers: probeHeaders(edge.host, pair)}, timeoutMs)
  })
  return secret.pair
}
