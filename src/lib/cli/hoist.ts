const WITH_VALUE = new Set(['--profile', '--account', '--fields', '--jq'])
const WITHOUT_VALUE = new Set(['--json', '--no-input'])

/** cloudflared's, before `access` and before what follows it; its image starts with the first (its Dockerfile). */
const CLOUDFLARED =
  /^--?(?:no-autoupdate|fedramp|(loglevel|logfile|log-directory|output|config))(?:(=)[^]*)?$/

/**
 * Allows global flags before the command (`zt --profile sandbox token list`), which oclif does not: moves them behind it,
 * before any `--`. Leaves out cloudflared's before `access`, which change nothing that zt does.
 */
export function hoistGlobalFlags(words: readonly string[]): string[] {
  const argv = withoutCloudflareds(words)
  const leading = leadingFlags(argv)
  const rest = argv.slice(leading.length)
  if (rest.length === 0) return [...argv]
  // What follows the name of a command of access may be for another program.
  const end = rest[0] === 'access' ? Math.min(2, rest.length) : rest.indexOf('--')
  return end < 0 ? [...rest, ...leading] : [...rest.slice(0, end), ...leading, ...rest.slice(end)]
}

/** The global flags before the command. */
export function leadingFlags(argv: readonly string[]): readonly string[] {
  let at = 0
  for (;;) {
    const word = argv[at]
    if (word === undefined) break
    if (WITHOUT_VALUE.has(word) || [...WITH_VALUE].some((flag) => word.startsWith(`${flag}=`))) at += 1
    else if (WITH_VALUE.has(word) && argv[at + 1] !== undefined) at += 2
    else break
  }
  return argv.slice(0, at)
}

function withoutCloudflareds(argv: readonly string[]): readonly string[] {
  const at = behind(argv, 0)
  return argv[at] === 'access' ? ['access', ...argv.slice(behind(argv, at + 1))] : argv
}

/** Where the first word is that is none of cloudflared's options. */
function behind(argv: readonly string[], from: number): number {
  let at = from
  for (;;) {
    const [option, value, joined] = CLOUDFLARED.exec(argv[at] ?? '') ?? []
    if (option === undefined) return at
    at += value !== undefined && joined === undefined ? 2 : 1
  }
}
