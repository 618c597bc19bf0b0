import {visible, visibleJson, withoutMiddle} from '../core/text.js'

/** Markup. Only {@link html} makes it, so that a text can become part of it in one way: escaped. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | false | null | undefined | readonly Part[]

/** No name in Access is longer; a longer text loses its middle, so that a page has a bounded size. */
const LONGEST = 500

/** Line breaks and the indentation of the sources, which the page can do without, as one line break. */
const tidied = new WeakMap<TemplateStringsArray, readonly string[]>()

/**
 * Markup from a template. Texts put into it are data: they are made visible as in the terminal (core/text.ts) and escaped,
 * for an element as for a quoted attribute. False, null and undefined leave nothing.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let tidy = tidied.get(strings)
  if (!tidy) tidied.set(strings, (tidy = strings.map((text) => text.replaceAll(/\n\s*/g, '\n'))))
  let text = tidy[0] ?? ''
  parts.forEach((part, at) => {
    text += markupOf(part) + (tidy[at + 1] ?? '')
  })
  return new Html(text)
}

function markupOf(part: Part): string {
  if (part instanceof Html) return part.text
  if (typeof part === 'string')
    return part.length <= LONGEST && PLAIN.test(part) ? part : escaped(visible(withoutMiddle(part, LONGEST)))
  if (typeof part === 'number') return String(part)
  if (Array.isArray(part)) return part.map(markupOf).join('')
  return ''
}

/** Printable ASCII without what has a meaning in markup: nearly all text, which stays as it is. */
const PLAIN = /^[ !#-%(-;=?-~]*$/

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '')
}

/**
 * A value as JSON inside a script element: nothing in it ends the element or begins a comment, and nothing is invisible.
 */
export function jsonInScript(value: unknown): string {
  return visibleJson(JSON.stringify(value)).replaceAll('<', String.raw`\u003c`)
}
