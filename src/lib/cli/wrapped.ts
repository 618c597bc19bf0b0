import wrapAnsi from 'wrap-ansi'
import {columnsOf} from './streams.js'

/** Below this a text is not worth wrapping. */
const NARROWEST = 20

/**
 * The lines of a text that is to fit into a width; those that were indented go on indented. Words longer than a line (a
 * command, a path) stay whole, so that they can be copied.
 */
export function wrapped(text: string, width: number): string[] {
  const wrap = width >= NARROWEST && width < Infinity
  return text.split('\n').flatMap((line) => {
    const lead = /^ */.exec(line)?.[0] ?? ''
    if (!wrap) return line.trimEnd()
    return wrapAnsi(line, width - lead.length)
      .split('\n')
      .map((part) => lead + part)
  })
}

/** A text for stdout, every line of it so far to the right. */
export function indented(text: string, by: number): string {
  const lines = wrapped(text, columnsOf(process.stdout) - by)
  return lines.map((line) => ' '.repeat(by) + line).join('\n')
}
