/**
 * What each style means, and the text attributes that show it. Only the 16 colours of the terminal's own theme are used, so that
 * whoever needs more contrast sets it there, for all programs. Of these, blue vanishes on dark backgrounds, and white, yellow and
 * cyan on light ones (test/cli/palette.test.ts has the contrast in common themes). No colour is readable everywhere: so a
 * colour is for a mark, a word, or a line with a sign before it, and what it says is also said without it. What must be read
 * whole, such as a command, keeps the colour of the text.
 */
export const PALETTE = {
  /** Done, allowed, active. */
  success: 'green',
  /** To look at: a warning, what is open or unknown. */
  caution: 'magenta',
  /** Failed, refused, disabled. */
  failure: 'red',
  /** A line of a difference, behind `+` or `-`. */
  added: 'green',
  removed: 'red',
  /** The object that a sentence is about. */
  name: 'bold',
  /** A title, and a label that begins a line of an error. */
  heading: 'bold',
  /** A command to type. */
  command: 'bold',
  /** What may be left out: labels of facts, remarks in brackets. Many themes make it hard to read. */
  secondary: 'dim',
} as const

export type Meaning = keyof typeof PALETTE
