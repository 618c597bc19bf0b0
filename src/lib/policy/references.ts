import type {Group, Policy, Rule} from '../api/types.js'
import {isJsonObject} from '../core/context.js'

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
  return groupsIn(rules, groups).find((group) => holds(group, tokenId, groups, new Set()))
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
    .some(({include}) => include.some((rule) => mayHold(rule, tokenId, groups, new Set())))
}

function mayHold(
  rule: Rule,
  tokenId: string,
  groups: ReadonlyMap<string, Group>,
  seen: Set<string>,
): boolean {
  if (isJsonObject(rule['service_token'])) return namesToken(rule, tokenId)
  if (!isJsonObject(rule['group'])) return true
  const id = String(rule['group']['id'])
  if (seen.has(id)) return false
  seen.add(id)
  const group = groups.get(id)
  return !group || group.include.some((inner) => mayHold(inner, tokenId, groups, seen))
}

function holds(
  group: Group,
  tokenId: string,
  groups: ReadonlyMap<string, Group>,
  seen: Set<string>,
): boolean {
  if (seen.has(group.id)) return false
  seen.add(group.id)
  return (
    group.include.some((rule) => namesToken(rule, tokenId)) ||
    groupsIn(group.include, groups).some((inner) => holds(inner, tokenId, groups, seen))
  )
}

function groupsIn(rules: readonly Rule[], groups: ReadonlyMap<string, Group>): Group[] {
  return rules
    .map((rule) => (isJsonObject(rule['group']) ? groups.get(String(rule['group']['id'])) : undefined))
    .filter((group) => group !== undefined)
}
