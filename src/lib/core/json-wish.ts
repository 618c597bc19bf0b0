/** The words of a command line before `--`; those after it belong to another program. */
function ownWords(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end < 0 ? argv : argv.slice(0, end)
}

/**
 * How a command line wants its result: `document` is JSON (--json, --fields), `filtered` what --jq makes of it, whose failures
 * are text; undefined is text. Known before the flags are parsed, because a bad command line is reported in the same way.
 */
export function jsonWish(argv: readonly string[]): 'document' | 'filtered' | undefined {
  const words = ownWords(argv)
  if (words.some((word) => /^--jq(=|$)/.test(word))) return 'filtered'
  return words.some((word) => /^--(json$|fields(=|$))/.test(word)) ? 'document' : undefined
}
