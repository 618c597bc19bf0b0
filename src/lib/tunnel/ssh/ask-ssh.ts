import {execFile} from 'node:child_process'
import {patient} from '../../core/patience.js'

/** The user's configuration may contain a slow `Match exec`. */
const PATIENCE_MS = 10_000

/**
 * Asks ssh itself which settings apply (`ssh -G`).
 *
 * @param ssh absolute path
 * @param args ssh's arguments, with the host
 * @returns what it prints, or why it failed
 */
export function settingsFromSsh(
  ssh: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | {failed: string}> {
  const timeout = patient(PATIENCE_MS)
  return new Promise((resolve) => {
    const limits = {env, timeout, maxBuffer: 16 * 1024 * 1024}
    const child = execFile(ssh, ['-T', '-G', ...args], limits, (error, stdout, stderr) => {
      if (!error) resolve(stdout)
      else if (error.killed) resolve({failed: `ssh -G did not answer within ${timeout / 1000} s.`})
      else resolve({failed: `ssh says: ${stderr.trim().split(/\r?\n/).join('; ')}`})
    })
    child.stdin?.end()
  })
}
