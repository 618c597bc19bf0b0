import type {JsonObject} from '../../core/json.js'
import {UserError} from '../../core/errors.js'
import {redactJson} from '../../core/redact.js'
import type {CheckStep} from '../types.js'

/** The result of a step. */
export interface Found<T> {
  value: T
  detail: string
  facts: JsonObject
  skipped?: boolean
  /** How long it took, if that is not the time of the whole step. Milliseconds. */
  ms?: number
}

/** A step failed, and has a detail and facts beside its error. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed'

  constructor(
    override readonly cause: UserError,
    readonly detail: string,
    readonly facts: JsonObject,
  ) {
    super(cause.message)
  }
}

const ORDER: readonly CheckStep['step'][] = ['dns', 'tcp', 'proxy', 'tls', 'edge', 'ssh']

/** Times the steps and records their results. */
export class Steps {
  readonly all: CheckStep[] = []
  readonly #onStep: (step: CheckStep) => void
  readonly #order: readonly CheckStep['step'][]

  constructor(onStep: (step: CheckStep) => void, {proxy}: {proxy: boolean}) {
    this.#onStep = onStep
    this.#order = ORDER.filter((step) => proxy || step !== 'proxy')
  }

  /** @throws UserError of the step, after recording it */
  async take<T>(step: CheckStep['step'], work: () => Promise<Found<T>>): Promise<T> {
    const started = performance.now()
    const spent = (): number => rounded(performance.now() - started)
    try {
      const {value, detail, facts, skipped = false, ms} = await work()
      const time = ms === undefined ? spent() : rounded(ms)
      this.#add({
        step,
        state: skipped ? 'skipped' : 'ok',
        ms: skipped ? undefined : time,
        detail: limited(detail),
        facts,
      })
      return value
    } catch (error) {
      const known = error instanceof StepFailed ? error.cause : error
      // A bug in zt says nothing about the connection.
      if (!(known instanceof UserError)) throw error
      const {detail, facts} = error instanceof StepFailed ? error : {detail: known.message, facts: {}}
      this.#add({step, state: 'failed', ms: spent(), detail: limited(detail), facts})
      throw known
    }
  }

  /** Records the steps that were not reached. */
  end(): void {
    for (const step of this.#order.slice(this.all.length))
      this.#add({step, state: 'not-tried', ms: undefined, detail: 'not tried', facts: {}})
  }

  /** A server may send back what it received, and a step goes to stdout, where nothing else redacts it. */
  #add(step: CheckStep): void {
    const clean = redactJson(step)
    this.all.push(clean)
    this.#onStep(clean)
  }
}

/** Text from the network, cut to a length. */
export function limited(text: string, limit = 300): string {
  return text.length > limit ? `${text.slice(0, limit)}...` : text
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10
