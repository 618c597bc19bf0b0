import {createHash} from 'node:crypto'
import {ALIVE_INTERVAL_S, OWN_CONNECTION, sharingLines, type ConnectionKey} from '../sharing.js'
import {configWord, knownHosts} from '../config-values.js'

export interface HostBlockOptions {
  host: string
  user?: string | undefined
  proxyCommand: string
  knownHostsFile?: string | undefined
  platform?: NodeJS.Platform | undefined
  /** Undefined: connections are not shared, whatever is said elsewhere of all hosts. */
  sharing?: {directory: string; key: ConnectionKey} | undefined
}

/**
 * A block for ~/.ssh/config, between marks by which it can be found again. The second mark has a sum of what stands
 * between them, by which an edit by hand is noticed. Lines end in LF, the last one in nothing.
 */
export function hostBlock(options: HostBlockOptions): string {
  const {host, user, proxyCommand, knownHostsFile, platform, sharing} = options
  const lines = [
    `Host ${host}`,
    ...(user === undefined ? [] : [`  User ${configWord(user)}`]),
    `  ProxyCommand ${proxyCommand}`,
    `  ServerAliveInterval ${ALIVE_INTERVAL_S}`,
    ...(sharing ? sharingLines(sharing.directory, sharing.key) : OWN_CONNECTION).map((line) => `  ${line}`),
    ...(knownHostsFile === undefined ? [] : [`  UserKnownHostsFile ${knownHosts(knownHostsFile, platform)}`]),
  ]
  return [`# zt: begin ${host}`, ...lines, `# zt: end ${host} ${sumOf(lines.map(bytesOf))}`].join('\n')
}

/** A text as it is in a file, latin1: one character for each byte of its UTF-8 (a path may hold any character). */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** Of the lines between the marks, latin1, whatever their ends. */
export function sumOf(lines: readonly string[]): string {
  const text = lines.map((line) => line.replace(/\r?\n?$/, '')).join('\n')
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 12)
}
