import os from 'node:os'
import path from 'node:path'
import {UserError} from '../../core/errors.js'
import {withForwardSlashes} from '../../core/quote.js'

/** One word of an ssh_config line: in double quotes where ssh would otherwise split it. */
export function configWord(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** A text as latin1: one character for each byte of its UTF-8, as zt reads and writes ssh's files. */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/**
 * A file for an Include line, latin1. On Windows with forward slashes: ssh's search for files takes a backslash for an escape.
 */
export function includedFile(file: string, platform: NodeJS.Platform = process.platform): string {
  const forSsh = platform === 'win32' ? withForwardSlashes(file) : file
  return `"${bytesOf(forSsh).replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** A pattern of ssh_config(5), with `*` and `?`, as a regular expression. */
export function patternOf(text: string): RegExp {
  const source = text
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`)
}

/** In the place of `*`, to ask ssh about a pattern. */
export const SAMPLE = 'zt-sample'

/** A name that a pattern matches; the text itself if it is no pattern. */
export function sampleOf(pattern: string): string {
  return pattern.replaceAll('*', SAMPLE).replaceAll('?', 'x')
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
 * The user's ssh configuration, as ssh finds it: below the home in the user database, whatever HOME says; on Windows below the user's
 * profile (`%USERPROFILE%\.ssh\config`, learn.microsoft.com, "OpenSSH Server configuration").
 *
 * @throws UserError `usage` / `NO_SSH_CONFIG` for a user whom the database does not have, as in many containers
 */
export function defaultSshConfig(
  home = homeInDatabase(),
  platform: NodeJS.Platform = process.platform,
): string {
  const {join} = platform === 'win32' ? path.win32 : path.posix
  return join(home, '.ssh', 'config')
}

function homeInDatabase(): string {
  try {
    return os.userInfo().homedir
  } catch {
    throw new UserError({
      kind: 'usage',
      code: 'NO_SSH_CONFIG',
      message: 'ssh has no configuration of yours',
      why: "It is below the home in the system's user database, which has no entry for this user.",
      next: ['Name a file for ssh -F: --file FILE'],
    })
  }
}
