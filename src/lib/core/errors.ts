/**
 * What kind of failure this is. `cli/exit-codes.ts` gives each kind its exit code; nothing else knows the numbers.
 *
 * - `usage`: the request itself is wrong (a bad name, a malformed duration, a missing flag)
 * - `config`: a file of ours cannot be read or is not what it should be
 * - `auth`: no API token, or one that Cloudflare does not accept
 * - `permission`: the API token is good but lacks a permission group
 * - `not-found` / `ambiguous`: nothing, or more than one thing, has that name
 * - `conflict`: what is there already does not allow it
 * - `unreachable`: the API or the edge did not answer, or its certificate is not trusted
 * - `needs-action`: a person must do something first (unlock the keychain, install ssh, answer a prompt)
 * - `refused`: Access did not let the credentials in
 * - `api`: Cloudflare's API answered with an error of another kind
 * - `cancelled`: the person said no
 */
export type ErrorKind =
  | 'usage'
  | 'config'
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
  /** Why, if it is known: one or more sentences; several lines as a list, as a line break in a text is not ours. */
  why?: string | readonly string[] | undefined
  /** What to do next, most useful first. A line that is a command is written as it would be typed. */
  next?: string[] | undefined
  /** Further facts for `--json`; never a secret. */
  details?: Record<string, unknown> | undefined
  /** Instead of the kind's exit code, where a convention outside zt sets one (a shell's 127). */
  exitCode?: number | undefined
  cause?: unknown
}

/** A failure that the person (or their account, machine, network) can mend. Shown without a stack trace. */
export class UserError extends Error {
  override readonly name: string = 'UserError'
  readonly kind: ErrorKind
  readonly code: string
  readonly whyLines: readonly string[]
  readonly next: readonly string[]
  readonly details: Readonly<Record<string, unknown>>
  readonly exitCode: number | undefined

  constructor(options: UserErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : {cause: options.cause})
    this.kind = options.kind
    this.code = options.code
    this.whyLines = typeof options.why === 'string' ? [options.why] : (options.why ?? [])
    this.next = options.next ?? []
    this.details = options.details ?? {}
    this.exitCode = options.exitCode
  }

  /** The lines of {@link UserErrorOptions.why} as one line, for a sentence of another; undefined where it is not known. */
  get why(): string | undefined {
    return this.whyLines.length === 0 ? undefined : this.whyLines.join(' ')
  }
}

export interface ApiErrorOptions extends UserErrorOptions {
  /** HTTP status; undefined when no answer came. */
  status?: number | undefined
  /** Cloudflare's own error codes, e.g. 12139. */
  apiCodes?: number[] | undefined
  /** The CF-RAY of the answer, for a support ticket. */
  ray?: string | undefined
  /** Permission groups, any one of which would have been enough, e.g. `Access: Service Tokens Write`. */
  missingPermissions?: string[] | undefined
  /** True when a change may have been made although no (whole) answer came. */
  outcomeUnknown?: boolean | undefined
}

/** Cloudflare's API said no, or nothing. */
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
}

/** Our own mistake: a state that the code holds to be impossible. Asks for a report and prints no data. */
export class BugError extends Error {
  override readonly name = 'BugError'
}

/** True for the errors of `node:fs`, `node:net` and the like with this `code`. */
export function hasCode(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  const code = (error as {code?: unknown} | null)?.code
  return typeof code === 'string' && codes.includes(code)
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * What kind of thing was thrown, for an error whose text may hold anything: its code or its class's name, where that is
 * a plain word.
 */
export function nameOfThrown(error: unknown): string {
  const {code, name} = (error ?? {}) as {code?: unknown; name?: unknown}
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code)) return code
  if (!(error instanceof Error)) return typeof error
  return typeof name === 'string' && /^[A-Z][A-Za-z]{1,39}$/.test(name) ? name : 'Error'
}
