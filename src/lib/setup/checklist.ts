import {interrupted, UserError} from '../core/errors.js'
import type {SetupWorld} from './world.js'
import type {SetupStep, StepName} from './types.js'

/** Takes planned steps one after the other, and says what was done when one fails or a signal ends the process. */
export class Checklist {
  readonly steps: SetupStep[]

  /** @param takeBack the command that takes back what was done, if there is one */
  constructor(
    readonly world: SetupWorld,
    steps: readonly SetupStep[],
    readonly takeBack?: string,
  ) {
    this.steps = steps.map((step) => ({...step}))
  }

  /**
   * Takes a step if it is to be taken.
   *
   * @param doing what is shown meanwhile
   * @param work returns what was done: a text, or the step's end
   * @throws what `work` throws; a UserError with what was done before
   */
  async take(
    name: StepName,
    doing: string,
    work: () => Promise<string | Pick<SetupStep, 'state' | 'text' | 'why'>>,
  ): Promise<void> {
    const step = this.steps.find((one) => one.step === name && one.state === 'todo')
    if (!step) return
    const {ctx} = this.world
    ctx.progress.step(doing)
    try {
      const end = await ctx.interruptible(
        (inner) => this.#halfWay(inner ?? interrupted()),
        () => work(),
      )
      this.#end(step, typeof end === 'string' ? {state: 'done', text: end} : end)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      this.#end(step, {state: 'failed', text: step.text, why: error.message})
      for (const one of this.steps) if (one.state === 'todo') one.state = 'not-tried'
      throw this.#halfWay(error)
    }
  }

  #end(step: SetupStep, end: Pick<SetupStep, 'state' | 'text' | 'why'>): void {
    Object.assign(step, end)
    this.world.onStep?.(step)
  }

  /** The same error, with what was done and how to go on. */
  #halfWay(error: UserError): UserError {
    const done = this.steps.filter(({state}) => state === 'done').map(({text}) => text)
    const again = this.world.ctx.commandLine
    return error.with({
      why: [
        ...error.whyLines,
        ...(done.length > 0 ? [`Done so far: ${done.join('; ')}.`] : []),
        'The same command goes on from here.',
      ],
      next: [
        ...error.next,
        ...(again === undefined ? [] : [`To go on: ${again}`]),
        ...(this.takeBack === undefined || done.length === 0 ? [] : [`To take it back: ${this.takeBack}`]),
      ],
      details: {steps: this.steps.map((step) => ({...step, why: step.why ?? null}))},
    })
  }
}
