import type {AccessApi, Policy, Rule} from '../../api/types.js'
import {allRules} from '../../policy/references.js'
import {ruleInWords} from '../../policy/rule-words.js'
import {ruleNaming} from '../account/listing.js'

/** The rules of a policy in words. */
export interface PolicyInWords {
  include: string[]
  require: string[]
  exclude: string[]
}

/**
 * The rules of policies in words, in the same order. The names of service tokens and Access groups are looked up only if a
 * rule needs them; if the API token may not read a list, IDs stay IDs.
 */
export async function policiesInWords(
  api: AccessApi,
  policies: readonly Pick<Policy, 'include' | 'require' | 'exclude'>[],
): Promise<PolicyInWords[]> {
  const known = await ruleNaming(api)(policies.flatMap(allRules))
  const words = (part: readonly Rule[]): string[] => part.map((rule) => ruleInWords(rule, known))
  return policies.map(({include, require, exclude}) => ({
    include: words(include),
    require: words(require),
    exclude: words(exclude),
  }))
}
