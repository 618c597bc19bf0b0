// Writes man pages as roff with the man macros (groff_man(7), and mandoc's man(7)). All text goes into a page through
// escape(), so that no part of it is taken for a request, an escape or another character.

/** ASCII that roff replaces: groff prints ’ for ' and ‐ for -, which cannot be copied into a shell. */
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
 * Escapes a text as roff in ASCII, on one line: blanks and line breaks become single spaces, control characters U+FFFD.
 *
 * @param {string} text
 * @returns {string} roff for any place but the beginning of a line: see {@link line}
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

/** A line of parts that are roff already. A control character at its beginning is guarded. */
export function line(...parts) {
  const whole = parts.join('')
  // The other control character is the apostrophe, which escape() replaces.
  return whole.startsWith('.') ? `\\&${whole}` : whole
}

/** Bold, for what is typed literally. */
export const bold = (text) => `\\fB${escape(text)}\\fR`
/** Italic or underlined, for placeholders. */
export const italic = (text) => `\\fI${escape(text)}\\fR`

/** A reference to another page of section 1, as people and man browsers write it. */
export const page = (name) => `${bold(name)}(1)`

export const section = (title, ...lines) => [`.SH ${escape(title)}`, ...lines]
export const subsection = (title, ...lines) => [`.SS ${escape(title)}`, ...lines]
/** A list of terms with descriptions, given as roff. */
export const terms = (pairs) => pairs.flatMap(([term, meaning]) => ['.TP', line(term), line(meaning)])
/** Literal lines, as in a shell; given as text. */
export const verbatim = (lines) => [
  '.RS 4',
  '.nf',
  ...lines.map((one) => line(escapeSpaces(one))),
  '.fi',
  '.RE',
]

/** Keeps blanks. */
function escapeSpaces(text) {
  return text.split(' ').map(escape).join(' ') || '\\&'
}

/**
 * A complete page.
 *
 * @param {{name: string, number: number, date: string, source: string, manual: string, body: string[]}} page date: as
 *   YYYY-MM-DD, or empty
 */
export function manPage({name, number, date, source, manual, body}) {
  // mandoc does not recognise an escaped date.
  if (!/^(\d{4}-\d\d-\d\d)?$/.test(date)) throw new Error(`not a date: ${date}`)
  const quoted = (text) => `"${escape(text)}"`
  return [
    `.TH ${quoted(name.toUpperCase())} ${number} "${date}" ${quoted(source)} ${quoted(manual)}`,
    // No hyphenation and no justification, so that searching for a command finds it.
    '.nh',
    '.ad l',
    ...body,
    '',
  ].join('\n')
}
