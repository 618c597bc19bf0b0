import {messageOf} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import {applyChanges, type AppliedEdit} from './apply.js'
import type {Change} from './change.js'
import {bindHosts, unbindHosts, type PlannedBinding, type UnboundHost} from '../account/host-bindings.js'

/** An edit that is thought through, and not made. */
export interface PlannedEdit {
  changes: Change[]
  /** What to know of it before it is made: sentences without full stop. */
  notes: string[]
  /** Set where there is nothing to change: how it is already, a sentence without full stop. */
  already?: string | undefined
  /** Hosts that follow, once the changes are made. */
  bindings?: readonly PlannedBinding[] | undefined
  unbound?: readonly UnboundHost[] | undefined
}

/**
 * Makes a planned edit, and then binds the hosts that it opens and unbinds those that it closes.
 *
 * @param command the zt command in words
 * @throws UserError as {@link applyChanges}
 */
export async function applyPlanned(
  ctx: AccessContext,
  {changes, bindings = [], unbound = []}: PlannedEdit,
  command: string,
): Promise<AppliedEdit> {
  const applied = await applyChanges(ctx, changes, {command})
  try {
    for (const binding of bindings) await bindHosts(ctx, binding)
    await unbindHosts(ctx, unbound)
  } catch (error) {
    // The edit stands, and the hosts are a convenience.
    applied.warnings.push(`Which token is used for which host could not be written down: ${messageOf(error)}`)
  }
  return applied
}
