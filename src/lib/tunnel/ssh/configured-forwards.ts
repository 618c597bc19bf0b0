import {settingIn, settingsFromSsh, type SshAnswer, type SshQuestion} from './ask-ssh.js'
import {configLines, readConfiguration, type Configuration} from './configuration.js'
import {isExec} from './match-exec.js'

/** Settings that let something outlive its session or send the session to the background, unless switched off. */
const FORWARDS = new Set([
  'localforward',
  'remoteforward',
  'dynamicforward',
  'forwardagent',
  'forwardx11',
  'gssapidelegatecredentials',
  'tunnel',
  'forkafterauthentication',
])
/** The same as `ssh -G` prints them. */
const EFFECTIVE =
  /^((local|remote|dynamic)forward |(forwardagent|tunnel) (?!no|false)|(forwardx11|gssapidelegatecredentials|forkafterauthentication) (yes|true))/m

/**
 * Whether the configuration makes ssh forward ports, the agent or windows for a host, or go to the background: in a shared
 * connection that outlives its session. Only ssh knows, but to ask it takes as long as its start. So it is asked only if a
 * file has such a line at all, for any host. If ssh does not answer, or a file cannot be read, or the line is in a section
 * of `Match … exec`, whose program zt does not run, the result is true.
 */
export async function forwardsByConfiguration(
  question: Omit<SshQuestion, 'configuration'>,
): Promise<boolean> {
  const configuration = readConfiguration(question)
  if (!configuration.complete) return true
  const may = mayForward(configuration)
  if (may !== 'here') return may === 'after a program'
  const answer = await settingsFromSsh({...question, configuration})
  return 'failed' in answer || settingIn(answer, 'hostname') === undefined || forwardsIn(answer)
}

/** Whether an answer of ssh contains such a setting. */
export function forwardsIn({settings}: Pick<SshAnswer, 'settings'>): boolean {
  return EFFECTIVE.test(settings)
}

/** Where a file has such a line for any host. */
function mayForward({main, files}: Configuration): 'here' | 'after a program' | undefined {
  const seen = new Set<string>()
  let here = false
  const waiting = main.map((file) => ({file, guarded: false}))
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const {file, guarded} = next
    const read = files.get(file)
    if (!read || seen.has(`${guarded} ${file}`)) continue
    seen.add(`${guarded} ${file}`)
    let inside = guarded
    for (const line of configLines(read.text)) {
      const {number, keyword, value} = line
      if (keyword === 'match' || keyword === 'host') inside = guarded || isExec(line)
      if (FORWARDS.has(keyword) && !/^"?(no|false)"?$/i.test(value)) {
        if (inside) return 'after a program'
        here = true
      }
      for (const one of read.includes.get(number) ?? []) waiting.push({file: one, guarded: inside})
    }
  }
  return here ? 'here' : undefined
}
