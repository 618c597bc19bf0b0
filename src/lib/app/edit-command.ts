import {type Command} from '@oclif/core'
import {applyChanges, type AppliedEdit} from '../access/edit/apply.js'
import {undoLimits, type Change} from '../access/edit/change.js'
import {describeChanges} from '../access/edit/describe.js'
import {shellQuote, ztCommand} from '../core/command-line.js'
import type {AccessContext} from '../access/context.js'
import {err, style} from '../cli/streams.js'
import {UserError} from '../core/errors.js'
import {AccessCommand} from './access-command.js'
import {editDiff, editJson, type ChangeJson} from './present-edit.js'

/** What an edit needs beside its changes. */
export interface EditOptions {
  /** Undefined: the flag was not given. */
  dryRun: boolean | undefined
  /** True: nobody is asked. */
  yes: boolean | undefined
  /** The question on a terminal. */
  question: string
  /** Set: without a terminal and `--yes` nothing is done; what is to be typed then. */
  requireYes?: string | undefined
  /** What is said when it is done, without mark. */
  done: string
  /** Said with the difference, before anything is done. */
  notes?: readonly string[] | undefined
  /** Makes the changes; as a rule they are simply applied. */
  apply?: (() => Promise<AppliedEdit>) | undefined
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
   * @returns the JSON result: `{changed, dryRun, undo, changes}`
   * @throws UserError `cancelled`; of `applyChanges`
   */
  protected async edit(
    ctx: AccessContext,
    changes: readonly Change[],
    options: EditOptions,
  ): Promise<EditResult> {
    const {dryRun = false, yes = false, question, requireYes, done, notes = [], apply} = options
    if (!dryRun && !yes && requireYes !== undefined && changes.length > 0)
      this.prompts.require('A confirmation', requireYes)
    const limits = [...notes, ...undoLimits(changes)]
    const ask = !dryRun && !yes && this.prompts.possible
    if (changes.length > 0 && (dryRun || ask)) {
      // Whoever is asked must see what about, and stdout has the JSON only.
      if (!this.jsonEnabled()) this.print(editDiff(await describeChanges(ctx, changes)))
      else if (ask) err(editDiff(await describeChanges(ctx, changes)))
      for (const limit of limits) this.warn(limit)
      if (ask && !(await this.prompts.confirm(question))) {
        throw new UserError({kind: 'cancelled', code: 'CANCELLED', message: 'Cancelled; nothing was changed'})
      }
    } else for (const limit of limits) this.warn(limit)
    if (dryRun) return {changed: false, dryRun, undo: null, changes: editJson(changes)}
    const applied = await (apply?.() ?? applyChanges(ctx, changes, {command: this.commandInWords()}))
    for (const warning of applied.warnings) this.warn(warning)
    this.print(`${style.green('✓')} ${done}`)
    if (applied.undoId !== undefined) this.note(`to undo it: ${ztCommand(ctx, 'undo', applied.undoId)}`)
    return {
      changed: applied.changes.length > 0,
      dryRun,
      undo: applied.undoId ?? null,
      changes: editJson(applied.changes),
    }
  }

  /** The command as it was typed, for the undo record. No flag of zt takes a secret. */
  protected commandInWords(): string {
    return ['zt', ...(this.id ?? '').split(':'), ...this.argv.map(shellQuote)].join(' ')
  }
}
