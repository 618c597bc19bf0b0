/** What PowerShell has before the cursor. */
export interface PowerShellLine {
  /** The words before the one at the cursor, without quotes. */
  before: string[]
  /** The typed part of the word at the cursor, without the quote that it may begin with. */
  current: string
  /** A candidate as it is inserted: quoted if it has to be. */
  inserted(value: string): string
}

/** Single quotes; PowerShell takes the typographic ones for the same (about_Quoting_Rules). */
const QUOTES = /['\u2018\u2019\u201A\u201B]/g
/** Words without a meaning to PowerShell: a comma makes a list, and `@`, `$`, `#`, braces and a backtick are special. */
const PLAIN = /^[\w.:/\\=+-]+$/

/** @param encoded the words, the last at the cursor, each on a line, in base64; undefined if it is not that */
export function readPowerShellLine(encoded: string): PowerShellLine | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return undefined
  const words = Buffer.from(encoded, 'base64').toString('utf8').split('\n')
  const typed = words.pop() ?? ''
  return {
    before: words,
    current: typed.replace(/^['"]/, ''),
    inserted: (value) => (PLAIN.test(value) ? value : `'${value.replaceAll(QUOTES, '$&$&')}'`),
  }
}
