import {createHash} from 'node:crypto'
import {ALIVE_INTERVAL_S, OWN_CONNECTION, sharingLines, type ConnectionKey} from '../sharing.js'
import {configWord, knownHosts} from '../config-values.js'

export interface HostBlockOptions {
  host: string
  /** What ssh is called with, if it is another name. */
  alias?: string | undefined
  user?: string | undefined
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
  const {host, alias = host, user, proxyCommand, names, knownHostsFile, platform, sharing} = options
  const lines = [
    `Host ${alias}`,
    ...(user === undefined ? [] : [`  User ${configWord(user)}`]),
    ...(names === undefined
      ? []
      : [`  HostName ${configWord(names.hostName)}`, `  HostKeyAlias ${configWord(names.hostKeyAlias)}`]),
    `  ProxyCommand ${proxyCommand}`,
    `  ServerAliveInterval ${ALIVE_INTERVAL_S}`,
    ...(sharing ? sharingLines(sharing.directory, sharing.key) : OWN_CONNECTION).map((line) => `  ${line}`),
    ...(knownHostsFile === undefined ? [] : [`  UserKnownHostsFile ${knownHosts(knownHostsFile, platform)}`]),
  ]
  return [`# zt: begin ${alias}`, ...lines, `# zt: end ${alias} ${sumOf(lines.map(bytesOf))}`].join('\n')
}

/** A text as latin1: one character for each byte of its UTF-8. */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** The checksum of the lines between the marks, latin1, without their line ends. */
export function sumOf(lines: readonly string[]): string {
  const text = lines.map((line) => line.replace(/\r?\n?$/, '')).join('\n')
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 12)
}
