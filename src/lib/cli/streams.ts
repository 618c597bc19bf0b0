import chalk, {Chalk, chalkStderr, type ChalkInstance} from 'chalk'
import {redact} from '../core/redact.js'

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
 */
export const out = (text = ''): void => {
  writeOut(`${text}\n`)
}

/** To stdout as it is. Where that cannot be written, its `error` event says so: the stream of a file throws instead. */
export function writeOut(text: string, done?: (error?: Error | null) => void): void {
  try {
    process.stdout.write(text, done)
  } catch (error) {
    process.stdout.emit('error', error)
    done?.(error as Error)
  }
}

export const err = (text = ''): void => {
  process.stderr.write(`${redact(text)}\n`)
}

/**
 * How many columns a stream has. What is piped is not cut or wrapped, unless the environment says how wide the reader
 * is (COLUMNS, which shells do not export by themselves).
 */
export function columnsOf(stream: NodeJS.WriteStream): number {
  if (stream.isTTY && stream.columns > 0) return stream.columns
  const said = Number(process.env['COLUMNS'])
  return Number.isInteger(said) && said > 0 ? said : Infinity
}

/** Set, and not empty (no-color.org). */
const plain = process.env['NO_COLOR'] ? new Chalk({level: 0}) : undefined

/** Colours for stdout. */
export const style: ChalkInstance = plain ?? chalk
/** Colours for stderr. */
export const errStyle: ChalkInstance = plain ?? chalkStderr
