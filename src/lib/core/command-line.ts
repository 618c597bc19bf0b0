import {canBePasted, quoteForPerson} from './quote.js'

/** An object with a name that anyone may have chosen, and an ID unless it does not exist yet. */
export interface Named {
  id?: string | null | undefined
  name: string
}

/** A command line of zt's, for `next:` lines. It names the profile if the command line did. */
export function ztCommand(
  ctx: {profile: string; profileNamed: boolean},
  ...args: (string | Named)[]
): string {
  const profile = ctx.profileNamed ? ['--profile', ctx.profile] : []
  return ['zt', ...args, ...profile].map(shellQuote).join(' ')
}

/**
 * One word as a person would type it in this system's shells, with quotes only if it needs them. An object is given by its
 * name, or by its ID if the name cannot be pasted.
 */
export function shellQuote(word: string | Named): string {
  if (typeof word === 'string') return quoteForPerson(word)
  return quoteForPerson(canBePasted(word.name) ? word.name : (word.id ?? word.name))
}

/** A step of a `next:` line in two parts: `To undo it: ` and a command line of zt's; undefined if it has none. */
export function commandIn(step: string): {lead: string; line: string} | undefined {
  const [, lead = '', line] = /^((?!zt )[^:]*: )?(zt [^]*)$/.exec(step) ?? []
  return line === undefined ? undefined : {lead, line}
}

/** Commands that work the same with every profile. */
const WITHOUT_PROFILE = /^zt (completion|help|sandbox|version)\b/

/** A step of a `next:` line that works on a profile: adds `--profile` to a command line of zt's that lacks it. */
export function withProfile(step: string, profile: string): string {
  const {lead, line} = commandIn(step) ?? {}
  return line === undefined || WITHOUT_PROFILE.test(line)
    ? step
    : `${lead ?? ''}${withFlags(line, {profile})}`
}

/** Adds the flags that have a value and that the command line does not have. */
export function withFlags(line: string, flags: Readonly<Record<string, string | undefined>>): string {
  // What is in quotes is a name, and no word of the command. A quote that is not closed reaches to the end.
  const words = line.replaceAll(/'[^']*(?:'|$)|"(?:\\[^]|[^"\\])*(?:"|\\?$)/g, (quoted) =>
    '_'.repeat(quoted.length),
  )
  const missing = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined || new RegExp(`(^| )--${name}\\b`).test(words)
      ? []
      : [` --${name} ${quoteForPerson(value)}`],
  )
  // Before the words for another program or for the shell.
  const end = words.search(/ (?:--|<|\|) /)
  const at = end < 0 ? line.length : end
  return line.slice(0, at) + missing.join('') + line.slice(at)
}
