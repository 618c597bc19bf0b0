import {jsonPieces} from '../core/json-pieces.js'
import {redact} from '../core/redact.js'
import {visibleJson} from '../core/text.js'
import {bounded, shown, uncoloured} from './styled.js'

export {errStyle, mark, sign, style} from './styled.js'

/**
 * The rules of the interface:
 *
 * - Results go to stdout; notes, warnings, progress, prompts and errors to stderr.
 * - With --json, stdout gets exactly one JSON object, even for an error (`{"error": …}`).
 * - Colours have meanings (palette.ts), and what one says is also said by a word or a sign. NO_COLOR,
 *   FORCE_COLOR and a stream that is not a terminal are respected (the first by styled.ts, the others by chalk).
 * - A locale without UTF-8 gets ASCII, but for names and answers (signs.ts).
 * - stdout shows a secret only where a command prints one on purpose. What goes to stderr passes the redactor.
 * - Important lines begin with `error:`, `why:`, `next:`, `warning:` or `note:`, to be found in a log.
 * - Callers pass text line by line. Whatever in a line is neither plain text nor one of zt's colours and signs is foreign and is made
 *   visible, line breaks included; in JSON it becomes an escape.
 */

/** One line, or a list of them. */
export type Text = string | readonly string[]

/** The longest text shown on a screen; with --json, and when piped, it is complete. */
const LONGEST = 1000

export const out = (text: Text = ''): void => {
  writeLines(text)
}

/** The same with tabs as they are: they separate columns for another program, and do nothing else. */
export const outTabbed = (lines: readonly string[]): void => {
  writeLines(lines, undefined, tabbed)
}

/** Lines to stdout. A failure becomes its `error` event, also for the stream of a file, which throws instead. */
export function writeLines(text: Text, done?: (error?: Error | null) => void, each = whole): void {
  const fit = process.stdout.isTTY ? (line: string) => bounded(line, LONGEST) : String
  write(
    linesOf(text)
      .map((line) => `${each(line, (part) => shown(fit(part)))}\n`)
      .join(''),
    done,
  )
}

type Show = (part: string) => string

function whole(line: string, show: Show): string {
  return show(line)
}

function tabbed(line: string, show: Show): string {
  return line.split('\t').map(show).join('\t')
}

/** JSON text, or a part of one, to stdout. */
export function writeJson(json: string, done?: (error?: Error | null) => void): void {
  write(visibleJson(uncoloured(json)), done)
}

export const outJson = (json: string): void => {
  writeJson(`${json}\n`)
}

/** A document as JSON text to stdout. */
export function outDocument(document: object): void {
  let piece = ''
  for (const next of jsonPieces(document)) {
    if (piece !== '') writeJson(piece)
    piece = next
  }
  outJson(piece)
}

function write(text: string, done?: (error?: Error | null) => void): void {
  try {
    process.stdout.write(text, done)
  } catch (error) {
    process.stdout.emit('error', error)
    done?.(error as Error)
  }
}

// Redacted first: an escape in a secret would hide it from the redactor.
export const err = (text: Text = ''): void => {
  process.stderr.write(
    linesOf(text)
      .map((line) => `${shown(redact(line))}\n`)
      .join(''),
  )
}

/** As {@link outTabbed}. */
export const errTabbed = (lines: readonly string[]): void => {
  process.stderr.write(lines.map((line) => `${tabbed(redact(line), shown)}\n`).join(''))
}

export const errJson = (json: string): void => {
  process.stderr.write(`${visibleJson(redact(uncoloured(json)))}\n`)
}

export function linesOf(text: Text): readonly string[] {
  return typeof text === 'string' ? [text] : text
}

/**
 * How many columns a stream has. Piped output is neither cut nor wrapped, unless COLUMNS is set (shells do not export it by
 * themselves).
 */
export function columnsOf(name: 'stdout' | 'stderr'): number {
  const stream = process[name]
  if (stream.isTTY && stream.columns > 0) return stream.columns
  const said = Number(process.env['COLUMNS'])
  return Number.isInteger(said) && said > 0 ? said : Infinity
}
