import type {Decision, Policy} from '../api/types.js'
import {combine, type RuleMatch} from './rules.js'
import type {Evaluation, EvaluationInput, PolicyTrace} from './types.js'

/** The API may get more actions; zt does not guess what they do. */
const KNOWN = new Set<string>(['allow', 'deny', 'non_identity', 'bypass'] satisfies Decision[])

/**
 * Decides on a machine's request as Access does: Bypass and Service Auth policies in order of precedence, then Allow and
 * Block policies in order. The first that matches decides; if none does, the request is denied (Cloudflare's
 * documentation, "Order of execution").
 */
export function evaluate({application, groups, request}: EvaluationInput): Evaluation {
  const trace: PolicyTrace[] = []
  let decided: {policy: Policy; outcome: Evaluation['outcome']} | undefined
  for (const policy of inOrder(application.policies)) {
    if (decided) {
      trace.push(entry(policy, 'not-reached', `"${decided.policy.name}" decided first.`))
      continue
    }
    if (!KNOWN.has(policy.decision)) {
      trace.push(entry(policy, 'no-include', 'zt does not know its action.'))
      continue
    }
    const match = combine(policy, {decision: policy.decision, request, groups, answers: new Map()})
    const outcome = outcomeOf(policy, match)
    if (outcome !== undefined) decided = {policy, outcome}
    trace.push(entry(policy, reached(policy, match), sentence(match.why)))
  }
  const outcome = decided?.outcome ?? 'denied'
  return {
    outcome,
    admitted: outcome === 'service-auth' || outcome === 'bypass',
    policy: decided?.policy,
    trace,
  }
}

function inOrder(policies: readonly Policy[]): Policy[] {
  const early = ({decision}: Policy): boolean => decision === 'bypass' || decision === 'non_identity'
  return [...policies.filter(early), ...policies.filter((policy) => !early(policy))]
}

/** What a policy decides; undefined if it does not apply. */
function outcomeOf({decision}: Policy, {holds}: RuleMatch): Evaluation['outcome'] | undefined {
  switch (decision) {
    case 'bypass':
      return holds === 'yes' ? 'bypass' : undefined
    case 'non_identity':
      return holds === 'yes' ? 'service-auth' : undefined
    case 'deny':
      return holds === 'yes' ? 'blocked' : undefined
    case 'allow':
      // Never admits a machine: anyone who may satisfy it is sent to the login page.
      return holds === 'no' ? undefined : 'login'
  }
}

function reached(
  policy: Policy,
  match: RuleMatch & {part: 'include' | 'require' | 'exclude'},
): PolicyTrace['outcome'] {
  if (match.holds === 'identity' || (policy.decision === 'allow' && match.holds === 'yes'))
    return 'needs-identity'
  if (match.holds === 'yes') return 'matched'
  return match.part === 'include' ? 'no-include' : match.part === 'exclude' ? 'excluded' : 'require-failed'
}

function entry(policy: Policy, outcome: PolicyTrace['outcome'], why: string): PolicyTrace {
  return {policyId: policy.id, name: policy.name, decision: policy.decision, outcome, why}
}

function sentence(text: string): string {
  return `${text.startsWith('zt ') ? 'z' : text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
