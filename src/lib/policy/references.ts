import type {Group, Policy, Rule} from '../api/types.js'
import {isJsonObject} from '../core/json.js'

/** A Service Auth policy that names a token. */
export interface ServiceAuthReference {
  policy: Policy
  /** True when Require or Exclude rules may still keep the token out. */
  narrowed: boolean
}

/** The Service Auth policies that include a token by its own id. Groups and "any valid token" do not count: they can change. */
export function serviceAuthPoliciesNaming(
  tokenId: string,
  policies: readonly Policy[],
): ServiceAuthReference[] {
  return policies
    .filter((policy) => policy.decision === 'non_identity')
    .filter((policy) => policy.include.some((rule) => namesToken(rule, tokenId)))
    .map((policy) => ({policy, narrowed: policy.require.length > 0 || policy.exclude.length > 0}))
}

/** Whether a rule is `{service_token: {token_id}}` for this token. */
export function namesToken(rule: Rule, tokenId: string): boolean {
  const body = rule['service_token']
  return isJsonObject(body) && body['token_id'] === tokenId
}

/** Whether a rule is `{group: {id}}` for this Access group. */
export function namesGroup(rule: Rule, groupId: string): boolean {
  const body = rule['group']
  return isJsonObject(body) && body['id'] === groupId
}

/** The Access group, of those that the rules name, that holds a token: by its own id, or in a group within. */
export function groupHolding(
  tokenId: string,
  rules: readonly Rule[],
  groups: ReadonlyMap<string, Group>,
): Group | undefined {
  return groupsIn(rules, groups).find((group) => holds(group, tokenId, groups))
}

/**
 * Whether a policy could let a token in without a login. What depends on where the request comes from counts as a yes,
 * and so does what zt does not know.
 */
export function mayAdmit(
  tokenId: string,
  policies: readonly Policy[],
  groups: ReadonlyMap<string, Group>,
): boolean {
  return policies
    .filter(({decision}) => decision === 'non_identity' || decision === 'bypass')
    .some(({include}) => mayHold(include, tokenId, groups))
}

/** However deep groups are nested: no function calls itself for that. */
function mayHold(rules: readonly Rule[], tokenId: string, groups: ReadonlyMap<string, Group>): boolean {
  const seen = new Set<string>()
  const left = [...rules]
  for (let rule = left.pop(); rule; rule = left.pop()) {
    if (namesToken(rule, tokenId)) return true
    if (isJsonObject(rule['service_token'])) continue
    if (!isJsonObject(rule['group'])) return true
    const id = String(rule['group']['id'])
    if (seen.has(id)) continue
    seen.add(id)
    const group = groups.get(id)
    if (!group) return true
    for (const inner of group.include) left.push(inner)
  }
  return false
}

function holds(outer: Group, tokenId: string, groups: ReadonlyMap<string, Group>): boolean {
  const seen = new Set<string>()
  const left = [outer]
  for (let group = left.pop(); group; group = left.pop()) {
    if (seen.has(group.id)) continue
    seen.add(group.id)
    if (group.include.some((rule) => namesToken(rule, tokenId))) return true
    for (const inner of groupsIn(group.include, groups)) left.push(inner)
  }
  return false
}

function groupsIn(rules: readonly Rule[], groups: ReadonlyMap<string, Group>): Group[] {
  return rules
    .map((rule) => (isJsonObject(rule['group']) ? groups.get(String(rule['group']['id'])) : undefined))
    .filter((group) => group !== undefined)
}
