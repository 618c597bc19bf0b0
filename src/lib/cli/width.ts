import stringWidth from 'string-width'
import {bare} from './styled.js'

const PLAIN = /^[ -~]*$/

/** How many terminal columns a line takes when shown. */
export function widthOf(line: string): number {
  const text = bare(line)
  // Measuring the rest loads tables for 8 ms.
  return PLAIN.test(text) ? text.length : stringWidth(text)
}
