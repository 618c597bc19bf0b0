import type {AccessContext} from '../../src/lib/access/account/context.js'
import type {UserError} from '../../src/lib/core/errors.js'
import {Unfinished} from '../../src/lib/system/signals.js'
import {Spool} from '../../src/lib/secrets/journal/journal.js'

/** Thrown at the point where a process would have been killed. */
export class Crash extends Error {
  override readonly name = 'Crash'
}

/**
 * A context in which every call that leaves the process (API, store, journal, spool, index) is counted, and that dies
 * at one of them: before it is made, or after it was made and before its answer is seen. A dead context does nothing
 * more, whatever the code under test catches. No list of steps is kept by hand: new calls are counted automatically.
 */
export class Mortal {
  readonly effects: string[] = []
  readonly #at: {effect: number; after: boolean} | undefined
  #dead = false
  readonly #unfinished = new Unfinished()
  /** What a signal would have left at the moment of the death. */
  left: UserError | undefined

  constructor(at?: {effect: number; after: boolean}) {
    this.#at = at
  }

  get died(): boolean {
    return this.#dead
  }

  context(ctx: AccessContext): AccessContext {
    return {
      ...ctx,
      api: async () => this.#wrap('api', await ctx.api()),
      store: async () => this.#wrap('store', await ctx.store()),
      storeOf: async (kind) => this.#wrap('store', await ctx.storeOf(kind)),
      index: this.#wrap('index', ctx.index),
      journal: this.#wrap('journal', ctx.journal),
      interruptible: this.#unfinished.during,
    }
  }

  #wrap<T extends object>(room: string, target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        // These touch nothing.
        if (name === 'clockAhead' || name === 'spoolOf' || name === 'expecting')
          return (...args: unknown[]) => this.#result(Reflect.apply(value, target, args))
        return async (...args: unknown[]) => {
          const mine = this.#at?.effect === this.effects.push(`${room}.${String(name)}`) - 1
          if (mine && !this.#at.after) this.#die()
          if (this.died) throw new Crash('killed')
          const result: unknown = await (Reflect.apply(value, target, args) as Promise<unknown>)
          if (mine && this.#at.after) this.#die()
          if (this.died) throw new Crash('killed')
          return this.#result(result)
        }
      },
    })
  }

  #die(): void {
    this.#dead = true
    this.left = this.#unfinished.said()
  }

  #result(result: unknown): unknown {
    return result instanceof Spool ? this.#wrap('spool', result) : result
  }
}
