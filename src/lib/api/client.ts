import {APIConnectionError, APIError, APIUserAbortError} from 'cloudflare/error'
import {BaseCloudflare} from 'cloudflare/client'
import {isJsonObject, type JsonObject} from '../core/context.js'
import {ApiError, UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'
import {byPrecedence, toApplication, toGroup, toPolicy, toServiceToken} from './convert.js'
import {badAnswer, noAnswer, refusedByApi, type FailedRequest} from './errors.js'
import {httpFetch} from './http-fetch.js'
import {probePermissions} from './probe.js'
import type {AccessApi, ApiTokenStatus, NewServiceToken} from './types.js'

export interface AccessApiOptions {
  /** Base URL without a trailing slash. */
  apiUrl: string
  apiToken: Secret
  /** Undefined: only {@link AccessApi.verifyToken} and {@link AccessApi.listAccounts} work. */
  accountId: string | undefined
  /** Access objects are then those of this zone: `/zones/{id}/access/…`. A zone has no policies of its own to share. */
  zoneId?: string | undefined
  userAgent: string
  /** True: it came from CLOUDFLARE_API_TOKEN, so that a login would not mend it. */
  tokenFromEnvironment?: boolean | undefined
  /** The command that asks, for the text of a 403: `token create`. */
  command?: string | undefined
  /** Behind a command that an error suggests: `--profile production`. */
  suggestedArgs?: string | undefined
  /** Told before a wait that Cloudflare asked for. */
  onWait?: ((seconds: number, why: string) => void) | undefined
  /** For each request, milliseconds. */
  timeoutMs?: number | undefined
}

interface Request {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  doing: string
  query?: Record<string, string | number> | undefined
  body?: object | undefined
  /** The API token was verified just before, so that a 403 can only mean a missing permission. */
  verified?: boolean | undefined
}

interface Answer {
  result: unknown
  info: JsonObject
}

const TIMEOUT_MS = 30_000
const READ_ATTEMPTS = 3
const PATIENCE_SECONDS = 30
const PAGE_SIZE = 100

/**
 * The API over Cloudflare's SDK. Reads are tried three times; a change is sent once, because there is no idempotency
 * key and the caller must find out what came of it.
 *
 * @throws UserError `usage` / `INSECURE_API_URL` for http: to another machine, `auth` / `API_TOKEN_MALFORMED`
 */
export function createAccessApi(options: AccessApiOptions): AccessApi {
  const {apiUrl, accountId, apiToken, timeoutMs = TIMEOUT_MS} = options
  checkTransport(apiUrl)
  checkApiToken(apiToken)
  const client = new BaseCloudflare({
    baseURL: apiUrl,
    apiToken: apiToken.expose(),
    // The SDK would add what it finds in the environment.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    defaultHeaders: {'user-agent': options.userAgent},
    // Its debug log prints bodies, client secrets included.
    logLevel: 'off',
    maxRetries: 0,
    timeout: timeoutMs,
    fetch: httpFetch,
    fetchOptions: {redirect: 'manual'},
  })

  const about = (request: Request): FailedRequest => ({
    ...request,
    apiUrl,
    tokenFromEnvironment: options.tokenFromEnvironment ?? false,
    command: options.command,
    suggestedArgs: options.suggestedArgs,
  })

  let ahead: number | undefined

  async function once(request: Request): Promise<Answer> {
    const failed = about(request)
    let response: Response
    const noteTime = (headers: Headers): void => {
      const date = Date.parse(headers.get('date') ?? '')
      if (!Number.isNaN(date)) ahead = date - Date.now()
    }
    try {
      response = await client
        .request({
          method: request.method.toLowerCase() as 'get',
          path: request.path,
          query: request.query,
          body: request.body,
        })
        .asResponse()
    } catch (error) {
      if (
        error instanceof APIConnectionError ||
        error instanceof APIUserAbortError ||
        !(error instanceof APIError)
      ) {
        throw noAnswer(failed, error instanceof APIError ? (error.cause ?? timeout()) : error)
      }
      const {status, headers} = error as APIError<number, Headers>
      noteTime(headers)
      const answer = {status, headers, body: error.error as unknown}
      throw request.verified ? refusedByApi(failed, answer, undefined) : await explain(failed, answer)
    }
    noteTime(response.headers)
    return readEnvelope(failed, response)
  }

  /** 403/10000 is both "may not" and "not a token"; the verify endpoint tells them apart. */
  async function explain(
    failed: FailedRequest,
    answer: {status: number; headers: Headers; body: unknown},
  ): Promise<ApiError> {
    let verified: Parameters<typeof refusedByApi>[2]
    if (answer.status === 403 && !failed.path.endsWith('/tokens/verify')) {
      verified = await api
        .verifyToken()
        .catch((error: unknown) => (error instanceof ApiError && error.kind === 'auth' ? false : undefined))
    }
    return refusedByApi(failed, answer, verified)
  }

  async function send(request: Request): Promise<Answer> {
    const attempts = request.method === 'GET' ? READ_ATTEMPTS : 1
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(request)
      } catch (error) {
        const wait = error instanceof ApiError ? waitBefore(error, attempt) : undefined
        if (wait === undefined || attempt === attempts) throw error
        if (wait.seconds > PATIENCE_SECONDS) throw error
        if (wait.seconds >= 1) options.onWait?.(wait.seconds, wait.why)
        await new Promise((resolve) => setTimeout(resolve, wait.seconds * 1000))
      }
    }
  }

  /** All pages. A server that ignores `page` would give the same ones for ever; then the answer is refused. */
  async function list(
    path: string,
    doing: string,
    query: Record<string, string> = {},
    size = PAGE_SIZE,
  ): Promise<JsonObject[]> {
    const found = new Map<string, JsonObject>()
    for (let page = 1; ; page++) {
      const request: Request = {method: 'GET', path, doing, query: {...query, page, per_page: size}}
      const {result, info} = await send(request)
      const items = Array.isArray(result) ? result.filter(isJsonObject) : []
      const before = found.size
      for (const [at, item] of items.entries()) found.set(idOf(item) ?? `${page}/${at}`, item)
      const total = typeof info['total_pages'] === 'number' ? info['total_pages'] : undefined
      if (items.length === 0 || (total !== undefined && page >= total)) break
      if (total === undefined && items.length < size && page === 1 && info['page'] === undefined) break
      if (found.size === before) {
        throw badAnswer(
          about(request),
          `Page ${page} of the list repeats what came before.`,
          new Headers(),
          200,
        )
      }
    }
    return [...found.values()]
  }

  async function one(request: Request): Promise<JsonObject> {
    const {result} = await send(request)
    if (isJsonObject(result)) return result
    throw badAnswer(about(request), 'It holds no result.', new Headers(), 200)
  }

  /** An answer that shows a secret, which it does this once. */
  async function withSecret(request: Request): Promise<NewServiceToken> {
    const raw = await one(request)
    const secret = raw['client_secret']
    const token = toServiceToken(raw)
    if (typeof secret !== 'string' || secret === '' || token.id === '' || token.clientId === '') {
      throw badAnswer(about(request), 'It holds no id, Client ID or Client Secret.', new Headers(), 200)
    }
    return {token, clientSecret: new Secret(secret)}
  }

  const access = (rest: string): string => {
    if (options.zoneId !== undefined) return `/zones/${encodeURIComponent(options.zoneId)}/access/${rest}`
    return `/accounts/${encodeURIComponent(account())}/access/${rest}`
  }
  const account = (): string => {
    if (accountId !== undefined) return accountId
    throw new UserError({
      kind: 'usage',
      code: 'ACCOUNT_REQUIRED',
      message: 'Which account is not known',
      next: ['Give --account ID or set CLOUDFLARE_ACCOUNT_ID'],
    })
  }
  const id = encodeURIComponent

  const api: AccessApi = {
    accountId,
    zoneId: options.zoneId,
    clockAhead: () => ahead,
    async verifyToken(): Promise<ApiTokenStatus> {
      const doing = 'verify the API token'
      try {
        return toTokenStatus(await one({method: 'GET', path: '/user/tokens/verify', doing}), 'user')
      } catch (error) {
        // A token that an account owns is unknown there.
        const unknownThere =
          error instanceof ApiError &&
          error.status !== undefined &&
          error.status < 500 &&
          error.status !== 429
        if (!unknownThere || accountId === undefined) throw error
        const path = `/accounts/${id(accountId)}/tokens/verify`
        return toTokenStatus(await one({method: 'GET', path, doing}), 'account')
      }
    },
    async listAccounts() {
      try {
        const accounts = await list('/accounts', 'list the accounts', {}, 50)
        return accounts.map((raw) => ({id: String(raw['id']), name: String(raw['name'])}))
      } catch (error) {
        // Reported for API tokens that an account owns: 400 with code 1001.
        if (
          error instanceof ApiError &&
          (error.status === 400 || error.status === 403) &&
          error.kind !== 'auth'
        )
          return []
        throw error
      }
    },

    probePermissions: async () =>
      probePermissions(account(), (request) => send({...request, verified: true})),

    listServiceTokens: async (query = {}) =>
      (
        await list(
          access('service_tokens'),
          'list the service tokens',
          query.name === undefined ? {} : {name: query.name},
        )
      ).map(toServiceToken),
    getServiceToken: async (tokenId) =>
      toServiceToken(
        await one({
          method: 'GET',
          path: access(`service_tokens/${id(tokenId)}`),
          doing: 'read the service token',
        }),
      ),
    createServiceToken: async (params) =>
      withSecret({
        method: 'POST',
        path: access('service_tokens'),
        doing: 'create the service token',
        body: params,
      }),
    updateServiceToken: async (tokenId, change) =>
      toServiceToken(
        await one({
          method: 'PUT',
          path: access(`service_tokens/${id(tokenId)}`),
          doing: 'change the service token',
          body: change,
        }),
      ),
    rotateServiceToken: async (tokenId, previousUntil) =>
      withSecret({
        method: 'POST',
        path: access(`service_tokens/${id(tokenId)}/rotate`),
        doing: 'rotate the service token',
        body: {previous_client_secret_expires_at: previousUntil},
      }),
    refreshServiceToken: async (tokenId) =>
      toServiceToken(
        await one({
          method: 'POST',
          path: access(`service_tokens/${id(tokenId)}/refresh`),
          doing: 'extend the service token',
        }),
      ),
    async deleteServiceToken(tokenId) {
      await send({
        method: 'DELETE',
        path: access(`service_tokens/${id(tokenId)}`),
        doing: 'delete the service token',
      })
    },

    listApplications: async () => (await list(access('apps'), 'list the applications')).map(toApplication),
    getApplication: async (appId) =>
      toApplication(
        await one({method: 'GET', path: access(`apps/${id(appId)}`), doing: 'read the application'}),
      ),
    createApplication: async (body) =>
      toApplication(await one({method: 'POST', path: access('apps'), doing: 'create the application', body})),
    async deleteApplication(appId) {
      await send({method: 'DELETE', path: access(`apps/${id(appId)}`), doing: 'delete the application'})
    },
    replaceApplication: async (appId, body) =>
      toApplication(
        await one({method: 'PUT', path: access(`apps/${id(appId)}`), doing: 'change the application', body}),
      ),
    listApplicationPolicies: async (appId) =>
      byPrecedence(
        (await list(access(`apps/${id(appId)}/policies`), "list the application's policies")).map(toPolicy),
      ),
    createApplicationPolicy: async (appId, body) =>
      toPolicy(
        await one({
          method: 'POST',
          path: access(`apps/${id(appId)}/policies`),
          doing: 'add a policy to the application',
          body,
        }),
      ),
    replaceApplicationPolicy: async (appId, policyId, body) =>
      toPolicy(
        await one({
          method: 'PUT',
          path: access(`apps/${id(appId)}/policies/${id(policyId)}`),
          doing: "change the application's policy",
          body,
        }),
      ),
    async deleteApplicationPolicy(appId, policyId) {
      await send({
        method: 'DELETE',
        path: access(`apps/${id(appId)}/policies/${id(policyId)}`),
        doing: "remove the application's policy",
      })
    },
    makePolicyReusable: async (appId, policyId) =>
      toPolicy(
        await one({
          method: 'PUT',
          path: access(`apps/${id(appId)}/policies/${id(policyId)}/make_reusable`),
          doing: 'make the policy reusable',
        }),
      ),

    listPolicies: async () => (await list(access('policies'), 'list the policies')).map(toPolicy),
    getPolicy: async (policyId) =>
      toPolicy(
        await one({method: 'GET', path: access(`policies/${id(policyId)}`), doing: 'read the policy'}),
      ),
    createPolicy: async (body) =>
      toPolicy(await one({method: 'POST', path: access('policies'), doing: 'create the policy', body})),
    replacePolicy: async (policyId, body) =>
      toPolicy(
        await one({
          method: 'PUT',
          path: access(`policies/${id(policyId)}`),
          doing: 'change the policy',
          body,
        }),
      ),
    async deletePolicy(policyId) {
      await send({method: 'DELETE', path: access(`policies/${id(policyId)}`), doing: 'delete the policy'})
    },

    listGroups: async () => (await list(access('groups'), 'list the Access groups')).map(toGroup),
    getGroup: async (groupId) =>
      toGroup(
        await one({method: 'GET', path: access(`groups/${id(groupId)}`), doing: 'read the Access group'}),
      ),
    createGroup: async (body) =>
      toGroup(await one({method: 'POST', path: access('groups'), doing: 'create the Access group', body})),
    async deleteGroup(groupId) {
      await send({method: 'DELETE', path: access(`groups/${id(groupId)}`), doing: 'delete the Access group'})
    },
    replaceGroup: async (groupId, body) =>
      toGroup(
        await one({
          method: 'PUT',
          path: access(`groups/${id(groupId)}`),
          doing: 'change the Access group',
          body,
        }),
      ),
    getOrganization: () =>
      one({method: 'GET', path: access('organizations'), doing: "read the organisation's settings"}),
    listZones: async ({name} = {}) => {
      const query = {
        ...(accountId !== undefined && {'account.id': accountId}),
        ...(name !== undefined && {name}),
      }
      const zones = await list('/zones', 'list the zones', query, 50)
      return zones.map((raw) => ({id: String(raw['id']), name: String(raw['name'])}))
    },
  }
  return api
}

/** Reads `{success, result}`; the SDK would let `success: false` with HTTP 200 pass as null. */
async function readEnvelope(failed: FailedRequest, response: Response): Promise<Answer> {
  let body: unknown
  try {
    body = JSON.parse(await response.text())
  } catch {
    throw badAnswer(failed, 'It is not JSON.', response.headers, response.status)
  }
  if (!isJsonObject(body)) throw badAnswer(failed, 'It is not an object.', response.headers, response.status)
  if (body['success'] !== true) {
    throw refusedByApi(failed, {status: response.status, headers: response.headers, body}, undefined)
  }
  return {result: body['result'], info: isJsonObject(body['result_info']) ? body['result_info'] : {}}
}

/** How long to wait before another try; undefined when another try is of no use. */
function waitBefore(error: ApiError, attempt: number): {seconds: number; why: string} | undefined {
  if (error.code === 'RATE_LIMITED') {
    const asked = error.details['retryAfterSeconds']
    return typeof asked === 'number' ? {seconds: asked, why: 'Cloudflare asks for a pause'} : undefined
  }
  if (error.kind === 'unreachable') return {seconds: 0.25 * 2 ** (attempt - 1), why: 'trying again'}
  return undefined
}

function toTokenStatus(raw: JsonObject, owner: ApiTokenStatus['owner']): ApiTokenStatus {
  const status = raw['status']
  return {
    id: typeof raw['id'] === 'string' ? raw['id'] : '',
    status: status === 'disabled' || status === 'expired' ? status : 'active',
    owner,
    expiresOn: typeof raw['expires_on'] === 'string' ? raw['expires_on'] : undefined,
  }
}

function checkTransport(apiUrl: string): void {
  const {protocol, hostname} = new URL(apiUrl)
  if (protocol === 'https:' || /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)) return
  throw new UserError({
    kind: 'usage',
    code: 'INSECURE_API_URL',
    message: `The API address ${apiUrl} is not encrypted`,
    why: 'The API token would travel in clear. http:// is for this machine only.',
    next: ['Write https:// instead: zt login --api-url URL'],
  })
}

function checkApiToken(apiToken: Secret): void {
  if (/^[\x21-\x7E]+$/.test(apiToken.expose())) return
  throw new UserError({
    kind: 'auth',
    code: 'API_TOKEN_MALFORMED',
    message: 'This cannot be an API token',
    why: 'It is empty, or holds blanks or characters that no API token has.',
    next: ['Copy it again: one line, no quotes'],
  })
}

function idOf(item: JsonObject): string | undefined {
  return typeof item['id'] === 'string' ? item['id'] : undefined
}

function timeout(): Error {
  const error = new Error('timeout')
  error.name = 'TimeoutError'
  return error
}
