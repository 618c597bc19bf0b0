import {messageOf} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import {applyChanges, type AppliedEdit} from './apply.js'
import type {Change} from './change.js'
import type {EditReach} from './reach.js'
import {bindHosts, unbindHosts, type PlannedBinding, type UnboundHost} from '../account/host-bindings.js'

/** An edit that is planned and not yet made. */
export interface PlannedEdit {
  changes: readonly Change[]
  /** What to know before it is made: sentences without full stop. */
  notes: string[]
  /** Set if nothing is to be changed: how it already is, a sentence without full stop. */
  already?: string | undefined
  /** What it opens and closes, if the plan knows. */
  reach?: EditReach | undefined
  /** Hosts that are bound and unbound once the changes are made. */
  binding?: PlannedBinding | undefined
  unbound?: readonly UnboundHost[] | undefined
}

/**
 * Makes a planned edit, then binds the hosts that it opens and unbinds those that it closes.
 *
 * @param command the zt command in words
 * @throws UserError as {@link applyChanges}
 */
export async function applyPlanned(
  ctx: AccessContext,
  {changes, binding, unbound = []}: Pick<PlannedEdit, 'changes' | 'binding' | 'unbound'>,
  command: string,
): Promise<AppliedEdit> {
  const applied = await applyChanges(ctx, changes, {command})
  try {
    if (binding) await bindHosts(ctx, binding)
    await unbindHosts(ctx, unbound)
  } catch (error) {
    // The edit is made; host bindings are a convenience.
    applied.warnings.push(`Could not record which token is used for which host: ${messageOf(error)}`)
  }
  return applied
}
