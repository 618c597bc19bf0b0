import type {AccessApi, Rule} from '../api/types.js'
import {UserError} from '../core/errors.js'
import type {RuleNames} from '../policy/rule-words.js'

/**
 * What the service tokens and Access groups in rules are called. A list is read only where a rule needs it; a name is a
 * courtesy: where the API token may not read the list, ids stay ids.
 */
export async function readRuleNames(api: AccessApi, rules: readonly Rule[]): Promise<RuleNames> {
  const has = (selector: string): boolean => rules.some((rule) => Object.hasOwn(rule, selector))
  const [tokens, groups] = await Promise.all([
    has('service_token') ? names(api.listServiceTokens()) : undefined,
    has('group') ? names(api.listGroups()) : undefined,
  ])
  return {serviceToken: (id) => tokens?.get(id), group: (id) => groups?.get(id)}
}

async function names(list: Promise<{id: string; name: string}[]>): Promise<Map<string, string>> {
  try {
    return new Map((await list).map(({id, name}) => [id, name]))
  } catch (error) {
    if (error instanceof UserError && error.kind === 'permission') return new Map()
    throw error
  }
}
