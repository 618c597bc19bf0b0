import {askProgram} from '../../system/ask-program.js'
import {UserError, hasCode} from '../../core/errors.js'
import {patient} from '../../core/patience.js'
import {environmentFor} from '../../system/child-environment.js'
import {isRunning, startTimeOf} from '../../system/processes.js'
import type {ClosedConnection, ClosedConnections} from '../types.js'
import {openConnections, type OpenConnection} from './read.js'

/** Generous: a process that is ending first delivers the data it has. */
const PATIENCE_MS = 10_000
const POLL_MS = 20
/** `ps` shows whole seconds. */
const PS_SECOND_MS = 1000

export interface ConnectionsOf {
  /** zt's state directory. */
  state: string
  profile: string
  token: {id: string; clientId: string}
  /** Report them, but leave them open. */
  keep: boolean
  dryRun: boolean
}

/**
 * Ends the connections with a token that processes of this user carry on this machine, shared ones included: ssh ends with
 * the proxy that it started. Those of another profile stay open and are in the result.
 *
 * Never throws, as the token has already been changed. The result has what could not be ended.
 */
export async function endConnections(
  {state, profile, token, keep, dryRun}: ConnectionsOf,
  patienceMs = patient(PATIENCE_MS),
): Promise<ClosedConnections> {
  let open: OpenConnection[]
  try {
    open = openConnections(state)
  } catch (error) {
    const why = error instanceof UserError ? error.message : 'the list of open connections cannot be read'
    return {connections: [], unknown: why}
  }
  // The environment's pair has no token ID.
  const withToken = open.filter(({tokenId, clientId}) => tokenId === token.id || clientId === token.clientId)
  // One process may carry several; a second signal would cut short its orderly end.
  const ends = new Map<number, Promise<string | undefined>>()
  const endOnce = (one: OpenConnection): Promise<string | undefined> => {
    const ending = ends.get(one.pid) ?? endProcess(one, patienceMs)
    ends.set(one.pid, ending)
    return ending
  }
  const connections = await Promise.all(
    withToken.map(async (one): Promise<ClosedConnection> => {
      const {carries, host, pid, openedAt} = one
      const known = {carries, host, pid, profile: one.profile, openedAt}
      if (one.profile !== profile)
        return {...known, outcome: 'left', why: `it belongs to the profile ${one.profile}`}
      if (keep) return {...known, outcome: 'kept'}
      if (dryRun) return {...known, outcome: 'would-end'}
      const why = await endOnce(one)
      return why === undefined ? {...known, outcome: 'ended'} : {...known, outcome: 'left', why}
    }),
  )
  return {connections}
}

/** Ends the process that carries a connection. @returns why it still runs; undefined if it has ended */
export async function endProcess(
  connection: OpenConnection,
  patienceMs = patient(PATIENCE_MS),
): Promise<string | undefined> {
  const {pid, cloudflared} = connection
  // Only SIGTERM is passed on to cloudflared, which would outlive its parent otherwise.
  const signals: NodeJS.Signals[] = cloudflared ? ['SIGTERM'] : ['SIGTERM', 'SIGKILL']
  for (const signal of signals) {
    if (!isRunning(pid, connection.started)) return undefined
    if (!(await isCertain(connection))) return 'its process ID may belong to another process by now'
    try {
      process.kill(pid, signal)
      // A stopped process (Ctrl-Z) handles the signal only when it continues.
      process.kill(pid, 'SIGCONT')
    } catch (error) {
      if (hasCode(error, 'ESRCH')) return undefined
      return 'the system does not allow it'
    }
    if (await gone(connection, patienceMs)) return undefined
  }
  return 'it does not end'
}

async function gone({pid, started}: OpenConnection, patienceMs: number): Promise<boolean> {
  const deadline = Date.now() + patienceMs
  while (isRunning(pid, started)) {
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return true
}

/**
 * Whether the process ID still belongs to the process that opened the connection; any other must not be ended. Linux shows
 * the exact start time. Elsewhere, the process must not be younger than the file that it wrote. Windows shows neither.
 */
async function isCertain({pid, started, openedAt}: OpenConnection): Promise<boolean> {
  if (process.platform === 'win32') return false
  if (started !== undefined) return startTimeOf(pid) === started
  const at = await startedBy(pid)
  return at !== undefined && at <= Date.parse(openedAt) + PS_SECOND_MS
}

/** When a process started, from `ps` (POSIX has nothing better; Date reads the C locale's format). */
export async function startedBy(pid: number): Promise<number | undefined> {
  const limits = {
    env: {...environmentFor('tool', process.env), LC_ALL: 'C', TZ: 'UTC'},
    deadlineMs: patient(PATIENCE_MS),
    maxBytes: 64 * 1024,
  }
  const {end, stdout} = await askProgram('ps', ['-o', 'lstart=', '-p', String(pid)], limits)
  const at = end === 'answered' ? Date.parse(`${stdout.trim()} UTC`) : NaN
  return Number.isNaN(at) ? undefined : at
}
