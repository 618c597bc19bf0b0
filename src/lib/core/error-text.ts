import {ApiError, BugError, UserError, nameOfThrown, type ErrorKind} from './errors.js'
import {exitCodeOf} from './exit-codes.js'
import {redactJson} from './redact.js'
import {VERSION} from './version.js'

/** The width of `error:`, `why:` and similar labels, including the gap after them. */
export const LABEL_WIDTH = 7

/** The JSON shape of an error, the same for every command: `{"error": ErrorJson}`. */
export interface ErrorJson {
  code: string
  kind: string
  message: string
  why?: string
  next: string[]
  exitCode: number
  status?: number
  apiCodes?: number[]
  ray?: string
  missingPermissions?: string[]
  outcomeUnknown?: boolean
  details?: Record<string, unknown>
}

/** Changes a next step before it is shown. */
export type SayStep = (step: string) => string
const asItIs: SayStep = (step) => step

interface ErrorFacts {
  code: string
  kind: ErrorKind | 'bug'
  message: string
  whyLines: readonly string[]
  next: readonly string[]
  details: Readonly<Record<string, unknown>>
}

/** What zt reports about a failure. An unexpected error may hold any data, so only its kind is shown. */
export function errorFacts(error: unknown): ErrorFacts {
  if (error instanceof UserError) return error
  const message =
    error instanceof BugError ? error.message : `Something went wrong in zt itself (${nameOfThrown(error)})`
  return {
    code: 'BUG',
    kind: 'bug',
    message,
    whyLines: [`This is a bug in zt ${VERSION} (node ${process.version}, ${process.platform}).`],
    next: [
      'Run the command again with ZT_DEBUG=1 for a stack trace (without data), and report it with the output of: zt version',
    ],
    details: {},
  }
}

/** What `--json` prints of a failure. */
export function errorJson(error: unknown, say = asItIs): ErrorJson {
  const {code, kind, message, whyLines, next, details} = errorFacts(error)
  const json: ErrorJson = {code, kind, message, next: next.map(say), exitCode: exitCodeOf(error)}
  if (whyLines.length > 0) json.why = whyLines.join('\n')
  if (error instanceof ApiError) {
    if (error.status !== undefined) json.status = error.status
    if (error.apiCodes.length > 0) json.apiCodes = [...error.apiCodes]
    if (error.ray !== undefined) json.ray = error.ray
    if (error.missingPermissions.length > 0) json.missingPermissions = [...error.missingPermissions]
    if (error.outcomeUnknown) json.outcomeUnknown = true
  }
  if (Object.keys(details).length > 0) json.details = {...details}
  return redactJson(json)
}

/** One labelled part of the report, in lines. */
export interface ErrorPart {
  label: 'error' | 'why' | 'next'
  lines: readonly string[]
}

/** `error:`, `why:` and each `next:`, in the order in which they are shown. */
export function errorParts(error: unknown, say = asItIs): ErrorPart[] {
  const {message, whyLines, next} = errorFacts(error)
  return [
    {label: 'error', lines: [message]},
    ...(whyLines.length > 0 ? [{label: 'why', lines: whyLines} as const] : []),
    ...next.map((step) => ({label: 'next', lines: [say(step)]}) as const),
  ]
}

/** The same as plain lines, neither wrapped nor coloured. */
export function errorLines(error: unknown, say = asItIs): string[] {
  return errorParts(error, say).flatMap(({label, lines}) =>
    lines.map((line, at) => (at === 0 ? `${label}:` : '').padEnd(LABEL_WIDTH) + line),
  )
}
