import {ApiError, OUTCOME_UNKNOWN, UserError, type ApiErrorOptions} from '../core/errors.js'
import {isJsonObject} from '../core/json.js'
import {hostAndPort} from '../network/ask-for-tunnel.js'
import {datasetLimit, isGraphql} from './access-events.js'
import {ConnectionError} from './http-fetch.js'
import {onlyReads} from './operations.js'
import {ProxyError} from './proxy-agent.js'
import {permissionsFor} from './permissions.js'
import type {ApiTokenStatus} from './types.js'

/** An answer's headers, which are only read by name. */
export type AnswerHeaders = Pick<Headers, 'get'>

/** What is known about a failed request. */
export interface FailedRequest {
  method: string
  /** Relative to the base URL, without the query. */
  path: string
  /** As shown in errors: `create the service token`. */
  doing: string
  apiUrl: string
  /** True: the API token came from CLOUDFLARE_API_TOKEN. */
  tokenFromEnvironment: boolean
  /** The command that sends the request: `token create`. */
  command?: string | undefined
  /** Appended to commands that an error suggests: `--profile production`, if a profile was named. */
  suggestedArgs?: string | undefined
  /** A request that needs the same permission has succeeded with this API token. */
  permissionSeen?: boolean | undefined
}

/** Where API tokens are made and edited; `:account` is the dashboard's own placeholder. */
const TOKEN_PAGES = {
  user: 'https://dash.cloudflare.com/profile/api-tokens',
  account: 'https://dash.cloudflare.com/?to=/:account/api-tokens',
}

/**
 * Turns an answer that refuses a request into an error. Only Cloudflare's own error messages are taken from the body,
 * and anything in them that looks like a secret is hidden.
 *
 * @param verified the verify endpoint's answer about the API token, if it was asked; false if it does not know the
 *   token
 */
export function refusedByApi(
  request: FailedRequest,
  answer: {status: number; headers: AnswerHeaders; body: unknown},
  verified: Pick<ApiTokenStatus, 'status' | 'owner'> | false | undefined,
): ApiError {
  const {codes, messages} = readErrors(answer.body)
  const said = messages.length > 0 ? `Cloudflare says: ${messages.join('; ')}.` : undefined
  const known = {
    status: answer.status,
    apiCodes: codes,
    quotes: messages,
    ray: answer.headers.get('cf-ray') ?? undefined,
    // `success: false` with a 2xx status: either may be true.
    outcomeUnknown: !onlyReads(request) && (answer.status < 400 || answer.status >= 500),
  }
  const has = (...wanted: number[]): boolean => codes.some((code) => wanted.includes(code))
  const error = (options: Omit<ApiErrorOptions, keyof typeof known>): ApiError =>
    new ApiError({...options, ...known})

  if ((answer.status === 401 || answer.status === 403) && !isOfTheApi(answer.body))
    return blocked(request, answer, known)
  const limit = isGraphql(request) ? datasetLimit(messages) : undefined
  if (limit !== undefined) return error(beyondDataset(request, limit, said))
  const seconds = retryAfterSeconds(answer.headers)
  // A 403 without any of these may be one too (PERMISSION_UNCERTAIN).
  const isThrottled = seconds !== undefined || has(971, 10_100) || messages.some((one) => THROTTLED.test(one))
  if (answer.status === 429 || (answer.status === 403 && isThrottled))
    return rateLimited(request, seconds, known)
  const {tokenFromEnvironment} = request
  const source = tokenFromEnvironment ? ' It comes from CLOUDFLARE_API_TOKEN.' : ''
  const anotherToken = [
    tokenFromEnvironment
      ? 'Set CLOUDFLARE_API_TOKEN to another API token, or unset it'
      : suggested(request, 'login'),
    `Make a new API token at ${TOKEN_PAGES.user}`,
  ]
  if (has(9999)) {
    return error({
      kind: 'needs-action',
      code: 'ZERO_TRUST_NOT_ENABLED',
      message: `Cannot ${request.doing}: Zero Trust is not enabled for this account`,
      why: said,
      next: ['Choose a plan (there is a free one) and a team name at https://one.dash.cloudflare.com'],
    })
  }
  if (verified && verified.status !== 'active') {
    return error({
      kind: 'auth',
      code: 'API_TOKEN_NOT_ACTIVE',
      message: `The API token is ${verified.status}`,
      why: `Cloudflare knows this token but no longer accepts it.${source}`,
      next: anotherToken,
    })
  }
  if (answer.status === 401 || has(6003, 6111, 9109, 1000, 9106, 9107) || verified === false) {
    return error({
      kind: 'auth',
      code: 'API_TOKEN_NOT_ACCEPTED',
      message: 'Cloudflare does not accept the API token',
      why: `${said ?? 'It is wrong, expired, disabled or deleted.'}${source}`,
      next: anotherToken,
    })
  }
  if (answer.status === 403) {
    const missingPermissions = permissionsFor(request.method, request.path)
    const page = TOKEN_PAGES[verified ? verified.owner : 'user']
    if (request.permissionSeen) {
      return error({
        kind: 'permission',
        code: 'PERMISSION_UNCERTAIN',
        message: `Cloudflare refused to ${request.doing}, which the API token was allowed a moment ago`,
        why: [
          'Either Cloudflare limits how fast this API token may send requests, or the permission was taken away from it.',
          ...(said === undefined ? [] : [said]),
        ],
        next: ['Run the command again in a minute', suggested(request, 'whoami')],
        missingPermissions,
      })
    }
    return error({
      kind: 'permission',
      code: 'PERMISSION_MISSING',
      message: `The API token may not ${request.doing}`,
      why:
        missingPermissions.length > 0
          ? [
              lacking(missingPermissions, request.command),
              ...(isGraphql(request) && said !== undefined ? [said, PLAN_MAY_LACK] : []),
              MAY_BE_THROTTLED,
            ]
          : [...(said === undefined ? [] : [said]), MAY_BE_THROTTLED],
      next: [
        suggested(request, 'whoami'),
        `Add the permission to the API token at ${page}${tokenFromEnvironment ? ' (it comes from CLOUDFLARE_API_TOKEN)' : `, or log in with another: ${suggested(request, 'login')}`}`,
      ],
      missingPermissions,
      details: request.command === undefined ? {} : {command: request.command},
    })
  }
  const why = [
    said ?? `It answered with HTTP status ${answer.status} and gave no reason.`,
    ...(known.outcomeUnknown && answer.status < 400 ? [OUTCOME_UNKNOWN] : []),
  ].join(' ')
  if (has(7003) && request.path.startsWith('/zones/')) {
    return error({
      kind: 'not-found',
      code: 'ZONE_NOT_FOUND',
      message: `Cannot ${request.doing}: the API does not know this zone or path`,
      why,
      next: ['Give the name of a zone that the API token sees: --zone example.com'],
    })
  }
  if (has(7003)) {
    return error({
      kind: 'not-found',
      code: 'ACCOUNT_NOT_FOUND',
      message: `Cannot ${request.doing}: the API does not know this account or path`,
      why,
      next: [suggested(request, 'whoami'), 'Check --account, CLOUDFLARE_ACCOUNT_ID and the profile'],
    })
  }
  const unknownPolicy = writesApplication(request)
    ? messages.find((one) => POLICY_UNKNOWN.test(one))
    : undefined
  if (unknownPolicy !== undefined && (answer.status === 400 || answer.status === 404)) {
    return error({
      kind: 'api',
      code: 'POLICY_UNKNOWN',
      message: `Cannot ${request.doing}: Cloudflare does not know one of its policies`,
      why,
      details: {policyId: UUID.exec(unknownPolicy)?.[0]},
    })
  }
  if (answer.status === 404 || has(12135, 12152)) {
    return error({
      kind: 'not-found',
      code: 'NOT_FOUND',
      message: `Cannot ${request.doing}: it does not exist`,
      why,
    })
  }
  if (answer.status === 409 || has(11010, 12139)) {
    return error({
      kind: 'conflict',
      code: 'CONFLICT',
      message: `Cannot ${request.doing}: it conflicts with existing objects`,
      why,
    })
  }
  if (answer.status >= 500) {
    return error({
      kind: 'unreachable',
      code: 'API_UNAVAILABLE',
      message: `Cannot ${request.doing}: Cloudflare's API has an internal error`,
      why,
      next: ['Try again later; see https://www.cloudflarestatus.com'],
    })
  }
  return error({kind: 'api', code: 'API_REFUSED', message: `Cannot ${request.doing}`, why})
}

/**
 * How Cloudflare words too many requests: with 971 or 10100 (terraform-provider-cloudflare#6502, #1834), by 429 in the
 * reports. That 403 is throttling at times as well is reported by the authors of two other clients
 * (octodns-cloudflare#121).
 */
const THROTTLED = /throttl|rate.?limit|too many requests/i
/** "Does not have access to the path" is what it says of either ("Error responses", and reports). */
const PLAN_MAY_LACK = "Or the account's plan does not include these data."
const MAY_BE_THROTTLED =
  'Cloudflare may also answer 403 while it limits requests: then zt whoami shows the permission, and the command works a minute later.'

/** What Cloudflare's analytics do not offer this account, or not in one query: `details` has what. */
function beyondDataset(
  {doing}: Pick<FailedRequest, 'doing'>,
  limit: NonNullable<ReturnType<typeof datasetLimit>>,
  said: string | undefined,
): Pick<ApiErrorOptions, 'kind' | 'code' | 'message' | 'why' | 'details'> {
  if (limit.kind === 'unavailable')
    return {
      kind: 'api',
      code: 'ANALYTICS_NOT_AVAILABLE',
      message: `Cannot ${doing}: it is not available for this account`,
      why: said,
    }
  return {
    kind: 'api',
    code: 'ANALYTICS_RANGE',
    message: `Cannot ${doing}: Cloudflare does not return that much of it in one query`,
    why: said,
    details: limit.kind === 'age' ? {oldestSeconds: limit.seconds} : {widestSeconds: limit.seconds},
  }
}

/** The error for an answer of Cloudflare's analytics that leaves the account out: its record may have events. */
export function withoutAccount(request: Pick<FailedRequest, 'doing'>): ApiError {
  const said = "Cloudflare's answer does not contain the account."
  return new ApiError({...beyondDataset(request, {kind: 'unavailable'}, said), status: 200})
}

/** Whether an answer has the form of the API's, even an empty list of errors. */
function isOfTheApi(body: unknown): boolean {
  return isJsonObject(body) && (Array.isArray(body['errors']) || typeof body['success'] === 'boolean')
}

/** A refusal that says nothing of the API token: none of it is quoted. */
function blocked(
  request: FailedRequest,
  {status, headers}: {status: number; headers: AnswerHeaders},
  known: Pick<ApiErrorOptions, 'status' | 'apiCodes' | 'ray' | 'outcomeUnknown'>,
): ApiError {
  const challenged = headers.get('cf-mitigated')?.toLowerCase() === 'challenge'
  return new ApiError({
    ...known,
    kind: 'unreachable',
    code: 'API_BLOCKED',
    message: `Cannot ${request.doing}: something in front of the API refused the request`,
    why: challenged
      ? `Cloudflare answered with a challenge that only a browser can pass (HTTP status ${status}). This says nothing about the API token.`
      : `The answer (HTTP status ${status}) is not the API's: a proxy, a firewall, or Cloudflare's protection of the API gave it. This says nothing about the API token.`,
    next: ['Run the command again in a minute', suggested(request, 'profile show')],
  })
}

/** `policy <id> not found`: seen by the author of another client, for up to 45 seconds after a policy was created. */
const POLICY_UNKNOWN = /\bpolicy\b.{0,80}\bnot found\b/i
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/i

function writesApplication({method, path}: FailedRequest): boolean {
  return method !== 'GET' && /\/access\/apps(\/[^/]+)?$/.test(path)
}

function suggested({suggestedArgs}: FailedRequest, command: string): string {
  return `zt ${command}${suggestedArgs === undefined ? '' : ` ${suggestedArgs}`}`
}

function lacking(permissions: readonly string[], command: string | undefined): string {
  const groups = permissions.map((name) => `"${name}"`).join(' or ')
  return `It lacks the permission ${groups}${command === undefined ? '' : `, which zt ${command} needs`}.`
}

/**
 * Too many requests. Status 429 means that this request was refused (RFC 6585, section 4), so nothing was changed and
 * it may be sent again.
 */
function rateLimited(
  request: FailedRequest,
  seconds: number | undefined,
  known: Pick<ApiErrorOptions, 'status' | 'apiCodes' | 'ray' | 'outcomeUnknown'>,
): ApiError {
  return new ApiError({
    ...known,
    kind: 'unreachable',
    code: 'RATE_LIMITED',
    message: `Cannot ${request.doing}: too many requests`,
    why: isGraphql(request)
      ? 'Cloudflare allows each user 300 queries of its analytics per five minutes.'
      : 'Cloudflare allows each user 1200 requests per five minutes in total.',
    next: [seconds === undefined ? 'Try again in five minutes' : tryAgainIn(seconds)],
    details: seconds === undefined ? {} : {retryAfterSeconds: seconds, retryAt: timeIn(seconds)},
  })
}

/**
 * The same error, if the pause that Cloudflare asks for is longer than zt waits.
 *
 * @param waited seconds that this request has already waited
 * @param patience seconds that it may wait in total
 */
export function tooLongAPause(error: ApiError, waited: number, patience: number): ApiError {
  const before = waited > 0 ? `zt has waited ${waited} s, and waits` : 'zt waits'
  return error.with({
    why: `${error.why ?? ''} ${before} at most ${patience} s in total (ZT_RATE_LIMIT_WAIT).`.trim(),
  })
}

function tryAgainIn(seconds: number): string {
  const at = timeIn(seconds)
  const today = seconds < 24 * 3600 && at !== undefined
  return `Try again in ${seconds} seconds${today ? `, after ${new Date(at).toTimeString().slice(0, 8)}` : ''}`
}

/** ISO 8601; undefined if it is too far away for a date. */
function timeIn(seconds: number): string | undefined {
  const at = new Date(Date.now() + seconds * 1000)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

/** No answer, or only a part of one, arrived. */
export function noAnswer(request: FailedRequest, cause: unknown): ApiError {
  const {hostname} = new URL(request.apiUrl)
  const timedOut = cause instanceof Error && (cause.name === 'AbortError' || cause.name === 'TimeoutError')
  const sent = timedOut || (cause instanceof ConnectionError && cause.sent)
  const outcomeUnknown = sent && !onlyReads(request)
  const proxied = timedOut ? undefined : throughProxy(request, cause)
  if (proxied) return proxied
  return new ApiError({
    kind: 'unreachable',
    code: timedOut ? 'API_TIMEOUT' : 'API_UNREACHABLE',
    message: `Cannot ${request.doing}: ${timedOut ? 'no answer in time from' : 'no connection to'} the API at ${hostname}`,
    why:
      [timedOut ? undefined : reason(cause), outcomeUnknown ? OUTCOME_UNKNOWN : undefined]
        .filter((part) => part !== undefined)
        .join(' ') || undefined,
    next: [`Check the network and the profile's API address: ${suggested(request, 'profile show')}`],
    outcomeUnknown,
    cause,
  })
}

/** The failure of a proxy on the way to the API: nothing was sent to the API. */
function throughProxy(request: FailedRequest, cause: unknown): ApiError | undefined {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if (error instanceof UserError) {
      const {kind, code, message, whyLines, next, details} = error
      const said = `Cannot ${request.doing}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
      return new ApiError({
        kind,
        code,
        message: said,
        why: [...whyLines],
        next: [...next],
        details,
        cause,
      })
    }
    if (error instanceof ProxyError) {
      const {proxy} = error
      const late = error.cause instanceof Error && error.cause.name === 'TimeoutError'
      return new ApiError({
        kind: 'unreachable',
        code: late ? 'PROXY_TIMEOUT' : 'PROXY_UNREACHABLE',
        message: `Cannot ${request.doing}: no connection through the proxy ${hostAndPort(proxy)}`,
        why: `${late ? 'It does not answer.' : reason(error.cause)} ${proxy.variable} names it.`,
        next: [
          `Correct ${proxy.variable}, or unset it`,
          `To bypass it, add ${new URL(request.apiUrl).hostname} to NO_PROXY`,
        ],
        cause,
      })
    }
  }
  return undefined
}

/** An answer that violates the API's contract. None of it is quoted. */
export function badAnswer(
  request: FailedRequest,
  what: string,
  headers: AnswerHeaders | undefined,
  status: number,
): ApiError {
  return new ApiError({
    kind: 'api',
    code: 'BAD_ANSWER',
    message: `Cannot ${request.doing}: the API's answer is invalid`,
    why: [
      what,
      'Another server (a proxy, or one at a wrong API address) may have answered instead of Cloudflare.',
      ...(onlyReads(request) ? [] : [OUTCOME_UNKNOWN]),
    ].join(' '),
    next: [suggested(request, 'profile show')],
    status,
    ray: headers?.get('cf-ray') ?? undefined,
    outcomeUnknown: !onlyReads(request),
  })
}

/**
 * The seconds of a Retry-After header (a number or a date), as an integer; undefined if there is none or it is invalid.
 */
function retryAfterSeconds(headers: AnswerHeaders): number | undefined {
  // A date is by the server's clock, which may differ from this machine's by any time.
  const now = Date.parse(headers.get('date') ?? '')
  const seconds = secondsOf(headers.get('retry-after'), Number.isNaN(now) ? Date.now() : now)
  return seconds !== undefined && Number.isSafeInteger(seconds) ? seconds : undefined
}

function secondsOf(text: string | null, now: number): number | undefined {
  if (text === null || text.length > 64) return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text))
  // Date.parse alone accepts nearly anything as a date, even -5.
  const at = /^[A-Z][a-z]{2}, .* GMT$/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1000))
}

/** Far more than any answer contains or a person reads. */
const MOST_ERRORS = 20

/** Cloudflare's error codes and messages, including those in `error_chain`. */
function readErrors(body: unknown): {codes: number[]; messages: string[]} {
  const codes: number[] = []
  const messages: string[] = []
  const read = (list: unknown, depth = 0): void => {
    if (!Array.isArray(list) || depth > MOST_ERRORS) return
    for (const entry of list.slice(0, MOST_ERRORS).filter(isJsonObject)) {
      if (codes.length >= MOST_ERRORS || messages.length >= MOST_ERRORS) return
      if (typeof entry['code'] === 'number') codes.push(entry['code'])
      if (typeof entry['message'] === 'string') messages.push(withoutSecrets(entry['message'].slice(0, 3000)))
      read(entry['error_chain'], depth + 1)
    }
  }
  if (isJsonObject(body)) read(body['errors'])
  return {codes, messages: messages.slice(0, 3)}
}

/** Hides everything as long as a secret. UUIDs have 36 characters. */
function withoutSecrets(message: string): string {
  return message
    .replaceAll(/[A-Za-z0-9_+/=-]{37,}/g, '[hidden]')
    .replace(/(?<![.\s])[.\s]+$/, '')
    .slice(0, 300)
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens there.',
  ECONNRESET: 'The connection was cut.',
  ENOTFOUND: 'The host name does not exist.',
  EAI_AGAIN: 'The name server does not answer.',
  ENETUNREACH: 'There is no route to that network.',
  EHOSTUNREACH: 'There is no route to that host.',
  ETIMEDOUT: 'The connection timed out.',
}

function reason(cause: unknown): string {
  for (let error = cause; error instanceof Error; error = error.cause) {
    const {code} = error as NodeJS.ErrnoException
    const known = code === undefined ? undefined : REASONS[code]
    if (known !== undefined) return known
    if (code !== undefined && /CERT|TLS|SSL|SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY/.test(code))
      return `Its certificate is not trusted (${code}).`
    if (error.message === 'the answer was cut off') return 'The answer was cut off.'
  }
  return 'The connection failed.'
}
