import {UserError} from '../core/errors.js'
import {parseCountries} from './countries.js'
import {daemonStatus, startDaemon} from './daemon.js'
import {parseOrigins} from './origins.js'
import {readSeed} from './seed.js'
import type {SandboxInfo} from './types.js'

export interface WantedSandbox {
  /** For its state and keys. */
  directory: string
  /** Absolute path of a JSON file of API objects to start from. */
  seedFile: string | undefined
  /** Additional servers behind the edge, each as `HOST=ADDRESS:PORT`. */
  origins: string[]
  /** Countries of clients, each as `CIDR=CC`. */
  countries: string[]
}

/**
 * The sandbox that is already running; undefined if none is. Checks the options before anything starts.
 *
 * @throws UserError `conflict` / `SANDBOX_RUNS` if one runs and a new one is requested
 */
export async function runningSandbox({
  directory,
  seedFile,
  origins,
  countries,
}: WantedSandbox): Promise<SandboxInfo | undefined> {
  parseOrigins(origins)
  parseCountries(countries)
  if (seedFile !== undefined) await readSeed(seedFile)
  const running = await daemonStatus(directory)
  if (running && (seedFile !== undefined || origins.length > 0 || countries.length > 0)) throw runsAlready()
  return running
}

/** Starts the sandbox in this process. */
export async function startHere({
  directory,
  seedFile,
  origins,
  countries,
}: WantedSandbox): Promise<{info: SandboxInfo; close(): Promise<void>}> {
  const seed = seedFile === undefined ? undefined : await readSeed(seedFile)
  // The server, SSH and certificates are loaded only by the process that runs them.
  const {startSandbox} = await import('./server.js')
  return startSandbox({directory, seed, origins: parseOrigins(origins), countries: parseCountries(countries)})
}

/**
 * Starts the sandbox as a separate process.
 *
 * @param again how to start zt, and the store chosen for its API token
 * @throws UserError `needs-action` / `SANDBOX_NOT_STARTED`
 */
export function startBeside(
  {directory, seedFile, origins, countries}: WantedSandbox,
  again: {program: readonly string[]; store: string | undefined},
): Promise<SandboxInfo> {
  const flags = [
    ...origins.flatMap((pair) => ['--origin', pair]),
    ...countries.flatMap((pair) => ['--country-of', pair]),
  ]
  if (seedFile !== undefined) flags.push('--seed', seedFile)
  if (again.store !== undefined) flags.push('--store', again.store)
  const words = ['sandbox', 'start', '--foreground', '--no-input', ...flags]
  return startDaemon({command: [...again.program, ...words], directory})
}

/** The profile with which other commands use the sandbox. */
export function profileOf({apiUrl, accountId, edge, caFile, knownHostsFile}: SandboxInfo) {
  return {apiUrl, accountId, connectTo: edge, caFile, knownHostsFile, sandbox: true}
}

function runsAlready(): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'SANDBOX_RUNS',
    message: 'The sandbox is already running',
    why: 'A seed, an origin or a country applies only to a new one.',
    next: ['zt sandbox stop'],
  })
}
