import type {Policy, Rule} from '../api/types.js'
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
