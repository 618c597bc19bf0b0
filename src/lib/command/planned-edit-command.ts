import {type Command} from '@oclif/core'
import type {AccessContext} from '../access/account/context.js'
import type {BoundHost} from '../access/account/host-bindings.js'
import {applyPlanned, type PlannedEdit} from '../access/edit/planned.js'
import {mark} from '../cli/streams.js'
import {boundLines} from './present/rule-edit.js'
import {EditCommand, type EditOptions, type EditResult} from './edit-command.js'

/** The JSON result: `bound` are hosts that are bound to a token now, `unbound` are hosts that no longer are. */
export interface PlannedEditResult extends EditResult {
  bound: BoundHost[]
  unbound: string[]
}

interface Options<P> extends Pick<EditOptions<P>, 'question' | 'requireYes'> {
  /** The result if something was changed, without the mark. */
  done: (plan: P) => string
}

/** A command that edits policies or Access groups. */
export abstract class PlannedEditCommand<T extends typeof Command> extends EditCommand<T> {
  /**
   * Shows the edit, asks and makes it, or says that nothing needs to change.
   *
   * @throws UserError as {@link EditCommand.edit}
   */
  protected async make<P extends PlannedEdit>(
    ctx: AccessContext,
    plan: () => Promise<P>,
    {done, ...options}: Options<P>,
  ): Promise<{plan: P; result: PlannedEditResult}> {
    const {dryRun} = this
    const asItIs = ({already}: P): string => already ?? 'Nothing to change'
    const edited = await this.edit(ctx, async () => withWarnings(await plan()), {
      ...options,
      done: (made) => (made.changes.length === 0 ? asItIs(made) : done(made)),
      apply: (made) => applyPlanned(ctx, made, this.commandInWords()),
    })
    const made = edited.plan
    const {binding, unbound = []} = made
    if (made.changes.length === 0) {
      if (dryRun) this.print(`${mark.done} ${asItIs(made)}`)
      return {plan: made, result: {...edited.result, bound: [], unbound: []}}
    }
    const bound = binding?.bound ?? []
    for (const line of boundLines(bound, dryRun)) this.print(line)
    const left = unbound.map(({host}) => host)
    if (left.length > 0) this.print(`${dryRun ? 'Would unbind' : 'Unbound'}: ${left.join(', ')}`)
    return {plan: made, result: {...edited.result, bound, unbound: left}}
  }
}

/** Warnings about hosts are shown with the others. */
function withWarnings<P extends PlannedEdit>(plan: P): P {
  if (plan.changes.length === 0) return plan
  return {...plan, notes: [...plan.notes, ...(plan.binding?.warnings ?? [])]}
}
