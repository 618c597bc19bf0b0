import {isJsonObject} from '../core/context.js'
import type {Group, Policy, Rule} from '../api/types.js'

/** A policy whose Include names a service token. */
export interface TokenReference {
  policy: Policy
  /** `direct`: by its own rule. `group`: in an Access group, at any depth. `any`: as any valid service token. */
  via: 'direct' | 'group' | 'any'
  /** The Access group that the policy names; for `group` only. */
  group: Group | undefined
  /** True when Require or Exclude rules may keep the token out although it is included. */
  narrowed: boolean
}

/**
 * The policies, of every decision, whose Include names the token, each by its most direct way. Whether it lets the
 * token in is another question: only Service Auth does (`evaluate`).
 */
export function tokenReferences(
  tokenId: string,
  policies: readonly Policy[],
  groups: ReadonlyMap<string, Group>,
): TokenReference[] {
  return policies.flatMap((policy): TokenReference[] => {
    const narrowed = policy.require.length > 0 || policy.exclude.length > 0
    if (policy.include.some((rule) => namesToken(rule, tokenId))) {
      return [{policy, via: 'direct', group: undefined, narrowed}]
    }
    const group = groupsOf(policy.include, groups).find((g) => groupHolds(g, tokenId, groups, new Set()))
    if (group !== undefined) return [{policy, via: 'group', group, narrowed}]
    const any = policy.include.some((rule) => 'any_valid_service_token' in rule)
    return any ? [{policy, via: 'any', group: undefined, narrowed}] : []
  })
}

/** The Service Auth policies that name the token by a rule of its own. */
export function serviceAuthPoliciesNaming(
  tokenId: string,
  policies: readonly Policy[],
  groups: ReadonlyMap<string, Group>,
): TokenReference[] {
  return tokenReferences(tokenId, policies, groups).filter(
    ({policy, via}) => policy.decision === 'non_identity' && via === 'direct',
  )
}

function groupHolds(
  group: Group,
  tokenId: string,
  groups: ReadonlyMap<string, Group>,
  seen: Set<string>,
): boolean {
  if (seen.has(group.id)) return false
  seen.add(group.id)
  return (
    group.include.some((rule) => namesToken(rule, tokenId)) ||
    groupsOf(group.include, groups).some((inner) => groupHolds(inner, tokenId, groups, seen))
  )
}

function groupsOf(rules: readonly Rule[], groups: ReadonlyMap<string, Group>): Group[] {
  return rules.flatMap((rule) => {
    const named = parameter(rule, 'group', 'id')
    const group = named === undefined ? undefined : groups.get(named)
    return group === undefined ? [] : [group]
  })
}

function namesToken(rule: Rule, tokenId: string): boolean {
  return parameter(rule, 'service_token', 'token_id') === tokenId
}

function parameter(rule: Rule, selector: string, name: string): string | undefined {
  const value = rule[selector]
  const found = isJsonObject(value) ? value[name] : undefined
  return typeof found === 'string' ? found : undefined
}
