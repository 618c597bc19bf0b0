import type {AccessContext} from '../../src/lib/access/account/context.js'
import type {UndoRecord} from '../../src/lib/access/edit/records.js'
import type {AccessApi, Application, Group, Policy} from '../../src/lib/api/types.js'
import {ApiError, UserError} from '../../src/lib/core/errors.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {Unread} from '../../src/lib/system/own-json.js'
import {Unfinished} from '../../src/lib/system/signals.js'

type Links = {id: string; precedence?: number}[]

export function notFound(): ApiError {
  const answer = {status: 404, apiCodes: [11021]}
  return new ApiError({kind: 'not-found', code: 'NOT_FOUND', message: 'not there', ...answer})
}

/** An account in memory, for tests of what is asked of the API and in which order: no server, no disk. */
export class MemoryApi {
  accountId: string | undefined = 'account'
  zoneId: string | undefined
  apps: JsonObject[] = []
  policies: JsonObject[] = []
  /** By application. */
  inline: Record<string, JsonObject[]> = {}
  groups: JsonObject[] = []
  tokens: {id: string; name: string}[] = []
  ahead: number | undefined
  /** `name:id` of each call. */
  readonly calls: string[] = []
  /** What was written: method and body. */
  readonly bodies: [string, unknown][] = []
  /** Called before and after each call; may throw. */
  before: (call: string) => void = () => undefined
  after: (call: string) => void = () => undefined
  #made = 0

  get api(): AccessApi {
    return new Proxy(this, {
      get: (self, name: string) => {
        const value = Reflect.get(self, name) as unknown
        if (typeof value !== 'function' || /^(clockAhead|expecting)$/.test(name)) return value
        return async (...args: unknown[]) => {
          const call = [name, ...args.filter((one) => typeof one === 'string')].join(' ')
          await Promise.resolve()
          self.calls.push(call)
          self.before(call)
          const result: unknown = await (value as (...given: unknown[]) => unknown).apply(self, args)
          self.after(call)
          return structuredClone(result)
        }
      },
    }) as unknown as AccessApi
  }

  clockAhead(): number | undefined {
    return this.ahead
  }
  getApplication(id: string): Application {
    return this.#app(found(this.apps, id))
  }
  listApplications(): Application[] {
    return this.apps.map((one) => this.#app(one))
  }
  listApplicationPolicies(id: string): Policy[] {
    const links = found(this.apps, id)['policies'] as Links
    const all = [...this.policies, ...(this.inline[id] ?? [])]
    return links.flatMap(({id: wanted, precedence}) => {
      const raw = all.find((one) => one['id'] === wanted)
      if (!raw) return []
      return [policy({...raw, ...(precedence !== undefined && {precedence})})]
    })
  }
  createApplication(body: JsonObject): Application {
    const raw = this.#make('app', {policies: [], ...body})
    this.bodies.push(['createApplication', body])
    this.apps.push(raw)
    return this.#app(raw)
  }
  replaceApplication(id: string, body: JsonObject): void {
    const was = found(this.apps, id)
    this.bodies.push(['replaceApplication', body])
    replace(this.apps, id, {policies: was['policies'], ...body})
  }
  deleteApplication(id: string): void {
    found(this.apps, id)
    this.apps = this.apps.filter((one) => one['id'] !== id)
  }
  listPolicies(): Policy[] {
    return this.policies.map(policy)
  }
  getPolicy(id: string): Policy {
    return policy(found(this.policies, id))
  }
  createPolicy(body: JsonObject): Policy {
    const raw = this.#make('policy', body)
    this.bodies.push(['createPolicy', body])
    this.policies.push(raw)
    return policy(raw)
  }
  replacePolicy(id: string, body: JsonObject): void {
    this.bodies.push(['replacePolicy', body])
    replace(this.policies, id, body)
  }
  deletePolicy(id: string): void {
    found(this.policies, id)
    this.policies = this.policies.filter((one) => one['id'] !== id)
  }
  createApplicationPolicy(app: string, body: JsonObject): Policy {
    const raw = this.#make('inline', body)
    this.bodies.push([`createApplicationPolicy ${app}`, body])
    ;(this.inline[app] ??= []).push(raw)
    const object = found(this.apps, app)
    object['policies'] = [
      ...(object['policies'] as Links),
      {id: String(raw['id']), precedence: Number(body['precedence'])},
    ]
    return policy(raw)
  }
  replaceApplicationPolicy(app: string, id: string, body: JsonObject): void {
    this.bodies.push([`replaceApplicationPolicy ${app}`, body])
    replace(this.inline[app] ?? [], id, body)
    const links = found(this.apps, app)['policies'] as Links
    for (const link of links) if (link.id === id) link.precedence = Number(body['precedence'])
  }
  deleteApplicationPolicy(app: string, id: string): void {
    found(this.inline[app] ?? [], id)
    this.inline[app] = (this.inline[app] ?? []).filter((one) => one['id'] !== id)
    const object = found(this.apps, app)
    object['policies'] = (object['policies'] as Links).filter((link) => link.id !== id)
  }
  makePolicyReusable(app: string, id: string): Policy {
    const {precedence: _, ...raw} = found(this.inline[app] ?? [], id)
    this.inline[app] = (this.inline[app] ?? []).filter((one) => one['id'] !== id)
    this.policies.push({...raw, reusable: true})
    return policy(raw)
  }
  listGroups(): Group[] {
    return this.groups.map(group)
  }
  getGroup(id: string): Group {
    return group(found(this.groups, id))
  }
  createGroup(body: JsonObject): Group {
    const raw = this.#make('group', body)
    this.bodies.push(['createGroup', body])
    this.groups.push(raw)
    return group(raw)
  }
  replaceGroup(id: string, body: JsonObject): void {
    this.bodies.push(['replaceGroup', body])
    replace(this.groups, id, body)
  }
  deleteGroup(id: string): void {
    found(this.groups, id)
    this.groups = this.groups.filter((one) => one['id'] !== id)
  }
  listServiceTokens(): {id: string; name: string}[] {
    return this.tokens
  }

  /** The calls that change something. */
  get writes(): string[] {
    return this.calls.filter((call) => !/^(get|list)/.test(call))
  }

  #app(raw: JsonObject): Application {
    const policies = this.listApplicationPolicies(String(raw['id']))
    return {id: String(raw['id']), name: String(raw['name']), type: 'self_hosted', domain: undefined, domains: [], serviceAuth401Redirect: false, policies, raw} // prettier-ignore
  }

  #make(kind: string, body: JsonObject): JsonObject {
    return {...body, id: `${kind}-made-${++this.#made}`, created_at: '2026-07-01T00:00:00Z'}
  }
}

function found(all: readonly JsonObject[], id: string): JsonObject {
  const one = all.find((each) => each['id'] === id)
  if (!one) throw notFound()
  return one
}

function replace(all: JsonObject[], id: string, body: JsonObject): void {
  const at = all.indexOf(found(all, id))
  all[at] = {...body, id, updated_at: 'later'}
}

function policy(raw: JsonObject): Policy {
  const rules = (field: string): unknown => raw[field] ?? []
  return {
    id: raw['id'],
    name: raw['name'],
    decision: raw['decision'] ?? 'allow',
    include: rules('include'),
    exclude: rules('exclude'),
    require: rules('require'),
    precedence: raw['precedence'],
    reusable: raw['reusable'],
    raw,
  } as unknown as Policy
}

function group(raw: JsonObject): Group {
  return {id: raw['id'], name: raw['name'], include: [], exclude: [], require: [], raw} as unknown as Group
}

/** Undo records in memory, oldest first. */
export class MemoryRecords {
  readonly kept: UndoRecord[] = []
  /** States and fields as they were written. */
  readonly history: UndoRecord[] = []
  fails: Error | undefined

  begin(record: Omit<UndoRecord, 'id' | 'state'>): Promise<UndoRecord> {
    const begun: UndoRecord = {...structuredClone(record), id: `0${this.kept.length + 1}`, state: 'begun'}
    this.kept.push(begun)
    this.history.push(begun)
    return Promise.resolve(begun)
  }
  async update(record: UndoRecord): Promise<void> {
    await Promise.resolve()
    if (this.fails) throw this.fails
    const at = this.kept.findIndex(({id}) => id === record.id)
    this.kept[at] = structuredClone(record)
    this.history.push(structuredClone(record))
  }
  async remove({id}: UndoRecord): Promise<void> {
    await Promise.resolve()
    if (this.fails) throw this.fails
    this.kept.splice(
      this.kept.findIndex((one) => one.id === id),
      1,
    )
  }
  async read(id: string): Promise<UndoRecord> {
    await Promise.resolve()
    const record = this.kept.find((one) => one.id === id)
    if (!record) throw new UserError({kind: 'not-found', code: 'UNDO_NOT_FOUND', message: 'no such edit'})
    return structuredClone(record)
  }
  list(): Promise<{records: UndoRecord[]; unread: Unread}> {
    const unread = new Unread()
    unread.damaged.push('a file')
    return Promise.resolve({records: structuredClone(this.kept).reverse(), unread})
  }
}

/** What a use-case needs of its context, around an account in memory. */
export function memoryContext(
  memory: MemoryApi,
  records = new MemoryRecords(),
): {ctx: AccessContext; steps: string[]; slept: number[]; warned: string[]; unfinished: Unfinished} {
  const unfinished = new Unfinished()
  const [steps, slept, warned]: [string[], number[], string[]] = [[], [], []]
  const ctx = {
    profile: 'default',
    profileNamed: false,
    accountId: memory.accountId,
    api: () => Promise.resolve(memory.api),
    undo: records,
    clock: {now: () => Date.UTC(2026, 6, 1)},
    sleep: (ms: number) => {
      slept.push(ms)
      return Promise.resolve()
    },
    progress: {step: (text: string) => steps.push(text), wait: (text: string) => steps.push(text)},
    interruptible: unfinished.during,
    warn: (text: string) => warned.push(text),
  } as unknown as AccessContext
  return {ctx, steps, slept, warned, unfinished}
}
