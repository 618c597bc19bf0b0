import {quoteForPerson} from './quote.js'

const ZONED = new Set([
  'app add-rule',
  'app create',
  'app list',
  'app remove-rule',
  'app set',
  'app show',
  'group add-token',
  'group create',
  'group delete',
  'group list',
  'group remove-token',
  'group show',
  'token list',
  'token show',
  'undo',
])

/**
 * A command of ours as it would be typed, for `next:` lines. Names the profile and the zone where the person had named
 * them.
 */
export function ztCommand(
  ctx: {profile: string; profileNamed: boolean; zone?: string | undefined},
  ...args: string[]
): string {
  const profile = ctx.profileNamed ? ['--profile', ctx.profile] : []
  const [topic = ''] = args
  const zoned = ZONED.has(topic) || ZONED.has(args.slice(0, 2).join(' '))
  const zone = ctx.zone !== undefined && zoned ? ['--zone', ctx.zone] : []
  return ['zt', ...args, ...zone, ...profile].map(shellQuote).join(' ')
}

/** One word as a person would type it in this system's shells; left as it is where it needs no quotes. */
export function shellQuote(word: string): string {
  return quoteForPerson(word)
}

/** They go by a profile. */
const PROFILED = /^zt (app|curl|exec|forward|group|login|logout|policy|ssh|store|token|undo|whoami)\b/

/**
 * A step of a `next:` line with the profile named that the person had named, where it is a command of ours that names
 * none: without, it would work on another account.
 */
export function withProfile(step: string, profile: string): string {
  if (!PROFILED.test(step) || /(^| )--profile\b/.test(step)) return step
  // Before what another program or the shell is given.
  const at = step.search(/ (?:--|<|\|) /)
  const [own, rest] = at < 0 ? [step, ''] : [step.slice(0, at), step.slice(at)]
  return `${own} --profile ${quoteForPerson(profile)}${rest}`
}
