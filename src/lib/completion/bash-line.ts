/** A command line of bash up to the cursor. */
export interface BashLine {
  /** The whole words, without quotes. */
  before: string[]
  /** What is typed of the word at the cursor, without quotes. */
  current: string
  /**
   * The text by which bash is to replace its part of that word, for the whole word to become this.
   *
   * @param value begins with {@link BashLine.current}
   */
  inserted: (value: string) => string
}

type Quote = '' | "'" | '"'

/**
 * Reads a command line as bash does, expanding nothing: what `$…`, `*` or a command substitution would become, zt cannot
 * know. Bash's own COMP_WORDS are cut at every `:` and `=`, and have their quotes.
 *
 * @param breaks COMP_WORDBREAKS: bash replaces only what stands behind the last of these (or behind a quote that is open)
 * @returns undefined where nothing can be offered: inside `$'…'`
 */
export function readBashLine(line: string, breaks: string): BashLine | undefined {
  const before: string[] = []
  let value = ''
  let begun = false
  let quote: Quote = ''
  /** Where in the value the open quote is, and the last break outside quotes. */
  let opened = 0
  let broken = 0
  let ansi = false
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at)
    if (quote === '' && /[ \t\n]/.test(char)) {
      if (begun) before.push(value)
      ;[value, begun, broken] = ['', false, 0]
      continue
    }
    begun = true
    if (char === '\\' && quote !== "'") {
      const next = line.charAt(++at)
      // Between double quotes the backslash is one before anything else.
      value += quote === '"' && next !== '' && !/["$`\\\n]/.test(next) ? char + next : next
    } else if (quote === '' && (char === "'" || char === '"')) {
      ansi = char === "'" && line.charAt(at - 1) === '$'
      ;[quote, opened] = [char, value.length]
    } else if (char === quote) {
      quote = ''
    } else {
      value += char
      if (quote === '' && breaks.includes(char)) broken = value.length
    }
  }
  if (quote !== '' && ansi) return undefined
  const kept = quote === '' ? broken : opened
  return {before, current: value, inserted: (whole) => quoted(whole.slice(kept), quote)}
}

/** As it is written behind an open quote, or without one. */
function quoted(text: string, quote: Quote): string {
  if (quote === '') return text.replaceAll(/[^A-Za-z0-9_./:=@%+,\-\u0080-\u{10FFFF}]/gu, '\\$&')
  // An exclamation mark calls the history between double quotes, a backslash or not.
  const within =
    quote === "'"
      ? text.replaceAll("'", `'\\''`)
      : text.replaceAll(/["$`\\]/g, '\\$&').replaceAll('!', `"'!'"`)
  // Readline closes the quote, unless it sees one at the end.
  return within.endsWith(quote) ? within + quote : within
}
