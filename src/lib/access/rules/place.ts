import type {Application, Policy} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import type {Place, Placement} from '../edit/precedence.js'
import {resolveRule} from '../account/resolve.js'

/** Where a rule is to stand, as a person says it. */
export interface WantedPlace {
  /** The rule that is to come right after it: by name, id or `#3`. */
  before?: string | undefined
  precedence?: number | undefined
}

/**
 * Where a rule is to stand on an application.
 *
 * @throws UserError `usage` / `BEFORE_AND_PRECEDENCE`; of `resolveRule`
 */
export function placeWanted(
  ctx: AccessContext,
  application: Pick<Application, 'id' | 'name' | 'policies'>,
  {before, precedence}: WantedPlace,
): Place {
  if (before === undefined) return {precedence}
  if (precedence === undefined) return {before: resolveRule(ctx, before, application).id}
  throw new UserError({
    kind: 'usage',
    code: 'BEFORE_AND_PRECEDENCE',
    message: 'Give --before or --precedence, not both',
    why: 'Each says where the rule is to stand.',
  })
}

/** Which rules have to make room: sentences without full stop. */
export function renumberedNotes(policies: readonly Policy[], {renumbered}: Placement): string[] {
  const nameOf = (id: string): string => policies.find((policy) => policy.id === id)?.name ?? id
  return renumbered.map(({id, from, to}) => `The rule "${nameOf(id)}" moves from precedence ${from} to ${to}`)
}
