import path from 'node:path'
import type {Readable, Writable} from 'node:stream'
import {parseArgs} from 'node:util'
import {filesSync as fs} from '../../system/disk.js'
import type {Environment} from '../../config/paths.js'
import {withSandboxStart} from '../../config/sandbox-down.js'
import {loadSettings} from '../../config/settings.js'
import type {Settings} from '../../config/types.js'
import {withProfile} from '../../core/command-line.js'
import {errorJson, errorLines} from '../../core/error-text.js'
import {UserError, messageOf} from '../../core/errors.js'
import {EXIT_OUTPUT_GONE, exitCodeOf} from '../../core/exit-codes.js'
import {jsonWish} from '../../core/json-wish.js'
import {patient} from '../../core/patience.js'
import {isRunning} from '../../system/processes.js'
import {redact, refuseSecretWords} from '../../core/redact.js'
import {visible, visibleJson} from '../../core/text.js'
import {carry} from '../carrier/carry.js'
import {openAccepted} from '../carrier/open-accepted.js'
import {TIMEOUT_MS} from '../carrier/deadlines.js'
import {checkRequest} from '../carrier/handshake.js'
import {announce} from '../connections/announce.js'
import {processOf} from '../connections/run-files.js'
import {reportFile, writeReport} from '../failure/report.js'
import {disconnect} from '../ssh/disconnect.js'
import {identityOf, lastingDirectory} from '../ssh/sharing.js'
import {parseDestination} from '../target/destination.js'
import {environmentText, findTarget, onlyPreviousText, sharedBy, type Target} from '../target/target.js'
import {TUNNEL_CLIENTS, type TunnelClient} from '../types.js'

export interface ProxyIo {
  env: Environment
  cwd: string
  stdin: Readable
  /** Opened only when there is something to carry. */
  stdout: () => Writable
  /** Whether stdout has no reader any more; undefined where that is not known. */
  isOutputGone?: (() => Promise<boolean | undefined>) | undefined
  stderr: {write(text: string): unknown}
  /** Whether ssh has taken stderr away, as it does for a shared connection. */
  stderrHidden?: boolean | undefined
  signal?: AbortSignal | undefined
  /** To say at the start. */
  notes?: readonly string[] | undefined
}

const ADVICE = 'If it happens when the connection is idle, set ServerAliveInterval in the ssh configuration'

const OPTIONS = {
  profile: {type: 'string'},
  account: {type: 'string'},
  token: {type: 'string'},
  yes: {type: 'boolean', short: 'y'},
  client: {type: 'string'},
  'connect-to': {type: 'string'},
  'ca-file': {type: 'string'},
  destination: {type: 'string'},
  header: {type: 'string', short: 'H', multiple: true},
  timeout: {type: 'string'},
  json: {type: 'boolean'},
  // It has no result to choose from; a failure is shown as they ask.
  fields: {type: 'string'},
  jq: {type: 'string'},
  'no-input': {type: 'boolean'},
} as const

/**
 * `zt ssh proxy [options] HOST`: carries stdin and stdout to a host behind Access. Used as ssh's ProxyCommand, so it
 * loads no framework, and stdout belongs to the session: errors and notes go to stderr, or into the report file.
 *
 * @returns the exit code
 */
export async function runProxy(argv: string[], io: ProxyIo): Promise<number> {
  const json = jsonWish(argv) === 'document'
  let target: Target | undefined
  let settings: Settings | undefined
  let host = ''
  let profile: string | undefined
  let withdraw: (() => void) | undefined
  let opened = false
  try {
    refuseSecretWords(argv)
    const options = parse(argv)
    host = options.host
    profile = options.values.profile
    if (!json)
      say(
        io,
        (io.notes ?? []).map((note) => `note:  ${note}`),
      )
    settings = await loadSettings({
      env: io.env,
      cwd: io.cwd,
      flags: {
        profile,
        account: options.values.account,
        connectTo: options.values['connect-to'],
        caFile: options.values['ca-file'],
      },
    })
    makeSharingDirectory(settings.paths.state)
    target = await findTarget({
      settings,
      host,
      token: options.values.token,
      // Whoever wrote a file may have named the host, as of a submodule: only ZT_HOSTS or the flags name it for the environment's.
      confirm: ({by}) => by === 'name' && options.values.yes === true,
      environment: {dbusAddress: io.env['DBUS_SESSION_BUS_ADDRESS'], runtimeDir: io.env['XDG_RUNTIME_DIR']},
    })
    if (target.by === 'environment') say(io, [`note:  ${environmentText(target, host)}`])
    const launcher = options.client === 'cloudflared' ? await import('../cloudflared/run.js') : undefined
    const program = await launcher?.requireCloudflared(io.env, settings.paths.cache)
    const {destination, header: headers} = options.values
    const edge = {...target.edge, destination, headers}
    const {profileName, connectTo, caFile} = settings
    withdraw = announce(settings.paths.state, {
      carries: 'ssh',
      host,
      profile: profileName,
      tokenId: target.tokenId,
      clientId: target.credentials.clientId,
      identity: identityOf({profile: profileName, tokenId: sharedBy(target, settings), connectTo, caFile}),
      plainSsh: reportFile(io.env) === undefined,
      cloudflared: launcher !== undefined,
    })
    const {tunnel, credentials, onlyPrevious} = await openAccepted(
      {edge, credentials: target.credentials, environment: io.env, signal: io.signal},
      options.timeoutMs,
    )
    if (onlyPrevious !== undefined) say(io, [`note:  ${onlyPreviousText(target, onlyPrevious)}`])
    if (launcher && program !== undefined) {
      // cloudflared makes its own connection; this one has shown that the edge accepts the credentials.
      tunnel.socket.destroy()
      opened = true
      return await launcher.runCloudflared({program, edge, credentials, env: io.env})
    }
    const {isOutputGone, signal} = io
    const output = io.stdout()
    opened = true
    const {outputGone, note} = await carry({
      tunnel,
      input: io.stdin,
      output,
      signal,
      isOutputGone,
      advice: ADVICE,
    })
    if (note && !signal?.aborted)
      io.stderr.write(json ? `${JSON.stringify({note})}\n` : `note:  ${note.text}\n`)
    return outputGone ? EXIT_OUTPUT_GONE : 0
  } catch (error) {
    // It was interrupted, so there is nothing to report.
    if (io.signal?.aborted) return exitCodeOf(error)
    await report(withSandboxStart(error, settings), {io, json, host, profile, target, opened})
    return exitCodeOf(error)
  } finally {
    withdraw?.()
  }
}

/** For shared connections by ~/.ssh/config: ssh binds its socket here once the proxy has connected, and fails without it. */
function makeSharingDirectory(state: string): void {
  const directory = lastingDirectory({state})
  if (directory === undefined) return
  try {
    fs.mkdirSync(directory, {recursive: true, mode: 0o700})
  } catch {
    // Whatever needs the directory will report the error.
  }
}

function parse(argv: string[]) {
  let parsed
  try {
    parsed = parseArgs({args: argv, options: OPTIONS, allowPositionals: true})
  } catch (error) {
    throw usage(messageOf(error).split('\n')[0] ?? '')
  }
  const {values, positionals} = parsed
  const [word, ...more] = positionals
  if (word === undefined || more.length > 0) throw usage('It needs exactly one host name.')
  const {client = 'auto', timeout} = values
  if (!isClient(client)) throw usage('--client must be auto, builtin or cloudflared.')
  const seconds = timeout === undefined ? patient(TIMEOUT_MS) / 1000 : Number(timeout)
  if (!(seconds > 0 && seconds <= 3600)) throw usage('--timeout must be a number of seconds, at most 3600.')
  checkRequest({destination: values.destination, headers: values.header})
  return {
    values,
    host: parseDestination(word, 'zt ssh proxy HOST').host,
    client,
    timeoutMs: seconds * 1000,
  } as const
}

function isClient(text: string): text is TunnelClient {
  return (TUNNEL_CLIENTS as readonly string[]).includes(text)
}

function usage(why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_COMMAND_LINE',
    message: 'The command line of zt ssh proxy is not valid',
    why,
    next: [
      'zt ssh proxy [--profile NAME] [--token NAME --yes] [--client auto|builtin|cloudflared] [--destination HOST[:PORT]] [--header NAME:VALUE] HOST',
    ],
  })
}

interface Reporting {
  io: ProxyIo
  json: boolean
  host: string
  profile: string | undefined
  target: Target | undefined
  /** Whether ssh may have received something from the server. */
  opened: boolean
}

function isAwaited(file: string): boolean {
  const of = processOf(file)
  return of ? of.here && isRunning(of.pid) : fs.existsSync(path.dirname(file))
}

/** To the file that `zt ssh` reads, or else to stderr; through ssh where that is hidden. */
async function report(error: unknown, {io, json, host, profile, target, opened}: Reporting): Promise<void> {
  const file = reportFile(io.env)
  if (file !== undefined) {
    // A shared connection outlives the zt that asked for the report; then there is no reader.
    if (!isAwaited(file)) return
    const {tokenId, credentials} = target ?? {}
    if (await writeReport(file, {host, tokenId, clientId: credentials?.clientId, error})) return
  }
  // The profile that ssh's configuration names need not be the one that the person works with.
  const step = (text: string): string => (profile === undefined ? text : withProfile(text, profile))
  if (json) io.stderr.write(`${visibleJson(JSON.stringify({error: errorJson(error, step)}))}\n`)
  else if (io.stderrHidden && !opened)
    await disconnect(plain(errorLines(error, step)), {stdin: io.stdin, stdout: io.stdout()})
  else say(io, errorLines(error, step))
}

/** Lines for people. A line break inside a line comes from outside, and is made visible. */
function say(io: ProxyIo, lines: readonly string[]): void {
  io.stderr.write(
    plain(lines)
      .map((line) => `${line}\n`)
      .join(''),
  )
}

function plain(lines: readonly string[]): string[] {
  return lines.map((line) => visible(redact(line)))
}
