import type {AccessApi, Decision, Policy, PolicyBody, Rule, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {nameLookup, ruleInWords} from '../../policy/rule-words.js'
import {groupHolding, groupsById, namesToken} from '../../policy/references.js'
import type {AccessContext} from '../account/context.js'
import {
  POLICY_NAME_LIMIT,
  checkName,
  checkRules,
  readNameable,
  readRules,
  type Nameable,
  type ReadRules,
  type RuleInput,
} from './input.js'
import {isLikePolicy} from '../edit/compare.js'
import {tokenStatus} from '../tokens/list.js'

/** Whom a Service Auth rule is to admit, with the objects that its names mean. */
export interface ServiceAuthRules extends ReadRules {
  /** Service tokens that are admitted without being named: by an Access group, or because any token is. */
  reached: ServiceToken[]
  known: Nameable
  warnings: string[]
}

/** The action that the dashboard calls Service Auth. */
export const SERVICE_AUTH: Decision = 'non_identity'

/**
 * Reads whom a Service Auth rule is to admit.
 *
 * @throws UserError of `readRules` and `checkRules`
 */
export async function readServiceAuthRules(
  ctx: AccessContext,
  api: AccessApi,
  input: RuleInput,
): Promise<ServiceAuthRules> {
  const named = await readNameable(api, input)
  const rules = readRules(ctx, input, named)
  const warnings = checkRules(SERVICE_AUTH, rules, named.groups)
  // Whom a group or "any token" admits matters only for which hosts can be bound.
  const anyToken = input.include['any_valid_service_token'] !== undefined
  const wide = rules.groups.length > 0 || anyToken
  const tokens =
    rules.tokens.length === 0 && wide ? await api.listServiceTokens().catch(noneOf) : named.tokens
  const byId = groupsById(named.groups)
  const reached = tokens.filter(
    (token) =>
      !rules.tokens.includes(token) &&
      (anyToken || groupHolding(token.id, rules.include, byId) !== undefined),
  )
  return {...rules, reached, known: {...named, tokens}, warnings}
}

/** For an optional list that the API token may not read. */
function noneOf(error: unknown): [] {
  if (error instanceof UserError && error.kind === 'permission') return []
  throw error
}

/** Whom these rules admit, for people: service tokens by name only. */
export function whomInWords({known}: ServiceAuthRules, include: readonly Rule[]): string[] {
  const names = {serviceToken: nameLookup(known.tokens), group: nameLookup(known.groups)}
  return include.map((rule) => {
    const token = known.tokens.find(({id}) => namesToken(rule, id))
    return token?.name ?? ruleInWords(rule, names)
  })
}

/** A Service Auth policy as the API takes it. */
export function serviceAuthBody(name: string, {include, exclude, require}: ReadRules): PolicyBody {
  return {name, decision: SERVICE_AUTH, include, exclude, require}
}

/**
 * A token that opens nothing now may still be put into rules: it may work later.
 *
 * @param now by Cloudflare's clock
 */
export function idleWarning(token: ServiceToken, now: number): string[] {
  const status = tokenStatus(token, now)
  return status === 'active'
    ? []
    : [`Service token "${token.name}" is ${status}, so it opens nothing until that is fixed`]
}

/**
 * The name of a rule: as given, or after whom it admits.
 *
 * @param whom in words, for a rule without a name
 * @throws UserError `usage` / `BAD_RULE_NAME`
 */
export function ruleName(wanted: string | undefined, whom: readonly string[]): string {
  if (wanted === undefined) {
    const name = `Service Auth: ${whom.join(', ')}`
    // Never half of a character: the API would return a different one.
    return name.length <= POLICY_NAME_LIMIT
      ? name
      : `${name.slice(0, POLICY_NAME_LIMIT - 3).replace(/[\uD800-\uDBFF]$/, '')}...`
  }
  return checkName(wanted, 'a rule', 'BAD_RULE_NAME')
}

/** A policy that an interrupted run left behind: just like this one and not attached. It is used again. */
export async function findLeftover(api: AccessApi, body: PolicyBody): Promise<Policy | undefined> {
  if (api.zoneId !== undefined) return undefined
  return (await api.listPolicies()).find(
    (policy) => policy.name === body.name && policy.raw['app_count'] === 0 && isLikePolicy({...body}, policy),
  )
}
