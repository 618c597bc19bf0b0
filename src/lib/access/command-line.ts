const ZONED = new Set(['app list', 'app show', 'group list', 'token list', 'token show'])

/**
 * A command of ours as it would be typed, for `next:` lines. Names the profile and the zone where the person had named
 * them.
 */
export function ztCommand(
  ctx: {profile: string; profileNamed: boolean; zone?: string | undefined},
  ...args: string[]
): string {
  const profile = ctx.profileNamed ? ['--profile', ctx.profile] : []
  const zone = ctx.zone !== undefined && ZONED.has(args.slice(0, 2).join(' ')) ? ['--zone', ctx.zone] : []
  return ['zt', ...args, ...zone, ...profile].map(shellQuote).join(' ')
}

/** One word for a POSIX shell; left as it is where it needs no quotes. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
