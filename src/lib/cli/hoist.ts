const WITH_VALUE = new Set(['--profile', '--account', '--fields', '--jq'])
const WITHOUT_VALUE = new Set(['--json', '--no-input'])

/**
 * Allows global flags before the command (`zt --profile sandbox token list`), which oclif does not: moves them behind it,
 * before any `--`.
 */
export function hoistGlobalFlags(argv: readonly string[]): string[] {
  let at = 0
  for (;;) {
    const word = argv[at]
    if (word === undefined) break
    if (WITHOUT_VALUE.has(word) || [...WITH_VALUE].some((flag) => word.startsWith(`${flag}=`))) at += 1
    else if (WITH_VALUE.has(word) && argv[at + 1] !== undefined) at += 2
    else break
  }
  const leading = argv.slice(0, at)
  const rest = argv.slice(at)
  if (rest.length === 0) return [...argv]
  const end = rest.indexOf('--')
  return end < 0 ? [...rest, ...leading] : [...rest.slice(0, end), ...leading, ...rest.slice(end)]
}
