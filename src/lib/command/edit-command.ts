import {type Command} from '@oclif/core'
import {applyChanges, type AppliedEdit} from '../access/edit/apply.js'
import {undoLimits} from '../access/edit/change.js'
import {describeChanges} from '../access/edit/describe.js'
import {makeEdit, type EditPlan} from '../access/edit/make.js'
import {shellQuote, ztCommand} from '../core/command-line.js'
import type {AccessContext} from '../access/account/context.js'
import {err, style} from '../cli/streams.js'
import {cancelled} from '../core/errors.js'
import {AccessCommand} from './access-command.js'
import {editDiff, editJson, type ChangeJson} from './present/edit.js'

/** What an edit needs beside its plan. */
export interface EditOptions<P> {
  /** Undefined: the flag was not given. */
  dryRun: boolean | undefined
  /** True: nobody is asked. */
  yes: boolean | undefined
  /** The question on a terminal. */
  question: (plan: P) => string
  /** Set: without a terminal and `--yes` nothing is done; what is to be typed then. */
  requireYes?: ((plan: P) => string) | undefined
  /** Called once, with the plan that is shown, or with the one that is made where nothing is shown. */
  planned?: ((plan: P) => void) | undefined
  /** What is said when it is done, without mark. */
  done: (plan: P) => string
  /** Makes the changes; as a rule they are simply applied. */
  apply?: ((plan: P) => Promise<AppliedEdit>) | undefined
}

/** An edit as it was made, or would be. */
export interface Edited<P> {
  plan: P
  /** Undefined for a rehearsal. */
  applied: AppliedEdit | undefined
  result: EditResult
}

/** The JSON result of an edit. */
export interface EditResult {
  changed: boolean
  dryRun: boolean
  /** By which `zt undo` takes it back. */
  undo: string | null
  changes: ChangeJson[]
}

/** A command that edits objects: shows the difference, asks where somebody can be asked, and says how to undo it. */
export abstract class EditCommand<T extends typeof Command> extends AccessCommand<T> {
  /**
   * @param plan made once to be shown, and again when no other zt can come between
   * @throws UserError `cancelled`; of `plan` and `makeEdit`
   */
  protected async edit<P extends EditPlan>(
    ctx: AccessContext,
    plan: () => Promise<P>,
    options: EditOptions<P>,
  ): Promise<Edited<P>> {
    const {dryRun = false, yes = false, requireYes, planned, done} = options
    const apply =
      options.apply ??
      ((made: P): Promise<AppliedEdit> => applyChanges(ctx, made.changes, {command: this.commandInWords()}))
    let shown: P | undefined
    if (dryRun || (!yes && (this.prompts.possible || requireYes !== undefined))) {
      shown = await plan()
      planned?.(shown)
      await this.show(ctx, shown, options)
      if (dryRun) {
        const result = {changed: false, dryRun, undo: null, changes: editJson(shown.changes)}
        return {plan: shown, applied: undefined, result}
      }
    }
    const say = (one: P): void => {
      planned?.(one)
      this.warnOf(one)
    }
    const made =
      shown?.changes.length === 0
        ? {plan: shown, applied: await apply(shown)}
        : await makeEdit(ctx, plan, {shown, planned: say, apply})
    const {applied} = made
    for (const warning of applied.warnings) this.warn(warning)
    this.print(`${style.green('✓')} ${done(made.plan)}`)
    if (applied.undoId !== undefined) this.note(`to undo it: ${ztCommand(ctx, 'undo', applied.undoId)}`)
    const result = {
      changed: applied.changes.length > 0,
      dryRun,
      undo: applied.undoId ?? null,
      changes: editJson(applied.changes),
    }
    return {...made, result}
  }

  /** Shows what would be done, and asks where somebody can be asked. */
  private async show<P extends EditPlan>(
    ctx: AccessContext,
    plan: P,
    options: EditOptions<P>,
  ): Promise<void> {
    const {dryRun = false, question, requireYes} = options
    const {changes} = plan
    if (!dryRun && requireYes && changes.length > 0) this.prompts.require('A confirmation', requireYes(plan))
    if (changes.length > 0) {
      const diff = editDiff(await describeChanges(ctx, changes))
      // Whoever is asked must see what about, and stdout has the JSON only.
      if (!this.jsonEnabled()) this.print(diff)
      else if (!dryRun) err(diff)
    }
    this.warnOf(plan)
    if (dryRun || changes.length === 0 || (await this.prompts.confirm(question(plan)))) return
    throw cancelled()
  }

  private warnOf({changes, notes = []}: EditPlan): void {
    for (const limit of [...notes, ...undoLimits(changes)]) this.warn(limit)
  }

  /** The command as it was typed, for the undo record. No flag of zt takes a secret. */
  protected commandInWords(): string {
    return ['zt', ...(this.id ?? '').split(':'), ...this.argv.map(shellQuote)].join(' ')
  }
}
