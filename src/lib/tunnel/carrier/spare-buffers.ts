/** What a stream hands over at once, with the headers of its messages. */
const SIZE = 65_536 + 64
/** More than may wait for a connection at once. */
const MOST = 20

/**
 * Buffers that were sent, for the next ones: what lies outside the heap is collected late, and sending fast would fill
 * memory with it.
 */
export class SpareBuffers {
  readonly #free: Buffer[] = []

  /** A buffer of its own memory with at least that many bytes; its content is whatever it was. */
  take(length: number): Buffer {
    return length > SIZE ? Buffer.allocUnsafeSlow(length) : (this.#free.pop() ?? Buffer.allocUnsafeSlow(SIZE))
  }

  /** Only once nobody reads it any more. */
  give(buffer: Buffer): void {
    if (buffer.length === SIZE && this.#free.length < MOST) this.#free.push(buffer)
  }
}
