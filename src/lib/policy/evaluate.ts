import type {Decision, Policy} from '../api/types.js'
import {combine, factsOf} from './rules.js'
import type {RulePart} from './references.js'
import type {RuleMatch} from './selectors.js'
import type {Evaluation, EvaluationInput, Person, PolicyTrace, UnknownFact, Verdict} from './types.js'

/** What a policy that applies decides. The API may get more actions; zt does not guess what they do. */
const VERDICTS: ReadonlyMap<Decision, Verdict> = new Map([
  ['bypass', 'bypass'],
  ['non_identity', 'service-auth'],
  ['deny', 'blocked'],
  ['allow', 'login'],
])

/**
 * Decides on a request as Access does: Bypass and Service Auth policies in order of precedence, then Allow and Block
 * policies in order. The first that matches decides; if none does, the request is denied (Cloudflare's documentation,
 * "Order of execution"). What is not known of the request is carried through: a certain outcome stays the same whatever
 * the unknown facts are.
 *
 * For a person, the outcome is that after the login.
 */
export function evaluate({application, groups, request}: EvaluationInput): Evaluation {
  const trace: PolicyTrace[] = []
  const possible = new Set<Verdict>()
  const facts: {facts: readonly UnknownFact[]}[] = []
  const answers = new Map<Decision, Map<string, RuleMatch>>()
  let decided: Policy | undefined
  for (const policy of inOrder(application.policies)) {
    if (decided) {
      trace.push(entry(policy, 'not-reached', `"${decided.name}" decided first.`))
      continue
    }
    const verdict = VERDICTS.get(policy.decision)
    if (verdict === undefined) {
      // It may do anything: what the later policies say is not certain.
      for (const one of VERDICTS.values()) possible.add(one === 'login' && request.person ? 'allow' : one)
      facts.push({facts: [{fact: 'action', of: policy.decision}]})
      trace.push(entry(policy, 'unknown', 'zt does not know its action.'))
      continue
    }
    const {decision} = policy
    const known = answers.get(decision) ?? new Map<string, RuleMatch>()
    answers.set(decision, known)
    const match = combine(policy, {decision, request, groups, answers: known})
    const applies = appliesTo(policy, match)
    facts.push(match)
    if (applies === 'no') {
      trace.push(entry(policy, reached(policy, match), sentence(match.why)))
      continue
    }
    if (applies === 'yes') decided = policy
    if (verdict !== 'login' || !request.person) {
      possible.add(verdict)
      trace.push(entry(policy, reached(policy, match), sentence(match.why)))
      continue
    }
    const approval = approvalOf(policy, request.person)
    for (const one of approval.possible) possible.add(one)
    facts.push(approval)
    const waits = applies === 'yes' && approval.possible.length > 1
    trace.push(
      entry(policy, waits ? 'unknown' : reached(policy, match, true), sentence(approval.why ?? match.why)),
    )
  }
  if (!decided) possible.add('denied')
  const [first = 'denied'] = possible
  const outcome = possible.size === 1 ? first : 'unknown'
  const admitting = [...possible].filter(admits)
  return {
    outcome,
    possible,
    admitted: admitting.length === possible.size,
    mayAdmit: admitting.length > 0,
    policy: outcome === 'unknown' ? undefined : decided,
    trace,
    undecided: outcome === 'unknown' ? factsOf(facts) : [],
  }
}

function admits(verdict: Verdict): boolean {
  return verdict === 'service-auth' || verdict === 'bypass' || verdict === 'allow'
}

/** What an Allow policy that matches decides for a person (Cloudflare's documentation, "Temporary authentication"). */
function approvalOf(
  {raw}: Policy,
  {approved}: Person,
): {possible: Verdict[]; facts: UnknownFact[]; why?: string} {
  if (raw['approval_required'] !== true || approved === true) return {possible: ['allow'], facts: []}
  if (approved === false)
    return {possible: ['denied'], facts: [], why: 'it matches, and an approver has to let the person in'}
  return {
    possible: ['allow', 'denied'],
    facts: [{fact: 'approval'}],
    why: 'it matches, and an approver has to let the person in',
  }
}

function inOrder(policies: readonly Policy[]): Policy[] {
  const early = ({decision}: Policy): boolean => decision === 'bypass' || decision === 'non_identity'
  return [...policies.filter(early), ...policies.filter((policy) => !early(policy))]
}

/** Whether a policy decides. */
function appliesTo({decision}: Policy, {holds}: RuleMatch): 'yes' | 'no' | 'unknown' {
  if (holds !== 'identity') return holds
  // An Allow policy never admits a machine: anyone who may satisfy it is sent to the login page.
  return decision === 'allow' ? 'yes' : 'no'
}

function reached(
  policy: Policy,
  match: RuleMatch & {part: RulePart},
  person = false,
): PolicyTrace['outcome'] {
  if (match.holds === 'unknown') return 'unknown'
  if (match.holds === 'identity' || (!person && policy.decision === 'allow' && match.holds === 'yes'))
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
