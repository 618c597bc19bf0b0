import type {Group} from '../../api/types.js'
import {groupReferences, type Reference} from '../../policy/references.js'
import {readAccountRules} from '../account/account-rules.js'
import type {AccessContext} from '../account/context.js'
import {resolveGroup} from '../account/resolve.js'
import {policiesInWords, type PolicyInWords} from '../rules/in-words.js'

export interface ShownGroup {
  group: Group
  /** Everything that uses it, directly or through other groups. */
  references: Reference[]
  /** Its rules in words. */
  words: PolicyInWords
}

/**
 * An Access group and what uses it, by name or ID.
 *
 * @throws UserError `not-found`, `ambiguous`
 */
export async function showGroup(ctx: AccessContext, wanted: string): Promise<ShownGroup> {
  const api = await ctx.api()
  ctx.progress.step('Reading the Access groups, policies and applications')
  const {rules} = await readAccountRules(api, {allNeeded: true, thorough: false, progress: ctx.progress})
  const group = resolveGroup(ctx, wanted, rules.groups)
  const [words = {include: [], require: [], exclude: []}] = await policiesInWords(api, [group])
  return {
    group,
    references: groupReferences(group.id, rules),
    words,
  }
}
