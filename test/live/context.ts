import {randomBytes} from 'node:crypto'
import {isId} from '../../src/lib/core/id.js'
import {isJsonObject, type JsonObject} from '../../src/lib/core/json.js'
import {Secret} from '../../src/lib/core/secret.js'
import type {SandboxSettings} from '../../src/lib/sandbox/settings.js'
import type {Edge} from './edge.js'
import type {LiveObject} from './names.js'
import {unexpected, type RawAnswer, type RawApi} from './raw-api.js'
import type {Time} from './time.js'

/** What an answer may be; neither IDs nor names, so that it may be shown to anyone. */
export type Answer = string | number | boolean | null | readonly Answer[] | {readonly [key: string]: Answer}

/** What a question needs besides the API: an edge, hosts (not only paths) of its own, an SSH server behind the edge. */
export type Need = 'edge' | 'hosts' | 'stream'

export interface Question {
  id: string
  question: string
  /** Where in zt or the sandbox the answer matters. */
  matters: string
  needs?: readonly Need[]
  ask: (context: Context) => Promise<Answer>
  /** The sandbox's settings with which it gives this answer; empty if the answer says nothing about them. */
  settings?: (answer: Answer) => SandboxSettings
}

export interface LiveToken {
  id: string
  clientId: string
  secret: Secret
  /** The answer's fields, without the secret. */
  raw: JsonObject
}

/** Where applications of a run can be. */
export type Ground = {zone: string} | {host: string}

const LONGEST_LAG_S = 60
const LONGEST_ENFORCEMENT_S = 300

/** What questions ask with. Everything that they make is removed after them. */
export class Context {
  #count = 0
  readonly #kept = new Map<string, unknown>()
  readonly #keptIds = new Set<string>()

  constructor(
    readonly api: RawApi,
    readonly accountId: string,
    private readonly run: string,
    private readonly ground: Ground,
    private readonly time: Time,
    private readonly connection: Edge | undefined,
  ) {}

  get edge(): Edge {
    if (!this.connection) throw new Error('This question needs an edge.')
    return this.connection
  }

  /** A name of this run, never used before. */
  name(): string {
    return `${this.run}-${++this.#count}`
  }

  /** The domain of an application of this run: a host, or a path on the given one. */
  place(): string {
    const name = this.name()
    if ('zone' in this.ground) return `${name}.${this.ground.zone}`
    const {host} = this.ground
    return host.startsWith('*.') ? name + host.slice(1) : `${host}/${name}`
  }

  now(): number {
    return this.time.now()
  }

  sleep(ms: number): Promise<void> {
    return this.time.sleep(ms, this.api.signal)
  }

  /** Made by the first question that needs it, and kept until the end. */
  async keep<T>(name: string, make: () => Promise<T>): Promise<T> {
    if (this.#kept.has(name)) return this.#kept.get(name) as T
    const before = new Set(this.api.made.map(({id}) => id))
    const made = await make()
    for (const {id} of this.api.made) if (!before.has(id)) this.#keptIds.add(id)
    this.#kept.set(name, made)
    return made
  }

  /** What the last question has made, for itself alone. */
  get passing(): LiveObject[] {
    return this.api.made.filter(({id}) => !this.#keptIds.has(id))
  }

  async token(more: JsonObject = {}): Promise<LiveToken> {
    const answer = await this.api.access('POST', 'service_tokens', {name: this.name(), ...more})
    const {client_secret: secret, ...raw} = objectOf(answer, 'create a service token')
    return {
      id: String(raw['id']),
      clientId: String(raw['client_id']),
      secret: new Secret(typeof secret === 'string' ? secret : randomBytes(32).toString('hex')),
      raw,
    }
  }

  /** @returns its ID */
  async policy(decision: string, include: JsonObject[], more: JsonObject = {}): Promise<string> {
    const body = {name: this.name(), decision, include, ...more}
    return String(objectOf(await this.api.access('POST', 'policies', body), 'create a policy')['id'])
  }

  /** A Service Auth policy for any token. @returns its ID */
  anyToken(): Promise<string> {
    return this.policy('non_identity', [{any_valid_service_token: {}}])
  }

  /** The body of an application of this run. */
  body(more: JsonObject = {}): JsonObject {
    return {name: this.name(), type: 'self_hosted', domain: this.place(), ...more}
  }

  /** The answer to the creation of an application; policies that are too new to be known are waited for. */
  async create(more: JsonObject = {}): Promise<RawAnswer> {
    const {answer} = await this.known(() => this.api.access('POST', 'apps', this.body(more)))
    return answer
  }

  /** An application. */
  async app(more: JsonObject = {}): Promise<JsonObject & {id: string}> {
    const app = objectOf(await this.create(more), 'create an application')
    return {...app, id: String(app['id'])}
  }

  /** The answer to a change of an application, which keeps its other fields. */
  async change(app: JsonObject & {id: string}, change: JsonObject): Promise<RawAnswer> {
    const {policies: _, ...fields} = app
    const {answer} = await this.known(() => this.api.access('PUT', `apps/${app.id}`, {...fields, ...change}))
    return answer
  }

  /** Repeats a write while it says that a policy is not found, once a second. */
  async known(write: () => Promise<RawAnswer>): Promise<{answer: RawAnswer; refusals: number}> {
    for (let refusals = 0; ; refusals++) {
      const answer = await write()
      const tooNew = answer.status === 400 && /policy \S+ not found/.test(answer.message)
      if (!tooNew || refusals >= LONGEST_LAG_S) return {answer, refusals}
      await this.sleep(1000)
    }
  }

  /**
   * Waits until the edge does as expected, looking once a second.
   *
   * @returns after how many seconds it did; undefined if it does not within five minutes
   */
  async enforced(look: () => Promise<boolean>): Promise<number | undefined> {
    const begin = this.now()
    while (!(await look())) {
      if (this.now() - begin > LONGEST_ENFORCEMENT_S * 1000) return undefined
      await this.sleep(1000)
    }
    return Math.floor((this.now() - begin) / 1000)
  }

  /** A fresh reading of an object. */
  async read(path: string): Promise<JsonObject> {
    return objectOf(await this.api.access('GET', path), 'read an object')
  }

  /** The policies of an application, in order, by ID. */
  async policiesOf(app: JsonObject): Promise<JsonObject[]> {
    const {result} = await this.api.access('GET', `apps/${String(app['id'])}/policies`)
    return Array.isArray(result) ? result.filter(isJsonObject) : []
  }
}

/** The result of an answer that a question needs. @throws UserError if there is none */
export function objectOf(answer: RawAnswer, doing: string): JsonObject {
  if (answer.status < 300 && isJsonObject(answer.result) && isId(answer.result['id'])) return answer.result
  throw unexpected(doing, answer.status, answer.code)
}

/** `accepted`, or the status and the code of a refusal: `400/12130`. */
export function verdict({status, code}: RawAnswer): string {
  return status < 300 ? 'accepted' : statusOf({status, code})
}

export function statusOf({status, code}: Pick<RawAnswer, 'status' | 'code'>): string {
  return code === undefined ? String(status) : `${status}/${code}`
}

/** How a list is ordered in which these IDs were made one after the other. */
export function orderOf(list: readonly unknown[], made: readonly unknown[]): string {
  const found = list.filter((id) => made.includes(id))
  const same = (other: readonly unknown[]): boolean => JSON.stringify(found) === JSON.stringify(other)
  if (found.length < made.length) return 'not all on the first page'
  return same(made) ? 'oldest first' : same([...made].reverse()) ? 'newest first' : 'neither'
}

/** How a time is written. */
export function formOf(time: unknown): string {
  if (time === undefined) return 'absent'
  if (typeof time !== 'string') return time === null ? 'null' : typeof time
  const parts = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(time)
  if (!parts) return 'another form'
  return `${parts[1] === undefined ? 'seconds' : `${parts[1].length} decimals`}, ${parts[2] === 'Z' ? 'Z' : 'offset'}`
}
