import path from 'node:path'
import {filesSync as fs} from '../../system/disk.js'
import {UserError} from '../../core/errors.js'
import {hostParts, plainHost} from '../../core/hostname.js'
import {endProcess} from '../connections/end.js'
import {openConnections, type OpenConnection} from '../connections/read.js'
import {processOf, runDirectory} from '../connections/run-files.js'
import type {RunningForward} from '../types.js'

/** What became of one that was to end; `why`: it still runs. */
export interface StoppedForward extends RunningForward {
  why: string | undefined
}

/**
 * The running forwards, by host and address.
 *
 * @param state zt's state directory
 * @throws UserError as openConnections
 */
export function runningForwards(state: string): RunningForward[] {
  const logs = logsIn(state)
  return connectionsOf(state)
    .map((one) => describe(one, logs))
    .sort(byHost)
}

/**
 * Ends the processes of the forwards with this name, and with them all forwards of these processes; by host and address.
 *
 * @param wanted host, address, port or path; undefined: all
 * @throws UserError `not-found` / `FORWARD_NOT_FOUND`; as openConnections
 */
export async function stopForwards(state: string, wanted: string | undefined): Promise<StoppedForward[]> {
  const all = connectionsOf(state)
  const pids = new Set(all.filter((one) => wanted === undefined || isCalled(one, wanted)).map(({pid}) => pid))
  if (pids.size === 0 && wanted !== undefined) throw notFound(wanted)
  const logs = logsIn(state)
  const stopped = [...pids].map(async (pid) => {
    const theirs = all.filter((one) => one.pid === pid)
    const why = theirs[0] && (await endProcess(theirs[0]))
    return theirs.map((one) => ({...describe(one, logs), why}))
  })
  return (await Promise.all(stopped)).flat().sort(byHost)
}

function byHost(a: RunningForward, b: RunningForward): number {
  return a.host.localeCompare(b.host) || a.place.localeCompare(b.place)
}

type Listener = OpenConnection & {listener: NonNullable<OpenConnection['listener']>}

function connectionsOf(state: string): Listener[] {
  return openConnections(state).filter((one): one is Listener => one.listener !== undefined)
}

function describe(
  {host, listener, tokenId, profile, pid, openedAt}: Listener,
  logs: Map<number, string>,
): RunningForward {
  const {place, http, token: name} = listener
  return {host, place, http, token: {id: tokenId, name}, profile, pid, since: openedAt, log: logs.get(pid)}
}

/** By host, port or address, as `zt forward` takes or shows it. */
function isCalled({host, listener: {place}}: Listener, wanted: string): boolean {
  const port = /:(\d+)$/.exec(place)?.[1]
  if ([wanted, wanted.replace(/^https?:\/\/([^/]+)\/?$/i, '$1')].includes(place) || wanted === port)
    return true
  if (place.startsWith('unix:') && path.resolve(wanted.replace(/^unix:/, '')) === place.slice('unix:'.length))
    return true
  const {host: name, port: named} = hostParts(wanted)
  const isPort = String(named) === port
  return /(?:^|\.)localhost$/i.test(name)
    ? isPort
    : plainHost(name) === host && (isPort || named === undefined)
}

/** The log of each process that has one. */
function logsIn(state: string): Map<number, string> {
  const directory = runDirectory(state)
  try {
    return new Map(
      fs.readdirSync(directory).flatMap((name): [number, string][] => {
        const of = name.endsWith('.log') ? processOf(name) : undefined
        return of?.here ? [[of.pid, path.join(directory, name)]] : []
      }),
    )
  } catch {
    return new Map()
  }
}

function notFound(wanted: string): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'FORWARD_NOT_FOUND',
    message: `No forward of that host, address, port or path runs: ${wanted}`,
    next: ['zt forward list'],
  })
}
