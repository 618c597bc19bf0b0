import {APIConnectionError, APIError, APIUserAbortError} from 'cloudflare/error'
import {BaseCloudflare} from 'cloudflare/client'
import {isJsonObject, type JsonObject} from '../core/json.js'
import {ApiError, UserError} from '../core/errors.js'
import {patient} from '../core/patience.js'
import type {Secret} from '../core/secret.js'
import type {Environment} from '../network/proxy-settings.js'
import {
  badAnswer,
  noAnswer,
  refusedByApi,
  tooLongAPause,
  type FailedRequest,
  type AnswerHeaders,
} from './errors.js'
import {isGraphql, statusOfErrors} from './access-events.js'
import {httpFetch} from './http-fetch.js'
import {onlyReads} from './operations.js'
import {Pace} from './pace.js'
import {permissionsFor} from './permissions.js'
import type {ApiTokenStatus, Pause, Plan} from './types.js'

export interface TransportOptions {
  /** Base URL without a trailing slash. */
  apiUrl: string
  apiToken: Secret
  userAgent: string
  /** True: it came from CLOUDFLARE_API_TOKEN, so a login would not help. */
  tokenFromEnvironment?: boolean | undefined
  /** The command that makes the requests, for the text of a 403: `token create`. */
  command?: string | undefined
  /** Appended to commands that an error suggests: `--profile production`. */
  suggestedArgs?: string | undefined
  /** Called during a wait that Cloudflare asked for: at its start, each second, and with `left: 0` at its end. */
  onWait?: ((pause: Pause) => void) | undefined
  /** Called before the requests of a run that needs more of them than the limit has room for. */
  onPlan?: ((plan: Plan) => void) | undefined
  /** That of another client with the same API token: they share the limit. */
  pace?: Pace | undefined
  /** Milliseconds, of which only differences count; replaced in tests. */
  now?: (() => number) | undefined
  /** How many seconds in total a request may wait when Cloudflare asks for it. Default {@link PATIENCE_SECONDS}. */
  patienceSeconds?: number | undefined
  /** Per request, in milliseconds. */
  timeoutMs?: number | undefined
  /** Where HTTPS_PROXY and NO_PROXY are looked up; left out: no proxy is used. */
  environment?: Environment | undefined
  /** How often a request that only reads is sent if no one answers. Default {@link READ_ATTEMPTS}. */
  attempts?: number | undefined
  /** Waits; replaced in tests. */
  sleep?: ((milliseconds: number) => Promise<void>) | undefined
}

export interface Request {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  doing: string
  query?: Record<string, string | number> | undefined
  body?: object | undefined
  /** The API token was just verified, so a 403 means a missing permission. */
  verified?: boolean | undefined
}

export interface Answer {
  result: unknown
  info: JsonObject
}

export interface Transport {
  send(request: Request): Promise<Answer>
  /** Requests one object. */
  one(request: Request): Promise<JsonObject>
  /** The request's part of an error. */
  about(request: Request): FailedRequest
  /** How many milliseconds the server's clock is ahead; undefined before its first answer. */
  clockAhead(): number | undefined
  pace: Pace
}

const TIMEOUT_MS = 30_000
/** A server's time outside this range is ignored. */
const EARLIEST = Date.UTC(2020, 0, 1)
const LATEST = Date.UTC(2126, 0, 1)
const READ_ATTEMPTS = 3
/** Cloudflare's pauses are usually shorter; its block can last five minutes. */
const PATIENCE_SECONDS = 60
/** Pauses after a 403 that may be throttling, which the author of another client has seen. */
const THROTTLED_SECONDS = [1, 2, 4, 8]

/**
 * Sends requests to the API, retries them where that is harmless, and turns failures into errors.
 *
 * @param verify asks about the API token when a 403 is ambiguous
 * @throws UserError `usage` / `INSECURE_API_URL` for http: to another machine, `auth` / `API_TOKEN_MALFORMED`
 */
export function createTransport(options: TransportOptions, verify: () => Promise<ApiTokenStatus>): Transport {
  const {
    apiUrl,
    apiToken,
    timeoutMs = patient(TIMEOUT_MS),
    attempts: mostAttempts = READ_ATTEMPTS,
    sleep = wait,
  } = options
  checkTransport(apiUrl)
  checkApiToken(apiToken)
  // A sandbox has no limit, or says it.
  const pace = options.pace ?? new Pace({...options, limited: apiUrl.startsWith('https:'), sleep})
  const client = new BaseCloudflare({
    baseURL: apiUrl,
    apiToken: apiToken.expose(),
    // Otherwise the SDK would take these from the environment.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    defaultHeaders: {'user-agent': options.userAgent},
    // Its debug log prints bodies, client secrets included.
    logLevel: 'off',
    maxRetries: 0,
    timeout: timeoutMs,
    fetch: httpFetch(options.environment),
    fetchOptions: {redirect: 'manual'},
  })

  /** The permissions with which a request has succeeded. */
  const seen = new Set<string>()
  const about = (request: Request): FailedRequest => ({
    ...request,
    permissionSeen: !request.verified && seen.has(permissionOf(request)),
    apiUrl,
    tokenFromEnvironment: options.tokenFromEnvironment ?? false,
    command: options.command,
    suggestedArgs: options.suggestedArgs,
  })

  let ahead: number | undefined

  async function once(request: Request): Promise<Answer> {
    const failed = about(request)
    let response: Response
    const note = (headers: AnswerHeaders): void => {
      const date = Date.parse(headers.get('date') ?? '')
      // This machine's clock may be wrong by decades; the server's is not.
      if (date > EARLIEST && date < LATEST) ahead = date - Date.now()
      // A refusal counts too. GraphQL has a limit of its own.
      if (!isGraphql(request)) pace.heard(headers)
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
      note(headers)
      // The API has no redirections; a network's login page has.
      if (status >= 300 && status < 400)
        throw badAnswer(failed, `It leads elsewhere (HTTP status ${status}).`, headers, status)
      const answer = {status, headers, body: error.error as unknown}
      throw await refusal(request, answer)
    }
    note(response.headers)
    const body = await readBody(failed, response)
    const answer = isGraphql(request)
      ? await dataOf(request, response, body)
      : readEnvelope(failed, response, body)
    for (const one of provenBy(request)) seen.add(one)
    return answer
  }

  async function refusal(
    request: Request,
    answer: {status: number; headers: AnswerHeaders; body: unknown},
  ): Promise<ApiError> {
    return request.verified
      ? refusedByApi(about(request), answer, undefined)
      : await explain(about(request), answer)
  }

  /** What a GraphQL query found. Its errors have the status that Cloudflare documents for them, also where it sent 200. */
  async function dataOf(request: Request, {headers}: Response, body: JsonObject): Promise<Answer> {
    const status = statusOfErrors(body)
    if (status !== undefined) throw await refusal(request, {status, headers, body})
    return {result: body['data'], info: {}}
  }

  /** 403/10000 means either a missing permission or an invalid token; the verify endpoint distinguishes them. */
  async function explain(
    failed: FailedRequest,
    answer: {status: number; headers: AnswerHeaders; body: unknown},
  ): Promise<ApiError> {
    const error = refusedByApi(failed, answer, undefined)
    if (error.kind === 'unreachable') return error
    let verified: Parameters<typeof refusedByApi>[2]
    if (answer.status === 403 && !failed.path.endsWith('/tokens/verify')) {
      verified = await verify().catch((error: unknown) =>
        error instanceof ApiError && error.kind === 'auth' ? false : undefined,
      )
    }
    return refusedByApi(failed, answer, verified)
  }

  async function send(request: Request): Promise<Answer> {
    const attempts = onlyReads(request) ? mostAttempts : 1
    let failures = 0
    let pauses = 0
    let waited = 0
    let throttled = 0
    for (;;) {
      // The pause that Cloudflare asked for was long enough.
      if (pauses === 0 && !isGraphql(request)) await pace.turn(PATIENCE_SECONDS)
      const patienceSeconds = pace.patience(PATIENCE_SECONDS)
      try {
        return await once(request)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        if (error.code === 'RATE_LIMITED') {
          const asked = error.details['retryAfterSeconds']
          if (typeof asked !== 'number') throw error
          // If a server keeps asking for no pause, the intervals still grow.
          const seconds = Math.max(asked, 2 ** pauses - 1)
          if (waited + seconds > patienceSeconds) throw tooLongAPause(error, waited, patienceSeconds)
          pauses++
          waited += seconds
          await pause(seconds, 'Cloudflare asks for a pause')
        } else if (error.code === 'PERMISSION_UNCERTAIN') {
          const seconds = THROTTLED_SECONDS[throttled++]
          // A create might have been made after all, so its caller looks first.
          const creates = request.method === 'POST' && !onlyReads(request)
          if (creates || seconds === undefined || waited + seconds > patienceSeconds) throw error
          waited += seconds
          await pause(seconds, 'Cloudflare may be limiting requests')
        } else {
          failures++
          // A proxy that refuses is not asked again: it may count wrong passwords.
          if (error.kind !== 'unreachable' || error.code === 'PROXY_REFUSED' || failures >= attempts)
            throw error
          await sleep(250 * 2 ** (failures - 1))
        }
      }
    }
  }

  async function pause(seconds: number, why: string): Promise<void> {
    for (let left = seconds; left > 0; left--) {
      options.onWait?.({seconds, left, why})
      await sleep(1000)
    }
    if (seconds > 0) options.onWait?.({seconds, left: 0, why})
  }

  async function one(request: Request): Promise<JsonObject> {
    const {result} = await send(request)
    if (isJsonObject(result)) return result
    throw badAnswer(about(request), 'It contains no result.', undefined, 200)
  }

  return {send, one, about, clockAhead: () => ahead, pace}
}

/** The permission that a request needs, in the account or zone of its path; empty if it needs none. */
function permissionOf({method, path}: Pick<Request, 'method' | 'path'>): string {
  const [group] = permissionsFor(method, path)
  return group === undefined ? '' : `${path.split('/', 3).join('/')} ${group}`
}

/** A Write group includes the Read group of its kind. */
function provenBy({method, path}: Request): string[] {
  const needed = permissionOf({method, path})
  if (needed === '') return []
  return method === 'GET' ? [needed] : [needed, needed.replace(/Write$/, 'Read')]
}

async function readBody(failed: FailedRequest, response: Response): Promise<JsonObject> {
  const bad = (what: string): Error => badAnswer(failed, what, response.headers, response.status)
  let body: unknown
  try {
    body = JSON.parse(await response.text())
  } catch {
    throw bad('It is not JSON.')
  }
  if (!isJsonObject(body)) throw bad('It is not an object.')
  if (hasProto(body)) throw bad('One of its fields has an invalid name.')
  return body
}

/** Reads `{success, result}`; the SDK would let `success: false` with HTTP 200 pass as null. */
function readEnvelope(failed: FailedRequest, {status, headers}: Response, body: JsonObject): Answer {
  if (body['success'] !== true) throw refusedByApi(failed, {status, headers, body}, undefined)
  return {result: body['result'], info: isJsonObject(body['result_info']) ? body['result_info'] : {}}
}

/**
 * Whether a field anywhere is called `__proto__`: assigned to another object, it would change that object's prototype.
 * {@link httpFetch} limits how deeply an answer is nested.
 */
function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto)
}

function checkTransport(apiUrl: string): void {
  const {protocol, hostname} = new URL(apiUrl)
  if (protocol === 'https:' || /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)) return
  throw new UserError({
    kind: 'usage',
    code: 'INSECURE_API_URL',
    message: `The API address ${apiUrl} is not encrypted`,
    why: 'The API token would be sent unencrypted. http:// is for this machine only.',
    next: ['Use https://: zt login --api-url URL'],
  })
}

function checkApiToken(apiToken: Secret): void {
  if (/^[\x21-\x7E]+$/.test(apiToken.expose())) return
  throw new UserError({
    kind: 'auth',
    code: 'API_TOKEN_MALFORMED',
    message: 'This cannot be an API token',
    why: 'It is empty, or contains spaces or other characters that no API token has.',
    next: ['Copy it again: one line, without quotes'],
  })
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

function timeout(): Error {
  const error = new Error('timeout')
  error.name = 'TimeoutError'
  return error
}
