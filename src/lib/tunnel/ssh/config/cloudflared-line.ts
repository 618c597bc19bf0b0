import {normaliseHostname} from '../../../core/hostname.js'
import {checkRequest} from '../../carrier/handshake.js'
import {cloudflaredOption} from '../../cloudflared/options.js'
import {configWords} from '../configuration.js'

/** What a ProxyCommand that runs cloudflared connects to. */
export interface CloudflaredLine {
  /** A host, or a text with ssh's `%h` or `%n` in the place of one or of its beginning. */
  host: string
  /** An address, also with `%h`, `%n` and `%p`. */
  destination: string | undefined
}

/** Whether a ProxyCommand runs cloudflared as a client, in whatever way. */
export function runsCloudflared(value: string): boolean {
  return /cloudflared\b[^]*\b(access|forward)["']?\s+["']?(tcp|ssh|rdp|smb)(?![\w-])/.test(value)
}

/** One word for the program: with or without a path and quotes. */
const PROGRAM =
  /^(?:exec\s+)?(?:"(?:[^"]*[\\/])?cloudflared(?:\.exe)?"|'(?:[^']*\/)?cloudflared'|(?:[^\s"'|&;<>()$`*?]*[\\/])?cloudflared(?:\.exe)?)\s+/i
/** What a shell would make something else of. */
const SHELL = /[|&;<>()$`\\!#*?[\]{}~\n]/
const HOST_TEMPLATE = /^%[hn](\.[a-z0-9_.-]+)?$/i
const DESTINATION_TEMPLATE = /^(%[hn]|[a-z0-9_][a-z0-9_.-]*)(:(%p|\d+))?$/i

const CREDENTIALS =
  'It has credentials on the command line, where every process on this machine can read them'
const NOT_READ = 'It is a command line that zt does not read'

/**
 * Reads a ProxyCommand that runs cloudflared.
 *
 * @returns why zt cannot do the same: a sentence without full stop and without anything of the line but the names of options
 */
export function readCloudflared(value: string): CloudflaredLine | {refused: string} {
  const [program] = PROGRAM.exec(value.trim()) ?? []
  const rest = value.trim().slice(program?.length ?? 0)
  const words = SHELL.test(rest) ? undefined : configWords(rest)
  const [access = '', command = '', ...options] = words ?? []
  if (program === undefined || !/^(access|forward)$/.test(access) || !/^(tcp|ssh|rdp|smb)$/.test(command))
    return {refused: namesCredentials(value) ? CREDENTIALS : NOT_READ}
  const line: CloudflaredLine = {host: '', destination: undefined}
  for (let at = 0; at < options.length; at++) {
    const [, name = '', joined] = /^--?([A-Za-z][\w-]*)(?:=([^]*))?$/.exec(options[at] ?? '') ?? []
    if (name === '') return {refused: 'It has an argument that is no option'}
    const meaning = cloudflaredOption(name)?.says
    if (meaning === undefined) return {refused: `zt has no counterpart of its option --${name.slice(0, 30)}`}
    if (meaning === 'secret') return {refused: CREDENTIALS}
    const given = joined ?? options[++at]
    if (given === undefined) return {refused: `Its option --${name} has no value`}
    if (meaning !== 'log') line[meaning] = given
  }
  const host = hostIn(line.host)
  if (host === undefined)
    return {refused: line.host === '' ? 'It has no --hostname' : 'Its --hostname is not a host name'}
  if (line.destination !== undefined && !isDestination(line.destination))
    return {refused: 'Its --destination is not an address'}
  return {...line, host}
}

function namesCredentials(value: string): boolean {
  return /(^|[\s"'])--?(service-token-)?(id|secret)[\s=]|TUNNEL_SERVICE_TOKEN/i.test(value)
}

function hostIn(text: string): string | undefined {
  if (HOST_TEMPLATE.test(text)) return text
  try {
    return normaliseHostname(text.replace(/^https?:\/\//i, '').replace(/\/$/, ''))
  } catch {
    return undefined
  }
}

function isDestination(text: string): boolean {
  if (text.includes('%')) return DESTINATION_TEMPLATE.test(text)
  try {
    checkRequest({destination: text})
    return true
  } catch {
    return false
  }
}
