/** Signs that no shell takes for more than themselves, where they stand inside a word or begin it (zsh looks up `=word`). */
const PLAIN = /^[\w@%+:,./-][\w@%+=:,./-]*$/

/** One word for a POSIX shell; as it is where it needs no quotes. */
export function quoteForShell(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * One word of a command line on Windows, where each program takes its line apart by itself. Quoted by the rules of the C
 * runtime and CommandLineToArgvW (learn.microsoft.com, "Parsing C command-line arguments"): backslashes are themselves,
 * except in front of a double quote, where each counts half. A path gets forward slashes, so that sh reads it alike
 * ({@link withForwardSlashes}).
 */
export function quoteForWindows(word: string): string {
  const given = withForwardSlashes(word)
  if (PLAIN.test(given)) return given
  return `"${given.replaceAll(/(?<!\\)(\\*)"/g, String.raw`$1$1\"`).replace(/(?<!\\)\\+$/, '$&$&')}"`
}

/**
 * An absolute Windows path with `/` for `\`; anything else as it is. Windows takes both, and what also reads backslashes
 * as escapes (sh, ssh's configuration) takes only this one as it is meant. Not behind `\\?\` and `\\.\`, where Windows
 * replaces nothing (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
 */
export function withForwardSlashes(word: string): string {
  return /^([A-Za-z]:[\\/]|[\\/]{2}(?![?.][\\/]))/.test(word) ? word.replaceAll('\\', '/') : word
}

/**
 * One word of a command that a person is shown and may copy into a shell of this system: sh, or on Windows cmd and
 * PowerShell, which agree on double quotes and on little else.
 */
export function quoteForPerson(word: string, platform: NodeJS.Platform = process.platform): string {
  if (platform !== 'win32') return quoteForShell(word)
  // A comma makes a list in PowerShell, and @ and % begin something there; backslashes need no quotes.
  return /^[\w+=:./\\-]+$/.test(word)
    ? word
    : `"${word.replaceAll(/(?<!\\)(\\*)"/g, String.raw`$1$1\"`).replace(/(?<!\\)\\+$/, '$&$&')}"`
}
