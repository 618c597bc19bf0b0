import {UserError} from '../../core/errors.js'

/** What a connection attempt is doing; a timeout names it. */
export type Stage = 'lookup' | 'connect' | 'proxy' | 'tls' | 'answer'

/** How long each stage may take, milliseconds. */
export type StageLimits = Readonly<Record<Stage, number>>

/** Default for a connection and its first answer together. */
export const TIMEOUT_MS = 15_000

/** The limit of each stage. A total above the default lengthens them in proportion. */
export function limitsWithin(totalMs: number): StageLimits {
  const factor = Math.max(1, totalMs / TIMEOUT_MS)
  const each = 10_000 * factor
  return {lookup: each, connect: each, proxy: each, tls: each, answer: TIMEOUT_MS * factor}
}

/** Aborts a connection attempt when its total time or the current stage's time is up, or when the caller does. */
export class Deadlines {
  stage: Stage = 'connect'
  readonly #controller = new AbortController()
  readonly #total: NodeJS.Timeout
  #current: NodeJS.Timeout | undefined

  constructor(
    private readonly options: {
      limits: StageLimits
      totalMs: number
      signal?: AbortSignal | undefined
      timedOut: (stage: Stage, ms: number) => UserError
    },
  ) {
    const {totalMs, signal} = options
    this.#total = this.#expireIn(totalMs)
    signal?.addEventListener('abort', this.#interrupt)
    if (signal?.aborted) this.#interrupt()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why the attempt was aborted; undefined while it runs. */
  get reason(): UserError | undefined {
    return this.signal.aborted ? (this.signal.reason as UserError) : undefined
  }

  /** The longest that a stage may take, milliseconds. */
  limitOf(stage: Stage): number {
    return Math.min(this.options.totalMs, this.options.limits[stage])
  }

  begin(stage: Stage): void {
    this.stage = stage
    clearTimeout(this.#current)
    this.#current = this.#expireIn(this.options.limits[stage])
  }

  stop(): void {
    clearTimeout(this.#total)
    clearTimeout(this.#current)
    this.options.signal?.removeEventListener('abort', this.#interrupt)
  }

  #expireIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#controller.abort(this.options.timedOut(this.stage, ms))
    }, ms)
  }

  readonly #interrupt = (): void => {
    this.#controller.abort(
      new UserError({
        kind: 'cancelled',
        code: 'INTERRUPTED',
        message: 'Interrupted before the tunnel was open',
      }),
    )
  }
}
