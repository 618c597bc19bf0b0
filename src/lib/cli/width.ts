import stringWidth from 'string-width'
import {bare} from './styled.js'

const PLAIN = /^[ -~]*$/

/** How many columns a line takes on a terminal, as it will be shown. */
export function widthOf(line: string): number {
  const text = bare(line)
  // What measures the rest takes 8 ms to load its tables.
  return PLAIN.test(text) ? text.length : stringWidth(text)
}
