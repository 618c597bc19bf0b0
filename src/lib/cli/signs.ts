/**
 * Every character outside ASCII that zt itself prints, and what a locale without UTF-8 gets instead; a lint rule keeps them out of
 * all other files. Names and answers are not changed there, because they may be on their way into another program: git and
 * gh do the same, and a script that sets LC_ALL=C for `sort` still finds its names.
 */
export const SIGNS = {
  done: ['✓', 'v'],
  failed: ['✗', 'x'],
  /** Left as it is, or not looked at. */
  left: ['–', '-'],
  /** Something was left out here. */
  more: ['…', '...'],
  separator: ['·', '-'],
  /** The choice at which a list is. */
  cursor: ['❯', '>'],
  checked: ['◉', '(*)'],
  unchecked: ['◯', '( )'],
  upDown: ['↑↓', 'up/down'],
  enter: ['⏎', 'enter'],
} as const satisfies Record<string, readonly [utf8: string, ascii: string]>

export type Sign = keyof typeof SIGNS

/** The bars of a sparkline, the lowest first. */
const BARS = [[...'▁▂▃▄▅▆▇█'], [...'.:-=+*#@']] as const
/** What turns while something takes long. */
const FRAMES = [[...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'], [...'-\\|/']] as const

export const signOf = (name: Sign): string => SIGNS[name][asciiOnly() ? 1 : 0]
export const bars = (): readonly string[] => BARS[asciiOnly() ? 1 : 0]
export const frames = (): readonly string[] => FRAMES[asciiOnly() ? 1 : 0]

/**
 * Whether the locale is one without UTF-8: by LC_ALL, LC_CTYPE or LANG, in this order (POSIX, "Environment Variables"). One
 * without a character set (`de_DE`) is ISO 8859 in most C libraries. If none is set, as in a container, the terminal outside is
 * almost always UTF-8.
 */
function asciiOnly(): boolean {
  const {LC_ALL, LC_CTYPE, LANG} = process.env
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '')
  return locale !== undefined && !/utf-?8/i.test(locale)
}
