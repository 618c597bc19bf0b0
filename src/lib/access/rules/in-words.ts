import type {AccessApi, Policy, Rule} from '../../api/types.js'
import {ruleInWords} from '../../policy/rule-words.js'
import {ruleNaming} from '../account/listing.js'

/** The rules of a policy in words. */
export interface PolicyInWords {
  include: string[]
  require: string[]
  exclude: string[]
}

/**
 * What policies say, in words and in the same order. The names of service tokens and Access groups are looked up only
 * where a rule has one; a name is a courtesy: where the API token may not read the list, ids stay ids.
 */
export async function policiesInWords(
  api: AccessApi,
  policies: readonly Pick<Policy, 'include' | 'require' | 'exclude'>[],
): Promise<PolicyInWords[]> {
  const known = await ruleNaming(api)(
    policies.flatMap(({include, require, exclude}) => [...include, ...require, ...exclude]),
  )
  const words = (part: readonly Rule[]): string[] => part.map((rule) => ruleInWords(rule, known))
  return policies.map(({include, require, exclude}) => ({
    include: words(include),
    require: words(require),
    exclude: words(exclude),
  }))
}
