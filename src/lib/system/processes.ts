import {constants, readFileSync, readlinkSync} from 'node:fs'
import fs from 'node:fs/promises'
import os from 'node:os'
import {hasCode} from '../core/errors.js'
import {readForeignFile} from './own-files.js'

/** Tells a process from every other, also from one that gets its number later. */
export interface ProcessRecord {
  host: string
  pid: number
  /** When it started, as the system counts it; undefined where that cannot be read. */
  started: string | undefined
  /** Where its number means something; undefined where that cannot be read, as outside of Linux. */
  space?: string | undefined
  /** It renews its file's time while it lives. */
  beats?: boolean | undefined
}

/** How often a mark is renewed. */
export const BEAT_MS = 10_000
/** How old a mark may be that is renewed and whose process cannot be looked for: a machine may be slow, or asleep. */
const BEATING_LEASE_MS = 2 * 60_000
/** The same for one that is not renewed: an earlier zt wrote it. */
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
 * Whether the process that wrote this mark still lives. Where its number is one of this process's own numbers, the system
 * says it. A container has numbers of its own, and may have the host's name and directories; so has another machine: of
 * those only the mark's age is seen.
 *
 * @param ahead by how many milliseconds the file system's clock is before ours
 */
export async function ownerIsAlive(file: string, ahead: number): Promise<boolean> {
  const mark = readMark(file)
  if (mark === 'none') return false
  if (mark === 'not ours') return (await ageOf(file, ahead)) < FOREIGN_LEASE_MS
  const {pid, started} = mark
  const me = thisProcess()
  // An earlier zt noted no space: then it goes by the name.
  const near = mark.space === undefined ? mark.host === me.host : mark.space === me.space
  if (!near) return (await ageOf(file, ahead)) < (mark.beats === true ? BEATING_LEASE_MS : FOREIGN_LEASE_MS)
  return isRunning(pid, started)
}

/**
 * Whether a process of that number runs, and is the one that started then as far as that can be seen.
 *
 * @param started as {@link startTimeOf} said it
 */
export function isRunning(pid: number, started?: string): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives and is another user's.
    if (!hasCode(error, 'EPERM')) return false
  }
  const now = startTimeOf(pid)
  return now !== ENDED && (started === undefined || now === undefined || started === now)
}

/** Writes a mark again as it is, so that its file gets the time of now, by the clock of the file system. */
export async function renew(file: string, mark: ProcessRecord): Promise<void> {
  const handle = await fs.open(file, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    await handle.write(JSON.stringify(mark), 0)
  } finally {
    await handle.close()
  }
}

/** `not ours`: it is there, and who wrote it cannot be known. */
function readMark(file: string): ProcessRecord | 'none' | 'not ours' {
  try {
    const bytes = readForeignFile(file, {links: 'refuse', maxBytes: MOST_BYTES}, ({uid}) => {
      const self = process.geteuid?.()
      if (self !== undefined && uid !== self) throw new Error("another user's")
    })
    if (!bytes) return 'none'
    let mark: Partial<ProcessRecord>
    try {
      mark = JSON.parse(bytes.toString('utf8')) as Partial<ProcessRecord>
    } catch {
      return 'none'
    }
    const {pid} = mark
    return Number.isInteger(pid) && Number(pid) > 0 ? (mark as ProcessRecord) : 'none'
  } catch {
    return 'not ours'
  }
}

/** In milliseconds; of one that says it is from the future as well, as such a clock says nothing. */
async function ageOf(file: string, ahead: number): Promise<number> {
  const stat = await fs.lstat(file).catch(() => undefined)
  return stat ? Math.abs(Date.now() + ahead - stat.mtimeMs) : Infinity
}

/** A zombie: its parent has not noticed yet. */
const ENDED = 'ended'

/** Boot and start time of a process, from /proc (Linux); undefined elsewhere. */
export function startTimeOf(pid: number): string | undefined {
  try {
    // A /proc of other numbers: that of the machine, in a container that has none of its own.
    if (Number(readlinkSync('/proc/self')) !== process.pid) return undefined
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name, in parentheses, may hold blanks; field 22 is the start time (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? ENDED : `${bootId()}/${fields[19]}`
  } catch {
    return undefined
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/**
 * The boot, and the namespaces of process numbers and of the clock that their start times are counted by
 * (pid_namespaces(7), time_namespaces(7)), from /proc (Linux); undefined elsewhere.
 */
export function pidSpace(): string | undefined {
  try {
    let time = ''
    try {
      time = readlinkSync('/proc/self/ns/time')
    } catch {
      // Linux before 5.6.
    }
    return [bootId(), readlinkSync('/proc/self/ns/pid'), time].join(' ')
  } catch {
    return undefined
  }
}
