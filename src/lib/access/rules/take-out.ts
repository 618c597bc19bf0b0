import type {Rule} from '../../api/types.js'
import {ztCommand} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import {namesToken} from '../../policy/references.js'
import type {AccessContext} from '../account/context.js'

/** Why a service token cannot be taken out of a policy or an Access group. */
export type Obstacle = 'WOULD_WIDEN' | 'UNCLEAR' | 'WOULD_BE_EMPTY'

const WHY: Record<Obstacle, string> = {
  WOULD_WIDEN: 'Removing it from Require or Exclude would let others in.',
  UNCLEAR: 'One rule there combines it with other selectors, so it is unclear what would be left.',
  WOULD_BE_EMPTY: 'Its Include has nothing else, and Cloudflare requires an Include in every policy and group.', // prettier-ignore
}

/** What remains of a list of rules without the token. `unclear`: one of them combines the token with other selectors. */
export function withoutToken(rules: readonly Rule[], tokenId: string): {left: Rule[]; unclear: boolean} {
  return {
    left: rules.filter((rule) => !namesToken(rule, tokenId)),
    unclear: rules.some((rule) => namesToken(rule, tokenId) && Object.keys(rule).length > 1),
  }
}

/**
 * @param about.prefix of the error's code: `DETACH` for `DETACH_UNCLEAR`
 * @param about.from e.g. `the Access group "robots"`
 */
export function cannotTakeOut(
  obstacle: Obstacle,
  about: {prefix: string; token: string; from: string; next: string[]; details: Record<string, unknown>},
): UserError {
  const {prefix, token, from, next, details} = about
  return new UserError({
    kind: 'conflict',
    code: `${prefix}_${obstacle}`,
    message: `Cannot take "${token}" out of ${from}`,
    why: [WHY[obstacle], 'Nothing was changed.'],
    next,
    details,
  })
}

/** The error `GROUP_WOULD_BE_EMPTY`: everything that uses the group would change too. */
export function groupWouldBeEmpty(
  ctx: AccessContext,
  group: {id: string; name: string},
  token: {id: string; name: string},
): UserError {
  return cannotTakeOut('WOULD_BE_EMPTY', {
    prefix: 'GROUP',
    token: token.name,
    from: `the Access group "${group.name}"`,
    next: [
      `Add another token first: ${ztCommand(ctx, 'group', 'add-token', group.id)}`,
      `Or, if nothing uses the group, delete it: ${ztCommand(ctx, 'group', 'delete', group.id)}`,
    ],
    details: {groupId: group.id, tokenId: token.id},
  })
}
