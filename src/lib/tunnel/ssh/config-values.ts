import os from 'node:os'
import path from 'node:path'
import {withForwardSlashes} from '../../core/quote.js'

/** One word of an ssh_config line: in double quotes where ssh would otherwise split it. */
export function configWord(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** A pattern of ssh_config(5), with `*` and `?`, as a regular expression. */
export function patternOf(text: string): RegExp {
  const source = text
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`)
}

/**
 * The value of UserKnownHostsFile: this file first, then the usual ones. Windows paths get forward slashes: whether ssh
 * takes a backslash for an escape depends on its version.
 */
export function knownHosts(file: string, platform: NodeJS.Platform = process.platform): string {
  const forSsh = platform === 'win32' ? withForwardSlashes(file) : file
  return `${configWord(forSsh.replaceAll('%', '%%'))} ~/.ssh/known_hosts ~/.ssh/known_hosts2`
}

/**
 * The user's ssh configuration: below the home in the user database, whatever HOME says; on Windows below the user's
 * profile (`%USERPROFILE%\.ssh\config`, learn.microsoft.com, "OpenSSH Server configuration").
 */
export function defaultSshConfig(
  home = os.userInfo().homedir,
  platform: NodeJS.Platform = process.platform,
): string {
  const {join} = platform === 'win32' ? path.win32 : path.posix
  return join(home, '.ssh', 'config')
}
