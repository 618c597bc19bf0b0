import type {Writable} from 'node:stream'
import {giveLarge, LARGE, takeLarge} from './mask.js'

/** Of a buffer, where no large one is used: two chunks of an input, with the headers of their messages. */
const SMALL = 128 * 1024 + 128
/** Kept for all connections. One that is idle holds none. */
const MOST_SMALL = 8
/** From this rate on, bytes per millisecond (20 MiB/s), a full large buffer is on its way within 50 ms. */
const FAST = (20 * 1024 * 1024) / 1000
/** What a write says about the rate only if it has so many bytes. */
const TELLING = 32 * 1024

/** A key press, or a small answer: it is sent at once. */
const LITTLE = 4096

/** Buffers that were written, to use them again: node frees memory outside the heap late, so fast sending would fill it. */
const small: Buffer[] = []

interface Collected {
  buffer: Buffer
  length: number
}

/**
 * The way into a stream. While a write is under way it collects what is added, and then writes that at once: each write
 * costs processor time in node and in the system, and wakes the other side. On a slow connection it collects little, so
 * that what is added does not wait long.
 */
export class Outlet {
  /** Added, and not written yet. */
  waiting = 0
  readonly #stream: Writable
  readonly #written: () => void
  readonly #collected: Collected[] = []
  /** How many bytes may wait before the source is to be paused. */
  #most = 2 * SMALL
  #isFast = false
  #writing = 0
  #next: NodeJS.Immediate | undefined
  #released = false

  /** @param written called after each write that did not fail */
  constructor(stream: Writable, written: () => void) {
    this.#stream = stream
    this.#written = written
  }

  get isFull(): boolean {
    return this.waiting > this.#most
  }

  /** Where the next bytes go: at least that many, not cleared. They count once they are {@link add}ed. */
  room(length: number): Buffer {
    const last = this.#collected.at(-1)
    if (last && last.buffer.length - last.length >= length) return last.buffer.subarray(last.length)
    // Many may wait where nothing is taken: none of them in a buffer for thousands.
    if (this.#goesAtOnce(length)) return this.#collect(Buffer.allocUnsafe(length))
    const large = this.#isFast && length <= LARGE ? takeLarge() : undefined
    this.#most = 2 * (large ? LARGE : SMALL)
    const free = large ?? (length <= SMALL ? small.pop() : undefined)
    return this.#collect(free ?? Buffer.allocUnsafeSlow(Math.max(length, SMALL)))
  }

  /** Sends the first bytes of the {@link room}; if they are many, with what else arrives in this turn of the event loop. */
  add(length: number): void {
    const last = this.#collected.at(-1)
    if (!last) return
    const atOnce = this.#released || this.#goesAtOnce(length)
    last.length += length
    this.waiting += length
    if (atOnce) this.#write()
    else if (this.#writing === 0) this.#next ??= setImmediate(this.#begin)
  }

  /** Sends a copy. */
  put(bytes: Buffer): void {
    bytes.copy(this.room(bytes.length))
    this.add(bytes.length)
  }

  /** Passes on everything, now and from now on: the stream itself knows what is waiting. */
  release(): void {
    this.#released = true
    clearImmediate(this.#next)
    while (this.#collected.length > 0) this.#write()
  }

  #goesAtOnce(length: number): boolean {
    return this.waiting + length < LITTLE && !this.#next
  }

  #collect(buffer: Buffer): Buffer {
    this.#collected.push({buffer, length: 0})
    return buffer
  }

  readonly #begin = (): void => {
    this.#next = undefined
    if (this.#writing === 0) this.#write()
  }

  #write(): void {
    const first = this.#collected.shift()
    if (!first) return
    const {buffer, length} = first
    const started = performance.now()
    this.#writing++
    this.#stream.write(buffer.subarray(0, length), (error) => {
      this.#writing--
      this.waiting -= length
      // Also after a failure: all connections share the large ones.
      if (!giveLarge(buffer) && buffer.length === SMALL && small.length < MOST_SMALL) small.push(buffer)
      if (error) return
      if (length >= TELLING) this.#isFast = length > (performance.now() - started) * FAST
      if (!this.#released) this.#write()
      this.#written()
    })
  }
}
