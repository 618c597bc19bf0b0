import {randomBytes} from 'node:crypto'
import chalk, {Chalk, chalkStderr, type ChalkInstance} from 'chalk'
import {visible, withoutMiddle} from '../core/text.js'

/**
 * Colours in a form that no text from outside can imitate. What {@link style} makes begins with ESC and a random number per
 * process; only {@link shown} turns that into a control sequence, and makes every other control character visible. So a
 * presenter combines names and colours freely, and a sink can still tell them apart.
 */
const MARK = `\u001B${randomBytes(8).toString('hex')}`
const MARKS = new RegExp(`(${MARK}\\[[0-9;]*m)`)
const MARKS_IN_JSON = new RegExp(`\\\\u001b${MARK.slice(1)}\\[[0-9;]*m`, 'g')
const SGR = /\u001B(?=\[[0-9;]*m)/g

/** One line for the terminal: zt's colours become real, and every other control or invisible character visible. */
export function shown(line: string): string {
  return eachText(line, visible, (mark) => `\u001B${mark.slice(MARK.length)}`)
}

/** The same without colours, to measure its width. */
export function bare(line: string): string {
  return eachText(line, visible, () => '')
}

/** Turns a line that was {@link shown} and then laid out back into one for a sink. */
export function styled(line: string): string {
  return line.replaceAll(SGR, MARK)
}

/** Shortens each text in a line to at most `most` characters; it loses its middle. */
export function bounded(line: string, most: number): string {
  return eachText(line, (text) => withoutMiddle(visible(text), most), String)
}

/** A JSON text without colours, which mean nothing there. */
export function uncoloured(json: string): string {
  return json.replaceAll(MARKS_IN_JSON, '')
}

function eachText(line: string, text: (text: string) => string, mark: (mark: string) => string): string {
  if (!line.includes(MARK)) return text(line)
  return line
    .split(MARKS)
    .map((part, at) => (at % 2 === 0 ? text(part) : mark(part)))
    .join('')
}

/** A text in a colour: one line, or a part of one. A line break in it is made visible. */
type Paint = (text: string) => string

interface Style {
  bold: Paint
  dim: Paint
  red: Paint
  green: Paint
  yellow: Paint
  cyan: Paint
}

/** Set, and not empty (no-color.org). */
const plain = process.env['NO_COLOR'] ? new Chalk({level: 0}) : undefined

/** @param colours of a stream */
export function styleOf(colours: ChalkInstance): Style {
  const paint =
    (colour: Paint): Paint =>
    (text) =>
      styled(colour(shown(text)))
  const {bold, dim, red, green, yellow, cyan} = colours
  return {
    bold: paint(bold),
    dim: paint(dim),
    red: paint(red),
    green: paint(green),
    yellow: paint(yellow),
    cyan: paint(cyan),
  }
}

/** Colours for stdout. */
export const style = styleOf(plain ?? chalk)
/** Colours for stderr. */
export const errStyle = styleOf(plain ?? chalkStderr)
