import type {Decision, Policy} from '../api/types.js'
import {RuleEvaluator, type SetVerdict} from './rules.js'
import type {Evaluation, EvaluationInput, PolicyTrace} from './types.js'

/** What the dashboard calls each decision. */
const ACTION: Record<Decision, string> = {
  allow: 'Allow',
  deny: 'Block',
  non_identity: 'Service Auth',
  bypass: 'Bypass',
}

/**
 * Decides as Cloudflare's edge does whether a request that carries no identity gets in: Bypass and Service Auth
 * policies first, in order of precedence, then Allow and Block in theirs; nothing matches: denied. An Allow policy
 * never lets such a request in; it yields `login` when somebody who logs in could satisfy it.
 *
 * The trace is in the order of evaluation (Cloudflare's documentation on Access policies).
 */
export function evaluate(input: EvaluationInput): Evaluation {
  const trace: PolicyTrace[] = []
  let decided: {outcome: Evaluation['outcome']; policy: Policy} | undefined
  for (const policy of inOrderOfEvaluation(input.application.policies)) {
    if (decided !== undefined) {
      trace.push(step(policy, 'not-reached', `is not reached: ${title(decided.policy)} comes first`))
      continue
    }
    const rules = new RuleEvaluator({
      decision: policy.decision,
      request: input.request,
      groups: input.groups,
    })
    const {entry, outcome} = judge(policy, rules.evaluate(policy))
    trace.push(entry)
    if (outcome !== undefined) decided = {outcome, policy}
  }
  const outcome = decided?.outcome ?? 'denied'
  return {
    outcome,
    admitted: outcome === 'service-auth' || outcome === 'bypass',
    policy: decided?.policy,
    trace,
  }
}

function judge(
  policy: Policy,
  verdict: SetVerdict,
): {entry: PolicyTrace; outcome: Evaluation['outcome'] | undefined} {
  const {truth, why, part} = verdict
  if (truth === 'no') return {entry: notApplying(policy, part, why), outcome: undefined}
  switch (policy.decision) {
    case 'non_identity':
      return {entry: step(policy, 'matched', `lets the request in: ${why}`), outcome: 'service-auth'}
    case 'bypass':
      return {entry: step(policy, 'matched', `lets everything through: ${why}`), outcome: 'bypass'}
    case 'allow':
      return {
        entry: step(policy, 'needs-identity', `lets in only people who log in (${why})`),
        outcome: 'login',
      }
    case 'deny':
      return truth === 'yes'
        ? {entry: step(policy, 'matched', `keeps the request out: ${why}`), outcome: 'blocked'}
        : {
            entry: step(policy, 'needs-identity', `keeps out only some who log in (${why})`),
            outcome: undefined,
          }
    default:
      return {
        entry: step(policy, 'no-include', 'does not apply: zt does not know its action'),
        outcome: undefined,
      }
  }
}

function notApplying(policy: Policy, part: SetVerdict['part'], why: string): PolicyTrace {
  switch (part) {
    case 'include':
      return step(policy, 'no-include', `does not apply, no Include matches: ${why}`)
    case 'exclude':
      return step(policy, 'excluded', `does not apply, an Exclude matches: ${why}`)
    case 'require':
      return step(policy, 'require-failed', `does not apply, a Require does not hold: ${why}`)
  }
}

function step(policy: Policy, outcome: PolicyTrace['outcome'], text: string): PolicyTrace {
  return {
    policyId: policy.id,
    name: policy.name,
    decision: policy.decision,
    outcome,
    why: `${title(policy)} ${text}.`,
  }
}

function title(policy: Policy): string {
  // The API may give a decision that is newer than our list.
  const action: string = ACTION[policy.decision] ?? String(policy.decision)
  return `"${policy.name}" (${action})`
}

function inOrderOfEvaluation(policies: readonly Policy[]): Policy[] {
  const before = (policy: Policy): number => policy.precedence ?? Number.MAX_SAFE_INTEGER
  const rank = (policy: Policy): number =>
    policy.decision === 'bypass' || policy.decision === 'non_identity' ? 0 : 1
  return [...policies].sort((a, b) => rank(a) - rank(b) || before(a) - before(b))
}
