import type {Environment} from '../../config/paths.js'
import {loadSettings} from '../../config/settings.js'
import {bePatient} from '../../core/patience.js'
import {refuseSecretWords} from '../../core/redact.js'
import {parseDestination, portArguments} from '../target/destination.js'
import {openSsh, type SshEnd} from './run.js'
import {chooseToken} from '../target/target.js'

/** A session that ended, for the command that explains the end. */
export interface QuickEnd {
  host: string
  /** The name that ssh was called with, if it is not the host. */
  alias?: string | undefined
  token: {id: string; name: string}
  end: SshEnd
}

/**
 * `zt ssh [USER@]HOST [--profile NAME] [-- ARGUMENTS]` for a host that is bound to a token. It has nothing to ask or print,
 * so the command framework, whose start takes four times node's own, is not loaded. A session over a shared connection
 * opens as fast as with ssh itself.
 *
 * @param argv the arguments after `ssh`
 * @param root the package's directory
 * @returns undefined, and nothing was done, for everything else: another flag, a prompt, an error to explain
 */
export async function quickSsh(
  argv: readonly string[],
  {root, env, cwd}: {root: string; env: Environment; cwd: string},
): Promise<QuickEnd | undefined> {
  const words = wordsOf(argv)
  if (!words) return undefined
  bePatient(env['ZT_PATIENCE'])
  try {
    refuseSecretWords(argv)
    const {host, user, port} = parseDestination(words.destination, '')
    const settings = await loadSettings({env, cwd, flags: {profile: words.profile}})
    const chosen = await chooseToken({settings, host})
    if (chosen.by !== 'binding') return undefined
    const end = await openSsh({
      settings,
      host,
      user,
      chosen,
      share: true,
      client: 'auto',
      sshArgs: [...portArguments(port), ...words.rest],
      root,
      env,
    })
    return {host, token: {id: chosen.tokenId, name: chosen.name}, end}
  } catch {
    // ssh did not run. The full command tries again and explains the error.
    return undefined
  }
}

/** bin/zt.cjs hands an end over to the full command by this symbol: they share no module. */
const ENDED = Symbol.for('zt.ssh.ended')

/** The end of a session that {@link quickSsh} ran in this process and could not explain. */
export function endedBefore(): QuickEnd | undefined {
  return (globalThis as {[ENDED]?: QuickEnd})[ENDED]
}

/** Undefined if the full command must read the arguments. */
function wordsOf(
  argv: readonly string[],
): {destination: string; profile: string | undefined; rest: string[]} | undefined {
  const end = argv.indexOf('--')
  const own = end < 0 ? [...argv] : argv.slice(0, end)
  const rest = end < 0 ? [] : argv.slice(end + 1)
  let profile: string | undefined
  const at = own.indexOf('--profile')
  if (at >= 0) profile = own.splice(at, 2)[1]
  const [destination, ...more] = own
  if (destination === undefined || more.length > 0 || destination.startsWith('-')) return undefined
  if (at >= 0 && (profile === undefined || profile.startsWith('-'))) return undefined
  // Not a subcommand such as `zt ssh config`; only the full command can tell it from a host of that name.
  return destination.includes('.') || destination.includes('@') ? {destination, profile, rest} : undefined
}
