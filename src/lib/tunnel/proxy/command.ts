import {UserError} from '../../core/errors.js'
import {quoteForShell, quoteForWindows} from '../../core/quote.js'
import type {TunnelClient} from '../types.js'

export interface ProxyCommandOptions {
  /** How zt is started (system/zt-program.ts), with absolute paths. */
  program: readonly string[]
  profile: string
  /** ID of another token than the bound one, or `env`; its secret may then be sent to this host. */
  token?: string | undefined
  client: TunnelClient
  connectTo?: string | undefined
  caFile?: string | undefined
  /** An address for the connector, also with ssh's `%h`, `%n` and `%p`. */
  destination?: string | undefined
  /** A host name, also with ssh's `%h` or `%n` in it. */
  host: string
  platform?: NodeJS.Platform | undefined
}

/**
 * The value of ssh's ProxyCommand, quoted for the shell or system call that ssh runs it with, and for ssh's own `%` signs.
 *
 * It names node and the script, never `zt`: on Windows that is a batch file (`zt.cmd`), which only cmd.exe runs, and
 * elsewhere it depends on the PATH of the process that started ssh.
 *
 * @throws UserError `config` / `PATH_NOT_FOR_SSH` for a word that cannot be quoted
 */
export function proxyCommand(options: ProxyCommandOptions): string {
  const {program, profile, token, client, connectTo, caFile, destination, host} = options
  const {platform = process.platform} = options
  const words = [...program, 'ssh', 'proxy', '--profile', profile]
  if (client === 'cloudflared') words.push('--client', client)
  if (connectTo !== undefined) words.push('--connect-to', connectTo)
  if (caFile !== undefined) words.push('--ca-file', caFile)
  if (token !== undefined) words.push('--token', token, '--yes')
  const [start = '', ...args] = words.map((word) => proxyWord(word, platform))
  // Always quoted: Windows' ssh would look for `.exe` to find the end of the program's name.
  const first = platform !== 'win32' || start.startsWith('"') ? start : `"${start}"`
  const places = [...(destination === undefined ? [] : ['--destination', destination]), host]
  return [
    first,
    ...args,
    ...places.map((word) => (FILLED_IN.test(word) ? word : proxyWord(word, platform))),
  ].join(' ')
}

/** A word in which ssh fills in the host as it is called or by HostName, or the port. ssh accepts no special character there. */
const FILLED_IN = /^[\w.:-]*(%[hnp][\w.:-]*)+$/

/**
 * Quotes one word. ssh passes the command to the user's shell, except on Windows, where two kinds of ssh read the same
 * ~/.ssh/config. Windows' own (OpenSSH_for_Windows, 7.9 and later) starts the program itself: a command that begins with a
 * double quote goes to CreateProcess unchanged (PowerShell/openssh-portable, `build_commandline_string`). The one of Git
 * for Windows uses sh, which drops backslashes outside of quotes (coder/coder issue 7639). Both read the output of
 * {@link quoteForWindows} alike, except that sh expands `$` and backticks.
 */
function proxyWord(word: string, platform: NodeJS.Platform): string {
  if (/[\0\r\n]/.test(word)) throw notForSsh(word, 'An ssh configuration cannot contain a line break.')
  const forSsh = word.replaceAll('%', '%%')
  // ssh refuses a line with unbalanced quotes, and does not read \' as an escape.
  if (platform !== 'win32') return forSsh.includes('\\') ? inDoubleQuotes(forSsh) : quoteForShell(forSsh)
  if (/`|\$[\w({?!#$*@-]/.test(word))
    throw notForSsh(word, 'The ssh of Git for Windows would let its shell expand the $ or backtick in it.')
  return quoteForWindows(forSsh)
}

/** Also correct for a POSIX shell. */
function inDoubleQuotes(word: string): string {
  return `"${word.replaceAll(/[\\"$`]/g, String.raw`\$&`)}"`
}

function notForSsh(word: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'PATH_NOT_FOR_SSH',
    message: `${JSON.stringify(word)} cannot be written into an ssh command`,
    why,
    next: ['Rename the file or directory, or install it elsewhere'],
  })
}
