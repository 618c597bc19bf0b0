/**
 * Text that somebody else wrote, made fit to be looked at: names, answers, paths, arguments, what another program said.
 * Every sink passes it on (docs/security.md, "Text on the terminal"); presenters need not think of it.
 */

/**
 * What a terminal obeys (C0, DEL, C1), what changes the order of the text around it (bidirectional controls), and what
 * is not seen at all: zero widths, fillers, tags, variation selectors, line and paragraph separators, private use,
 * unassigned, half surrogate pairs (Unicode general category C, and Default_Ignorable_Code_Point). U+2800 and U+1D159
 * are blanks by their looks alone.
 */
const UNSEEN = String.raw`[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{1D159}]`
/** Blanks that look like the usual one. The ideographic one is as wide as its neighbours, and usual among them. */
const BLANKS = String.raw`(?![ \u3000])\p{Zs}`
/** Signs that are drawn over others, with what they are drawn over, if that is a letter or a digit. */
const MARKS = String.raw`([\p{L}\p{N}]?)(\p{M}+)`
/** More of them on one letter than any script needs. */
const MOST_MARKS = 4

/** Printable ASCII, which is nearly all text: nothing in it is to be looked for. */
const PLAIN = /^[ -~]*$/
/** Made when first needed: the proxy and the completer start without them. */
let hidden: RegExp | undefined
let never: RegExp | undefined

/**
 * One line as it may be shown: whatever a reader would not see, or a terminal would obey, stands there as an escape
 * (`\n`, `\x1b`, `\u{202e}`), a line break too. Applied twice it changes nothing more. A backslash is not doubled: paths
 * on Windows are full of them, and nothing reads this back.
 */
export function visible(text: string): string {
  return PLAIN.test(text) ? text : replaced(text, escaped)
}

function replaced(text: string, escape: (sign: string) => string): string {
  // Nothing comes behind the marks that could refuse them.
  // eslint-disable-next-line regexp/no-super-linear-move
  hidden ??= new RegExp(`${MARKS}|${UNSEEN}|${BLANKS}`, 'gu')
  const unseen = (never ??= new RegExp(String.raw`${UNSEEN}|\p{Me}`, 'u'))
  return text.replaceAll(hidden, (found: string, letter: string | undefined, marks: string | undefined) => {
    if (marks === undefined) return escape(found)
    const base = letter ?? ''
    const shown = base !== '' && !unseen.test(base) ? base : ''
    const each = [...marks]
    const bad = each.findIndex((mark) => unseen.test(mark))
    const kept = shown === '' ? 0 : Math.min(MOST_MARKS, bad < 0 ? each.length : bad)
    const rest = shown === '' ? [...base, ...each] : each.slice(kept)
    return shown + each.slice(0, kept).join('') + rest.map(escape).join('')
  })
}

/** Whether a text looks like what it is, so that it can be read off the screen and typed. */
export function isVisible(text: string): boolean {
  return visible(text) === text
}

const SHORT: Readonly<Record<string, string>> = {
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
}

function escaped(sign: string): string {
  const code = sign.codePointAt(0) ?? 0
  const hex = code.toString(16)
  return SHORT[sign] ?? (code < 0x100 ? String.raw`\x${hex.padStart(2, '0')}` : `\\u{${hex}}`)
}

/**
 * A JSON text that means the same, and in which nothing is hidden: `JSON.stringify` leaves DEL, C1, bidirectional and
 * invisible characters as they are.
 */
export function visibleJson(json: string): string {
  return json
    .split('\n')
    .map((line) => (PLAIN.test(line) ? line : replaced(line, escapedInJson)))
    .join('\n')
}

function escapedInJson(sign: string): string {
  return Array.from(
    {length: sign.length},
    (_, at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')
}

/** A text of at most so many characters: what is longer loses its middle, as names differ at both ends. */
export function withoutMiddle(text: string, most: number): string {
  // So much of it that no character is torn, however long it is.
  if (text.length <= most) return text
  const start = [...text.slice(0, most)]
  const end = [...text.slice(-most)]
  const half = Math.floor((most - 1) / 2)
  return `${start.slice(0, half).join('')}…${end.slice(-half).join('')}`
}
