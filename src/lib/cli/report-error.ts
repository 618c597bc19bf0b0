import {framesOf} from '../system/crash.js'
import {LABEL_WIDTH, errorParts, type ErrorPart, type SayStep} from '../core/error-text.js'
import {ApiError, UserError} from '../core/errors.js'
import {isTyped, leadAndTyped} from '../core/shell-words.js'
import {inSources} from './source-places.js'
import {columnsOf, err, errStyle, type Text} from './streams.js'
import {widthOf} from './width.js'
import {wrapped} from './wrapped.js'

const LABELS: Record<ErrorPart['label'], string> = {
  error: errStyle.failure(errStyle.heading('error:')),
  why: errStyle.heading('why:'),
  next: errStyle.heading('next:'),
}

/** Prints on stderr what happened, why, and what to do next. */
export function printError(error: unknown, say?: SayStep): void {
  const parts = errorParts(error, say)
  for (const {label, lines} of parts.filter((part) => part.label !== 'next'))
    printLabelled(LABELS[label], lines)
  if (error instanceof ApiError) {
    const facts = [
      error.status === undefined ? undefined : `HTTP ${error.status}`,
      error.apiCodes.length > 0 ? `code ${error.apiCodes.join(', ')}` : undefined,
      error.ray === undefined ? undefined : `CF-RAY ${error.ray}`,
    ].filter((fact) => fact !== undefined)
    if (facts.length > 0) err(errStyle.secondary(`${' '.repeat(LABEL_WIDTH)}(${facts.join(', ')})`))
  }
  printNext(parts.filter(({label}) => label === 'next').flatMap(({lines}) => lines))
  if (!(error instanceof UserError)) printTrace(error)
}

/** With ZT_DEBUG: where it was thrown, as code locations without data. */
export function printTrace(error: unknown): void {
  if (!process.env['ZT_DEBUG']) return
  err(inSources(framesOf(error)).map(errStyle.secondary))
}

/**
 * A labelled line on stderr. The texts after `why:`, `next:`, `note:` and similar labels are aligned, and long text
 * continues below the text, not below the label.
 *
 * @param label already coloured
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

/** `next:` lines; commands are coloured. */
export function printNext(next: readonly string[]): void {
  for (const step of next) {
    // A command stays on one line, however long: it will be copied.
    const parts = leadAndTyped(step)
    const room = columnsOf('stderr') - LABEL_WIDTH
    if (isTyped(step)) err(`${LABELS.next}  ${errStyle.command(step)}`)
    else if (parts && widthOf(step) > room) {
      printLabelled(LABELS.next, parts.lead)
      err(`${' '.repeat(LABEL_WIDTH)}${errStyle.command(parts.line)}`)
    } else printLabelled(LABELS.next, step)
  }
}
