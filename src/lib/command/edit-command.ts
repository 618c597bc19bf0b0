import {type Command} from '@oclif/core'
import {applyChanges, type AppliedEdit} from '../access/edit/apply.js'
import {undoLimits} from '../access/edit/change.js'
import {describeChanges} from '../access/edit/describe.js'
import {requireSecretFields} from '../access/edit/hidden-fields.js'
import {makeEdit, type EditPlan} from '../access/edit/make.js'
import {ztCommand} from '../core/command-line.js'
import type {AccessContext} from '../access/account/context.js'
import {err, style} from '../cli/streams.js'
import {AccessCommand} from './access-command.js'
import {editDiff, editJson, type ChangeJson} from './present/edit.js'

/** What an edit needs in addition to its plan. */
export interface EditOptions<P> {
  /** The question on a terminal. */
  question: (plan: P) => string
  /** If set, an edit without a terminal needs `--yes`: the command line to suggest. */
  requireYes?: ((plan: P) => string) | undefined
  /** Called once: with the plan that is shown, or else with the one that is made. */
  planned?: ((plan: P) => void) | undefined
  /** The result, without the mark. */
  done: (plan: P) => string
  /** Makes the changes; by default `applyChanges`. */
  apply?: ((plan: P) => Promise<AppliedEdit>) | undefined
}

/** An edit that was made, or would be. */
export interface Edited<P> {
  plan: P
  /** Undefined for a dry run. */
  applied: AppliedEdit | undefined
  result: EditResult
}

/** The JSON result of an edit. */
export interface EditResult {
  changed: boolean
  dryRun: boolean
  /** The ID for `zt undo`. */
  undo: string | null
  changes: ChangeJson[]
}

/**
 * A command that edits objects: it shows the difference, asks on a terminal, and says how to undo the edit. Its flags include
 * `yes` and `dry-run`.
 */
export abstract class EditCommand<T extends typeof Command> extends AccessCommand<T> {
  /**
   * @param plan called to show the edit, and again once no other zt can edit the account
   * @throws UserError `cancelled`; of `plan` and `makeEdit`
   */
  protected async edit<P extends EditPlan>(
    ctx: AccessContext,
    plan: () => Promise<P>,
    options: EditOptions<P>,
  ): Promise<Edited<P>> {
    const {dryRun, yes} = this
    const {requireYes, planned, done} = options
    const apply =
      options.apply ??
      ((made: P): Promise<AppliedEdit> => applyChanges(ctx, made.changes, {command: this.commandInWords()}))
    let shown: P | undefined
    if (dryRun || (!yes && (this.prompts.possible || requireYes !== undefined))) {
      shown = await plan()
      requireSecretFields(ctx, shown.changes)
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
    if (applied.undoId !== undefined)
      this.note(this.step(`to undo it: ${ztCommand(ctx, 'undo', applied.undoId)}`))
    const result = {
      changed: applied.changes.length > 0,
      dryRun,
      undo: applied.undoId ?? null,
      changes: editJson(applied.changes),
    }
    return {...made, result}
  }

  /** Shows the edit, and asks on a terminal. */
  private async show<P extends EditPlan>(
    ctx: AccessContext,
    plan: P,
    options: EditOptions<P>,
  ): Promise<void> {
    const {dryRun} = this
    const {question, requireYes} = options
    const {changes} = plan
    if (!dryRun && requireYes && changes.length > 0) this.prompts.require('A confirmation', requireYes(plan))
    if (changes.length > 0) {
      const diff = editDiff(await describeChanges(ctx, changes))
      // The question needs the difference, and stdout is for the JSON.
      if (!this.jsonEnabled()) this.print(diff)
      else if (!dryRun) err(diff)
    }
    this.warnOf(plan)
    if (!dryRun && changes.length > 0) await this.prompts.confirm(question(plan))
  }

  /** Whether to show the edit without making it. */
  protected get dryRun(): boolean {
    return (this.flags as {'dry-run'?: boolean})['dry-run'] === true
  }

  private get yes(): boolean {
    return (this.flags as {yes?: boolean}).yes === true
  }

  private warnOf({changes, notes = []}: EditPlan): void {
    for (const limit of [...notes, ...undoLimits(changes)]) this.warn(limit)
  }
}
