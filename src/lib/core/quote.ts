import {isVisible, visible} from './text.js'

/** Characters without a meaning to any shell, inside a word and at its beginning (zsh expands `=word`). */
const PLAIN = /^[\w@%+:,./-][\w@%+=:,./-]*$/

/** One word for a POSIX shell, quoted if necessary. */
export function quoteForShell(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * One word of a command line on Windows, where each program splits its command line itself. Quoted by the rules of the C
 * runtime and CommandLineToArgvW (learn.microsoft.com, "Parsing C command-line arguments"): a backslash is literal, except
 * before a double quote, where two make one. A path gets forward slashes, so that sh reads it the same way
 * ({@link withForwardSlashes}).
 */
export function quoteForWindows(word: string): string {
  const given = withForwardSlashes(word)
  if (PLAIN.test(given)) return given
  return `"${given.replaceAll(/(?<!\\)(\\*)"/g, String.raw`$1$1\"`).replace(/(?<!\\)\\+$/, '$&$&')}"`
}

/**
 * An absolute Windows path with `/` for `\`; anything else unchanged. Windows accepts both, and programs that treat a
 * backslash as an escape (sh, ssh's configuration) read only this one correctly. Not after `\\?\` and `\\.\`, where Windows
 * converts nothing (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
 */
export function withForwardSlashes(word: string): string {
  return /^([A-Za-z]:[\\/]|[\\/]{2}(?![?.][\\/]))/.test(word) ? word.replaceAll('\\', '/') : word
}

/**
 * One word of a command that a person sees and may paste into a shell of this system: sh, or on Windows cmd and
 * PowerShell, which agree on double quotes and little else. Pasting it runs nothing else, whatever the word contains; in
 * particular, a line break in it is escaped. A word that cannot be written this way becomes one without a meaning
 * ({@link canBePasted}).
 */
export function quoteForPerson(word: string, platform: NodeJS.Platform = process.platform): string {
  if (platform !== 'win32') return isVisible(word) ? quoteForShell(word) : quoteInOctal(word)
  // In PowerShell a comma makes a list, and @ and % are special; backslashes need no quotes.
  if (/^[\w+=:./\\-]+$/.test(word)) return word
  return `"${visible(word)
    .replaceAll(NOT_ON_WINDOWS, '?')
    .replace(/(?<!\\)\\+$/, '$&$&')}"`
}

/** What is special to cmd or PowerShell inside double quotes, including typographic quotes. */
const NOT_ON_WINDOWS = /["%!$`\u201C-\u201E]/g

/**
 * Whether a name can be part of a suggested command: it means the same in each shell, is fully visible, is short, and is
 * not a flag.
 */
export function canBePasted(name: string, platform: NodeJS.Platform = process.platform): boolean {
  if (name === '' || name.length > 100 || name.startsWith('-') || !isVisible(name)) return false
  return platform !== 'win32' || name.replaceAll(NOT_ON_WINDOWS, '') === name
}

/** As bash, zsh, ksh and POSIX.1-2024 read it, byte by byte. A shell without `$'…'` (dash) reads another name. */
function quoteInOctal(word: string): string {
  const bytes = Buffer.from(word).toString('latin1')
  return `$'${bytes.replaceAll(/[^ -~]|['\\]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`)}'`
}
