import type {AccessApi, Group, Policy, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {restrictionsPast, type Condition} from '../../policy/conditions.js'
import {evaluate} from '../../policy/evaluate.js'
import {allRules, groupIdOf, groupsById, type Rules} from '../../policy/references.js'
import {nameLookup, ruleInWords, type RuleNames} from '../../policy/rule-words.js'

/** A warning names this many tokens and counts the rest. */
const NAMED = 3

/** A Service Auth rule before it is on an application. */
export interface NewRule {
  rules: Rules
  /** The service tokens that it may admit. */
  tokens: readonly ServiceToken[]
  /** The Access groups, if they were read already. */
  groups: readonly Group[]
}

/**
 * What a new Service Auth rule goes past: the conditions under which another rule of the application admits the same
 * token, also through Access groups, and Block rules, which Access evaluates later. Sentences without full stop.
 *
 * @param policies of the application, in order
 */
export async function pastWarnings(
  api: AccessApi,
  {rules, tokens, groups: known}: NewRule,
  policies: readonly Policy[],
): Promise<string[]> {
  const deciding = policies.filter(({decision}) => decision === 'non_identity' || decision === 'deny')
  const names = (holder: Rules): boolean => allRules(holder).some((rule) => groupIdOf(rule) !== undefined)
  if (deciding.length === 0) return []
  const read =
    known.length > 0 || !deciding.some(names)
      ? known
      : await api.listGroups().catch(undefinedWithoutPermission)
  const groups = groupsById(read ?? [])
  const words = {serviceToken: nameLookup(tokens), group: nameLookup(read ?? [])}
  return [
    ...(read
      ? []
      : [
          'zt could not read the Access groups, so it does not know all restrictions that this rule goes past',
        ]),
    // Without the groups, they are why so much is unknown.
    ...conditionWarnings({rules, tokens}, deciding, groups, words, read ? 'all' : 'known'),
    ...blockWarnings(tokens, policies, groups),
  ]
}

function undefinedWithoutPermission(error: unknown): undefined {
  if (error instanceof UserError && error.kind === 'permission') return undefined
  throw error
}

function conditionWarnings(
  {rules, tokens}: Pick<NewRule, 'rules' | 'tokens'>,
  policies: readonly Policy[],
  groups: ReadonlyMap<string, Group>,
  words: RuleNames,
  said: 'all' | 'known',
): string[] {
  const past = new Map<Policy, {tokens: string[]; conditions: Condition[] | undefined}>()
  for (const {id, name} of tokens) {
    for (const {policy, conditions} of restrictionsPast(id, rules, policies, groups)) {
      if (said === 'known' && !conditions) continue
      const found = past.get(policy) ?? {tokens: [], conditions}
      found.tokens.push(name)
      past.set(policy, found)
    }
  }
  return [...past].map(([{name}, {tokens: whom, conditions}]) => {
    if (!conditions)
      return `The rule "${name}" may admit ${quoted(whom)} in a way that zt does not know; the new rule may go past its conditions`
    const under = conditions.map(
      ({part, rule}) => `${part === 'require' ? 'only' : 'not'} ${ruleInWords(rule, words)}`,
    )
    return `The rule "${name}" admits ${quoted(whom)} under conditions (${under.join(', ')}); the new rule goes past them`
  })
}

/** Block rules that keep a token out now. */
function blockWarnings(
  tokens: readonly ServiceToken[],
  policies: readonly Policy[],
  groups: ReadonlyMap<string, Group>,
): string[] {
  const blocked = new Map<string, string[]>()
  for (const {id, name} of tokens) {
    const request = {serviceTokenId: id, ip: undefined, country: undefined}
    const {trace} = evaluate({application: {name: '', policies: [...policies]}, groups, request})
    for (const {decision, outcome, name: block} of trace)
      if (decision === 'deny' && (outcome === 'matched' || outcome === 'unknown'))
        blocked.set(block, [...(blocked.get(block) ?? []), name])
  }
  return [...blocked].map(
    ([block, whom]) =>
      `The Block rule "${block}" no longer keeps out ${quoted(whom)}: Access evaluates Service Auth rules first`,
  )
}

function quoted(names: readonly string[]): string {
  const more = names.length - NAMED
  const shown = names.slice(0, NAMED).map((name) => `"${name}"`)
  return [shown.join(', '), ...(more > 0 ? [`${more} more`] : [])].join(' and ')
}
