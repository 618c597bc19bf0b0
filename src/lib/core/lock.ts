import {createHash, randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {hasCode} from './errors.js'
import {despiteScanners, readFileIfThere, unusable} from './files.js'
import {patient} from './patience.js'

/** Held by one process at a time; gone with the process, however that ends. */
export interface Lock {
  release(): Promise<void>
}

/** How often the next in line looks again; those behind it look as much less often as they are behind. */
const POLL_MS = 40
const LONGEST_POLL_MS = 2000
/** Of a process on another machine only its age can be seen (directories are shared by network or container). */
const FOREIGN_LEASE_MS = 10 * 60_000

/**
 * Locks between processes, as files. Lamport's bakery: who comes announces itself under a name of its own, draws a
 * number above all that it sees, and goes in when nobody has a lower one. No file is ever taken over from another, so
 * that there is no moment at which two take the same one; files of processes that have died count for nothing.
 */
export class Locks {
  readonly #directory: string

  /** @param directory made when it is needed, 0700 */
  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * Waits for the lock of this name.
   *
   * @param name any text; only its hash is written
   * @param patienceMs how long to wait for the one who has it, as long as ZT_PATIENCE makes it; each time that it passes to
   *   another, anew; 0: not at all. Nobody who comes later goes first, so that the wait has an end
   * @returns undefined when the same one still has it then
   * @throws UserError `config` / `FILE_NOT_WRITABLE`
   */
  async acquire(name: string, patienceMs = 0): Promise<Lock | undefined> {
    const key = createHash('sha256').update(name).digest('hex').slice(0, 32)
    const me = await thisProcess()
    const own = `${me.pid}-${randomBytes(6).toString('hex')}`
    const choosing = `${key}.choosing.${own}`
    await this.#put(choosing, me)
    const others = (await this.#read(key)).filter(({owner}) => owner !== own)
    const number = Math.max(0, ...others.map((one) => one.number ?? 0)) + 1
    const ticket = `${key}.${number}.${own}`
    await this.#put(ticket, me)
    await this.#remove(choosing)
    const lock: Lock = {release: () => this.#remove(ticket)}
    let deadline = Date.now() + patient(patienceMs)
    let first: string | undefined
    for (;;) {
      const before = await this.#aliveBefore(key, number, own)
      if (!before) return lock
      // One that is choosing has no number yet, and may come behind us.
      if (before.number !== undefined && before.owner !== first) {
        if (first !== undefined) deadline = Date.now() + patient(patienceMs)
        first = before.owner
      }
      if (Date.now() >= deadline) {
        await lock.release()
        return undefined
      }
      const pause = Math.min(POLL_MS * before.waiting, LONGEST_POLL_MS)
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())))
    }
  }

  /** Which process has this lock, by its number there; undefined: none. */
  async holder(name: string): Promise<number | undefined> {
    const key = createHash('sha256').update(name).digest('hex').slice(0, 32)
    const before = await this.#aliveBefore(key, Infinity, '')
    return before && Number(before.owner.split('-')[0])
  }

  /** Whether a living process has this lock or waits for it. */
  async isHeld(name: string): Promise<boolean> {
    const key = createHash('sha256').update(name).digest('hex').slice(0, 32)
    for (const one of await this.#read(key)) if (await this.#isAlive(one.file)) return true
    return false
  }

  /** The first living one before a ticket, and how many tickets are before that. */
  async #aliveBefore(
    key: string,
    number: number,
    own: string,
  ): Promise<{owner: string; number: number | undefined; waiting: number} | undefined> {
    const before = (await this.#read(key))
      .filter((one) => {
        if (one.owner === own) return false
        return one.number === undefined || one.number < number || (one.number === number && one.owner < own)
      })
      .sort((a, b) => order(a, b))
    for (const [at, one] of before.entries()) {
      if (await this.#isAlive(one.file)) return {...one, waiting: before.length - at}
    }
    return undefined
  }

  /** Undefined number: it is choosing. */
  async #read(key: string): Promise<{file: string; number: number | undefined; owner: string}[]> {
    let names: string[]
    try {
      names = await fs.readdir(this.#directory)
    } catch (error) {
      // A file in its place is said when somebody wants to write there.
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
      throw error
    }
    return names.flatMap((file) => {
      const [name, number, owner] = file.split('.')
      if (name !== key || number === undefined || owner === undefined) return []
      return [{file, number: number === 'choosing' ? undefined : Number(number), owner}]
    })
  }

  async #isAlive(file: string): Promise<boolean> {
    const at = path.join(this.#directory, file)
    const text = await readFileIfThere(at)
    if (text === undefined) return false
    const alive = await livesStill(text, at)
    // Its name is its own: nobody else can have put another file there.
    if (!alive) await this.#remove(file)
    return alive
  }

  async #put(file: string, me: ProcessMark): Promise<void> {
    // A hidden name until it is whole: `#read` takes names of three parts.
    const temporary = path.join(this.#directory, `.${file}`)
    try {
      await fs.mkdir(this.#directory, {recursive: true, mode: 0o700})
      await fs.writeFile(temporary, JSON.stringify(me), {mode: 0o600})
      await despiteScanners(() => fs.rename(temporary, path.join(this.#directory, file)))
    } catch (error) {
      throw unusable(error, 'write', this.#directory)
    }
  }

  async #remove(file: string): Promise<void> {
    await despiteScanners(() => fs.rm(path.join(this.#directory, file), {force: true}))
  }
}

interface Ticket {
  number: number | undefined
  owner: string
}

/** Who goes in first; who is still choosing comes last. */
function order(a: Ticket, b: Ticket): number {
  if (a.number !== b.number) return (a.number ?? Infinity) - (b.number ?? Infinity)
  return a.owner < b.owner ? -1 : 1
}

/** Tells a process from every other, also from one that gets its number later. */
interface ProcessMark {
  host: string
  pid: number
  /** When it started, as the system counts it; undefined where that cannot be read. */
  started: string | undefined
}

let own: Promise<ProcessMark> | undefined

function thisProcess(): Promise<ProcessMark> {
  own ??= startOf(process.pid).then((started) => ({host: os.hostname(), pid: process.pid, started}))
  return own
}

async function livesStill(text: string, file: string): Promise<boolean> {
  let mark: Partial<ProcessMark>
  try {
    mark = JSON.parse(text) as Partial<ProcessMark>
  } catch {
    return false
  }
  const {pid} = mark
  if (typeof pid !== 'number') return false
  if (mark.host !== os.hostname()) {
    const {mtimeMs} = await fs.stat(file).catch(() => ({mtimeMs: 0}))
    return Date.now() - mtimeMs < FOREIGN_LEASE_MS
  }
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives and is another user's.
    if (!hasCode(error, 'EPERM')) return false
  }
  const started = await startOf(pid)
  return mark.started === undefined || started === undefined || mark.started === started
}

/** Boot and start time of a process, from /proc (Linux); undefined elsewhere. */
export async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [boot, stat] = await Promise.all([
      fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      fs.readFile(`/proc/${pid}/stat`, 'utf8'),
    ])
    // The name, in parentheses, may hold blanks; field 22 is the start time (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended.
    return fields[0] === 'Z' ? 'ended' : `${boot.trim()}/${fields[19]}`
  } catch {
    return undefined
  }
}
