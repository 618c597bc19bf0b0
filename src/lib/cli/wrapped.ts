import wrapAnsi from 'wrap-ansi'
import {columnsOf, linesOf, type Text} from './streams.js'
import {bounded, shown, styled} from './styled.js'

/** Narrower text is not wrapped. */
const NARROWEST = 20
/** The longest text on a terminal: more would push away what comes before it. */
const LONGEST = 1000

/**
 * The lines of a text wrapped to a width; indented lines stay indented. Words longer than a line (a command, a path) stay
 * whole, so that they can be copied.
 */
export function wrapped(text: Text, width: number): string[] {
  const wrap = width >= NARROWEST && width < Infinity
  return linesOf(text).flatMap((line) => {
    if (!wrap) return line.trimEnd()
    const lead = /^ {0,8}/.exec(line)?.[0] ?? ''
    return wrapAnsi(shown(bounded(line, LONGEST)), width - lead.length)
      .split('\n')
      .map((part) => lead + styled(part))
  })
}

/** A wrapped text for stdout with every line indented by `by` columns. */
export function indented(text: Text, by: number): string[] {
  const lines = wrapped(text, columnsOf('stdout') - by)
  return lines.map((line) => ' '.repeat(by) + line)
}
