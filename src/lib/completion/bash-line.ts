/** A command line of bash up to the cursor. */
export interface BashLine {
  /** The whole words, without quotes. */
  before: string[]
  /** What is typed of the word at the cursor, without quotes. */
  current: string
  /**
   * The text that bash must insert for its part of the word, so that the whole word becomes `value`.
   *
   * @param value begins with {@link BashLine.current}
   */
  inserted: (value: string) => string
}

type Quote = '' | "'" | '"'

/**
 * Reads a command line as bash does, without expansion: zt cannot know what `$…`, `*` or a command substitution would
 * become. Bash's own COMP_WORDS are split at every `:` and `=`, and keep their quotes.
 *
 * @param breaks COMP_WORDBREAKS: bash replaces only what follows the last of these (or an open quote)
 * @returns undefined inside `$'…'`, where nothing can be offered
 */
export function readBashLine(line: string, breaks: string): BashLine | undefined {
  const before: string[] = []
  let value = ''
  let begun = false
  let quote: Quote = ''
  /** The positions in the value of the open quote and of the last break outside quotes. */
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
      // Between double quotes, a backslash before any other character is literal.
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

/** The text as it is written after an open quote, or without one. */
function quoted(text: string, quote: Quote): string {
  if (quote === '') return text.replaceAll(/[^A-Za-z0-9_./:=@%+,\-\u0080-\u{10FFFF}]/gu, '\\$&')
  // Between double quotes, an exclamation mark expands the history even after a backslash.
  const within =
    quote === "'"
      ? text.replaceAll("'", `'\\''`)
      : text.replaceAll(/["$`\\]/g, '\\$&').replaceAll('!', `"'!'"`)
  // Readline closes the quote unless the text ends with one.
  return within.endsWith(quote) ? within + quote : within
}
