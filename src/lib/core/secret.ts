import {createHash, timingSafeEqual} from 'node:crypto'
import {inspect} from 'node:util'

const HIDDEN = '[secret]'

/**
 * Every text that a Secret of this process holds or held, for the redactor. Plain strings instead of WeakRefs: an error
 * may still carry the text after its Secret was collected, and a string cannot be wiped from memory anyway.
 */
const held = new Set<string>()

/**
 * A value that must not be shown: a client secret, an API token, a passphrase.
 *
 * Printing, logging, serialising or interpolating it gives `[secret]`. Only {@link Secret.expose} reveals it; search the
 * source for `.expose(` to see every place that does.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
    held.add(value)
  }

  /** The plain text. Call it as late as possible, and pass the result straight to what needs it. */
  expose(): string {
    return this.#value
  }

  /** Whether both hold the same text. Takes the same time wherever they differ. */
  equals(other: Secret): boolean {
    return timingSafeEqual(digest(this.#value), digest(other.#value))
  }

  get isEmpty(): boolean {
    return this.#value.length === 0
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [Symbol.toPrimitive](): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}

/** What the redactor must hide. Only the redactor calls this. */
export function heldTexts(): ReadonlySet<string> {
  return held
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
