import type {AccessApi, Policy, Rule} from '../api/types.js'
import {UserError} from '../core/errors.js'
import {ruleInWords} from '../policy/rule-words.js'

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
  const rules = policies.flatMap(({include, require, exclude}) => [...include, ...require, ...exclude])
  const has = (selector: string): boolean => rules.some((rule) => Object.hasOwn(rule, selector))
  const [tokens, groups] = await Promise.all([
    has('service_token') ? names(api.listServiceTokens()) : undefined,
    has('group') ? names(api.listGroups()) : undefined,
  ])
  const known = {serviceToken: (id: string) => tokens?.get(id), group: (id: string) => groups?.get(id)}
  const words = (part: readonly Rule[]): string[] => part.map((rule) => ruleInWords(rule, known))
  return policies.map(({include, require, exclude}) => ({
    include: words(include),
    require: words(require),
    exclude: words(exclude),
  }))
}

async function names(list: Promise<{id: string; name: string}[]>): Promise<Map<string, string>> {
  try {
    return new Map((await list).map(({id, name}) => [id, name]))
  } catch (error) {
    if (error instanceof UserError && error.kind === 'permission') return new Map()
    throw error
  }
}
