import {createHash, randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import {despiteScanners, namesIn, unusable} from './files.js'
import {refuseOthers} from './own-files.js'
import {patient} from '../core/patience.js'
import {BEAT_MS, ownerIsAlive, renew, thisProcess, type ProcessRecord} from './processes.js'

/** Held by one process at a time; gone with the process, however that ends. */
export interface Lock {
  /**
   * What the lock was for is done then, so whoever calls takes a failure for a warning (core/tidy.ts): a file that cannot be
   * removed counts for nothing in this process at once, and elsewhere when this process has ended.
   *
   * @throws UserError `config` / `FILE_NOT_WRITABLE`
   */
  release(): Promise<void>
}

/** How often the next in line looks again; those behind it look as much less often as they are behind. */
const POLL_MS = 40
const LONGEST_POLL_MS = 2000

/**
 * Locks between processes, as files. Lamport's bakery: who comes announces itself under a name of its own, draws a
 * number above all that it sees, and goes in when nobody has a lower one. No file is ever taken over from another, so
 * that there is no moment at which two take the same one; files of processes that have died count for nothing.
 */
export class Locks {
  readonly #directory: string
  /** By how much the clock of the file system, which may be another machine's, is before ours, in milliseconds. */
  #ahead = 0
  /** Tickets that this process has given back, also where their files could not be removed. */
  readonly #released = new Set<string>()

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
      // One that is choosing has no number yet, and may come behind us.
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
    // Its name is its own: nobody else can have put another file there.
    if (!alive) await this.#remove(file).catch(() => undefined)
    return alive
  }

  /** Renews the ticket for as long as this process lives, or until it is given back. */
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
    // A hidden name until it is whole: `#read` takes names of three parts.
    const temporary = path.join(this.#directory, `.${file}`)
    try {
      await fs.mkdir(this.#directory, {recursive: true, mode: 0o700})
      refuseOthers(this.#directory, await fs.stat(this.#directory))
      await fs.writeFile(temporary, JSON.stringify(me), {mode: 0o600, flag: 'wx'})
      await despiteScanners(() => fs.rename(temporary, at))
      this.#ahead = (await fs.stat(at)).mtimeMs - Date.now()
    } catch (error) {
      throw unusable(error, 'write', this.#directory)
    }
  }

  async #remove(file: string): Promise<void> {
    try {
      await despiteScanners(() => fs.rm(path.join(this.#directory, file), {force: true}))
    } catch (error) {
      throw unusable(error, 'write', this.#directory)
    }
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
