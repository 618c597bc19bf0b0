import {UserError} from '../../core/errors.js'

/** What a handshake is doing: it names the time-out that ended it. */
export type Stage = 'lookup' | 'connect' | 'proxy' | 'tls' | 'answer'

/** Milliseconds that each stage may take, within the whole. */
export type StageLimits = Readonly<Record<Stage, number>>

/** For a connection and its first answer, where nobody says otherwise. */
export const TIMEOUT_MS = 15_000
const LIMITS: StageLimits = {lookup: 10_000, connect: 10_000, proxy: 10_000, tls: 10_000, answer: 15_000}

/** What each part may take, in milliseconds: whoever waits longer for the whole waits longer for its parts. */
export function limitsWithin(totalMs: number): StageLimits {
  const longer = Math.max(1, totalMs / TIMEOUT_MS)
  const {lookup, connect, proxy, tls, answer} = LIMITS
  return {
    lookup: lookup * longer,
    connect: connect * longer,
    proxy: proxy * longer,
    tls: tls * longer,
    answer: answer * longer,
  }
}

/** One deadlines for the whole handshake and one for the stage that it is in; either ends it, and so does the caller. */
export class Deadlines {
  stage: Stage = 'connect'
  readonly #controller = new AbortController()
  readonly #whole: NodeJS.Timeout
  #part: NodeJS.Timeout | undefined

  constructor(
    private readonly options: {
      limits: StageLimits
      totalMs: number
      signal: AbortSignal | undefined
      timedOut: (stage: Stage, ms: number) => UserError
    },
  ) {
    const {totalMs, signal} = options
    this.#whole = setTimeout(() => {
      this.#expire(totalMs)
    }, totalMs)
    signal?.addEventListener('abort', this.#interrupt)
    if (signal?.aborted) this.#interrupt()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why it was ended; undefined while it runs. */
  get reason(): UserError | undefined {
    return this.signal.aborted ? (this.signal.reason as UserError) : undefined
  }

  /** How long that stage may take at most, milliseconds. */
  limitOf(stage: Stage): number {
    return Math.min(this.options.totalMs, this.options.limits[stage])
  }

  begin(stage: Stage): void {
    this.stage = stage
    clearTimeout(this.#part)
    const ms = this.options.limits[stage]
    this.#part = setTimeout(() => {
      this.#expire(ms)
    }, ms)
  }

  stop(): void {
    clearTimeout(this.#whole)
    clearTimeout(this.#part)
    this.options.signal?.removeEventListener('abort', this.#interrupt)
  }

  #expire(ms: number): void {
    this.#controller.abort(this.options.timedOut(this.stage, ms))
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
