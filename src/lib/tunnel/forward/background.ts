import path from 'node:path'
import * as v from 'valibot'
import {filesSync as fs} from '../../system/disk.js'
import type {Environment} from '../../config/paths.js'
import type {Settings} from '../../config/types.js'
import {BugError, UserError, cancelled, type ErrorKind} from '../../core/errors.js'
import {isErrorKind} from '../../core/exit-codes.js'
import {environmentFor} from '../../system/child-environment.js'
import {readOwnText, requireOwnDirectory, unusable} from '../../system/own-files.js'
import {untilSignal} from '../../system/signals.js'
import {startProgram} from '../../system/start-program.js'
import {ownFile, runDirectory, sweep} from '../connections/run-files.js'
import type {ForwardListener} from '../types.js'
import {placeOf} from './listen.js'
import type {ForwardPlan} from './plan.js'

const LOOK_MS = 20
const MOST_BYTES = 1024 * 1024

const listening = v.looseObject({
  event: v.literal('listening'),
  host: v.string(),
  address: v.optional(v.string()),
  port: v.optional(v.number()),
  socket: v.optional(v.string()),
  url: v.optional(v.nullable(v.string())),
})
const failure = v.object({
  error: v.object({
    kind: v.custom<ErrorKind>(isErrorKind),
    code: v.string(),
    message: v.string(),
    why: v.optional(v.string()),
    next: v.array(v.string()),
    exitCode: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(255)),
  }),
})

/** A listener in the background, and its event as `--json` prints it. */
interface Listener extends ForwardListener {
  event: object
}

/** A process that forwards in the background. */
export interface Background {
  pid: number
  /** The file with its events. */
  log: string
  listeners: Listener[]
}

/**
 * The command line for the process in the background.
 *
 * @param argv what follows `forward`; its hosts have been confirmed
 */
function backgroundWords(argv: readonly string[], plans: readonly ForwardPlan[]): string[] {
  const confirmed = plans.some((plan) => plan.fromProject) ? [] : ['--yes']
  return ['forward', '--keep', '--json', '--no-input', ...confirmed, ...withoutOwn(argv)]
}

/** What is for the process in front: to start this one, and what it prints of the events, all of which it reads itself. */
function withoutOwn(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  return words.filter(
    (word, at) =>
      !/^--(?:background$|(?:jq|fields)(?:=|$))/.test(word) && !/^--(?:jq|fields)$/.test(words[at - 1] ?? ''),
  )
}

/**
 * The environment for that process. What was confirmed for the environment's pair is in ZT_HOSTS there, because --yes is
 * about the token that was named with it.
 *
 * @param confirmed the hosts that get this pair
 */
export function backgroundEnvironment(
  environment: Environment,
  {environmentHosts = []}: Pick<Settings, 'environmentHosts'>,
  confirmed: readonly string[],
): Environment {
  return confirmed.length === 0
    ? environment
    : {...environment, ZT_HOSTS: [...environmentHosts, ...confirmed].join(',')}
}

/**
 * Runs the same forwards in the background.
 *
 * @param same.program what runs zt
 * @param same.argv what follows `forward`; its hosts have been confirmed
 * @param same.confirmed the hosts that get the environment's pair
 */
export function forwardInBackground(same: {
  program: readonly string[]
  argv: readonly string[]
  plans: readonly ForwardPlan[]
  settings: Pick<Settings, 'environmentHosts' | 'paths'>
  environment: Environment
  confirmed: readonly string[]
}): Promise<Background> {
  const {program, argv, plans, settings, environment, confirmed} = same
  return startInBackground({
    command: [...program, ...backgroundWords(argv, plans)],
    state: settings.paths.state,
    hosts: plans.length,
    environment: backgroundEnvironment(environment, settings, confirmed),
  })
}

/**
 * Starts zt in the background, and waits until it listens for all hosts. It keeps running when the terminal closes. A
 * signal meanwhile ends it, too.
 *
 * @param command program and arguments that run `zt forward … --json --keep`
 * @throws UserError that the process reported; `cancelled` / `CANCELLED` at a signal; as requireOwnDirectory
 */
export async function startInBackground(options: {
  command: readonly string[]
  state: string
  hosts: number
  environment: Environment
}): Promise<Background> {
  const {command, state, hosts, environment} = options
  const [program = process.execPath, ...args] = command
  const first = ownFile(state, 'log')
  const file = openLog(state, first)
  // On Windows a detached process would open a console window.
  const child = startProgram(program, args, {
    detached: true,
    windowsHide: true,
    stdio: ['ignore', file, file],
    env: environmentFor('zt', environment),
  })
  let ended = false
  let interrupted = false
  child.once('error', () => (ended = true))
  child.once('exit', () => (ended = true))
  fs.closeSync(file)
  void untilSignal().then(() => {
    interrupted = true
    child.kill('SIGTERM')
  })
  const log = child.pid === undefined ? first : ownFile(state, 'log', child.pid)
  if (log !== first) fs.renameSync(first, log)
  for (;;) {
    // Read after this: what it wrote before its end is complete then.
    const last = ended
    const lines = linesOf(log)
    const events = lines.flatMap((line) => (v.is(listening, line) ? [line] : []))
    if (events.length === hosts && !last && !interrupted && child.pid !== undefined) {
      child.unref()
      return {pid: child.pid, log, listeners: events.map(listenerOf)}
    }
    if (last) {
      const text = interrupted ? undefined : lines.find((line) => v.is(failure, line))
      fs.rmSync(log, {force: true})
      throw interrupted ? cancelled('nothing runs in the background') : errorIn(text)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** In the directory of files about running processes: a later process removes it when this one has ended. */
function openLog(state: string, file: string): number {
  try {
    fs.mkdirSync(path.dirname(file), {recursive: true, mode: 0o700})
    requireOwnDirectory(runDirectory(state), 'Others could put another file in place of the log.')
    sweep(state)
    return fs.openSync(file, 'ax', 0o600)
  } catch (error) {
    throw unusable(error, 'write', file)
  }
}

/** The events in a log, as far as they are complete. */
function linesOf(file: string): unknown[] {
  const text = readOwnText(file, {maxBytes: MOST_BYTES}) ?? ''
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as unknown]
      } catch {
        return []
      }
    })
}

function listenerOf(event: v.InferOutput<typeof listening>): Listener {
  const {host, socket, address = '', port = 0, url} = event
  return {
    host,
    place: placeOf(socket === undefined ? {address, port} : {socket}),
    url: url ?? undefined,
    event,
  }
}

function errorIn(line: unknown): Error {
  const parsed = v.safeParse(failure, line)
  if (!parsed.success) return new BugError('zt forward ended in the background without a reason')
  const {why, ...error} = parsed.output.error
  return new UserError({...error, why: why?.split('\n')})
}
