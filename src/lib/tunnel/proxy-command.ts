import type {TunnelClient} from './types.js'

export interface ProxyCommandOptions {
  /** How zt is started (core/program.ts), with absolute paths. */
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

/** The value of ssh's ProxyCommand: quoted for the shell that ssh runs it with, and for ssh's own `%` signs. */
export function proxyCommand(options: ProxyCommandOptions): string {
  const {program, profile, token, client, connectTo, caFile, host} = options
  const words = [...program, 'ssh', 'proxy', '--profile', profile]
  if (client === 'cloudflared') words.push('--client', client)
  if (connectTo !== undefined) words.push('--connect-to', connectTo)
  if (caFile !== undefined) words.push('--ca-file', caFile)
  if (token !== undefined) words.push('--token', token, '--yes')
  const quote = (options.platform ?? process.platform) === 'win32' ? quoteForWindows : quoteForShell
  const quoted = words.map((word) => quote(word.replaceAll('%', '%%')))
  return [...quoted, host === '%h' ? '%h' : quote(host.replaceAll('%', '%%'))].join(' ')
}

/** One word for a POSIX shell. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Windows' OpenSSH starts the program itself; a path with blanks goes in double quotes, which no path can hold. */
function quoteForWindows(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `"${word}"`
}
