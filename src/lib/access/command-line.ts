/** A command of ours as it would be typed, for `next:` lines. Names the profile where the person had named it. */
export function ztCommand(ctx: {profile: string; profileNamed: boolean}, ...args: string[]): string {
  const profile = ctx.profileNamed ? ['--profile', ctx.profile] : []
  return ['zt', ...args, ...profile].map(shellQuote).join(' ')
}

/** One word for a POSIX shell; left as it is where it needs no quotes. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
