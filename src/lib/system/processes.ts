import {constants} from 'node:fs'
import os from 'node:os'
import tty from 'node:tty'
import {files as fs, filesSync} from './disk.js'
import {hasCode} from '../core/errors.js'
import {posixPath} from '../core/posix-path.js'
import {readForeignFile} from './own-files.js'

/** Identifies a process, also against a later one with the same process ID. Kept in files (locks). */
export interface ProcessRecord {
  host: string
  pid: number
  /** When it started, in the system's own unit; undefined if that cannot be read. */
  started: string | undefined
  /** Where its process ID is valid ({@link pidSpace}); undefined if that cannot be read, as outside Linux. */
  space?: string | undefined
  /** It renews the time of its file while it runs. */
  beats?: boolean | undefined
}

/** How often a record is renewed. */
export const BEAT_MS = 10_000
/** How old a renewed record may be if its process cannot be checked: the machine may be slow or asleep. */
const BEATING_LEASE_MS = 2 * 60_000
/** The same for a record that is not renewed: an earlier zt wrote it. */
const FOREIGN_LEASE_MS = 10 * 60_000
const MOST_BYTES = 4096

let own: ProcessRecord | undefined

export function thisProcess(): ProcessRecord {
  own ??= {
    host: os.hostname(),
    pid: process.pid,
    started: startTimeOf(process.pid),
    space: pidSpace(),
    beats: true,
  }
  return own
}

/**
 * Whether the process that wrote this record still runs. If its process ID is valid here, the system says so. A container
 * or another machine, which may share the directory and even the host name, has its own process IDs: then only the age of
 * the record counts.
 *
 * @param ahead by how many milliseconds the file system's clock is ahead of this machine's
 */
export async function ownerIsAlive(file: string, ahead: number): Promise<boolean> {
  const record = readRecord(file)
  if (record === 'none') return false
  if (record === 'unreadable') return (await ageOf(file, ahead)) < FOREIGN_LEASE_MS
  const {pid, started} = record
  const me = thisProcess()
  // An earlier zt wrote no space: compare the host name instead.
  const near = record.space === undefined ? record.host === me.host : record.space === me.space
  if (!near) return (await ageOf(file, ahead)) < (record.beats === true ? BEATING_LEASE_MS : FOREIGN_LEASE_MS)
  return isRunning(pid, started)
}

/** Whether a process with this ID runs and, as far as the system shows it, started then ({@link startTimeOf}). */
export function isRunning(pid: number, started?: string): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user.
    if (!hasCode(error, 'EPERM')) return false
  }
  const now = startTimeOf(pid)
  return now !== ENDED && (started === undefined || now === undefined || started === now)
}

/** Writes an unchanged record again: its file then has the current time by the file system's clock. */
export async function renew(file: string, record: ProcessRecord): Promise<void> {
  const handle = await fs.open(file, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    await handle.write(JSON.stringify(record), 0)
  } finally {
    await handle.close()
  }
}

/** `unreadable`: the file exists, and its writer is unknown. */
function readRecord(file: string): ProcessRecord | 'none' | 'unreadable' {
  try {
    const bytes = readForeignFile(file, {links: 'refuse', maxBytes: MOST_BYTES}, ({uid}) => {
      const self = process.geteuid?.()
      if (self !== undefined && uid !== self) throw new Error("another user's")
    })
    return bytes ? parseRecord(bytes.toString('utf8')) : 'none'
  } catch {
    return 'unreadable'
  }
}

function parseRecord(text: string): ProcessRecord | 'none' {
  try {
    const record = JSON.parse(text) as Partial<ProcessRecord>
    return Number.isInteger(record.pid) && Number(record.pid) > 0 ? (record as ProcessRecord) : 'none'
  } catch {
    return 'none'
  }
}

/** In milliseconds; also for a file from the future, whose clock cannot be trusted. */
async function ageOf(file: string, ahead: number): Promise<number> {
  const stat = await fs.lstat(file).catch(() => undefined)
  return stat ? Math.abs(Date.now() + ahead - stat.mtimeMs) : Infinity
}

/** A zombie, which its parent has not waited for yet. */
const ENDED = 'ended'

/** Boot ID and start time of a process, from /proc (Linux); undefined elsewhere. */
export function startTimeOf(pid: number): string | undefined {
  const stat = statOf(pid)
  if (!stat) return undefined
  if (stat[STATE] === 'Z') return ENDED
  try {
    return `${bootId()}/${stat[STARTED]}`
  } catch {
    return undefined
  }
}

/** Whether a process is stopped, as at Ctrl-Z, from /proc (Linux); undefined elsewhere. */
export function isStopped(pid: number): boolean | undefined {
  const stat = statOf(pid)
  return stat && stat[STATE] === 'T'
}

/**
 * Whether a terminal sends to this process's group what is typed there, such as Ctrl-C: it is the foreground group. Outside
 * Linux: whether one of the standard streams is a terminal.
 */
export function isInForeground(): boolean {
  const stat = statOf(process.pid)
  return stat ? stat[GROUP] === stat[FOREGROUND] : [0, 1, 2].some((fd) => tty.isatty(fd))
}

/** Fields of /proc/PID/stat behind the name (proc(5)); the terminal's foreground group is -1 without a terminal. */
const [STATE, GROUP, FOREGROUND, STARTED] = [0, 2, 5, 19] as const

function statOf(pid: number): string[] | undefined {
  try {
    // In a container without its own /proc, this is the host's, with other process IDs.
    if (Number(filesSync.readlinkSync(inProc('self'))) !== process.pid) return undefined
    const stat = filesSync.readFileSync(inProc(`${pid}/stat`), 'latin1')
    // The name, in parentheses, may contain blanks.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** @throws on Windows, as for a file that does not exist */
function inProc(name: string): string {
  const file = posixPath(`/proc/${name}`)
  if (file === undefined) throw Object.assign(new Error('there is no /proc'), {code: 'ENOENT'})
  return file
}

function bootId(): string {
  return filesSync.readFileSync(inProc('sys/kernel/random/boot_id'), 'utf8').trim()
}

/**
 * Where process IDs and start times are comparable: the boot and the namespaces of PIDs and of time (pid_namespaces(7),
 * time_namespaces(7)), from /proc (Linux); undefined elsewhere.
 */
export function pidSpace(): string | undefined {
  try {
    let time = ''
    try {
      time = filesSync.readlinkSync(inProc('self/ns/time'))
    } catch {
      // Linux before 5.6 has no time namespaces.
    }
    return [bootId(), filesSync.readlinkSync(inProc('self/ns/pid')), time].join(' ')
  } catch {
    return undefined
  }
}
