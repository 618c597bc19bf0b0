import {randomBytes} from 'node:crypto'
import http from 'node:http'
import type {AddressInfo} from 'node:net'
import * as v from 'valibot'
import {isNestedWithin} from '../../core/canonical-json.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {firstFault} from '../../core/schema.js'
import {callOf, Callers} from '../../network/callers.js'
import {guard, SERVER_OPTIONS} from '../../network/http-listener.js'
import {timestamp, type SandboxState, type StoredApiToken} from '../state.js'
import {settingOf, settingsSchema} from '../settings.js'
import {accountRoutes} from './account.js'
import {Refused, type Result} from './answer.js'
import {appRoutes} from './apps.js'
import {policyRoutes} from './policies.js'
import {route, zoneTwin, type Route} from './route.js'
import {serviceTokenRoutes} from './service-tokens.js'

/** A request and its answer, to be checked against the contract. */
export interface Exchange {
  method: string
  /** Relative to the base URL. */
  path: string
  query: Record<string, string>
  requestBody: unknown
  status: number
  responseBody: unknown
}

export interface SandboxApiOptions {
  state: SandboxState
  /** 0: any free port. */
  port?: number | undefined
  onExchange?: ((exchange: Exchange) => void) | undefined
}

const PREFIX = '/client/v4'
/** The sandbox's own, beside Cloudflare's API. */
const SETTINGS_PATH = '/sandbox/settings'
const BODY_LIMIT = 1024 * 1024
const DEPTH_LIMIT = 64
const CONNECTION_LIMIT = 256
const IDLE_MS = 60_000
const WINDOW_MS = 5 * 60 * 1000

const access: readonly Route[] = [...serviceTokenRoutes, ...policyRoutes, ...appRoutes, ...accountRoutes]

/** Every operation that the sandbox serves. */
export const ROUTES: readonly Route[] = [
  ...access,
  ...access.flatMap(zoneTwin),
  route('GET', '/user/tokens/verify', [], () => ({result: null})),
  route('GET', '/accounts/{account}/tokens/verify', [], () => ({result: null})),
]

const KEEP_ALIVE_MS = 120_000

/** Cloudflare's API for Access on loopback, over plain HTTP. */
export async function startSandboxApi({state, port = 0, onExchange}: SandboxApiOptions): Promise<{
  url: string
  close(): Promise<void>
}> {
  const requests: number[] = []
  /** The API tokens that have had an answer. */
  const answered = new Set<string>()
  // Node's five seconds are less than a client may rest on a busy machine: its next request would meet the end.
  const server = http.createServer({...SERVER_OPTIONS, keepAliveTimeout: KEEP_ALIVE_MS})
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const listen = {address: '127.0.0.1', port: (server.address() as AddressInfo).port}
  const callers = new Callers({listen, allowedOrigins: []})
  const serve = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const {path, query, own} = targetOf(request)
    const method = request.method ?? 'GET'
    let requestBody: unknown
    let status = 200
    let headers: Record<string, string> = {}
    let body: JsonObject
    try {
      const refusal = callers.refusal(callOf(request))
      if (refusal !== undefined) throw new Refused(403, 10000, refusal)
      const token = authenticate(state, request.headers.authorization)
      requestBody = await readBody(request)
      headers = rateLimit(state, requests)
      if (token && answered.has(token.id) && !isVerify(path)) throttle(state)
      const call = {method, path, query, token, body: requestBody}
      const result = own ? await changeSettings(state, call) : await answer(state, call)
      status = result.status ?? 200
      if (token) answered.add(token.id)
      body = result.whole ?? {
        success: true,
        errors: [],
        messages: [],
        result: result.result,
        ...(result.info && {result_info: result.info}),
      }
    } catch (error) {
      const refused =
        error instanceof Refused ? error : new Refused(500, 10001, 'The sandbox has an internal error')
      const {code, message, chain} = refused
      status = refused.status
      // A refusal counts, and says how much is left.
      headers = {...headers, ...refused.headers}
      body = {
        success: false,
        errors: [{code, message, ...(chain.length > 0 && {error_chain: chain})}],
        messages: [],
        result: null,
      }
    }
    onExchange?.({
      method,
      path,
      query: Object.fromEntries(query),
      requestBody,
      status,
      responseBody: body,
    })
    if (response.destroyed) return
    response.writeHead(status, {
      'content-type': 'application/json',
      'cf-ray': `${randomBytes(8).toString('hex')}-ZT`,
      server: 'zt-sandbox',
      date: new Date(state.clock.now()).toUTCString(),
      ...headers,
    })
    response.end(JSON.stringify(body))
  }
  guard(server, {serve, limit: CONNECTION_LIMIT, idleMs: IDLE_MS, words: (text) => `${text}\n`})
  return {
    url: `http://127.0.0.1:${listen.port}${PREFIX}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

/**
 * The path without the API's prefix, the query, and whether it is the sandbox's own path. The target may be anything that
 * begins with a slash.
 */
function targetOf({url = '/'}: http.IncomingMessage): {path: string; query: URLSearchParams; own: boolean} {
  const [path = '', ...query] = url.split('?')
  return {
    path: path.startsWith(PREFIX) ? path.slice(PREFIX.length) : '',
    query: new URLSearchParams(query.join('?')),
    own: path === SETTINGS_PATH,
  }
}

interface Call {
  method: string
  path: string
  query: URLSearchParams
  token: StoredApiToken | undefined
  body: unknown
}

async function answer(state: SandboxState, {method, path, query, token, body}: Call): Promise<Result> {
  if (isVerify(path)) {
    return verify(token, path.startsWith('/user') ? 'user' : 'account')
  }
  if (!token || token.status !== 'active') throw new Refused(403, 10000, 'Authentication error')
  if (method === 'POST' && path === '/graphql') {
    // Its library is loaded by the sandboxes that are asked.
    const {answerGraphql} = await import('./graphql.js')
    return answerGraphql(state, token, body)
  }
  const found = match(method, path)
  if (!found)
    throw new Refused(404, 7003, `Could not route to ${path}, perhaps your object identifier is invalid?`)
  const {route, params} = found
  const {account, zone} = params
  const unknown = (wanted: string | undefined, all: readonly JsonObject[]): boolean =>
    wanted !== undefined && !all.some(({id}) => id === wanted)
  if (unknown(account, state.data.accounts) || unknown(zone, state.data.zones)) {
    throw new Refused(404, 7003, `Could not route to ${path}, perhaps your object identifier is invalid?`)
  }
  const groups = token.permission_groups
  if (groups && route.permissions.length > 0 && !route.permissions.some((name) => groups.includes(name))) {
    throw new Refused(403, 10000, 'Authentication error')
  }
  if (path.includes('/access/') && !settingOf(state.data.settings, 'zero_trust_enabled')) {
    throw new Refused(403, 9999, 'access.api.error.not_enabled')
  }
  const result = route.handle({
    state,
    params,
    query,
    body: isJsonObject(body) ? body : {},
    now: timestamp(state.clock.now()),
  })
  // A copy, because the object may change again while this change is written.
  const settled = structuredClone(result)
  if (route.method !== 'GET') await state.save()
  return settled
}

/** Changes settings while the sandbox runs: the clock among them. A token with all permissions may. */
async function changeSettings(state: SandboxState, {method, token, body}: Call): Promise<Result> {
  if (token?.status !== 'active' || token.permission_groups)
    throw new Refused(403, 10000, 'Authentication error')
  if (method !== 'PATCH') throw new Refused(405, 10405, 'Method not allowed')
  // A list has no unknown keys either.
  const parsed = v.safeParse(settingsSchema, isJsonObject(body) ? body : undefined)
  if (!parsed.success) throw new Refused(400, 12130, `settings: ${firstFault(parsed.issues)}`)
  await state.change(parsed.output)
  return {result: {settings: state.data.settings, now: new Date(state.clock.now()).toISOString()}}
}

function isVerify(path: string): boolean {
  return path === '/user/tokens/verify' || /^\/accounts\/[^/]+\/tokens\/verify$/.test(path)
}

function match(method: string, path: string): {route: Route; params: Record<string, string>} | undefined {
  const given = path.split('/')
  for (const route of ROUTES) {
    const wanted = route.path.split('/')
    if (route.method !== method || wanted.length !== given.length) continue
    const params: Record<string, string> = {}
    const fits = wanted.every((part, i) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1]
      if (name === undefined) return part === given[i]
      params[name] = decoded(given[i] ?? '')
      return params[name] !== ''
    })
    if (fits) return {route, params}
  }
  return undefined
}

/** Empty if the encoding is invalid. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}

function authenticate(state: SandboxState, header: string | undefined): StoredApiToken | undefined {
  const given = /^Bearer (\S+)$/.exec(header ?? '')?.[1]
  if (given === undefined) {
    throw new Refused(400, 6003, 'Invalid request headers', {
      chain: [{code: 6111, message: 'Invalid format for Authorization header'}],
    })
  }
  return state.data.apiTokens.find(({token}) => token === given)
}

/** Each endpoint knows only its own kind of API token. */
function verify(token: StoredApiToken | undefined, owner: StoredApiToken['owner']): Result {
  if (token?.owner !== owner) throw new Refused(401, 1000, 'Invalid API Token')
  const {id, status, expires_on} = token
  return {result: {id, status, ...(expires_on !== undefined && {expires_on})}}
}

/**
 * @returns the headers that say what is left (Cloudflare's documents on API limits; with an answer of 429 they were not seen)
 * @throws Refused 429
 */
function rateLimit(state: SandboxState, requests: number[]): Record<string, string> {
  const limit = settingOf(state.data.settings, 'rate_limit')
  if (limit === 0) return {}
  const now = state.clock.now()
  // The clock may have been moved.
  while (requests[0] !== undefined && (requests[0] <= now - WINDOW_MS || requests[0] > now)) requests.shift()
  const oldest = requests[0]
  if (oldest !== undefined && requests.length >= limit) {
    const seconds = String(Math.ceil((oldest + WINDOW_MS - now) / 1000))
    throw new Refused(429, 10429, 'Rate limited', {
      headers: {'retry-after': seconds, 'x-ratelimit-limit': String(limit), 'x-ratelimit-remaining': '0'},
    })
  }
  requests.push(now)
  const seconds = Math.ceil(((oldest ?? now) + WINDOW_MS - now) / 1000)
  return {
    ratelimit: `"default";r=${limit - requests.length};t=${seconds}`,
    'ratelimit-policy': `"default";q=${limit};w=${WINDOW_MS / 1000}`,
  }
}

/** Refuses as for a missing permission, so many times as the setting still says. */
function throttle({data: {settings}}: SandboxState): void {
  const left = settingOf(settings, 'throttle_403')
  if (left === 0) return
  settings.throttle_403 = left - 1
  throw new Refused(403, 10000, 'Authentication error')
}

async function readBody(request: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      // The rest is read and discarded, so that the client can read the answer.
      if (length > BODY_LIMIT) reject(new Refused(413, 10003, 'Request body too large'))
      else chunks.push(chunk)
    })
    request.once('end', resolve)
    request.once('error', reject)
  })
  if (length === 0) return undefined
  try {
    const text = Buffer.concat(chunks).toString('utf8')
    // A more deeply nested body could not be serialised or copied.
    if (isNestedWithin(text, DEPTH_LIMIT)) return JSON.parse(text)
  } catch {
    // It is not JSON.
  }
  throw new Refused(400, 9207, 'Request body is invalid')
}
