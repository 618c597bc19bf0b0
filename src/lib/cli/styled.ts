import {randomBytes} from 'node:crypto'
import chalk, {Chalk, chalkStderr, type ChalkInstance} from 'chalk'
import {visible, withoutMiddle} from '../core/text.js'
import {PALETTE, type Meaning} from './palette.js'
import {signOf, SIGNS, type Sign} from './signs.js'

/**
 * Colours and signs in a form that no text from outside can imitate. What {@link style} and {@link sign} make begins with ESC and
 * a random number per process; only {@link shown} turns that into a control sequence, or into the sign that the locale has, and
 * makes every other control character visible. So a presenter combines names, colours and signs freely, and a sink can still
 * tell them apart.
 */
const MARK = `\u001B${randomBytes(8).toString('hex')}`
const MARKS = new RegExp(`(${MARK}(?:\\[[0-9;]*m|\\{\\w+\\}))`)
const COLOURS_IN_JSON = new RegExp(`\\\\u001b${MARK.slice(1)}\\[[0-9;]*m`, 'g')
const SIGNS_IN_JSON = new RegExp(`\\\\u001b${MARK.slice(1)}\\{(\\w+)\\}`, 'g')
const SGR = /\u001B(?=\[[0-9;]*m)/g

/** One line for the terminal: zt's colours and signs become real, and every other control or invisible character visible. */
export function shown(line: string): string {
  return eachText(line, visible, (mark) => signIn(mark) ?? colourIn(mark))
}

function colourIn(mark: string): string {
  return `\u001B${mark.slice(MARK.length)}`
}

/** The same without colours, to measure its width. */
export function bare(line: string): string {
  return eachText(line, visible, (mark) => signIn(mark) ?? '')
}

function signIn(mark: string): string | undefined {
  const name = mark.slice(MARK.length + 1, -1)
  return mark[MARK.length] === '{' ? signOf(name as Sign) : undefined
}

/** Turns a line that was {@link shown} and then laid out back into one for a sink. */
export function styled(line: string): string {
  return line.replaceAll(SGR, MARK)
}

/** Shortens each text in a line to at most `most` characters; it loses its middle. */
export function bounded(line: string, most: number): string {
  return eachText(line, (text) => withoutMiddle(visible(text), most, sign.more), String)
}

/** A JSON text without colours, which mean nothing there, and with all signs: JSON is UTF-8 in every locale (RFC 8259, 8.1). */
export function uncoloured(json: string): string {
  return json
    .replaceAll(COLOURS_IN_JSON, '')
    .replaceAll(SIGNS_IN_JSON, (_, name: string) => SIGNS[name as Sign][0])
}

function eachText(line: string, text: (text: string) => string, mark: (mark: string) => string): string {
  if (!line.includes(MARK)) return text(line)
  return line
    .split(MARKS)
    .map((part, at) => (at % 2 === 0 ? text(part) : mark(part)))
    .join('')
}

/** A text in one of the styles of the palette: one line, or a part of one. A line break in it is made visible. */
type Style = Record<Meaning, (text: string) => string>

/** Set, and not empty (no-color.org). */
const plain = process.env['NO_COLOR'] ? new Chalk({level: 0}) : undefined

/** @param colours of a stream */
export function styleOf(colours: ChalkInstance): Style {
  const paints = Object.entries(PALETTE).map(([meaning, attribute]) => [
    meaning,
    (text: string): string => styled(colours[attribute](withColours(text))),
  ])
  return Object.fromEntries(paints) as Style
}

/** What chalk is given: signs are left to the sink, which knows the locale. */
function withColours(text: string): string {
  return eachText(text, visible, (mark) => (signIn(mark) === undefined ? colourIn(mark) : mark))
}

/** Styles for stdout. */
export const style = styleOf(plain ?? chalk)
/** Styles for stderr. */
export const errStyle = styleOf(plain ?? chalkStderr)

/** Signs for any line that goes to a sink. */
export const sign = Object.fromEntries(
  Object.keys(SIGNS).map((name) => [name, `${MARK}{${name}}`]),
) as Record<Sign, string>

/** How a line begins that says how something ended, in colour. */
export const mark = {
  done: style.success(sign.done),
  failed: style.failure(sign.failed),
  caution: style.caution('!'),
}
