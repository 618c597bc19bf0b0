import {redact} from '../core/redact.js'
import {visibleJson} from '../core/text.js'
import {bounded, shown, uncoloured} from './styled.js'

export {errStyle, style} from './styled.js'

/**
 * The rules of the interface, in one place:
 *
 * - What was asked for goes to stdout; everything said about it (notes, warnings, progress, prompts, errors) to stderr.
 * - With --json stdout holds one JSON object and nothing else, an error included (`{"error": …}`).
 * - Colour means something: green done, yellow mind this, red failed, cyan a command to type, dim beside the point.
 *   NO_COLOR, FORCE_COLOR and a stream that is no terminal are respected (the first here, the others by chalk).
 * - stdout shows what was asked for, as it is: a secret only where a command prints one on purpose. What goes to stderr
 *   passes the redactor.
 * - `error:`, `why:`, `next:`, `warning:` and `note:` begin the lines that matter, so that they can be found in a log.
 * - Text is given line by line. Whatever in a line is neither plain text nor a colour of ours is somebody else's, and is
 *   made visible: a line break too. In JSON it is an escape.
 */

/** One line, or a list of them. */
export type Text = string | readonly string[]

/** Longer than anything that is read on a screen; a text that is cut there is whole in --json, and where it is piped. */
const LONGEST = 1000

export const out = (text: Text = ''): void => {
  writeLines(text)
}

/** Lines to stdout. Where that cannot be written, its `error` event says so: the stream of a file throws instead. */
export function writeLines(text: Text, done?: (error?: Error | null) => void): void {
  const fit = process.stdout.isTTY ? (line: string) => bounded(line, LONGEST) : String
  write(
    linesOf(text)
      .map((line) => `${shown(fit(line))}\n`)
      .join(''),
    done,
  )
}

/** JSON text to stdout, or a part of such a text. */
export function writeJson(json: string, done?: (error?: Error | null) => void): void {
  write(visibleJson(uncoloured(json)), done)
}

export const outJson = (json: string): void => {
  writeJson(`${json}\n`)
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

export const errJson = (json: string): void => {
  process.stderr.write(`${visibleJson(redact(uncoloured(json)))}\n`)
}

export function linesOf(text: Text): readonly string[] {
  return typeof text === 'string' ? [text] : text
}

/**
 * How many columns a stream has. What is piped is not cut or wrapped, unless the environment says how wide the reader
 * is (COLUMNS, which shells do not export by themselves).
 */
export function columnsOf(name: 'stdout' | 'stderr'): number {
  const stream = process[name]
  if (stream.isTTY && stream.columns > 0) return stream.columns
  const said = Number(process.env['COLUMNS'])
  return Number.isInteger(said) && said > 0 ? said : Infinity
}
