import type {Environment} from '../../config/paths.js'
import {loadSettings} from '../../config/settings.js'
import {bePatient} from '../../core/patience.js'
import {refuseSecretWords} from '../../core/redact.js'
import {parseDestination} from '../target/destination.js'
import {openSsh, type SshEnd} from './run.js'
import {chooseToken, sharedBy} from '../target/target.js'

/** What one went by, for the command that says what became of it. */
export interface QuickEnd {
  host: string
  token: {id: string; name: string}
  end: SshEnd
}

/**
 * `zt ssh [USER@]HOST [--profile NAME] [-- ARGUMENTS]` for a host that is bound to a token: nothing is asked and nothing
 * printed, so the command framework, which takes four times node's own start, is not loaded. A session over a shared
 * connection is there in the time that ssh itself takes.
 *
 * @param argv what stands behind `ssh`
 * @param root the package's directory
 * @returns undefined, and nothing was done, for whatever else: another flag, a prompt, an error to explain
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
    const {host, user} = parseDestination(words.destination, '')
    const settings = await loadSettings({env, cwd, flags: {profile: words.profile}})
    const chosen = await chooseToken({settings, host})
    if (!chosen.bound) return undefined
    const end = await openSsh({
      settings,
      host,
      user,
      sharedBy: sharedBy(chosen, settings),
      share: true,
      client: 'auto',
      sshArgs: words.rest,
      root,
      env,
    })
    return {host, token: {id: chosen.tokenId, name: chosen.name}, end}
  } catch {
    // ssh did not run. The command does the same again, and says what is wrong.
    return undefined
  }
}

/** By which bin/zt.cjs gives the command an end that is to be explained: they share no module. */
const ENDED = Symbol.for('zt.ssh.ended')

/** What {@link quickSsh} went by in this process, and could not say itself. */
export function endedBefore(): QuickEnd | undefined {
  return (globalThis as {[ENDED]?: QuickEnd})[ENDED]
}

/** Undefined where there is anything that the command must read. */
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
  // `zt ssh config` and the like; a host of that name is for the command to tell apart.
  return destination.includes('.') || destination.includes('@') ? {destination, profile, rest} : undefined
}
