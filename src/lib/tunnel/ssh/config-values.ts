import os from 'node:os'
import path from 'node:path'
import {withForwardSlashes} from '../../core/quote.js'

/** One word of an ssh_config line: in double quotes where ssh would otherwise take it apart. */
export function configWord(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/**
 * The value of UserKnownHostsFile: our file first, then the usual ones. A path of Windows gets forward slashes: whether
 * ssh reads a backslash as an escape depends on its version.
 */
export function knownHosts(file: string, platform: NodeJS.Platform = process.platform): string {
  const forSsh = platform === 'win32' ? withForwardSlashes(file) : file
  return `${configWord(forSsh.replaceAll('%', '%%'))} ~/.ssh/known_hosts ~/.ssh/known_hosts2`
}

/**
 * Where ssh looks: below the home of the user database, whatever HOME says; on Windows below the user's profile
 * (`%USERPROFILE%\.ssh\config`, learn.microsoft.com, "OpenSSH Server configuration").
 */
export function defaultSshConfig(
  home = os.userInfo().homedir,
  platform: NodeJS.Platform = process.platform,
): string {
  const {join} = platform === 'win32' ? path.win32 : path.posix
  return join(home, '.ssh', 'config')
}
