import {type Command} from '@oclif/core'
import {applyChanges, type AppliedEdit} from '../access/edit/apply.js'
import {undoLimits} from '../access/edit/change.js'
import {describeChanges} from '../access/edit/describe.js'
import {requireSecretFields} from '../access/edit/hidden-fields.js'
import {makeEdit, type EditPlan} from '../access/edit/make.js'
import {reachLines, reachOfEdit} from '../access/edit/reach.js'
import {ztCommand} from '../core/command-line.js'
import type {AccessContext} from '../access/account/context.js'
import {err, mark} from '../cli/streams.js'
import {indented} from '../cli/wrapped.js'
import {AccessCommand} from './access-command.js'
import {editDiff, editJson, reachJson, type ChangeJson, type ReachJson} from './present/edit.js'

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
  /** What it opens and closes; null where that was not asked for, or is not known. */
  opens: ReachJson[] | null
  closes: ReachJson[] | null
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
    const shows = dryRun || (!yes && (this.prompts.possible || requireYes !== undefined))
    // What it opens and closes takes requests of its own: only where someone reads it.
    const planWhole = async (): Promise<P> => {
      const made = await plan()
      return shows && !made.reach ? {...made, reach: await reachOfEdit(ctx, made.changes)} : made
    }
    if (shows) {
      shown = await planWhole()
      requireSecretFields(ctx, shown.changes)
      planned?.(shown)
      await this.show(ctx, shown, options)
      if (dryRun) {
        const result = {
          ...{changed: false, dryRun, undo: null, changes: editJson(shown.changes)},
          ...reachJson(shown.reach),
        }
        return {plan: shown, applied: undefined, result}
      }
    }
    const say = (one: P): void => {
      planned?.(one)
      this.warnOf(one)
      if (one.reach) for (const line of reachLines(one.reach)) this.note(line)
    }
    const made =
      shown?.changes.length === 0
        ? {plan: shown, applied: await apply(shown)}
        : await makeEdit(ctx, planWhole, {shown, planned: say, apply})
    const {applied} = made
    for (const warning of applied.warnings) this.warn(warning)
    this.print(`${mark.done} ${done(made.plan)}`)
    if (applied.undoId !== undefined)
      this.note(this.step(`to undo it: ${ztCommand(ctx, 'undo', applied.undoId)}`))
    const result = {
      changed: applied.changes.length > 0,
      dryRun,
      undo: applied.undoId ?? null,
      changes: editJson(applied.changes),
      ...reachJson(made.plan.reach),
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
      const lines = [...diff, ...(plan.reach ? indented(reachLines(plan.reach), 0) : [])]
      if (!this.jsonEnabled()) this.print(lines)
      else if (!dryRun) err(lines)
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
