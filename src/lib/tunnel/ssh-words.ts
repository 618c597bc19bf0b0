import {withForwardSlashes} from '../core/quote.js'

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
