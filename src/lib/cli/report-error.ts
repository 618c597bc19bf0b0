import {buildFacts, versionInWords} from '../system/build-facts.js'
import {framesOf} from '../system/crash.js'
import {ApiError, BugError, UserError, nameOfThrown} from '../core/errors.js'
import {exitCodeOf} from '../core/exit-codes.js'
import {redactJson} from '../core/redact.js'
import {inSources} from './source-places.js'
import {columnsOf, err, errStyle, type Text} from './streams.js'
import {widthOf} from './width.js'
import {wrapped} from './wrapped.js'

const LABEL_WIDTH = 7

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

/** What is to be made of a step before it is shown. */
type SayStep = (step: string) => string
const asItIs: SayStep = (step) => step

/** What `--json` prints of a failure. */
export function errorJson(error: unknown, say = asItIs): ErrorJson {
  const known = explain(error)
  const json: ErrorJson = {
    code: known.code,
    kind: known.kind,
    message: known.message,
    next: known.next.map(say),
    exitCode: exitCodeOf(error),
  }
  if (known.whyLines.length > 0) json.why = known.whyLines.join('\n')
  if (error instanceof ApiError) {
    if (error.status !== undefined) json.status = error.status
    if (error.apiCodes.length > 0) json.apiCodes = [...error.apiCodes]
    if (error.ray !== undefined) json.ray = error.ray
    if (error.missingPermissions.length > 0) json.missingPermissions = [...error.missingPermissions]
    if (error.outcomeUnknown) json.outcomeUnknown = true
  }
  if (Object.keys(known.details).length > 0) json.details = {...known.details}
  return redactJson(json)
}

/** Says on stderr what happened, why, and what to do next. */
export function printError(error: unknown, say = asItIs): void {
  const known = explain(error)
  printLabelled(errStyle.red(errStyle.bold('error:')), known.message)
  if (known.whyLines.length > 0) printLabelled(errStyle.yellow('why:'), known.whyLines)
  if (error instanceof ApiError) {
    const facts = [
      error.status === undefined ? undefined : `HTTP ${error.status}`,
      error.apiCodes.length > 0 ? `code ${error.apiCodes.join(', ')}` : undefined,
      error.ray === undefined ? undefined : `CF-RAY ${error.ray}`,
    ].filter((fact) => fact !== undefined)
    if (facts.length > 0) err(errStyle.dim(`       (${facts.join(', ')})`))
  }
  printNext(known.next.map(say))
  if (!(error instanceof UserError)) printTrace(error)
}

/** With ZT_DEBUG, where it was thrown: places in the code, and no data. */
export function printTrace(error: unknown): void {
  if (!process.env['ZT_DEBUG']) return
  err(inSources(framesOf(error)).map(errStyle.dim))
}

/**
 * A labelled line on stderr: `why:`, `next:`, `note:` and their like stand in one column, and what does not fit into
 * the terminal's width goes on below the text, not below the label.
 *
 * @param label with its colour
 */
export function printLabelled(label: string, text: Text): void {
  const width = widthOf(label)
  const indent = Math.max(LABEL_WIDTH, width + 1)
  const [first = '', ...rest] = wrapped(text, columnsOf('stderr') - indent)
  err([
    `${label}${' '.repeat(indent - width)}${first}`,
    ...rest.map((line) => `${' '.repeat(indent)}${line}`),
  ])
}

/** `next:` lines; those that are commands of ours stand out. */
export function printNext(next: readonly string[]): void {
  for (const step of next) {
    // A command is one line, however long: it will be copied.
    if (/^(zt|ssh|chmod|apt-get|brew|rm|del|secret-tool|security|cmdkey|printf|echo|pass|unset) /.test(step))
      err(`${errStyle.cyan('next:')}  ${errStyle.cyan(step)}`)
    else printLabelled(errStyle.cyan('next:'), step)
  }
}

interface Explained {
  code: string
  kind: string
  message: string
  whyLines: readonly string[]
  next: readonly string[]
  details: Readonly<Record<string, unknown>>
}

function explain(error: unknown): Explained {
  if (error instanceof UserError) return error
  // What is in an unexpected error is not known, so its text is shown only where it is ours.
  const message =
    error instanceof BugError ? error.message : `Something went wrong in zt itself (${nameOfThrown(error)})`
  const why = `This is a mistake in zt ${versionInWords(buildFacts())} on node ${process.version}, ${process.platform}; it is not yours.`
  return {
    code: 'BUG',
    kind: 'bug',
    message,
    whyLines: [why],
    next: ['Run it again with ZT_DEBUG=1 for the stack trace (it holds no data), and report it'],
    details: {},
  }
}
