import type {Environment} from '../../config/paths.js'
import type {ProjectForward} from '../../config/project.js'
import {UserError} from '../../core/errors.js'
import {closest} from '../../core/closest.js'
import {shellQuote} from '../../core/command-line.js'
import {normaliseHostname} from '../../core/hostname.js'
import {ActivatedSockets} from './activation.js'
import {parseListen, placeOf, type ListenWish} from './listen.js'
import {checkHeaderName, checkOrigin} from './settings.js'
import {parseWantedHost, type WantedHost} from './wanted-host.js'

/** The command line of a forward. */
export interface ForwardLine {
  /** The hosts that the person named. */
  hosts: readonly string[]
  /** Those of the project, for a command line without hosts. */
  project: readonly ProjectForward[] | undefined
  flags: {
    listen?: readonly string[] | undefined
    expose: boolean
    http: boolean
    background: boolean
    'single-header'?: string | undefined
    'allow-origin'?: readonly string[] | undefined
    token?: string | undefined
    yes: boolean
  }
  /** The words behind `--`. */
  command: readonly string[]
}

/** The forward of one host, checked. */
export interface ForwardPlan {
  host: string
  /** A file chose the host, so that it must be bound already. */
  fromProject: boolean
  /** Of the web: the path, which may have an application of its own. */
  path: string | undefined
  listen: ListenWish
  http: boolean
  singleHeader: string | undefined
  allowedOrigins: readonly string[]
}

/**
 * What to forward, and where to listen for it: the nth `--listen` is for the nth host; a host without one has its own port,
 * or a free one.
 *
 * @param environment for the sockets that systemd has opened
 * @throws UserError `usage` / `NO_HOST`, `HOST_IS_COMMAND`, `HOST_IS_PORT`, `HOST_NOT_NAMED`, `BAD_HOSTNAME`,
 *   `BAD_FORWARD_URL`, `BAD_LISTEN`, `LISTEN_EXPOSED`, `NOT_ACTIVATED`, `HTTP_ONLY`, `BAD_HEADER_NAME`, `BAD_ORIGIN`,
 *   `BACKGROUND_COMMAND`, `BACKGROUND_SOCKET`
 */
export function planForwards(line: ForwardLine, environment: Environment): ForwardPlan[] {
  const {listen = [], expose, http, background, ...flags} = line.flags
  if (background && line.command.length > 0)
    throw usage(
      'BACKGROUND_COMMAND',
      'A command after -- cannot run in the background',
      'It uses this terminal.',
      ['Leave out --background, or the command'],
    )
  if (background && listen.some((one) => /^systemd(:|$)/.test(one)))
    throw usage(
      'BACKGROUND_SOCKET',
      'A forward in the background cannot use the sockets of systemd',
      'systemd passes them to the process that it has started, and not to another.',
      ['Leave out --background: systemd keeps zt running'],
    )
  const hosts = wantedHosts(line)
  if (listen.length > hosts.length)
    throw notEach(`--listen is given ${listen.length} times`, `The number of hosts is ${hosts.length}.`)
  const sockets = new ActivatedSockets(environment)
  const header = flags['single-header']
  const plans = hosts.map((one, nth) => ({
    host: one.host,
    fromProject: line.hosts.length === 0,
    path: one.path,
    listen: parseListen(listen[nth] ?? String(one.port ?? 0), expose, {sockets}),
    http: one.http ?? http,
    singleHeader: header === undefined ? undefined : checkHeaderName(header),
    allowedOrigins: (flags['allow-origin'] ?? []).map(checkOrigin),
  }))
  for (const name of ['single-header', 'allow-origin'] as const)
    if (flags[name] !== undefined && !plans.some((plan) => plan.http))
      throw usage('HTTP_ONLY', `--${name} needs --http`, 'Without it zt carries TCP and adds no headers.')
  // TCP has no paths.
  const tcp = plans.find((one) => !one.http && one.path !== undefined)
  if (tcp) normaliseHostname(tcp.host + (tcp.path ?? ''))
  refuseTwins(plans)
  return plans
}

function wantedHosts({hosts, project = [], flags}: ForwardLine): WantedHost[] {
  // As kubectl port-forward and ssh -L have them.
  for (const [nth, one] of hosts.entries()) {
    const [, port, named] = /^(\d{1,5})(?::([^:/@.]+(?:\.[^:/@.]+)+))?(?::\d{1,5})?$/.exec(one) ?? []
    if (port !== undefined && (nth > 0 || named !== undefined))
      throw portNotHost(one, [...hosts.slice(0, nth), ...(named === undefined ? [] : [named])], port)
  }
  const word = hosts.findIndex((one, nth) => nth > 0 && /^[\w-]+$/.test(one))
  if (word > 0)
    throw usage(
      'HOST_IS_COMMAND',
      `"${hosts[word]}" is not a public host name`,
      'A command must follow --.',
      [['zt', 'forward', ...hosts.slice(0, word), '--', ...hosts.slice(word)].map(shellQuote).join(' ')],
    )
  if (hosts.length > 0) return hosts.map(parsePublicHost)
  if (project.length === 0)
    throw usage('NO_HOST', 'The host is missing', 'No .zt.json here lists hosts in "forwards" either.', [
      'For example: zt forward db.example.com',
    ])
  // Whoever wrote the file chose the hosts.
  if (flags.token !== undefined || flags.yes)
    throw usage(
      'HOST_NOT_NAMED',
      `${flags.yes ? '--yes' : '--token'} needs the host on the command line`,
      'The hosts of .zt.json must be bound to a token already: a file does not decide where a secret is sent.',
      ['Name the host: zt forward HOST --token NAME'],
    )
  return project.map(({host, port, http = false}) => ({host: normaliseHostname(host), port, http}))
}

/** Access protects public host names alone: a word without a dot is none, and may be a misspelled command. */
function parsePublicHost(text: string): WantedHost {
  const wanted = parseWantedHost(text)
  if (wanted.host.includes('.')) return wanted
  const meant = closest(wanted.host, ['list', 'stop'])
  const command = meant === 'list' ? 'zt forward list' : 'zt forward stop'
  throw usage(
    'BAD_HOSTNAME',
    `"${wanted.host}" is not a public host name`,
    'Access protects public host names, such as db.example.com.',
    [meant === undefined ? 'zt app list' : command],
  )
}

function portNotHost(text: string, hosts: readonly string[], port: string): UserError {
  return usage(
    'HOST_IS_PORT',
    `"${text}" is not a public host name`,
    'It begins with a local port, which --listen takes. The port of the service is known to its tunnel.',
    [['zt', 'forward', ...hosts, '--listen', port].map(shellQuote).join(' ')],
  )
}

function refuseTwins(plans: readonly ForwardPlan[]): void {
  const places = plans.map(({listen}) => placeOf(listen)).filter((place) => !place.endsWith(':0'))
  const twin = places.find((place, nth) => places.indexOf(place) < nth)
  if (twin !== undefined)
    throw notEach(`Two hosts cannot both listen on ${twin}`, 'Each needs its own address.')
}

function notEach(message: string, why: string): UserError {
  return usage('BAD_LISTEN', message, why, ['Give --listen once for each host, in the order of the hosts'])
}

function usage(code: string, message: string, why: string, next: string[] = []): UserError {
  return new UserError({kind: 'usage', code, message, why, next})
}
