import http from 'node:http'
import type {AddressInfo} from 'node:net'
import {onlyReads} from '../../src/lib/api/operations.js'
import {isJsonObject, type JsonObject} from '../../src/lib/core/json.js'

/** What happens to a request that a rule matches. `forward` means that the API carries it out, whatever the client receives. */
export type Action =
  /** As if there were no rule: for what happens in the meantime. */
  | {do: 'pass'}
  /** The connection is cut before the API receives it. */
  | {do: 'reset'}
  /** The API carries it out, and the connection is cut instead of an answer. */
  | {do: 'lose-answer'}
  /** The API carries it out, and no answer ever arrives. */
  | {do: 'hang'}
  /** The API carries it out, and a gateway says that it did not. */
  | {do: 'bad-gateway'}
  /** The API carries it out, and half of its answer arrives. */
  | {do: 'truncate'}
  /** The API carries it out, and the answer lacks the secret. */
  | {do: 'strip-secret'}
  /** Not carried out: this status, with an API error. */
  | {do: 'refuse'; status: number; code?: number}
  | {do: 'rate-limit'; retryAfter: number}
  /** The API carries it out, and something other than JSON comes back with 200. */
  | {do: 'garbage'}
  /** A list leaves out objects younger than this many lists. */
  | {do: 'lag'; lists: number}
  /** A list returns its first page, whatever page is asked for. */
  | {do: 'first-page'}
  /** The API receives it twice; the client gets the second answer. */
  | {do: 'twice'}
  /** The API receives it this often; the client gets the first or the last answer, or one made from it. */
  | {do: 'lie'; deliveries: 0 | 1 | 2; hears?: 'first' | 'last'; tell?: (told: Told) => Spoken}

export interface Rule {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | '*'
  /** The path after `/accounts/ID/access`, with `{id}` for any one segment; `*` for the whole API. */
  path: string
  action: Action
  /** The first match that it acts on, counted from 1. */
  from?: number
  /** How many matches it acts on; default: all that follow. */
  times?: number
  /** Called when it acts: before the client can notice, and after the API has carried out the request, if it does. */
  then?: () => void | Promise<void>
}

/** What a lie can be made from. */
export interface Told {
  /** Undefined if the API never received it. */
  answer: Answer | undefined
  method: string
  path: string
  /** Of the request. */
  body: unknown
}

/** An answer, or raw bytes for the connection, which is closed after them. */
export type Spoken = Answer | {raw: string}

export interface Recorded {
  method: string
  /** The path after `/accounts/ID/access`. */
  path: string
  body: unknown
  forwarded: boolean
  /** What the client received; undefined: nothing. */
  status: number | undefined
  fault: Action['do'] | undefined
}

export interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
}

/** A proxy between zt and the sandbox's API that injects faults by rules. */
export class FaultyApi {
  readonly requests: Recorded[] = []
  #rules: (Rule & {met: number; hits: number})[] = []
  #born = new Map<string, number>()
  #lists = 0
  readonly #server: http.Server
  readonly #held = new Set<http.ServerResponse>()
  readonly #target: string

  private constructor(target: string) {
    this.#target = target
    this.#server = http.createServer((request, response) => {
      void this.#handle(request, response).catch(() => response.destroy())
    })
    // A hang ends when the test says so.
    this.#server.requestTimeout = 0
  }

  /** @param target the sandbox's base URL */
  static async start(target: string): Promise<FaultyApi> {
    const api = new FaultyApi(target)
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve))
    return api
  }

  get url(): string {
    const {port} = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}${new URL(this.#target).pathname}`
  }

  /** Adds a rule; if several match, the first one that is not used up acts. */
  spoil(...rules: Rule[]): void {
    this.#rules.push(...rules.map((rule) => ({...rule, met: 0, hits: 0})))
  }

  /** How often the rules have acted. */
  get hits(): number {
    return this.#rules.reduce((sum, {hits}) => sum + hits, 0)
  }

  /** Ends all faults: connections that hang are cut. The hits are kept. */
  mend(): void {
    for (const rule of this.#rules) rule.times = 0
    for (const response of this.#held) response.destroy()
    this.#held.clear()
  }

  /** Resets everything. */
  reset(): void {
    this.mend()
    this.#rules = []
    this.#born.clear()
    this.#lists = 0
    this.requests.length = 0
  }

  /** The requested changes, as `POST /service_tokens`. */
  get changes(): string[] {
    return this.requests
      .filter((request) => !onlyReads(request))
      .map(({method, path}) => `${method} ${path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '{id}')}`)
  }

  async close(): Promise<void> {
    this.mend()
    await new Promise((resolve) => {
      this.#server.close(resolve)
      this.#server.closeAllConnections()
    })
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const whole = new URL(request.url ?? '/', 'http://api')
    const base = new URL(this.#target).pathname
    const behind = whole.pathname.slice(base.length).replace(/^\/accounts\/[^/]+\/access/, '')
    const rule = this.#match(request.method ?? '', behind)
    const isList = request.method === 'GET' && behind === '/service_tokens'
    if (isList && (whole.searchParams.get('page') ?? '1') === '1') this.#lists++
    const record: Recorded = {
      method: request.method ?? '',
      path: behind,
      body: body.length > 0 ? parse(body.toString('utf8')) : undefined,
      forwarded: false,
      status: undefined,
      fault: rule?.action.do,
    }
    this.requests.push(record)
    const forward = (): Promise<Answer> => {
      record.forwarded = true
      return this.#forward(request, whole, body)
    }
    const send = ({status, headers, body: text}: Answer): void => {
      record.status = status
      response.writeHead(status, {...headers, 'content-length': Buffer.byteLength(text)})
      response.end(text)
    }
    if (!rule) {
      const answer = await forward()
      this.#note(record, answer)
      send(answer)
      return
    }
    const {action} = rule
    if (action.do === 'reset') {
      await rule.then?.()
      request.socket.resetAndDestroy()
      return
    }
    if (action.do === 'refuse' || action.do === 'rate-limit') {
      await rule.then?.()
      send(
        action.do === 'refuse'
          ? refusal(action.status, action.code ?? 10000)
          : {...refusal(429, 10429), headers: {'retry-after': String(action.retryAfter)}},
      )
      return
    }
    if (action.do === 'lie') {
      const answers: Answer[] = []
      while (answers.length < action.deliveries) answers.push(await forward())
      await rule.then?.()
      const answer = action.hears === 'first' ? answers[0] : answers.at(-1)
      const {method, path: where, body: asked} = record
      const spoken = action.tell?.({answer, method, path: where, body: asked}) ?? answer
      if (spoken === undefined) throw new Error('the test tells nothing')
      if ('raw' in spoken) request.socket.end(spoken.raw)
      else send(spoken)
      return
    }
    if (action.do === 'first-page') whole.searchParams.set('page', '1')
    if (action.do === 'twice') this.#note(record, await forward())
    const answer = await forward()
    this.#note(record, answer)
    await rule.then?.()
    switch (action.do) {
      case 'lose-answer':
        request.socket.resetAndDestroy()
        return
      case 'hang':
        this.#held.add(response)
        return
      case 'bad-gateway':
        record.status = 502
        send({status: 502, headers: {'content-type': 'text/html'}, body: '<html>502 Bad Gateway</html>'})
        return
      case 'truncate':
        record.status = answer.status
        // The length promises more than arrives.
        response.writeHead(answer.status, {
          ...answer.headers,
          'content-length': Buffer.byteLength(answer.body),
        })
        response.write(answer.body.slice(0, answer.body.length / 2), () => response.destroy())
        return
      case 'strip-secret':
        send(change(answer, (result) => (isJsonObject(result) ? without(result, 'client_secret') : result)))
        return
      case 'garbage':
        send({status: 200, headers: {'content-type': 'text/html'}, body: '<!doctype html><p>Please log in'})
        return
      case 'lag': {
        const young = (one: unknown): boolean =>
          isJsonObject(one) && this.#lists - (this.#born.get(String(one['id'])) ?? -Infinity) <= action.lists
        send(
          change(answer, (result) => (Array.isArray(result) ? result.filter((one) => !young(one)) : result)),
        )
        return
      }
      case 'first-page':
      case 'pass':
      case 'twice':
        send(answer)
    }
  }

  #match(method: string, path: string): Rule | undefined {
    for (const rule of this.#rules) {
      if (rule.method !== '*' && rule.method !== method) continue
      if (rule.path !== '*' && !fits(rule.path, path)) continue
      rule.met++
      if (rule.met < (rule.from ?? 1) || rule.hits >= (rule.times ?? Infinity)) continue
      rule.hits++
      return rule
    }
    return undefined
  }

  /** Records when an object was made, counted in lists. */
  #note({method, path}: Recorded, {body}: Answer): void {
    if (method !== 'POST' || path !== '/service_tokens') return
    const made = parse(body)
    const result = isJsonObject(made) ? made['result'] : undefined
    if (isJsonObject(result)) this.#born.set(String(result['id']), this.#lists)
  }

  #forward(request: http.IncomingMessage, url: URL, body: Buffer): Promise<Answer> {
    const target = new URL(url.pathname + url.search, this.#target)
    const headers = {...request.headers, host: target.host}
    return new Promise((resolve, reject) => {
      const outgoing = http.request(target, {method: request.method ?? 'GET', headers}, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.once('error', reject)
        incoming.once('end', () => {
          const {'transfer-encoding': _, connection: __, 'keep-alive': ___, ...kept} = incoming.headers
          resolve({
            status: incoming.statusCode ?? 502,
            headers: kept,
            body: Buffer.concat(chunks).toString('utf8'),
          })
        })
      })
      outgoing.once('error', reject)
      outgoing.end(body)
    })
  }
}

function fits(template: string, path: string): boolean {
  const wanted = template.split('/')
  const given = path.split('/')
  return wanted.length === given.length && wanted.every((part, i) => part === '{id}' || part === given[i])
}

function refusal(status: number, code: number): Answer {
  const body = {
    success: false,
    errors: [{code, message: 'the test refuses this'}],
    messages: [],
    result: null,
  }
  return {status, headers: {'content-type': 'application/json'}, body: JSON.stringify(body)}
}

function change(answer: Answer, edit: (result: unknown) => unknown): Answer {
  const body = parse(answer.body)
  if (!isJsonObject(body)) return answer
  return {...answer, body: JSON.stringify({...body, result: edit(body['result'])})}
}

function without(object: JsonObject, name: string): JsonObject {
  const {[name]: _, ...rest} = object
  return rest
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
