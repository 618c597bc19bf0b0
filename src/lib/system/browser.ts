import {once} from 'node:events'
import {findProgram} from './programs.js'
import {startProgram} from './start-program.js'

/** What opens an address with the person's browser, by platform; the first that is there. The words go before the address. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly (readonly string[])[]>> = {
  darwin: [['open']],
  win32: [['rundll32', 'url.dll,FileProtocolHandler']],
}
const OTHERS = [['xdg-open'], ['wslview'], ['x-www-browser']]

/**
 * Opens an address in the person's browser, which stays open after zt has ended.
 *
 * @param env the browser's environment; it outlives the command, so it should hold no secret
 * @returns false if this machine has no program for it, or the program could not be started
 */
export async function openInBrowser(
  url: URL,
  env: NodeJS.ProcessEnv,
  platform = process.platform,
): Promise<boolean> {
  for (const [name = '', ...words] of OPENERS[platform] ?? OTHERS) {
    const program = findProgram(name, env, {platform})
    if (program === undefined) continue
    const child = startProgram(program, [...words, url.href], {env, stdio: 'ignore', detached: true})
    try {
      await once(child, 'spawn')
    } catch {
      continue
    }
    child.unref()
    return true
  }
  return false
}
