/**
 * Makes text from outside safe to show: names, answers, paths, arguments, output of other programs. Every sink does this
 * (docs/explanation/security.md, "Text on the terminal"), so presenters need not.
 */

/**
 * What controls a terminal (C0, DEL, C1), what reorders the text around it (bidirectional controls), and what is
 * invisible: zero widths, fillers, tags, variation selectors, line and paragraph separators, private use, unassigned and
 * half surrogate pairs (Unicode general category C, and Default_Ignorable_Code_Point). U+2800 and U+1D159 only look like
 * blanks.
 */
const UNSEEN = String.raw`[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{1D159}]`
/** Blanks that look like a space. The ideographic one is left: it is as wide as its neighbours, and common among them. */
const BLANKS = String.raw`(?![ \u3000])\p{Zs}`
/** Combining marks, with the letter or digit that they are drawn over, if there is one. */
const MARKS = String.raw`([\p{L}\p{N}]?)(\p{M}+)`
/** As many marks on one letter as a script needs. */
const MOST_MARKS = 4

/** Printable ASCII, which is nearly all text, needs no further look. */
const PLAIN = /^[ -~]*$/
/** Compiled on first use: the proxy and the completer start without them. */
let hidden: RegExp | undefined
let never: RegExp | undefined

/**
 * One line as it may be shown: whatever is invisible or controls a terminal becomes an escape (`\n`, `\x1b`, `\u{202e}`),
 * line breaks included. Applying it again changes nothing. Backslashes are not doubled: Windows paths are full of them,
 * and nothing reads this back.
 */
export function visible(text: string): string {
  return PLAIN.test(text) ? text : replaced(text, escaped)
}

function replaced(text: string, escape: (sign: string) => string): string {
  // Nothing follows the marks that could fail to match.
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

/** Whether a text can be read off the screen and typed: nothing in it is invisible. */
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
 * An equivalent JSON text in which nothing is hidden: `JSON.stringify` leaves DEL, C1, bidirectional and invisible
 * characters as they are.
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

/**
 * A text of at most `most` characters: a longer one loses its middle, because names differ at both ends.
 *
 * @param gap what is in its place, for which three characters are kept free
 */
export function withoutMiddle(text: string, most: number, gap = '...'): string {
  // Enough of each end that no character is split.
  if (text.length <= most) return text
  const start = [...text.slice(0, most)]
  const end = [...text.slice(-most)]
  const half = Math.max(0, Math.floor((most - 3) / 2))
  return `${start.slice(0, half).join('')}${gap}${end.slice(end.length - half).join('')}`
}
