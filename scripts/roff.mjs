// What a man page is written with: roff of the man macros (groff_man(7), and mandoc's man(7)). A text goes into a page
// through escape() alone, so that nothing of it is taken for a request, an escape or another character than it is.

/** ASCII that roff takes for something else: groff prints ’ for ' and ‐ for -, which cannot be copied into a shell. */
const SPECIAL = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
}

/**
 * A text as roff that prints it, in ASCII, on one line: blanks and line breaks become single spaces, control characters
 * U+FFFD.
 *
 * @param {string} text
 * @returns {string} that may stand anywhere but at the beginning of a line: see {@link line}
 */
export function escape(text) {
  return text
    .toWellFormed()
    .replaceAll(/\s+/gu, ' ')
    .trim()
    .replaceAll(/[\\\-'`^~"]/g, (one) => SPECIAL[one])
    .replaceAll(/\p{Cc}/gu, '\uFFFD')
    .replaceAll(/[^ -~]/gu, (one) => `\\[u${one.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`)
}

/** A line of text, of parts that are roff already: one that would begin with a control character is guarded. */
export function line(...parts) {
  const whole = parts.join('')
  // escape() leaves no apostrophe, which is the other one.
  return whole.startsWith('.') ? `\\&${whole}` : whole
}

/** In bold: what is typed literally. */
export const bold = (text) => `\\fB${escape(text)}\\fR`
/** In italics, or underlined: a placeholder. */
export const italic = (text) => `\\fI${escape(text)}\\fR`

/** The name of another page of section 1, as people and man browsers know it. */
export const page = (name) => `${bold(name)}(1)`

export const section = (title, ...lines) => [`.SH ${escape(title)}`, ...lines]
export const subsection = (title, ...lines) => [`.SS ${escape(title)}`, ...lines]
/** A list of terms and what each means, as roff. */
export const terms = (pairs) => pairs.flatMap(([term, meaning]) => ['.TP', line(term), line(meaning)])
/** Lines that stay as they are, as in a shell; given as text. */
export const verbatim = (lines) => [
  '.RS 4',
  '.nf',
  ...lines.map((one) => line(escapeSpaces(one))),
  '.fi',
  '.RE',
]

/** Blanks count here. */
function escapeSpaces(text) {
  return text.split(' ').map(escape).join(' ') || '\\&'
}

/**
 * A whole page.
 *
 * @param {{name: string, number: number, date: string, source: string, manual: string, body: string[]}} page date: as
 *   YYYY-MM-DD, or empty
 */
export function manPage({name, number, date, source, manual, body}) {
  // A date that is escaped is none to mandoc.
  if (!/^(\d{4}-\d\d-\d\d)?$/.test(date)) throw new Error(`no date: ${date}`)
  const quoted = (text) => `"${escape(text)}"`
  return [
    `.TH ${quoted(name.toUpperCase())} ${number} "${date}" ${quoted(source)} ${quoted(manual)}`,
    // Words are not hyphenated and lines not stretched: a command is to be found by searching for it.
    '.nh',
    '.ad l',
    ...body,
    '',
  ].join('\n')
}
