import {createHash} from 'node:crypto'
import {ALIVE_INTERVAL_S, OWN_CONNECTION, sharingLines, type ConnectionKey} from '../sharing.js'
import {bytesOf, configWord, knownHosts} from '../config-values.js'

export interface HostBlockOptions {
  /** A host name, or a pattern as Access has it (`*.example.com`). */
  host: string
  /** What ssh is called with, if it is another name. */
  alias?: string | undefined
  user?: string | undefined
  port?: number | undefined
  /** For a pattern: names that it covers and that have sections of their own. */
  except?: readonly string[] | undefined
  proxyCommand: string
  /** In place of the configuration's ({@link import('./certificates.js').otherName}). */
  names?: {hostName: string; hostKeyAlias: string} | undefined
  knownHostsFile?: string | undefined
  platform?: NodeJS.Platform | undefined
  /** Undefined: connections are not shared, even if the file shares them for all hosts. */
  sharing?: {directory: string; key: ConnectionKey} | undefined
}

/**
 * A block for ~/.ssh/config, between marks by which zt finds it again. The second mark has a checksum of the lines between
 * them, which shows an edit by hand. Lines end in LF, except the last one.
 */
export function hostBlock(options: HostBlockOptions): string {
  const {
    host,
    alias = host,
    user,
    port,
    except,
    proxyCommand,
    names,
    knownHostsFile,
    platform,
    sharing,
  } = options
  const lines = [
    `Host ${[alias, ...notCovered(alias, except)].join(' ')}`,
    ...(user === undefined ? [] : [`  User ${configWord(user)}`]),
    ...(port === undefined ? [] : [`  Port ${port}`]),
    ...(names === undefined
      ? []
      : [`  HostName ${configWord(names.hostName)}`, `  HostKeyAlias ${configWord(names.hostKeyAlias)}`]),
    `  ProxyCommand ${proxyCommand}`,
    `  ServerAliveInterval ${ALIVE_INTERVAL_S}`,
    ...(sharing ? [`  # ${OUTLIVES}`] : []),
    ...(sharing ? sharingLines(sharing.directory, sharing.key) : OWN_CONNECTION).map((line) => `  ${line}`),
    ...(knownHostsFile === undefined ? [] : [`  UserKnownHostsFile ${knownHosts(knownHostsFile, platform)}`]),
  ]
  return [`# zt: begin ${alias}`, ...lines, `# zt: end ${alias} ${sumOf(lines.map(bytesOf))}`].join('\n')
}

/** Of a shared connection (ssh_config(5), ControlPersist). */
const OUTLIVES =
  'Ports that a session forwards (-L, -R, -D) stay open until this connection ends; not with zt ssh config --no-share.'

/** ssh's `*` also matches dots, and Access's does not. */
function notCovered(host: string, except: readonly string[] = []): string[] {
  const stars = [...host.matchAll(/\*/g)].map(
    ({index}) => `!${host.slice(0, index)}*.*${host.slice(index + 1)}`,
  )
  return [...stars, ...except.map((one) => `!${one}`)]
}

/** The checksum of the lines between the marks, latin1, without their line ends. */
export function sumOf(lines: readonly string[]): string {
  const text = lines.map((line) => line.replace(/\r?\n?$/, '')).join('\n')
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 12)
}
