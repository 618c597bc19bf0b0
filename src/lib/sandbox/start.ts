import {UserError} from '../core/errors.js'
import {untilSignal} from '../system/signals.js'
import {parseCountries} from './countries.js'
import {daemonStatus, startDaemon} from './daemon.js'
import {parseOrigins} from './origins.js'
import {readObserved} from './observed.js'
import {readSeed} from './seed.js'
import type {SandboxInfo} from './types.js'

export interface WantedSandbox {
  /** For its state and keys. */
  directory: string
  /** Absolute path of a JSON file of API objects to start from. */
  seedFile: string | undefined
  /** Absolute path of a file of observed behaviour, whose settings it takes over. */
  observedFile: string | undefined
  /** Additional servers behind the edge, each as `HOST=ADDRESS:PORT`. */
  origins: string[]
  /** Countries of clients, each as `CIDR=CC`. */
  countries: string[]
}

/** A sandbox that runs. */
export interface StartedSandbox {
  info: SandboxInfo
  /** Whether it ran before. */
  alreadyRunning: boolean
  /** If it runs in this process: ends it when the process is interrupted. */
  untilInterrupted?: () => Promise<void>
}

/**
 * Starts the sandbox, unless it is already running.
 *
 * @param as undefined: in this process. Otherwise as a separate one: how to start zt, and the store chosen for its API token
 * @throws UserError `conflict` / `SANDBOX_RUNS` if one runs and a new one is requested; `needs-action` /
 *   `SANDBOX_NOT_STARTED`
 */
export async function startSandbox(wanted: WantedSandbox, as: Separate | undefined): Promise<StartedSandbox> {
  const running = await runningSandbox(wanted)
  if (running) return {info: running, alreadyRunning: true}
  if (as) return {info: await startBeside(wanted, as), alreadyRunning: false}
  const {info, close} = await startHere(wanted)
  const untilInterrupted = async (): Promise<void> => {
    await untilSignal()
    await close()
  }
  return {info, alreadyRunning: false, untilInterrupted}
}

interface Separate {
  program: readonly string[]
  store: string | undefined
}

/** The sandbox that is already running; undefined if none is. Checks the options before anything starts. */
async function runningSandbox({
  directory,
  seedFile,
  observedFile,
  origins,
  countries,
}: WantedSandbox): Promise<SandboxInfo | undefined> {
  parseOrigins(origins)
  parseCountries(countries)
  if (seedFile !== undefined) await readSeed(seedFile)
  if (observedFile !== undefined) readObserved(observedFile)
  const running = await daemonStatus(directory)
  const files = [seedFile, observedFile].filter((file) => file !== undefined)
  if (running && [files, origins, countries].some(({length}) => length > 0))
    throw runsAlready(seedFile !== undefined)
  return running
}

async function startHere({
  directory,
  seedFile,
  observedFile,
  origins,
  countries,
}: WantedSandbox): Promise<{info: SandboxInfo; close(): Promise<void>}> {
  const seed = seedFile === undefined ? undefined : await readSeed(seedFile)
  // The server, SSH and certificates are loaded only by the process that runs them.
  const server = await import('./server.js')
  return server.startSandbox({
    directory,
    seed,
    settings: observedFile === undefined ? undefined : readObserved(observedFile),
    origins: parseOrigins(origins),
    countries: parseCountries(countries),
  })
}

function startBeside(
  {directory, seedFile, observedFile, origins, countries}: WantedSandbox,
  {program, store}: Separate,
): Promise<SandboxInfo> {
  const flags = [
    ...origins.flatMap((pair) => ['--origin', pair]),
    ...countries.flatMap((pair) => ['--country-of', pair]),
  ]
  if (seedFile !== undefined) flags.push('--seed', seedFile)
  if (observedFile !== undefined) flags.push('--observed', observedFile)
  if (store !== undefined) flags.push('--store', store)
  const words = ['sandbox', 'start', '--foreground', '--no-input', ...flags]
  return startDaemon({command: [...program, ...words], directory})
}

/** The profile with which other commands use the sandbox. */
export function profileOf({apiUrl, accountId, edge, caFile, knownHostsFile}: SandboxInfo) {
  return {apiUrl, accountId, connectTo: edge, caFile, knownHostsFile, sandbox: true}
}

/** A seed starts over: the secrets stored for the previous tokens are removed with them. */
function runsAlready(startsOver: boolean): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'SANDBOX_RUNS',
    message: 'The sandbox is already running',
    why: 'A seed, observed behaviour, an origin or a country takes effect at the start only.',
    next: [startsOver ? 'zt sandbox reset' : 'zt sandbox stop'],
  })
}
