import {UserError} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import type {AppliedEdit} from './apply.js'
import type {Change} from './change.js'
import {otherEffects} from './effect.js'
import {withEditLock} from './lock.js'

/** What every plan of an edit has. */
export interface EditPlan {
  changes: readonly Change[]
  /** What comes of it, as it is said before it is made. */
  notes?: readonly string[] | undefined
  warnings?: readonly string[] | undefined
}

export interface MakeOptions<P> {
  /** The plan that a person has agreed to; undefined: nobody was asked. */
  shown: P | undefined
  /** Called with the first plan that is made here where nobody was asked, before anything is written. */
  planned: (plan: P) => void
  /** Writes, as `applyChanges` does. */
  apply: (plan: P) => Promise<AppliedEdit>
}

/** So often is an edit planned anew where others, whom no lock of ours keeps out, write between. */
const ATTEMPTS = 5

/**
 * Plans an edit while no other zt edits the account, and makes it: of many at once each finds what those before it have
 * left. What is done is what was shown, or else nothing: the plan is made anew here, and must do to the objects what the
 * shown one did ({@link otherEffects}), with no consequence that was not said. When somebody else (the dashboard, another
 * machine) writes between the plan and its write, the same holds for the next plan. One that finds nothing left to do
 * does nothing.
 *
 * @throws UserError `conflict` / `CHANGED_MEANWHILE`, `EDIT_BUSY`; of `plan` and `apply`
 */
export async function makeEdit<P extends EditPlan>(
  ctx: AccessContext,
  plan: () => Promise<P>,
  {shown, planned, apply}: MakeOptions<P>,
): Promise<{plan: P; applied: AppliedEdit}> {
  const {accountId} = await ctx.api()
  return withEditLock(ctx, accountId, async () => {
    let first = shown
    let conflict: unknown
    for (let attempt = 1; ; attempt++) {
      const now = await plan()
      if (first) requireSame(first, now, conflict)
      else planned((first = now))
      try {
        return {plan: now, applied: await apply(now)}
      } catch (error) {
        if (attempt === ATTEMPTS || !leftAlone(error)) throw error
        conflict = error
      }
    }
  })
}

/** Somebody else was between, and all of it is as they left it. */
function leftAlone(error: unknown): boolean {
  return (
    error instanceof UserError && error.code === 'CHANGED_MEANWHILE' && error.details['undo'] === undefined
  )
}

function requireSame(shown: EditPlan, now: EditPlan, conflict: unknown): void {
  if (now.changes.length === 0 && shown.changes.length > 0) return
  const others = otherEffects(shown.changes, now.changes)
  const said = new Set([...(shown.notes ?? []), ...(shown.warnings ?? [])])
  const unsaid = [...(now.notes ?? []), ...(now.warnings ?? [])].filter((one) => !said.has(one))
  if (others.length + unsaid.length === 0) return
  if (conflict instanceof UserError) throw conflict
  throw new UserError({
    kind: 'conflict',
    code: 'CHANGED_MEANWHILE',
    message: 'Something was changed since you were asked, and the edit would do something else now',
    why: [
      ...(others.length > 0 ? [`It would differ in: ${others.join(', ')}.`] : []),
      ...unsaid.map((one) => `${one}.`),
      'Nothing was changed.',
    ],
    next: ['Run the command again, and look at it anew'],
    details: {differs: others},
  })
}
