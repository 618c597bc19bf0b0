import type {Application, Policy} from '../../api/types.js'
import {inlinePolicies} from '../../policy/references.js'
import {readAccountRules} from '../account/account-rules.js'
import type {AccessContext} from '../account/context.js'
import {resolvePolicy} from '../account/resolve.js'
import {policiesInWords, type PolicyInWords} from '../rules/in-words.js'

/** A policy's place on an application. */
export interface AttachedPolicy {
  application: Application
  precedence: number | undefined
}

export interface ShownPolicy {
  policy: Policy
  /** False: it lives inside one application (legacy). */
  reusable: boolean
  attached: AttachedPolicy[]
  /** Its rules in words. */
  words: PolicyInWords
}

/**
 * A policy and where it is attached, by name or ID. Inline policies (legacy) are found too.
 *
 * @throws UserError `not-found`, `ambiguous`
 */
export async function showPolicy(ctx: AccessContext, wanted: string): Promise<ShownPolicy> {
  const api = await ctx.api()
  ctx.progress.step('Reading the policies')
  const {rules} = await readAccountRules(api, {allNeeded: true, thorough: false, progress: ctx.progress})
  const inline = inlinePolicies(rules.policies, rules.applications).map(({policy}) => policy)
  const policy = resolvePolicy(ctx, wanted, [...rules.policies, ...inline])
  const [words = {include: [], require: [], exclude: []}] = await policiesInWords(api, [policy])
  return {
    policy,
    reusable: !inline.includes(policy),
    attached: attachedTo(policy.id, rules.applications),
    words,
  }
}

/** The applications that have a policy, with its precedence on each. */
export function attachedTo(policyId: string, applications: readonly Application[]): AttachedPolicy[] {
  return applications.flatMap((application) =>
    application.policies.filter(({id}) => id === policyId).map(({precedence}) => ({application, precedence})),
  )
}
