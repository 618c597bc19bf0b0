/**
 * The kind of a failure. `core/exit-codes.ts` gives each kind its exit code; nothing else knows the numbers.
 *
 * - `usage`: the request itself is wrong (a bad name, a malformed duration, a missing flag)
 * - `config`: one of zt's files cannot be read or is damaged
 * - `not-written`: a file or the output cannot be written (a full disk, a read-only file system, no permission)
 * - `auth`: no API token, or one that Cloudflare does not accept
 * - `permission`: the API token is valid but lacks a permission group
 * - `not-found` / `ambiguous`: nothing, or more than one thing, has that name
 * - `conflict`: what exists already does not allow it
 * - `unreachable`: the API or the edge did not answer, or its certificate is not trusted
 * - `needs-action`: a person must do something first (unlock the keychain, install ssh, answer a prompt)
 * - `refused`: Access refused the credentials
 * - `api`: Cloudflare's API answered with any other error
 * - `cancelled`: the person said no
 */
export type ErrorKind =
  | 'usage'
  | 'config'
  | 'not-written'
  | 'auth'
  | 'permission'
  | 'not-found'
  | 'ambiguous'
  | 'conflict'
  | 'unreachable'
  | 'needs-action'
  | 'refused'
  | 'api'
  | 'cancelled'

export interface UserErrorOptions {
  kind: ErrorKind
  /** Stable name for scripts, SCREAMING_SNAKE_CASE, e.g. `TOKEN_NOT_FOUND`. */
  code: string
  /** What happened, one sentence without a full stop. */
  message: string
  /** Why, if known: one or more sentences. Several lines are a list, because a line break in a text counts as foreign. */
  why?: string | readonly string[] | undefined
  /** What to do next, most useful first. A command is written as it would be typed. */
  next?: readonly string[] | undefined
  /** Further facts for `--json`; never a secret. */
  details?: Readonly<Record<string, unknown>> | undefined
  /** The words of another program or server that its sentences have as they are; a bug report replaces them. */
  quotes?: readonly string[] | undefined
  /** Instead of the kind's exit code, where a convention outside zt sets one (a shell's 127). */
  exitCode?: number | undefined
  cause?: unknown
}

/** A failure that the person (or their account, machine, network) can fix. Shown without a stack trace. */
export class UserError extends Error {
  override readonly name: string = 'UserError'
  readonly #options: UserErrorOptions
  readonly kind: ErrorKind
  readonly code: string
  readonly whyLines: readonly string[]
  readonly next: readonly string[]
  readonly details: Readonly<Record<string, unknown>>
  readonly quotes: readonly string[]
  readonly exitCode: number | undefined

  constructor(options: UserErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : {cause: options.cause})
    this.#options = options
    this.kind = options.kind
    this.code = options.code
    this.whyLines = typeof options.why === 'string' ? [options.why] : (options.why ?? [])
    this.next = options.next ?? []
    this.details = options.details ?? {}
    this.quotes = options.quotes ?? []
    this.exitCode = options.exitCode
  }

  /** {@link UserErrorOptions.why} on one line, to use inside another sentence; undefined if it is not known. */
  get why(): string | undefined {
    return this.whyLines.length === 0 ? undefined : this.whyLines.join(' ')
  }

  /**
   * A copy with some parts replaced; `details` are added to the existing ones. Everything else stays: status, ray, exit
   * code, cause; an {@link ApiError} stays one.
   */
  with(change: Partial<ApiErrorOptions>): UserError {
    return new UserError(this.changed(change))
  }

  protected changed(change: Partial<ApiErrorOptions>): ApiErrorOptions {
    return {...this.#options, ...change, details: {...this.details, ...change.details}}
  }
}

export interface ApiErrorOptions extends UserErrorOptions {
  /** HTTP status; undefined when no answer came. */
  status?: number | undefined
  /** Cloudflare's own error codes, e.g. 12139. */
  apiCodes?: readonly number[] | undefined
  /** The CF-RAY of the answer, for a support ticket. */
  ray?: string | undefined
  /** Missing permission groups, e.g. `Access: Service Tokens Write`; for a refused request, any one would be enough. */
  missingPermissions?: readonly string[] | undefined
  /** True when a change may have been made although no (whole) answer came. */
  outcomeUnknown?: boolean | undefined
}

/** The sentence of `why` for {@link ApiError.outcomeUnknown}. */
export const OUTCOME_UNKNOWN = 'The change may or may not have been made.'

/** Cloudflare's API refused, or did not answer. */
export class ApiError extends UserError {
  override readonly name = 'ApiError'
  readonly status: number | undefined
  readonly apiCodes: readonly number[]
  readonly ray: string | undefined
  readonly missingPermissions: readonly string[]
  readonly outcomeUnknown: boolean

  constructor(options: ApiErrorOptions) {
    super(options)
    this.status = options.status
    this.apiCodes = options.apiCodes ?? []
    this.ray = options.ray
    this.missingPermissions = options.missingPermissions ?? []
    this.outcomeUnknown = options.outcomeUnknown ?? false
  }

  override with(change: Partial<ApiErrorOptions>): ApiError {
    return new ApiError(this.changed(change))
  }
}

/**
 * A question was answered with no, or the prompt was left.
 *
 * @param undone what did not happen: `nothing was sent`
 */
export function cancelled(undone = 'nothing was changed', cause?: unknown): UserError {
  return new UserError({kind: 'cancelled', code: 'CANCELLED', message: `Cancelled; ${undone}`, cause})
}

/** A signal ended the process in the middle. Who catches it sets the exit code. */
export function interrupted(left: Pick<UserErrorOptions, 'why' | 'next' | 'details'> = {}): UserError {
  return new UserError({kind: 'cancelled', code: 'INTERRUPTED', message: 'Interrupted', ...left})
}

/** A bug in zt: a state that the code considers impossible. Asks for a report and prints no data. */
export class BugError extends Error {
  override readonly name = 'BugError'
}

/** True for the errors of `node:fs`, `node:net` and the like with this `code`. */
export function hasCode(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  const code = (error as {code?: unknown} | null)?.code
  return typeof code === 'string' && codes.includes(code)
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The kind of an error whose text may hold anything: its code or the name of its class, if that is a plain word. */
export function nameOfThrown(error: unknown): string {
  const {code, name} = (error ?? {}) as {code?: unknown; name?: unknown}
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code)) return code
  if (!(error instanceof Error)) return typeof error
  return typeof name === 'string' && /^[A-Z][A-Za-z]{1,39}$/.test(name) ? name : 'Error'
}
