import wrapAnsi from 'wrap-ansi'
import {columnsOf, linesOf, type Text} from './streams.js'
import {bounded, shown, styled} from './styled.js'

/** Below this a text is not worth wrapping. */
const NARROWEST = 20
/** More of one text than anybody reads on a terminal: longer ones would push away what comes before. */
const LONGEST = 1000

/**
 * The lines of a text that is to fit into a width; those that were indented go on indented. Words longer than a line (a
 * command, a path) stay whole, so that they can be copied.
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

/** A text for stdout, every line of it so far to the right. */
export function indented(text: Text, by: number): string[] {
  const lines = wrapped(text, columnsOf('stdout') - by)
  return lines.map((line) => ' '.repeat(by) + line)
}
