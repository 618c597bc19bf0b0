import {createHash, randomBytes} from 'node:crypto'
import path from 'node:path'
import {files as fs} from './disk.js'
import {namesIn, unusable} from './files.js'
import {refuseOthers} from './own-files.js'
import {patient} from '../core/patience.js'
import {BEAT_MS, ownerIsAlive, renew, thisProcess, type ProcessRecord} from './processes.js'

/** Held by one process at a time; it ends with the process at the latest. */
export interface Lock {
  /**
   * Callers treat a failure as a warning (core/tidy.ts): their work is done, and a file that cannot be removed no longer
   * counts in this process, nor in others once this process has ended.
   *
   * @throws UserError `not-written` / `FILE_NOT_WRITABLE`
   */
  release(): Promise<void>
}

/** How often the next in line checks again; those behind it check less often in proportion. */
const POLL_MS = 40
const LONGEST_POLL_MS = 2000

const TICKET = /^[0-9a-f]{32}\.(choosing|\d+)\.\d+-[0-9a-f]{12}$/

/**
 * Locks between processes, as files, by Lamport's bakery algorithm. Each process announces itself in a file with a unique
 * name, takes a number above all that it sees, and holds the lock when no one has a lower number. No process ever takes
 * over another one's file, so two can never take the same one. Files of dead processes do not count.
 */
export class Locks {
  readonly #directory: string
  /** How far the file system's clock, which may be another machine's, is ahead of this machine's, in milliseconds. */
  #ahead = 0
  /** Tickets that this process has given back, even if their files could not be removed. */
  readonly #released = new Set<string>()

  /** @param directory created 0700 when needed */
  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * Waits for the lock of this name.
   *
   * @param name any text; only its hash is written
   * @param patienceMs how long to wait for the current holder (ZT_PATIENCE lengthens it), counted anew for each holder; 0:
   *   not at all. No later arrival goes first, so the wait ends
   * @returns undefined if the same process still holds it then
   * @throws UserError `not-written` / `FILE_NOT_WRITABLE`
   */
  async acquire(name: string, patienceMs = 0): Promise<Lock | undefined> {
    const key = keyOf(name)
    const me = thisProcess()
    const own = `${me.pid}-${randomBytes(6).toString('hex')}`
    const choosing = `${key}.choosing.${own}`
    await this.#put(choosing, me)
    const others = (await this.#read(key)).filter(({owner}) => owner !== own)
    const number = Math.max(0, ...others.map((one) => one.number ?? 0)) + 1
    const ticket = `${key}.${number}.${own}`
    await this.#put(ticket, me)
    await this.#remove(choosing)
    const lock = this.#holding(ticket, me)
    let deadline = Date.now() + patient(patienceMs)
    let first: string | undefined
    for (;;) {
      const before = await this.#aliveBefore(key, number, own)
      if (!before) return lock
      // One that is still choosing has no number yet, and may come after us.
      if (before.number !== undefined && before.owner !== first) {
        if (first !== undefined) deadline = Date.now() + patient(patienceMs)
        first = before.owner
      }
      if (Date.now() >= deadline) {
        await lock.release().catch(() => undefined)
        return undefined
      }
      const pause = Math.min(POLL_MS * before.waiting, LONGEST_POLL_MS)
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())))
    }
  }

  /** The process ID of the holder, or of the next in line; undefined if there is none. */
  async holder(name: string): Promise<number | undefined> {
    const first = await this.#aliveBefore(keyOf(name), Infinity, '')
    return first && Number(first.owner.split('-')[0])
  }

  /** Whether a living process holds this lock or waits for it. */
  async isHeld(name: string): Promise<boolean> {
    return (await this.holder(name)) !== undefined
  }

  /** The files of processes that have ended: they no longer count, and are removed when their lock is next acquired. */
  async leftBehind(): Promise<string[]> {
    const tickets = (await namesIn(this.#directory)).filter((name) => TICKET.test(name))
    const files = tickets.map((name) => path.join(this.#directory, name))
    const alive = await Promise.all(files.map((file) => ownerIsAlive(file, this.#ahead)))
    return files.filter((_, at) => !alive[at])
  }

  /** The first living ticket before this one, and how many tickets follow it up to this one. */
  async #aliveBefore(
    key: string,
    number: number,
    own: string,
  ): Promise<(Ticket & {waiting: number}) | undefined> {
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

  async #read(key: string): Promise<Ticket[]> {
    const names = await namesIn(this.#directory)
    return names.flatMap((file) => {
      const [name, number, owner, ...more] = file.split('.')
      if (name !== key || number === undefined || owner === undefined || more.length > 0) return []
      return [{file, number: number === 'choosing' ? undefined : Number(number), owner}]
    })
  }

  async #isAlive(file: string): Promise<boolean> {
    if (this.#released.has(file)) return false
    const alive = await ownerIsAlive(path.join(this.#directory, file), this.#ahead)
    // The file's name is unique: no other process can have put another one there.
    if (!alive) await this.#remove(file).catch(() => undefined)
    return alive
  }

  /** Renews the ticket until it is given back or this process ends. */
  #holding(ticket: string, me: ProcessRecord): Lock {
    const beat = setInterval(() => {
      renew(path.join(this.#directory, ticket), me).catch(() => undefined)
    }, BEAT_MS).unref()
    return {
      release: async () => {
        clearInterval(beat)
        this.#released.add(ticket)
        await this.#remove(ticket)
      },
    }
  }

  async #put(file: string, me: ProcessRecord): Promise<void> {
    const at = path.join(this.#directory, file)
    // Hidden until it is complete: `#read` ignores names of four parts.
    const temporary = path.join(this.#directory, `.${file}`)
    try {
      await fs.mkdir(this.#directory, {recursive: true, mode: 0o700})
      refuseOthers(this.#directory, await fs.stat(this.#directory))
      await fs.writeFile(temporary, JSON.stringify(me), {mode: 0o600, flag: 'wx'})
      await fs.rename(temporary, at)
      this.#ahead = (await fs.stat(at)).mtimeMs - Date.now()
    } catch (error) {
      throw unusable(error, 'write', this.#directory)
    }
  }

  async #remove(file: string): Promise<void> {
    try {
      await fs.rm(path.join(this.#directory, file), {force: true})
    } catch (error) {
      throw unusable(error, 'write', this.#directory)
    }
  }
}

interface Ticket {
  file: string
  /** Undefined while it is choosing. */
  number: number | undefined
  owner: string
}

function keyOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}

/** Who goes first; one that is still choosing comes last. */
function order(a: Ticket, b: Ticket): number {
  if (a.number !== b.number) return (a.number ?? Infinity) - (b.number ?? Infinity)
  return a.owner < b.owner ? -1 : 1
}
