import {execFile} from 'node:child_process'
import {UserError, hasCode} from '../../core/errors.js'
import {patient} from '../../core/patience.js'
import {isRunning, startTimeOf} from '../../system/processes.js'
import type {ClosedConnection, ClosedConnections} from '../types.js'
import {openConnections, type OpenConnection} from './read.js'

/** Generous: a process that has been asked to end gives out what it holds first. */
const PATIENCE_MS = 10_000
const POLL_MS = 20
/** What `ps` shows is in whole seconds. */
const PS_SECOND_MS = 1000

export interface ConnectionsOf {
  /** Our state directory. */
  state: string
  profile: string
  token: {id: string; clientId: string}
  /** Leave them open, and say so. */
  keep: boolean
  dryRun: boolean
}

/**
 * Ends the connections that processes of this user on this machine carry with a token, and so those that are shared:
 * ssh ends with the proxy that it started. Those of another profile stay open, and are named.
 *
 * Never throws: what the caller has done stays done. What could not be ended is in the result.
 */
export async function endConnections(
  {state, profile, token, keep, dryRun}: ConnectionsOf,
  patienceMs = patient(PATIENCE_MS),
): Promise<ClosedConnections> {
  let open: OpenConnection[]
  try {
    open = openConnections(state)
  } catch (error) {
    const why = error instanceof UserError ? error.message : 'what this machine knows of them cannot be read'
    return {connections: [], unknown: why}
  }
  // The environment's pair has no id here.
  const withToken = open.filter(({tokenId, clientId}) => tokenId === token.id || clientId === token.clientId)
  const connections = await Promise.all(
    withToken.map(async (one): Promise<ClosedConnection> => {
      const {carries, host, pid, openedAt} = one
      const told = {carries, host, pid, profile: one.profile, openedAt}
      if (one.profile !== profile)
        return {...told, outcome: 'left', why: `it belongs to the profile ${one.profile}`}
      if (keep) return {...told, outcome: 'kept'}
      if (dryRun) return {...told, outcome: 'would-end'}
      const why = await end(one, patienceMs)
      return why === undefined ? {...told, outcome: 'ended'} : {...told, outcome: 'left', why}
    }),
  )
  return {connections}
}

/** @returns why it runs still; undefined: it has ended */
async function end(connection: OpenConnection, patienceMs: number): Promise<string | undefined> {
  const {pid, cloudflared} = connection
  // cloudflared would go on carrying without the one that started it.
  const signals: NodeJS.Signals[] = cloudflared ? ['SIGTERM'] : ['SIGTERM', 'SIGKILL']
  for (const signal of signals) {
    if (!isRunning(pid, connection.started)) return undefined
    if (!(await isCertain(connection))) return 'whether it is still the process that opened it cannot be told'
    try {
      process.kill(pid, signal)
      // One that is stopped (Ctrl-Z) does as it is asked when it goes on.
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
 * A number may be another process's by now, and that must not be ended. Linux counts when a process started; elsewhere it
 * is certain that the process is not younger than what it wrote. On Windows neither is known.
 */
async function isCertain({pid, started, openedAt}: OpenConnection): Promise<boolean> {
  if (process.platform === 'win32') return false
  if (started !== undefined) return startTimeOf(pid) === started
  const at = await startedBy(pid)
  return at !== undefined && at <= Date.parse(openedAt) + PS_SECOND_MS
}

/** When a process started, by `ps` (POSIX has no better; the C locale's words are what Date reads). */
export function startedBy(pid: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const env = {...process.env, LC_ALL: 'C', TZ: 'UTC'}
    execFile(
      'ps',
      ['-o', 'lstart=', '-p', String(pid)],
      {env, timeout: patient(PATIENCE_MS)},
      (error, stdout) => {
        const at = error ? NaN : Date.parse(`${stdout.trim()} UTC`)
        resolve(Number.isNaN(at) ? undefined : at)
      },
    )
  })
}
