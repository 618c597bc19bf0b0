import {UserError} from '../../core/errors.js'
import type {PolicyLink} from './object.js'

/** Where a rule is to stand: at a precedence, before another rule, or (neither) behind all. */
export interface Place {
  precedence?: number | undefined
  /** The id of the rule that is to come right after it. */
  before?: string | undefined
}

export interface Placement {
  /** All links of the application, in order. */
  links: PolicyLink[]
  precedence: number
  /** Other rules that had to make room, in order. */
  renumbered: {id: string; from: number; to: number}[]
}

/**
 * Puts a rule among an application's rules. Two cannot have one precedence: those in the way move up by as little as
 * they must, and keep their order. A rule that is there already is moved.
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
      message: 'This cannot be the precedence of a rule',
      why: 'It is a whole number from 1: the rule with the lowest one comes first.',
    })
  }
  if (before === undefined) return Math.max(0, ...others.map((link) => link.precedence)) + 1
  const at = others.findIndex((link) => link.id === before)
  const next = others[at]
  if (!next) {
    throw new UserError({
      kind: 'not-found',
      code: 'RULE_NOT_FOUND',
      message: 'The rule to stand before is not on this application',
      next: ['zt app show APP'],
    })
  }
  const previous = others[at - 1]?.precedence ?? 0
  // A free number right below needs nobody to move.
  return next.precedence - 1 > previous ? next.precedence - 1 : next.precedence
}
