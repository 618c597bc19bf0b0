import type {Environment} from '../../config/paths.js'
import {shellQuote} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import {normaliseHostname} from '../../core/hostname.js'
import {refuseSecretWords} from '../../core/redact.js'
import {CLOUDFLARED_OPTIONS, type CloudflaredOption} from '../cloudflared/options.js'
import {parseListen, placeOf} from '../forward/listen.js'
import type {ZtLine} from '../types.js'
import {readGoWords, usage, type GoOption, type GoWords} from './go-flags.js'

// The command lines of `cloudflared access` as zt's own. The variables are those of cloudflared 2026.8.2
// (cmd/cloudflared/access/cmd.go, carrier.go).

/** zt's own options, which may be among cloudflared's. */
const EVERY = {
  profile: {},
  account: {},
  json: {switch: true},
  fields: {},
  jq: {},
  'no-input': {switch: true},
} as const
const CONNECTING = {token: {}, yes: {also: ['y'], switch: true}, 'ca-file': {}, ...EVERY} as const

const OF_TUNNELS: Readonly<Record<string, GoOption & CloudflaredOption>> = {
  ...CLOUDFLARED_OPTIONS,
  expose: {switch: true},
  ...CONNECTING,
}
/** Credentials are refused before. */
const TUNNEL = Object.fromEntries(Object.entries(OF_TUNNELS).filter(([, {says}]) => says !== 'secret'))
const CONFIG: Readonly<Record<string, GoOption>> = {
  hostname: {},
  'short-lived-cert': {switch: true},
  ...EVERY,
}
const CURL: Readonly<Record<string, GoOption>> = {
  'allow-request': {also: ['ar'], switch: true},
  'connect-to': {},
  ...CONNECTING,
}

/** Options whose effect a person might miss. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  logfile: 'zt writes no log: --logfile has no effect',
  'log-directory': 'zt writes no log: --log-directory has no effect',
  'debug-stream': 'zt never logs what a connection carries: --debug-stream has no effect',
}
const NO_CERTIFICATES =
  'zt makes no short-lived certificates. With this block, ssh logs in with a key or a password; short-lived certificates need cloudflared'

/**
 * `access ssh`, `tcp`, `rdp` and `smb`, which are one command: `zt ssh proxy`, or with a listener `zt forward`.
 *
 * @throws UserError `usage` / `BAD_COMMAND_LINE`, `CREDENTIALS_ON_COMMAND_LINE`, `SECRET_ON_COMMAND_LINE`, `BAD_HOSTNAME`,
 *   `BAD_LISTEN`, `BAD_CONNECT_TO`
 */
export function readTunnelLine(words: readonly string[], env: Environment): ZtLine {
  const command = 'access ssh'
  refuseCredentials(words)
  const given = readGoWords(words, TUNNEL, {command})
  const [positional, more] = given.others
  if (more !== undefined || (positional !== undefined && given.values.has('url')))
    throw usage('There is more than one address to listen on', command)
  const host = hostOf(last(given, 'hostname') ?? set(env['TUNNEL_SERVICE_HOSTNAME']), command)
  const url = last(given, 'url') ?? positional ?? set(env['TUNNEL_SERVICE_URL'])
  const destination = last(given, 'destination') ?? env['TUNNEL_SERVICE_DESTINATION'] ?? ''
  const connectTo = last(given, 'connect-to') ?? ''
  const own = ownWords(given, CONNECTING)
  // This pair is for this command, and so for the host that it names, unless a list of hosts says otherwise.
  if (set(env['TUNNEL_SERVICE_TOKEN_ID']) !== undefined && !given.values.has('token'))
    own.push('--token=env', ...(set(env['ZT_HOSTS']) === undefined ? ['--yes'] : []))
  // It outlives the script that starts it, as cloudflared does.
  const listening =
    url === undefined ? [] : [`--listen=${listenAt(url)}`, '--keep', ...ownWords(given, {expose: true})]
  return {
    command: url === undefined ? 'ssh:proxy' : 'forward',
    words: [
      host,
      ...listening,
      ...(destination.trim() === '' ? [] : [`--destination=${addressIn(destination)}`]),
      ...headersOf(given).map((header) => `--header=${header}`),
      ...(connectTo === '' ? [] : [`--connect-to=${edgeOf(connectTo, host)}`]),
      ...own,
    ],
    own,
    notes: Object.entries(WITHOUT_EFFECT).flatMap(([name, note]) => (given.values.has(name) ? [note] : [])),
  }
}

/**
 * `access curl [--allow-request] URL [CURL-OPTIONS]` as `zt curl`. zt's own options come before the URL. With a service
 * token there is no login to do without, so --allow-request changes nothing.
 *
 * @throws UserError `usage` / `BAD_COMMAND_LINE`, `SECRET_ON_COMMAND_LINE`
 */
export function readCurlLine(words: readonly string[]): ZtLine {
  const command = 'access curl'
  const given = readGoWords(words, CURL, {command, untilOther: true})
  const [url, ...rest] = given.others
  refuseSecretWords(words.slice(0, words.length - rest.length))
  if (url === undefined) throw usage('The URL is missing', command)
  const own = ownWords(given, CONNECTING)
  const connectTo = last(given, 'connect-to')
  const edge = connectTo === undefined ? [] : [`--connect-to=${connectTo}`]
  const options = rest[0] === '--' ? rest.slice(1) : rest
  return {command: 'curl', words: [url, ...edge, ...own, '--', ...options], own, notes: []}
}

/**
 * `access ssh-config` as `zt ssh config`.
 *
 * @throws UserError `usage` / `BAD_COMMAND_LINE`, `SECRET_ON_COMMAND_LINE`, `BAD_HOSTNAME`
 */
export function readConfigLine(words: readonly string[]): ZtLine {
  const command = 'access ssh-config'
  refuseSecretWords(words)
  const given = readGoWords(words, CONFIG, {command})
  if (given.others.length > 0) throw usage('The command takes no argument', command)
  const own = ownWords(given, EVERY)
  const host = hostOf(last(given, 'hostname'), command)
  const notes = last(given, 'short-lived-cert') === 'true' ? [NO_CERTIFICATES] : []
  return {command: 'ssh:config', words: [host, ...own], own, notes}
}

/** An empty variable counts as not set, as everywhere in zt. */
function set(value: string | undefined): string | undefined {
  const text = value?.trim()
  return text === '' ? undefined : text
}

/** The last one counts, as in Go. */
function last({values}: GoWords, name: string): string | undefined {
  return values.get(name)?.at(-1)
}

/** zt's own options of these, as the command that runs reads them. */
function ownWords(given: GoWords, own: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(own).flatMap((name) => {
    const value = last(given, name)
    if (value === undefined) return []
    return TUNNEL[name]?.switch ? (value === 'true' ? [`--${name}`] : []) : [`--${name}=${value}`]
  })
}

/** cloudflared accepts a URL, of which it makes https. */
function hostOf(text: string | undefined, command: string): string {
  if (text === undefined || text === '')
    throw usage('--hostname is missing', command, undefined, [`zt ${command} --hostname HOST`])
  return normaliseHostname(text.replace(/^https?:\/\//i, '').replace(/(?::443)?\/?$/, ''))
}

/** `HOST:PORT` of a URL that names an address (validation.ValidateUrl): only these two count. */
function addressIn(text: string): string {
  return (
    text
      .trim()
      .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
      .split('/', 1)[0] ?? ''
  )
}

function listenAt(url: string): string {
  return placeOf(parseListen(addressIn(url), true))
}

/**
 * `HOST`, `HOST:PORT` or `SNI:PORT:HOST`. With the last form cloudflared checks no certificate; zt always does, so it can
 * do what the form is for only where the name is the host's own.
 */
function edgeOf(connectTo: string, host: string): string {
  const [first = '', port = '443', address, ...more] = connectTo.split(':')
  if (address === undefined) return `${first}:${port}`
  if (more.length === 0 && first.toLowerCase() === host) return `${address}:${port}`
  throw new UserError({
    kind: 'usage',
    code: 'BAD_CONNECT_TO',
    message: `zt cannot connect to ${host} under another name`,
    why: 'For SNI:PORT:HOST cloudflared accepts any certificate, so whoever answers would get the service token.',
    next: ['Give the address alone, and the CA of its certificate: --connect-to HOST:PORT --ca-file FILE'],
  })
}

/** Those that cloudflared sends: it skips empty ones, and its own User-Agent replaces any other. */
function headersOf({values}: GoWords): string[] {
  return (values.get('header') ?? []).filter((line) => !/^\s*(?:user-agent\s*:|$)/i.test(line))
}

const CREDENTIALS = /^--?(?:service-token-)?(?:id|secret)(?:=|$)|^(?:--?(?:header|H)=)?\s*cf[-_]access[-_]/i

/** Credentials on the command line, by an option or a header. They are not repeated, nor is a word next to them. */
function refuseCredentials(words: readonly string[]): void {
  if (!words.some((word) => CREDENTIALS.test(word))) {
    // A header has its value behind its name.
    refuseSecretWords(words.flatMap((word) => word.split(/[\s:=,;]+/)))
    return
  }
  const host = hostNamed(words)
  throw new UserError({
    kind: 'usage',
    code: 'CREDENTIALS_ON_COMMAND_LINE',
    message: 'zt takes no credentials from the command line',
    why: 'Every process on this machine can read them there, and the shell keeps them in its history. Nothing was sent.',
    next: [
      `With TUNNEL_SERVICE_TOKEN_ID and TUNNEL_SERVICE_TOKEN_SECRET in the environment instead: zt access ssh --hostname ${host}`,
      `To keep them in a secret store, for this host: zt token import NAME --host ${host}`,
      'If the secret is in use, treat it as compromised: zt token rotate NAME',
    ],
  })
}

/** For a suggestion; what is no host name may be a secret. */
function hostNamed(words: readonly string[]): string {
  try {
    // The last option may lack its value.
    const given = readGoWords([...words, ''], OF_TUNNELS, {command: ''})
    const host = hostOf(last(given, 'hostname'), '')
    refuseSecretWords([host])
    return shellQuote(host)
  } catch {
    return 'HOST'
  }
}
