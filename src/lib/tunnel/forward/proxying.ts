import type {ClientRequest, IncomingMessage, ServerResponse} from 'node:http'
import type net from 'node:net'
import {UserError} from '../../core/errors.js'
import {callOf, type Callers} from '../../network/callers.js'
import {abandon} from '../../network/lossless-socket.js'
import {plain, type Exchange, type UpgradedEnd} from '../../network/http-listener.js'
import {HEAD_BYTES, hasBody, type Header} from '../../network/http-message.js'
import {
  faultOfAnswer,
  framingHeaders,
  join,
  passBack,
  sendOn,
  type AnswerEnd,
  type Sent,
} from '../../network/http-relay.js'
import {redact} from '../../core/redact.js'
import {visible} from '../../core/text.js'
import type {ServiceCredentials} from '../../secrets/types.js'
import {askAccess, probeHeaders, type AcceptedSecret} from '../target/accepted-secret.js'
import {endedBare} from '../carrier/carry-errors.js'
import type {EdgeAgent} from '../carrier/edge-agent.js'
import {answerOf, edgeRequest} from '../edge/request.js'
import {answerCut, edgeFailed} from '../failure/connection.js'
import {RefusedError} from '../failure/refusal.js'
import type {Target} from '../target/target.js'
import type {RequestFacts} from '../types.js'
import {requestHeaders, responseHeaders} from './headers.js'
import type {ForwardEvents} from './types.js'

export interface ProxyingOptions {
  target: Target
  singleHeader?: string | undefined
  events: ForwardEvents
}

export interface Surroundings {
  agent: EdgeAgent
  /** For connections that are not reused: those that are upgraded. */
  single: EdgeAgent
  secret: AcceptedSecret
  callers: Callers
  idleMs: number
  upgraded: Set<net.Socket>
  /** The listener's own `ADDRESS:PORT`. */
  own: string
}

/** Passes requests and upgrades on to the edge, and the answers back. */
export class Proxying {
  served = 0
  readonly #options: ProxyingOptions
  readonly #around: Surroundings

  constructor(options: ProxyingOptions, around: Surroundings) {
    this.#options = options
    this.#around = around
  }

  serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return this.#exchange({request, response}, {agent: this.#around.agent, hop: framingHeaders(request)})
  }

  upgrade(request: IncomingMessage, response: ServerResponse, near: UpgradedEnd): Promise<void> {
    const {upgraded, single} = this.#around
    upgraded.add(near.socket)
    near.socket.once('close', () => upgraded.delete(near.socket))
    const hop: Header[] = [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
    ]
    return this.#exchange({request, response}, {agent: single, hop, near})
  }

  async #exchange(
    exchange: Exchange,
    way: {agent: EdgeAgent; hop: Header[]; near?: UpgradedEnd},
  ): Promise<void> {
    const {request, response} = exchange
    this.served++
    const refusal = this.#around.callers.refusal(callOf(request))
    if (refusal !== undefined) {
      plain(response, 403, words(refusal))
      return
    }
    try {
      const sent = await this.#accepted(request, (pair) => this.#send(exchange, pair, way))
      await this.#answer(exchange, sent, way.near)
    } catch (error) {
      // The client is gone: there is no one to answer, and what ended with it is not a failure.
      if (response.destroyed || response.writableEnded) return
      const [status, text] = this.#answerTo(error)
      plain(response, status, words(text))
    }
  }

  /** Sends a request, and repeats it where the connection was stale. */
  async #send(
    exchange: Exchange,
    pair: ServiceCredentials,
    {agent, hop}: {agent: EdgeAgent; hop: Header[]},
  ): Promise<Sent> {
    const upstream = this.#open(exchange.request, pair, {agent, hop})
    try {
      return await sendOn(exchange, upstream, (raw) => this.#backHeaders(exchange.request, raw))
    } catch (error) {
      // The edge had closed a kept connection; nothing was sent on it.
      const stale = upstream.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET'
      if (!stale || exchange.response.destroyed || !isRepeatable(exchange.request)) throw error
      // A new connection cannot be stale.
      return this.#send(exchange, pair, {agent: this.#around.single, hop})
    }
  }

  /** Uses the secret that Access accepts: repeats a refused request where it can, or finds out before it sends one. */
  async #accepted(
    request: IncomingMessage,
    send: (pair: ServiceCredentials) => Promise<Sent>,
  ): Promise<Sent> {
    const {secret, agent} = this.#around
    const {target, singleHeader} = this.#options
    const {edge} = target
    const repeatable = isRepeatable(request)
    if (!repeatable) {
      await secret.decide((pair) =>
        askAccess({agent, edge, path: request.url, headers: probeHeaders(edge.host, pair, singleHeader)}),
      )
    }
    const {pair} = secret
    const first = await send(pair)
    const other = secret.heard(pair, answerOf(first.answer))
    if (!repeatable || !other) return first
    const second = await send(other).catch(() => undefined)
    if (!second) return first
    const said = answerOf(second.answer)
    secret.heard(other, said)
    const [taken, left] = said.by === 'service' ? [second, first] : [first, second]
    abandon(left.upstream)
    return taken
  }

  async #answer(exchange: Exchange, sent: Sent, near: UpgradedEnd | undefined): Promise<void> {
    const {request, response} = exchange
    const {answer, upstream, far} = sent
    const headers = this.#backHeaders(request, answer.rawHeaders)
    if (far && near && answer.headers.upgrade?.toLowerCase() === 'websocket') {
      join({response, near}, {...sent, far}, headers)
      return
    }
    const refused = (await this.#explain(request, answer)) ?? faultOfAnswer(sent)
    if (refused === undefined) {
      if (!response.destroyed)
        passBack(exchange, sent, headers, (how) => {
          this.#ended(how)
        })
      return
    }
    abandon(upstream)
    far?.socket.destroy()
    plain(response, 502, words(refused))
  }

  #ended(how: AnswerEnd): void {
    const {events, target} = this.#options
    if (how === 'cut') events.onFailure(answerCut(target.edge))
    if (how === 'bare') events.onNote?.(endedBare().text)
  }

  #backHeaders({headers}: IncomingMessage, raw: readonly string[]): Header[] {
    const {host} = this.#options.target.edge
    return responseHeaders(raw, {host, base: `http://${headers.host ?? this.#around.own}`})
  }

  /** @throws Unsendable where node refuses the request's path or headers */
  #open(
    {method, url, rawHeaders}: IncomingMessage,
    credentials: ServiceCredentials,
    {agent, hop}: {agent: EdgeAgent; hop: Header[]},
  ): ClientRequest {
    const {target, singleHeader} = this.#options
    const {edge} = target
    const headers = requestHeaders({
      raw: rawHeaders,
      host: edge.host,
      credentials,
      singleHeader,
      isOwnOrigin: (origin) => this.#around.callers.isOwnOrigin(origin),
    })
    try {
      return edgeRequest({
        agent,
        edge,
        method,
        path: url,
        idleMs: this.#around.idleMs,
        headers: [...headers, ...hop],
      })
    } catch {
      throw new Unsendable()
    }
  }

  async #explain(request: IncomingMessage, answer: IncomingMessage): Promise<string | undefined> {
    const said = answerOf(answer)
    if (said.by === 'service') return undefined
    const {events, target} = this.#options
    const error = await events.explain(new RefusedError(target.edge.host, said), factsOf(request))
    // Where it may be the service's own answer, the client gets that.
    return error instanceof RefusedError && error.answer.by === 'unknown' ? undefined : textOf(error)
  }

  /** Status and text for the client, for an error on the way to the edge. */
  #answerTo(error: unknown): [status: number, text: string] {
    if (error instanceof Unsendable) return [400, 'zt cannot pass this request on as it is.']
    const {edge} = this.#options.target
    const code = (error as NodeJS.ErrnoException).code ?? ''
    const known =
      error instanceof UserError
        ? error
        : code.startsWith('HPE_')
          ? badAnswer(code)
          : edgeFailed(edge, 'answer', error)
    this.#options.events.onFailure(known)
    return [502, textOf(known)]
  }
}

/** The answer can be read in more than one way, or in none. */
function badAnswer(code: string): UserError {
  const large = code === 'HPE_HEADER_OVERFLOW'
  return new UserError({
    kind: 'unreachable',
    code: 'BAD_ANSWER',
    message: large
      ? "The headers of the service's answer are too large"
      : "The service's answer is not valid HTTP",
    why: large ? `They are larger than ${HEAD_BYTES / 1024} KiB.` : `zt did not pass it on (${code}).`,
    next: ['Ask who runs the service'],
  })
}

class Unsendable extends Error {
  override readonly name = 'Unsendable'
}

function factsOf({url = '/', headers}: IncomingMessage): RequestFacts {
  return {
    path: url.split('?')[0],
    cookie: /\bCF_Authorization=/i.test(headers.cookie ?? ''),
    xhr: headers['x-requested-with']?.toString().toLowerCase() === 'xmlhttprequest',
  }
}

/** Whether a request that got no answer, or a refusal, may be repeated. */
function isRepeatable(request: IncomingMessage): boolean {
  return !hasBody(request) && ['GET', 'HEAD'].includes(request.method ?? '')
}

/** A failure for the client, who sees what the person sees on the terminal. */
function textOf({message, why, next}: UserError): string {
  const steps = next.map((step) => `next: ${step}`)
  return [`${message}.`, ...(why === undefined ? [] : [why]), ...steps].map(visible).join('\n')
}

/** A text for the client. */
export function words(text: string): string {
  return `zt: ${redact(text)}\n`
}
