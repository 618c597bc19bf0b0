import {createHash, randomBytes, randomUUID, timingSafeEqual} from 'node:crypto'
import path from 'node:path'
import {toApplication, toGroup, toServiceToken} from '../api/convert.js'
import type {Group} from '../api/types.js'
import {systemClock, type Clock} from '../core/clock.js'
import {isJsonObject, type JsonObject} from '../core/json.js'
import {goDurationSeconds} from '../core/duration.js'
import {acceptsToken} from '../policy/edge.js'
import {brokenFile, parseOwnJson, readFileIfThere, writeFileAtomic} from '../system/files.js'
import {fillApplication, fillPolicy, fillRules} from './api/defaults.js'
import {sandboxFiles} from './files.js'
import {movedClock} from './moved-clock.js'
import {AccessRecord, type AccessEvent} from './record.js'
import {settingOf, type SandboxSettings} from './settings.js'
import type {EdgeView, RecordingState, SandboxSeed} from './types.js'
import {TUTORIAL} from './tutorial.js'

/** A service token with what its server knows about the secrets: only their hashes. */
export interface StoredToken {
  object: JsonObject
  secretHash: string
  previous?: {secretHash: string; until: string} | undefined
}

export interface StoredApiToken {
  id: string
  token: string
  owner: 'user' | 'account'
  status: 'active' | 'disabled' | 'expired'
  expires_on?: string | undefined
  permission_groups?: string[] | undefined
}

/** The sandbox's whole state, as in the state file. Objects are as the API returns them, unknown fields included. */
export interface StateData {
  version: 1
  accounts: JsonObject[]
  zones: JsonObject[]
  /** `policies` holds links `{id, precedence}` to `policies` or `inlinePolicies`. */
  apps: JsonObject[]
  policies: JsonObject[]
  inlinePolicies: JsonObject[]
  groups: JsonObject[]
  serviceTokens: StoredToken[]
  apiTokens: StoredApiToken[]
  organization: JsonObject
  /**
   * The zone of each application, group or service token that belongs to one, by its ID; all others belong to the
   * account.
   */
  zoneOf?: Record<string, string> | undefined
  settings: SandboxSettings
  /** How many more writes of applications do not know a new policy, by its ID (`policy_lag`). */
  newPolicies?: Record<string, number> | undefined
  /** When the sessions of an application were last ended, by its ID: milliseconds since 1970. */
  sessionsEnded?: Record<string, number> | undefined
  /** Signs what only Access reads, at the edge: base64. */
  cookieKey: string
}

export interface OpenState {
  file: string
  /** Starts from this seed; without one, from the state file, or from the tutorial's state if there is none. */
  seed?: SandboxSeed | undefined
  /** Replace those of the seed or the saved state, one by one. */
  settings?: SandboxSettings | undefined
  /** The machine's. */
  clock?: Clock | undefined
}

/** Tens of thousands of objects. */
const MOST_BYTES = 256 * 1024 * 1024

/** The state that the API changes and the edge sees. A change is on disk before it is answered. */
export class SandboxState implements RecordingState {
  readonly data: StateData
  /** The sandbox's own, which a setting moves. */
  readonly clock: Clock
  readonly record: AccessRecord
  readonly #file: string
  #writing: Promise<void> = Promise.resolve()
  /** The next one: it has not read the state yet. */
  #waiting: Promise<void> | undefined
  /** Earlier states that the edge may still use. */
  #history: Snapshot[] = []

  private constructor(file: string, {data, clock, record}: Pick<SandboxState, 'data' | 'clock' | 'record'>) {
    this.#file = file
    this.data = data
    this.clock = clock
    this.record = record
  }

  static async open({
    file,
    seed,
    settings = {},
    clock: machine = systemClock,
  }: OpenState): Promise<SandboxState> {
    const text = seed ? undefined : await readFileIfThere(file, {maxBytes: MOST_BYTES})
    let known: Pick<StateData, 'settings'> = {settings: {...seed?.settings, ...settings}}
    const clock = movedClock(machine, () => settingOf(known.settings, 'clock'))
    const data = text === undefined ? begin(seed ?? TUTORIAL, clock) : check(parseOwnJson(text, file), file)
    known = data
    const record = await AccessRecord.open(sandboxFiles(path.dirname(file)), {empty: text === undefined})
    const state = new SandboxState(file, {data, clock, record})
    await state.change(settings)
    return state
  }

  get accountId(): string {
    return String(this.data.accounts[0]?.['id'])
  }

  /** The API token that `start` prints, with all permissions. */
  get apiToken(): string {
    return this.data.apiTokens[0]?.token ?? ''
  }

  /** Changes settings, one by one. The edge sees them, and every other change, at once. */
  async change(settings: SandboxSettings): Promise<void> {
    this.data.settings = {...this.data.settings, ...settings}
    const {strict_service_token_auth: strict} = settings
    if (strict !== undefined) this.data.organization['strict_service_token_auth'] = strict
    this.#show(-Infinity)
    await this.#write()
  }

  /** Writes the current state to disk, and shows it to the edge after its delay. */
  async save(): Promise<void> {
    this.#show(this.clock.now() + settingOf(this.data.settings, 'enforcement_delay_ms'))
    await this.#write()
  }

  edgeView(): EdgeView {
    const now = this.clock.now()
    const {data, objects} = this.#inForce(now)
    return {
      now,
      cookieKey: data.cookieKey,
      sessionsEnded: data.sessionsEnded ?? {},
      ...objects(),
      connectorEnd: settingOf(data.settings, 'connector_end'),
      countryOf: settingOf(data.settings, 'country_of'),
      withoutAllow: settingOf(data.settings, 'without_allow'),
      strict: data.organization['strict_service_token_auth'] === true,
      authDomain: String(data.organization['auth_domain']),
      authenticate: (clientId, clientSecret) => authenticate(data, clientId, clientSecret, now),
    }
  }

  recordUse(tokenId: string): void {
    const token = this.data.serviceTokens.find(({object}) => object['id'] === tokenId)
    if (!token) return
    token.object['last_seen_at'] = timestamp(this.clock.now())
    // The edge does not read it, so it needs no new view.
    void this.#write().catch(() => undefined)
  }

  recordEvent(event: AccessEvent): void {
    this.record.add(event)
  }

  /** To the edge, from then on: milliseconds since 1970. */
  #show(from: number): void {
    const data = structuredClone(this.data)
    let made: EdgeObjects | undefined
    this.#history.push({from, data, objects: () => (made ??= edgeObjects(data))})
    const now = this.clock.now()
    const inForce = this.#history.findLastIndex((one) => one.from <= now)
    this.#history = this.#history.slice(Math.max(0, inForce))
  }

  #inForce(now: number): Snapshot {
    const [first] = this.#history
    const found = this.#history.findLast(({from}) => from <= now) ?? first
    if (!found) throw new Error('no state')
    return found
  }

  /** Simultaneous changes are written together: what waits for one write is in the next. */
  #write(): Promise<void> {
    this.#waiting ??= this.#writing
      .catch(() => undefined)
      .then(() => {
        this.#waiting = undefined
        return writeFileAtomic(this.#file, JSON.stringify(this.data, null, 2))
      })
    this.#writing = this.#waiting
    return this.#writing
  }
}

type EdgeObjects = Pick<EdgeView, 'applications' | 'groups'>

/** The state as it was saved; nothing changes it. */
interface Snapshot {
  /** When the edge begins to see it: milliseconds since 1970. */
  from: number
  data: StateData
  /** What the edge needs of it, made at its first request. */
  objects: () => EdgeObjects
}

function edgeObjects(data: StateData): EdgeObjects {
  const index = policyIndex(data)
  return {
    applications: data.apps.map((app) => toApplication({...app, policies: policiesOf(data, app, index)})),
    groups: new Map<string, Group>(data.groups.map((raw) => [String(raw['id']), toGroup(raw)])),
  }
}

/** All policies by ID, the account's and those inside applications. */
export function policyIndex(data: StateData): ReadonlyMap<unknown, JsonObject> {
  const index = new Map<unknown, JsonObject>()
  for (const policy of data.inlinePolicies) index.set(policy['id'], {...policy, reusable: false})
  for (const policy of data.policies) index.set(policy['id'], {...policy, reusable: true})
  return index
}

/** An application's policies as whole objects, in order. */
export function policiesOf(data: StateData, app: JsonObject, index = policyIndex(data)): JsonObject[] {
  const links = Array.isArray(app['policies']) ? app['policies'].filter(isJsonObject) : []
  return links
    .map((link) => {
      const policy = index.get(link['id'])
      return policy && {...policy, precedence: link['precedence']}
    })
    .filter((policy) => policy !== undefined)
    .sort((a, b) => Number(a.precedence) - Number(b.precedence))
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** `cfast_`, 40 alphanumerics and a checksum of 8, like Cloudflare's since August 2026. */
export function newSecret(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  const body = Array.from(randomBytes(40), (byte) => alphabet[byte % alphabet.length]).join('')
  return `cfast_${body}${createHash('sha256').update(body).digest('hex').slice(0, 8)}`
}

/** As the API writes a time: whole seconds, without a fraction (terraform-provider-cloudflare#5181 and other reports). */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** When a token made or extended now expires; undefined for `forever` and for an invalid duration. */
export function expiry(duration: string, now: number): string | undefined {
  const seconds = goDurationSeconds(duration)
  return seconds === undefined ? undefined : timestamp(now + seconds * 1000)
}

function authenticate(
  data: StateData,
  clientId: string,
  clientSecret: string,
  now: number,
): string | undefined {
  const token = data.serviceTokens.find(({object}) => object['client_id'] === clientId)
  if (!token) return undefined
  const given = hashSecret(clientSecret)
  const {secretHash, previous} = token
  const secret = equal(secretHash, given)
    ? 'current'
    : previous !== undefined && equal(previous.secretHash, given)
      ? 'previous'
      : 'wrong'
  const known = toServiceToken(token.object)
  return acceptsToken(known, secret, {now, previousUntil: previous?.until}) === true ? known.id : undefined
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}

function begin(seed: SandboxSeed, clock: Clock): StateData {
  const now = timestamp(clock.now())
  const stamps = {created_at: now, updated_at: now}
  const accounts = (seed.accounts?.length ? seed.accounts : (TUTORIAL.accounts ?? [])).map((raw) => ({
    id: randomBytes(16).toString('hex'),
    name: 'Sandbox',
    type: 'standard',
    ...raw,
  }))
  const data: StateData = {
    version: 1,
    accounts,
    zones: (seed.zones ?? []).map((raw) => seededZone({account: {id: accounts[0]?.id}, ...raw}, now)),
    apps: [],
    policies: (seed.policies ?? []).map((raw) => ({
      id: randomUUID(),
      exclude: [],
      require: [],
      ...stamps,
      ...raw,
    })),
    inlinePolicies: [],
    groups: (seed.groups ?? []).map((raw) => ({
      id: randomUUID(),
      exclude: [],
      require: [],
      ...stamps,
      ...raw,
    })),
    serviceTokens: (seed.service_tokens ?? []).map((raw) => seededToken(raw, clock)),
    apiTokens: [
      {
        id: randomBytes(16).toString('hex'),
        token: `sandbox_${randomBytes(24).toString('base64url')}`,
        owner: 'user',
        status: 'active',
      },
      ...(seed.api_tokens ?? []).map(
        (raw) => ({id: randomBytes(16).toString('hex'), status: 'active', ...raw}) as StoredApiToken,
      ),
    ],
    organization: {
      name: 'Widgetcorp',
      auth_domain: 'widgetcorp.cloudflareaccess.com',
      strict_service_token_auth: settingOf(seed.settings ?? {}, 'strict_service_token_auth'),
      ...stamps,
    },
    settings: seed.settings ?? {},
    cookieKey: randomBytes(32).toString('base64'),
  }
  for (const raw of seed.apps ?? []) {
    const listed = Array.isArray(raw['policies']) ? (raw['policies'] as unknown[]) : []
    const app = {
      id: randomUUID(),
      type: 'self_hosted',
      aud: randomBytes(32).toString('hex'),
      ...stamps,
      ...raw,
    }
    data.apps.push({...app, policies: listed.map((item, at) => seededLink(data, item, at + 1))})
  }
  if (settingOf(data.settings, 'server_defaults')) {
    // As after a write: what an account has was written once.
    data.apps.forEach(fillApplication)
    for (const policy of [...data.policies, ...data.inlinePolicies]) fillPolicy(policy)
    data.groups.forEach(fillRules)
  }
  data.zoneOf = takeZones([...data.apps, ...data.groups, ...data.serviceTokens.map(({object}) => object)])
  return data
}

/** Removes `zone_id` from a seed's objects, because the API does not show it in them. */
function takeZones(objects: JsonObject[]): Record<string, string> {
  const zoneOf: Record<string, string> = {}
  for (const object of objects) {
    const {zone_id: zone} = object
    delete object['zone_id']
    if (typeof zone === 'string') zoneOf[String(object['id'])] = zone
  }
  return zoneOf
}

/** With every field that the contract requires; most have no meaning here. */
function seededZone(raw: JsonObject, now: string): JsonObject {
  return {
    id: randomBytes(16).toString('hex'),
    status: 'active',
    type: 'full',
    paused: false,
    development_mode: 0,
    account: {},
    owner: {},
    plan: {},
    meta: {},
    name_servers: [],
    original_name_servers: null,
    original_registrar: null,
    original_dnshost: null,
    activated_on: now,
    created_on: now,
    modified_on: now,
    ...raw,
  }
}

/** A string or `{id, precedence}` links an account's policy; a whole object that the account does not have is inline. */
function seededLink(data: StateData, item: unknown, at: number): JsonObject {
  if (!isJsonObject(item)) return {id: String(item), precedence: at}
  const precedence = typeof item['precedence'] === 'number' ? item['precedence'] : at
  const shared = data.policies.some(({id}) => id === item['id'])
  if (shared || item['decision'] === undefined) return {id: item['id'], precedence}
  const {precedence: _, ...policy} = {
    id: randomUUID(),
    exclude: [],
    require: [],
    ...item,
  } as JsonObject
  data.inlinePolicies.push(policy)
  return {id: policy['id'], precedence}
}

function seededToken(raw: JsonObject, clock: Clock): StoredToken {
  const {client_secret: secret, ...object} = raw
  const duration = typeof raw['duration'] === 'string' ? raw['duration'] : '8760h'
  const now = timestamp(clock.now())
  return {
    object: {
      id: randomUUID(),
      client_id: `${randomBytes(16).toString('hex')}.access`,
      duration,
      enabled: true,
      expires_at: expiry(duration, clock.now()),
      created_at: now,
      updated_at: now,
      ...object,
    },
    secretHash: hashSecret(typeof secret === 'string' ? secret : newSecret()),
  }
}

function check(value: unknown, file: string): StateData {
  const lists = [
    'accounts',
    'zones',
    'apps',
    'policies',
    'inlinePolicies',
    'groups',
    'serviceTokens',
    'apiTokens',
  ]
  const whole =
    isJsonObject(value) &&
    value['version'] === 1 &&
    lists.every((name) => Array.isArray(value[name])) &&
    isJsonObject(value['organization']) &&
    isJsonObject(value['settings']) &&
    typeof value['cookieKey'] === 'string'
  if (!whole) throw brokenFile(file, 'it is not a state of this version')
  return value as unknown as StateData
}
