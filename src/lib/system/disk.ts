import fs from 'node:fs'
import fsp from 'node:fs/promises'
import path from 'node:path'
import {hasCode} from '../core/errors.js'
import {patient} from '../core/patience.js'

/** Longer than a virus scanner holds a new file; after that, some other program keeps it open. */
const SCANNER_PATIENCE_MS = 5000
const SCANNER_PAUSE_MS = 20

/** Calls that only look: where these are denied, nothing holds the file. */
const LOOKING = /^(access|exists|fstat|lstat|opendir|readdir|readlink|realpath|stat|statfs)(Sync)?$/
/** Calls on what is open already, and those that wait or watch by themselves. */
const OPEN_ALREADY =
  /^(f\w+|read|readv|write|writev|close|watch\w*|unwatchFile|create\w+|glob)(Sync)?$|^[A-Z_]|^constants$|^promises$/

type Calls = Record<string, unknown>
type Call = (...args: unknown[]) => unknown

/** Calls whose second argument is the file in the way. */
const TO_ANOTHER = /^(copyFile|cp|link|rename|symlink)(Sync)?$/
/** What lasts for which calls. */
const LASTS_FOR = {
  directory: /^(appendFile|copyFile|link|open|readFile|rename|truncate|unlink|writeFile)(Sync)?$/,
  'read-only': /^(appendFile|copyFile|open|rename|truncate|writeFile)(Sync)?$/,
}
/** Directories in which Windows has denied a call until its end. */
const denied = new Set<string>()

/**
 * Why a file cannot be opened or changed on Windows, however long one waits: it is a directory, or has the attribute
 * "read-only", which node shows as a mode. Undefined for another reason.
 */
export function lastingReason(file: string): keyof typeof LASTS_FOR | undefined {
  try {
    const stat = fs.lstatSync(file)
    if (stat.isDirectory()) return 'directory'
    return (stat.mode & 0o200) === 0 ? 'read-only' : undefined
  } catch {
    return undefined
  }
}

/** How long to try, and how to wait; tests give theirs. */
export interface Holding {
  platform?: NodeJS.Platform
  reasonFor?: typeof lastingReason
  patienceMs?: () => number
  /** Waits without giving way to anything else. */
  pauseSync?: (ms: number) => void
}

/**
 * Node's calls on files. Windows refuses to open, rename or remove a file while another program has it open, as virus
 * scanners and indexers do for a moment with every new one (npm/write-file-atomic issue 227): there, each call is tried
 * again for five seconds. libuv calls that EBUSY (a sharing violation), EPERM or EACCES (one that is being removed or is to be
 * replaced). The last two are also what access rights say: a call is not tried again where the file itself shows that they
 * last, nor in a directory where they have lasted that long before.
 *
 * A lint rule keeps node's own out of everything else, so that no call can forget to wait.
 */
export function despiteScanners<T extends object>(
  calls: T,
  {
    platform = process.platform,
    patienceMs = () => patient(SCANNER_PATIENCE_MS),
    pauseSync = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
    reasonFor = lastingReason,
  }: Holding = {},
): T {
  if (platform !== 'win32') return calls
  const all = calls as Calls
  /** @returns whether to try again */
  const mayPass = (name: string, args: unknown[], error: unknown, deadline: number): boolean => {
    const late = Date.now() >= deadline
    if (hasCode(error, 'EBUSY')) return !late
    if (LOOKING.test(name) || !hasCode(error, 'EPERM', 'EACCES')) return false
    const file = TO_ANOTHER.test(name) ? args[1] : args[0]
    if (typeof file !== 'string') return !late
    const reason = reasonFor(file)
    if (reason && LASTS_FOR[reason].test(name)) return false
    const directory = path.win32.dirname(path.win32.resolve(file)).toLowerCase()
    if (late) denied.add(directory)
    return !denied.has(directory)
  }
  const sync = (name: string, args: unknown[]): unknown => {
    for (const deadline = Date.now() + patienceMs(); ;) {
      try {
        return (all[name] as Call)(...args)
      } catch (error) {
        if (!mayPass(name, args, error, deadline)) throw error
        pauseSync(SCANNER_PAUSE_MS)
      }
    }
  }
  const later = async (name: string, args: unknown[]): Promise<unknown> => {
    for (const deadline = Date.now() + patienceMs(); ;) {
      try {
        return await (all[name] as Call)(...args)
      } catch (error) {
        if (!mayPass(name, args, error, deadline)) throw error
        await new Promise((resolve) => setTimeout(resolve, SCANNER_PAUSE_MS))
      }
    }
  }
  const names = Object.keys(all).filter((name) => typeof all[name] === 'function' && !OPEN_ALREADY.test(name))
  const waiting = names.map((name): [string, Call] => {
    const isSync = name.endsWith('Sync')
    return [name, (...args) => (isSync ? sync : later)(name, args)]
  })
  return Object.assign(Object.create(calls) as T, Object.fromEntries(waiting))
}

/** As node:fs; only its calls that end in `Sync` are to be used. */
export const filesSync: typeof fs = despiteScanners(fs)
/** As node:fs/promises. */
export const files: typeof fsp = despiteScanners(fsp)
