import {isVisible, visible} from './text.js'

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
 * PowerShell, which agree on double quotes and on little else. Pasting it runs nothing else, whatever the word holds: a
 * line break in it, above all, is none on the screen. What cannot be said so is a word that means nothing
 * ({@link canBePasted}).
 */
export function quoteForPerson(word: string, platform: NodeJS.Platform = process.platform): string {
  if (platform !== 'win32') return isVisible(word) ? quoteForShell(word) : quoteInOctal(word)
  // A comma makes a list in PowerShell, and @ and % begin something there; backslashes need no quotes.
  if (/^[\w+=:./\\-]+$/.test(word)) return word
  return `"${visible(word)
    .replaceAll(NOT_ON_WINDOWS, '?')
    .replace(/(?<!\\)\\+$/, '$&$&')}"`
}

/** What cmd or PowerShell takes for more than itself inside double quotes, typographic ones among them. */
const NOT_ON_WINDOWS = /["%!$`\u201C-\u201E]/g

/**
 * Whether a name can be given to somebody as a part of a command: it means the same in each shell, looks like what it
 * is, is not long, and is no flag.
 */
export function canBePasted(name: string, platform: NodeJS.Platform = process.platform): boolean {
  if (name === '' || name.length > 100 || name.startsWith('-') || !isVisible(name)) return false
  return platform !== 'win32' || name.replaceAll(NOT_ON_WINDOWS, '') === name
}

/** As bash, zsh, ksh and POSIX.1-2024 read it, byte by byte. What knows no `$'…'` (dash) takes it for another name. */
function quoteInOctal(word: string): string {
  const bytes = Buffer.from(word).toString('latin1')
  return `$'${bytes.replaceAll(/[^ -~]|['\\]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`)}'`
}
