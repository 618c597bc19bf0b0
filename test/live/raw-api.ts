import {httpFetch} from '../../src/lib/api/http-fetch.js'
import {BugError, UserError} from '../../src/lib/core/errors.js'
import {isId} from '../../src/lib/core/id.js'
import {isJsonObject, type JsonObject} from '../../src/lib/core/json.js'
import {patient} from '../../src/lib/core/patience.js'
import type {Secret} from '../../src/lib/core/secret.js'
import {KINDS, runOf, WORDS, type Kind, type LiveObject} from './names.js'
import type {LiveRecord} from './record.js'
import type {Time} from './time.js'

/** An answer as it came, whatever it says. */
export interface RawAnswer {
  status: number
  /** Of the first error. */
  code: number | undefined
  message: string
  result: unknown
  headers: Headers
  /** All of it. */
  body: unknown
}

export interface RawApiOptions {
  apiUrl: string
  apiToken: Secret
  accountId: string
  record: LiveRecord
  run: string
  time: Time
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Cloudflare allows 1200 requests in five minutes; other clients of the person's use the rest. */
const MOST_REQUESTS = 1000
const WINDOW_MS = 5 * 60 * 1000
const LONGEST_PAUSE_S = 310
const TIMEOUT_MS = 60_000
const READ_ATTEMPTS = 3
const THROTTLED_ATTEMPTS = 8
const THROTTLED_MS = 2000

/**
 * The API without a client's politeness: answers are returned as they are. It refuses to change anything but what this run
 * has made.
 */
export class RawApi {
  readonly #options: RawApiOptions
  readonly #sent: number[] = []
  readonly #made = new Map<string, LiveObject>()
  #answered = false
  /** How many requests were refused with 403 and later answered. */
  throttled = 0
  /** Interrupts requests and waits. */
  signal: AbortSignal | undefined
  #ahead = 0

  constructor(options: RawApiOptions) {
    this.#options = options
  }

  /** What this run has made. */
  get made(): LiveObject[] {
    return [...this.#made.values()]
  }

  /** By the API's clock, milliseconds. */
  now(): number {
    return this.#options.time.now() + this.#ahead
  }

  /**
   * Reads anything. The path begins with a slash, behind the API's address.
   *
   * @param authorization in place of the API token's header
   */
  get(path: string, authorization?: string): Promise<RawAnswer> {
    return this.#send('GET', path, undefined, authorization)
  }

  /** Reads or changes Access objects of the account; the path is `KIND…`, e.g. `apps/ID/policies`. */
  async access(method: Method, path: string, body?: JsonObject): Promise<RawAnswer> {
    const [kind, id] = partsOf(path)
    if (method === 'GET') return this.#refusable(kind, await this.#send(method, this.#pathOf(path)))
    const {run, record} = this.#options
    const name = body?.['name']
    if (id !== undefined && !this.#made.has(id)) throw new BugError('This object is not of this run.')
    // A policy inside an application is removed with it, and has no record.
    const creates = id === undefined
    if ((creates || name !== undefined) && runOf(name) !== run)
      throw new BugError('This name is not of this run.')
    if (method === 'DELETE' && id !== undefined && runOf(await this.nameOf(kind, id)) !== run)
      throw new BugError('This object is not of this run.')
    if (creates) await record.intend(kind, String(name))
    const answer = this.#refusable(kind, await this.#send(method, this.#pathOf(path), body))
    const made = isJsonObject(answer.result) ? answer.result['id'] : undefined
    if (creates && answer.status < 300 && isId(made)) {
      this.#made.set(made, {kind, id: made, name: String(name)})
      await record.made(String(name), made)
    } else if (creates && answer.status >= 400 && answer.status < 500) {
      await record.forget((entry) => entry.id === undefined && entry.name === name)
    }
    return answer
  }

  /**
   * Deletes an object that a run made, of this one or an earlier. Its name is read again first.
   *
   * @returns undefined if it is gone; otherwise why it is not
   */
  async remove(kind: Kind, id: string): Promise<string | undefined> {
    const name = await this.nameOf(kind, id)
    if (name === undefined) {
      this.#made.delete(id)
      return undefined
    }
    if (runOf(name) === undefined) return 'It has another name now.'
    const {status, code} = await this.#send('DELETE', this.#pathOf(`${kind}/${id}`))
    if (status < 300 || status === 404) {
      this.#made.delete(id)
      return undefined
    }
    return `The API answered ${status}${code === undefined ? '' : ` (${code})`}.`
  }

  /** Undefined if there is no such object. @throws UserError if the API does not say */
  async nameOf(kind: Kind, id: string): Promise<unknown> {
    const {status, code, result} = await this.#send('GET', this.#pathOf(`${kind}/${id}`))
    if (status === 404) return undefined
    // Some clients report 400 for an object that does not exist.
    if (status === 400) return (await this.list(kind)).find((one) => one['id'] === id)?.['name']
    if (status === 200 && isJsonObject(result) && result['id'] === id) return result['name'] ?? ''
    throw unexpected(`read one of the ${WORDS[kind]}`, status, code)
  }

  /** Every object of a kind, page by page. @throws UserError if the API refuses */
  async list(kind: Kind): Promise<JsonObject[]> {
    const all = new Map<unknown, JsonObject>()
    for (let page = 1; ; page++) {
      const {status, code, result} = await this.access('GET', `${kind}?page=${page}&per_page=100`)
      if (status !== 200 || !Array.isArray(result)) throw unexpected(`list the ${WORDS[kind]}`, status, code)
      const before = all.size
      for (const one of result.filter(isJsonObject)) all.set(one['id'], one)
      // A server may ignore `page`, or send the last one again.
      if (result.length < 100 || all.size === before) return [...all.values()]
    }
  }

  #pathOf(path: string): string {
    return `/accounts/${this.#options.accountId}/access/${path}`
  }

  /** @throws UserError `permission` if the API token may not do this */
  #refusable(kind: Kind, answer: RawAnswer): RawAnswer {
    if (answer.status !== 403 || answer.code !== 10000) return answer
    throw new UserError({
      kind: 'permission',
      code: 'PERMISSION_MISSING',
      message: `The API token may not read and change ${WORDS[kind]}`,
      next: [
        'Give it "Access: Service Tokens Write", "Access: Apps and Policies Write" and "Access: Organizations, Identity Providers, and Groups Write"',
      ],
    })
  }

  /** Keeps to the limits, waits as asked, repeats reads that had no answer. */
  async #send(method: Method, path: string, body?: JsonObject, authorization?: string): Promise<RawAnswer> {
    let refusals = 0
    let failures = 0
    for (;;) {
      await this.#pace()
      const answer = await this.#once(method, path, body, authorization).catch((error: unknown) => {
        this.signal?.throwIfAborted()
        if (method !== 'GET' || ++failures >= READ_ATTEMPTS) throw noAnswer(error)
        return undefined
      })
      if (answer === undefined) {
        await this.#sleep(1000 * failures)
      } else if (answer.status === 429) {
        // Such a request has not been carried out.
        const asked = Number(answer.headers.get('retry-after') ?? 60)
        if (!(asked <= LONGEST_PAUSE_S)) throw tooLong()
        await this.#sleep(Math.max(1, asked) * 1000)
      } else if (authorization === undefined && this.#isThrottling(answer) && refusals < THROTTLED_ATTEMPTS) {
        refusals++
        await this.#sleep(THROTTLED_MS)
      } else {
        if (authorization === undefined && answer.status < 300) this.#answered = true
        if (!this.#isThrottling(answer)) this.throttled += refusals
        return answer
      }
    }
  }

  /** A 403 after an answer may be throttling (reported by the author of another client). */
  #isThrottling({status, code}: RawAnswer): boolean {
    return status === 403 && code === 10000 && this.#answered
  }

  async #pace(): Promise<void> {
    const {time} = this.#options
    const begin = this.#sent.at(-MOST_REQUESTS)
    if (begin !== undefined && begin + WINDOW_MS > time.now())
      await this.#sleep(begin + WINDOW_MS - time.now())
    this.#sent.push(time.now())
  }

  #sleep(ms: number): Promise<void> {
    return this.#options.time.sleep(ms, this.signal)
  }

  async #once(method: Method, path: string, body?: JsonObject, authorization?: string): Promise<RawAnswer> {
    const {apiUrl, apiToken, time} = this.#options
    const {signal} = this
    const limit = AbortSignal.timeout(patient(TIMEOUT_MS))
    const response = await httpFetch()(apiUrl + path, {
      method,
      headers: {
        authorization: authorization ?? `Bearer ${apiToken.expose()}`,
        accept: 'application/json',
        ...(body !== undefined && {'content-type': 'application/json'}),
      },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      ...(body !== undefined && {body: JSON.stringify(body)}),
    })
    const date = Date.parse(response.headers.get('date') ?? '')
    if (!Number.isNaN(date)) this.#ahead = date - time.now()
    const {status, headers} = response
    let value: unknown
    try {
      value = JSON.parse(await response.text())
    } catch {
      value = undefined
    }
    const envelope = isJsonObject(value) ? value : {}
    const errors = Array.isArray(envelope['errors']) ? envelope['errors'].filter(isJsonObject) : []
    const {code, message} = errors[0] ?? {}
    return {
      ...{status, headers, body: value, result: envelope['result']},
      code: typeof code === 'number' ? code : undefined,
      message: typeof message === 'string' ? message : '',
    }
  }
}

function partsOf(path: string): [kind: Kind, id: string | undefined] {
  const [first, id] = path.split('?')[0]?.split('/') ?? []
  const kind = KINDS.find((one) => one === first)
  if (kind === undefined) throw new BugError('There is no such kind of object.')
  return [kind, id]
}

/** The API refused what a run cannot do without. */
export function unexpected(doing: string, status: number, code: number | undefined): UserError {
  return new UserError({
    kind: status === 401 || status === 400 ? 'auth' : 'api',
    code: 'UNEXPECTED_ANSWER',
    message: `The API did not let zt ${doing}`,
    why: `It answered ${status}${code === undefined ? '' : ` with code ${code}`}.`,
  })
}

function noAnswer(error: unknown): UserError {
  return new UserError({
    kind: 'unreachable',
    code: 'API_UNREACHABLE',
    message: 'The API did not answer',
    why: 'The connection failed, or nothing arrived in time.',
    next: ['Run it again: it first removes what is left of this run'],
    cause: error,
  })
}

function tooLong(): UserError {
  return new UserError({
    kind: 'unreachable',
    code: 'RATE_LIMITED',
    message: 'The API asks for a longer pause than its documents say',
    why: 'There were too many requests.',
    next: ['Run it again later: it first removes what is left of this run'],
  })
}
