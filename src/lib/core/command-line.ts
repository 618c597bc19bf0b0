import {canBePasted, quoteForPerson} from './quote.js'

/** What has a name that anybody may have given it, and an id, unless it is still to be made. */
export interface Named {
  id?: string | null | undefined
  name: string
}

const ZONED = new Set<string>([
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
  ...args: (string | Named)[]
): string {
  const profile = ctx.profileNamed ? ['--profile', ctx.profile] : []
  const [topic = '', command = ''] = args.map((word) => (typeof word === 'string' ? word : ''))
  const zoned = ZONED.has(topic) || ZONED.has(`${topic} ${command}`)
  const zone = ctx.zone !== undefined && zoned ? ['--zone', ctx.zone] : []
  return ['zt', ...args, ...zone, ...profile].map(shellQuote).join(' ')
}

/**
 * One word as a person would type it in this system's shells; left as it is where it needs no quotes. A thing goes by its
 * name, and by its id where its name cannot be pasted.
 */
export function shellQuote(word: string | Named): string {
  if (typeof word === 'string') return quoteForPerson(word)
  return quoteForPerson(canBePasted(word.name) ? word.name : (word.id ?? word.name))
}

/** They go by a profile. */
const PROFILED = /^zt (app|curl|exec|forward|group|login|logout|policy|ssh|store|token|undo|whoami)\b/

/**
 * A step of a `next:` line with the profile named that the person had named, where it is a command of ours that names
 * none: without, it would work on another account.
 */
export function withProfile(step: string, profile: string): string {
  // What stands in quotes is somebody's name, and no word of the command.
  const words = step.replaceAll(/'[^']*'|"(?:\\.|[^"\\])*"/g, (quoted) => '_'.repeat(quoted.length))
  if (!PROFILED.test(words) || /(^| )--profile\b/.test(words)) return step
  // Before what another program or the shell is given.
  const at = words.search(/ (?:--|<|\|) /)
  const [own, rest] = at < 0 ? [step, ''] : [step.slice(0, at), step.slice(at)]
  return `${own} --profile ${quoteForPerson(profile)}${rest}`
}
