import {type Command} from '@oclif/core'
import type {AccessContext} from '../access/context.js'
import type {BoundHost} from '../access/host-bindings.js'
import {applyPlanned, type PlannedEdit} from '../access/planned-edit.js'
import {style} from '../cli/streams.js'
import {EditCommand, type EditOptions, type EditResult} from './edit-command.js'

/** The JSON result: `bound` are the hosts for which a token is used now, `unbound` those for which none is any more. */
export interface PlannedEditResult extends EditResult {
  bound: BoundHost[]
  unbound: string[]
}

type Options = Pick<EditOptions, 'question' | 'done' | 'requireYes'>

/** A command that makes a planned edit of policies or Access groups. Its flags are `yes` and `dry-run`. */
export abstract class PlannedEditCommand<T extends typeof Command> extends EditCommand<T> {
  /**
   * Shows, asks and makes it; where nothing is to be changed, says how it is.
   *
   * @throws UserError as {@link EditCommand.edit}
   */
  protected async make(ctx: AccessContext, plan: PlannedEdit, options: Options): Promise<PlannedEditResult> {
    const {yes, 'dry-run': dryRun = false} = this.flags as {yes?: boolean; 'dry-run'?: boolean}
    const {changes, notes, already, bindings = [], unbound = []} = plan
    if (changes.length === 0) {
      for (const note of notes) this.warn(note)
      this.print(`${style.green('✓')} ${already ?? 'Nothing is to be changed'}`)
      return {changed: false, dryRun, undo: null, changes: [], bound: [], unbound: []}
    }
    const result = await this.edit(ctx, changes, {
      ...options,
      dryRun,
      yes,
      notes: [...notes, ...bindings.flatMap(({warnings}) => warnings)],
      apply: () => applyPlanned(ctx, plan, this.commandInWords()),
    })
    const bound = bindings.flatMap((one) => one.bound)
    for (const {host, token, replaced} of bound) {
      this.print(
        `${dryRun ? 'Would use' : 'zt ssh uses'} ${token} for ${host}${replaced ? ' (instead of another token)' : ''}`,
      )
    }
    const left = unbound.map(({host}) => host)
    if (left.length > 0) this.print(`${dryRun ? 'Would unbind' : 'Unbound'}: ${left.join(', ')}`)
    return {...result, bound, unbound: left}
  }
}
