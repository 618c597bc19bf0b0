import {DEFAULT_PROFILE} from '../config/profiles.js'

const NEEDS_NO_QUOTES = /^[A-Za-z0-9_@%+=:,./-]+$/

/** A `zt` command line as a person would type it, quoted for a POSIX shell, with `--profile` where it is not the default one. */
export function ztCommand(ctx: {profile: string}, ...args: string[]): string {
  const profile = ctx.profile === DEFAULT_PROFILE ? [] : ['--profile', ctx.profile]
  return ['zt', ...args, ...profile].map(quote).join(' ')
}

function quote(argument: string): string {
  return NEEDS_NO_QUOTES.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`
}
