import type {Policy} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import {resolveRule} from '../account/resolve.js'
import type {PolicyLink} from '../edit/object.js'

/** Where a rule goes: at a precedence, before another rule, or (neither) last. */
export interface Place {
  precedence?: number | undefined
  /** The rule that comes right after it: by name, ID or `#3`; for {@link placeRule} its ID. */
  before?: string | undefined
}

export interface Placement {
  /** All links of the application, in order. */
  links: PolicyLink[]
  precedence: number
  /** Other rules that move up to make room, in order. */
  renumbered: {id: string; from: number; to: number}[]
}

/**
 * The place that a person means, with the ID of the rule in `before`.
 *
 * @throws UserError `usage` / `BEFORE_AND_PRECEDENCE`; of `resolveRule`
 */
export function resolvePlace(
  ctx: AccessContext,
  application: {id: string; name: string; policies: readonly Policy[]},
  {before, precedence}: Place,
): Place {
  if (before === undefined) return {precedence}
  if (precedence === undefined) return {before: resolveRule(ctx, before, application).id}
  throw new UserError({
    kind: 'usage',
    code: 'BEFORE_AND_PRECEDENCE',
    message: 'Give --before or --precedence, not both',
    why: 'Each of them says where the rule goes.',
  })
}

/** The rules that move up to make room: sentences without full stop. */
export function renumberedNotes(policies: readonly Policy[], {renumbered}: Placement): string[] {
  const nameOf = (id: string): string => policies.find((policy) => policy.id === id)?.name ?? id
  return renumbered.map(({id, from, to}) => `The rule "${nameOf(id)}" moves from precedence ${from} to ${to}`)
}

/**
 * Puts a rule among an application's rules, or moves one that is there already. Two rules cannot have the same precedence:
 * those in the way move up as little as possible and keep their order.
 *
 * @throws UserError `usage` / `BAD_PRECEDENCE`; `not-found` / `RULE_NOT_FOUND` for an unknown `place.before`
 */
export function placeRule(links: readonly PolicyLink[], id: string, place: Place): Placement {
  const others = links.filter((link) => link.id !== id).sort((a, b) => a.precedence - b.precedence)
  const precedence = wantedPrecedence(others, place)
  const placed: PolicyLink[] = others.filter((link) => link.precedence < precedence)
  placed.push({id, precedence})
  const renumbered: Placement['renumbered'] = []
  let last = precedence
  for (const link of others.filter((one) => one.precedence >= precedence)) {
    last = Math.max(link.precedence, last + 1)
    placed.push({...link, precedence: last})
    if (last !== link.precedence) renumbered.push({id: link.id, from: link.precedence, to: last})
  }
  return {links: placed, precedence, renumbered}
}

function wantedPrecedence(others: readonly PolicyLink[], {precedence, before}: Place): number {
  if (precedence !== undefined) {
    if (Number.isSafeInteger(precedence) && precedence >= 1) return precedence
    throw new UserError({
      kind: 'usage',
      code: 'BAD_PRECEDENCE',
      message: 'Not a valid precedence',
      why: 'A precedence is a whole number from 1; the rule with the lowest one comes first.',
    })
  }
  if (before === undefined) return Math.max(0, ...others.map((link) => link.precedence)) + 1
  const at = others.findIndex((link) => link.id === before)
  const next = others[at]
  if (!next) {
    throw new UserError({
      kind: 'not-found',
      code: 'RULE_NOT_FOUND',
      message: 'The rule given with --before is not on this application',
      next: ['zt app show'],
    })
  }
  const previous = others[at - 1]?.precedence ?? 0
  // If the number right below is free, no rule has to move.
  return next.precedence - 1 > previous ? next.precedence - 1 : next.precedence
}
