import {UserError} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import type {AppliedEdit} from './apply.js'
import type {Change} from './change.js'
import {otherEffects} from './effect.js'
import {requireSecretFields} from './hidden-fields.js'
import {withEditLock} from './lock.js'
import {reachLines, type EditReach} from './reach.js'

/** What all plans of edits have. */
export interface EditPlan {
  changes: readonly Change[]
  /** Its consequences, as shown before it is made. */
  notes?: readonly string[] | undefined
  warnings?: readonly string[] | undefined
  /** What it opens and closes, where it was asked for. */
  reach?: EditReach | undefined
}

export interface MakeOptions<P> {
  /** The plan that a person has confirmed; undefined: without confirmation. */
  shown: P | undefined
  /** Called, if nothing was confirmed, with the first plan made here before anything is written. */
  planned: (plan: P) => void
  /** Makes the changes, as `applyChanges` does. */
  apply: (plan: P) => Promise<AppliedEdit>
}

/** How often an edit is planned again because others, whom zt's lock does not stop, write in between. */
const ATTEMPTS = 5

/**
 * Plans an edit while no other zt process edits the account, and makes it; of many at once each starts from what the
 * previous ones left. Does what was shown or nothing: the edit is planned again here, and the plan must do to the objects
 * what the shown one did ({@link otherEffects}), without a consequence that was not shown. If someone else (the dashboard,
 * another machine) writes between plan and write, the same applies to the next plan. A plan with nothing left to do does
 * nothing.
 *
 * @throws UserError `conflict` / `CHANGED_MEANWHILE`, `EDIT_BUSY`; of `plan`, `apply` and {@link requireSecretFields}
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
      requireSecretFields(ctx, now.changes)
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

/** Someone else wrote in between, and everything is as they left it. */
function leftAlone(error: unknown): boolean {
  return (
    error instanceof UserError && error.code === 'CHANGED_MEANWHILE' && error.details['undo'] === undefined
  )
}

function consequences({notes = [], warnings = [], reach}: EditPlan): string[] {
  return [...notes, ...warnings, ...(reach ? reachLines(reach, Infinity) : [])]
}

function requireSame(shown: EditPlan, now: EditPlan, conflict: unknown): void {
  if (now.changes.length === 0 && shown.changes.length > 0) return
  const others = otherEffects(shown.changes, now.changes)
  const said = new Set(consequences(shown))
  const unsaid = consequences(now).filter((one) => !said.has(one))
  if (others.length + unsaid.length === 0) return
  if (conflict instanceof UserError) throw conflict
  throw new UserError({
    kind: 'conflict',
    code: 'CHANGED_MEANWHILE',
    message: 'The account has changed since you confirmed, and the edit would now do something else',
    why: [
      ...(others.length > 0 ? [`It would differ in: ${others.join(', ')}.`] : []),
      ...unsaid.map((one) => `${one}.`),
      'Nothing was changed.',
    ],
    next: ['Run the command again and check the new difference'],
    details: {differs: others},
  })
}
