import {indented} from '../cli/wrapped.js'
import path from 'node:path'
import {type Command} from '@oclif/core'
import {login} from '../access/account/login.js'
import {notLoggedIn} from '../access/account/context.js'
import {err} from '../cli/streams.js'
import {cancelled} from '../core/errors.js'
import {exitCodeOfKind} from '../core/exit-codes.js'
import type {PlanOutline, SetupOutcome, SetupStep} from '../setup/types.js'
import {setupPlanLines, setupStepLines} from './present/setup.js'
import {TunnelCommand} from './tunnel-command.js'

/** A command that takes steps of a plan: shows it, asks once, and then shows each step as it ends. */
export abstract class SetupCommand<T extends typeof Command> extends TunnelCommand<T> {
  /** Asks for an API token where the profile has none, as `zt login` does. */
  protected async logIn(): Promise<void> {
    const ctx = this.access()
    if (await ctx.apiToken()) return
    if (!this.prompts.possible || this.flag('dry-run')) throw notLoggedIn(ctx)
    const {settings, prompts} = this
    const {account} = await login(ctx, {
      apiToken: await prompts.secret('API token'),
      settings,
      storeNamed: (this.flags as {store?: string}).store !== undefined,
      addresses: {},
      chooseAccount: (all) =>
        prompts.choose(
          'Account',
          all.map((one) => ({name: `${one.name}  ${one.id}`, value: one})),
        ),
    })
    this.settings = await this.loadSettings()
    this.printSoFar(setupStepLines({step: 'login', state: 'done', text: `Logged in to ${account.name}`}))
  }

  /**
   * Shows a plan, and asks once if it changes anything.
   *
   * @param without the answer that leaves a part of it out, if there is one
   * @returns false for a dry run
   */
  protected async agreed(
    plan: PlanOutline,
    changes: boolean,
    question: string,
    without?: string,
  ): Promise<boolean | 'without'> {
    const dryRun = this.flag('dry-run')
    if (plan.steps.length === 0 && plan.notes.length > 0) {
      this.printSoFar(indented(plan.notes, 0))
      return !dryRun
    }
    const asks = changes && !dryRun && !this.flag('yes')
    if (asks) this.prompts.require('A confirmation', `${this.commandInWords()} --yes`)
    const lines = setupPlanLines(plan, this.settings.profileName)
    // The question needs the plan, and stdout is for the JSON.
    if (!this.jsonEnabled()) this.printSoFar(lines)
    else if (asks) err(lines)
    for (const warning of plan.warnings) this.warn(warning)
    for (const note of plan.notes) this.note(note)
    if (asks && without !== undefined) return this.chosen(question, without)
    if (asks) await this.prompts.confirm(question)
    return !dryRun
  }

  /** @throws UserError `cancelled` / `CANCELLED` if the answer is no */
  private async chosen(question: string, without: string): Promise<true | 'without'> {
    // A key that was pressed too early answers no, as at every other question.
    const answer = await this.prompts.choose<boolean | 'without'>(question, [
      {name: 'No', value: false},
      {name: 'Yes', value: true},
      {name: without, value: 'without'},
    ])
    if (answer === false) throw cancelled()
    return answer
  }

  /** Whether a person is asked. */
  protected get canAsk(): boolean {
    return !this.flag('yes') && !this.flag('dry-run') && this.prompts.possible
  }

  /** What a plan is for: to be shown, to be carried out. */
  protected get planFor(): {shown: boolean; rehearsed: boolean} {
    const dryRun = this.flag('dry-run')
    return {shown: this.canAsk || dryRun, rehearsed: !dryRun}
  }

  /** Whether to connect at the end; or why not. */
  protected get connects(): true | {not: string} {
    if ((this.flags as {connect?: boolean}).connect === false) return {not: '--no-connect'}
    if (this.jsonEnabled()) return {not: '--json'}
    return process.stdin.isTTY && process.stdout.isTTY ? true : {not: 'there is no terminal'}
  }

  /** What was said while the steps were taken; what a removal keeps needs someone. */
  protected showOutcome(outcome: SetupOutcome | undefined): void {
    if (outcome?.steps.some(({state}) => state === 'kept')) process.exitCode = exitCodeOfKind('needs-action')
    for (const warning of outcome?.warnings ?? []) this.warn(warning)
    for (const closed of outcome?.closed ?? []) {
      const line = this.heardOf(closed)
      if (line !== undefined) this.printSoFar(`  ${line}`)
    }
  }

  /**
   * What the use-cases need.
   *
   * @param program starts zt
   * @param file the ssh configuration
   */
  protected world(program: readonly string[], file: string) {
    return {
      ctx: this.access(),
      settings: this.settings,
      reading: this.reading,
      ...{program, env: process.env, file: path.resolve(file)},
      onStep: (step: SetupStep) => {
        this.printSoFar(setupStepLines(step))
      },
    }
  }

  private flag(name: 'yes' | 'dry-run'): boolean {
    return (this.flags as Record<string, unknown>)[name] === true
  }
}
