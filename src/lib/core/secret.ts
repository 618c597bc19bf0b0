import {createHash, timingSafeEqual} from 'node:crypto'
import {inspect} from 'node:util'

const HIDDEN = '[secret]'

/**
 * Every text that a Secret of this process holds or held, for the redactor. Plain strings and no WeakRefs: an error may
 * carry the text on when its Secret is long collected, and a string cannot be wiped from memory anyway.
 */
const held = new Set<string>()

/**
 * A value that must not be shown: a client secret, an API token, a passphrase.
 *
 * Whatever prints, logs, serialises or interpolates it gets `[secret]`. Only {@link Secret.expose} opens it;
 * search the source for `.expose(` to see every place that does.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
    held.add(value)
  }

  /** The plain text. Call it as late as possible, and hand the result straight to what needs it. */
  expose(): string {
    return this.#value
  }

  /** True when both hold the same text. Takes the same time wherever they differ. */
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

/** What the redactor must hide. Nothing else may ask. */
export function heldTexts(): ReadonlySet<string> {
  return held
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
