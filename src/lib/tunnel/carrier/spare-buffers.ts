/** The largest chunk of a stream, with the headers of its messages. */
const SIZE = 65_536 + 64
/** More than one connection ever has waiting. */
const MOST = 20

/**
 * Keeps buffers that have been sent, to use them again: node frees memory outside the heap late, so that fast sending
 * would fill it.
 */
export class SpareBuffers {
  readonly #free: Buffer[] = []

  /** A buffer with memory of its own and at least this many bytes, not cleared. */
  take(length: number): Buffer {
    return length > SIZE ? Buffer.allocUnsafeSlow(length) : (this.#free.pop() ?? Buffer.allocUnsafeSlow(SIZE))
  }

  /** Call this only when nothing reads the buffer any more. */
  give(buffer: Buffer): void {
    if (buffer.length === SIZE && this.#free.length < MOST) this.#free.push(buffer)
  }
}
