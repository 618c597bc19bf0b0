import {UserError} from '../../core/errors.js'
import {quoteForShell, quoteForWindows} from '../../core/quote.js'
import type {TunnelClient} from '../types.js'

export interface ProxyCommandOptions {
  /** How zt is started (system/zt-program.ts), with absolute paths. */
  program: readonly string[]
  profile: string
  /** Id of another token than the bound one, or `env`; it may then be sent to this host. */
  token?: string | undefined
  client: TunnelClient
  connectTo?: string | undefined
  caFile?: string | undefined
  /** A host name, or `%h` for ssh to fill in. */
  host: string
  platform?: NodeJS.Platform | undefined
}

/**
 * The value of ssh's ProxyCommand: quoted for whatever ssh runs it with, and for ssh's own `%` signs.
 *
 * node and the script, never `zt` by its name: on Windows that is a batch file (`zt.cmd`), which only cmd.exe runs, and
 * elsewhere it depends on the PATH of whoever started ssh.
 *
 * @throws UserError `config` / `PATH_NOT_FOR_SSH` for a word that cannot be written so
 */
export function proxyCommand(options: ProxyCommandOptions): string {
  const {program, profile, token, client, connectTo, caFile, host, platform = process.platform} = options
  const words = [...program, 'ssh', 'proxy', '--profile', profile]
  if (client === 'cloudflared') words.push('--client', client)
  if (connectTo !== undefined) words.push('--connect-to', connectTo)
  if (caFile !== undefined) words.push('--ca-file', caFile)
  if (token !== undefined) words.push('--token', token, '--yes')
  const [start = '', ...args] = words.map((word) => proxyWord(word, platform))
  // Not left to Windows' ssh, which looks for `.exe` to see where the program ends.
  const first = platform !== 'win32' || start.startsWith('"') ? start : `"${start}"`
  return [first, ...args, host === '%h' ? '%h' : proxyWord(host, platform)].join(' ')
}

/**
 * One word of it. Elsewhere than on Windows ssh gives the command to the user's shell. There are two kinds of ssh on
 * Windows, which read the same ~/.ssh/config. Windows' own (OpenSSH_for_Windows, 7.9 and later) starts the program
 * itself: a command that begins with a double quote goes to CreateProcess as it is (PowerShell/openssh-portable,
 * `build_commandline_string`). That of Git for Windows gives it to sh, which drops backslashes outside of quotes
 * (coder/coder issue 7639). What {@link quoteForWindows} makes is read alike by both, except for what sh puts in for `$`
 * and backticks.
 */
function proxyWord(word: string, platform: NodeJS.Platform): string {
  if (/[\0\r\n]/.test(word)) throw notForSsh(word, 'An ssh configuration has no way to write a line break.')
  const forSsh = word.replaceAll('%', '%%')
  // ssh refuses a line whose quotes do not match as it reads them, and to it \' ends nothing.
  if (platform !== 'win32') return forSsh.includes('\\') ? inDoubleQuotes(forSsh) : quoteForShell(forSsh)
  if (/`|\$[\w({?!#$*@-]/.test(word))
    throw notForSsh(
      word,
      'The ssh of Git for Windows would take $ or a backtick in it for a command of its shell.',
    )
  return quoteForWindows(forSsh)
}

/** For a POSIX shell, as well. */
function inDoubleQuotes(word: string): string {
  return `"${word.replaceAll(/[\\"$`]/g, String.raw`\$&`)}"`
}

function notForSsh(word: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'PATH_NOT_FOR_SSH',
    message: `ssh cannot be told to use ${JSON.stringify(word)}`,
    why,
    next: ['Give the file or directory another name, or install it elsewhere'],
  })
}
