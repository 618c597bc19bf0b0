import type {Application, Policy} from '../../api/types.js'
import {ztCommand} from '../../core/command-line.js'
import {KIND_NAMES, type FindingKind} from './kinds.js'
import {inZone, Naming, referrer} from './naming.js'
import {rightFindings, some} from './right-findings.js'
import {RightUses} from './right-uses.js'
import {compare, dateOf, finding, tokenFindings} from './token-findings.js'
import type {Audit, AuditFacts, Finding, NotChecked, Ref} from './types.js'
import {UseRecord} from './use-record.js'

/**
 * Judges an account's service tokens, their secrets on this machine and their rights. Pure; the work grows with the
 * account's rules and rights, and not with tokens times applications.
 */
export function auditOf(
  facts: AuditFacts,
  use = new UseRecord(facts),
  uses = new RightUses(facts, use),
): Audit {
  const rights = rightFindings(facts, use, uses)
  const findings = [
    ...tokenFindings(facts, use, new Naming(facts.account, facts.zones.of)),
    ...openToEveryToken(facts, use, uses),
    ...rights.findings,
    // What could not be read may be what a rule lacks.
    ...(facts.unread.length === 0 ? traps(facts) : []),
  ]
  return {
    accountId: facts.accountId,
    findings: inOrder(findings),
    notChecked: [...unread(facts), ...rights.notChecked],
  }
}

/** Rules for any valid token, each once. */
function openToEveryToken(
  {account, rights, tokens, say, zones}: AuditFacts,
  use: UseRecord,
  uses: RightUses,
): Finding[] {
  const applications = new Map(account.applications.map((one) => [one.id, one]))
  const byRule = new Map<string, {rule: Policy; on: Application[]}>()
  for (const {by, applicationId, policyId} of rights.every) {
    const application = applications.get(applicationId)
    const policy = application?.policies.find(({id}) => id === policyId)
    if (by !== 'any-token' || !application || !policy) continue
    const known = byRule.get(policyId)
    if (known) known.on.push(application)
    else byRule.set(policyId, {rule: policy, on: [application]})
  }
  const names = new Map(tokens.map(({id, name}) => [id, name]))
  const appName = referrer(account.applications)
  return [...byRule.values()].flatMap(({rule, on}) => {
    const [first, ...more] = [...on].sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id))
    if (!first) return []
    const users = [first, ...more].flatMap(({id}) =>
      [...use.usersOf(id)].filter((token) => use.rulesUsed(token, id).has(rule.id)),
    )
    const used = [...new Set(users.map((id) => names.get(id) ?? id))].sort(compare)
    const since = dateOf(use.rightsSince)
    const recorded =
      used.length > 0
        ? ` Since ${since} it let in ${some(used)}.`
        : use.incomplete === undefined && on.every((one) => uses.stateOfRule(one, rule) === 'unused')
          ? ` Since ${since} it let none in.`
          : ''
    const why = `It lets in every token of the account, also those that are still to be made, at ${some([first, ...more].map(({name}) => `"${name}"`))}.${recorded}`
    const next = [ztCommand(say, 'app', 'explain', appName(first), ...inZone(zones.of(first.id)))]
    const subject = {rule: {id: rule.id, name: rule.name}, application: {id: first.id, name: first.name}}
    return [finding('any-valid-token', subject, why, {next})]
  })
}

/** Those that are no finding of their own. */
function traps({traps: all, account, tokens, say, zones}: AuditFacts): Finding[] {
  const applications = new Map(account.applications.map((one) => [one.id, one]))
  const groups = new Map(account.groups.map((one) => [one.id, one]))
  const byId = new Map(tokens.map((one) => [one.id, one]))
  const appName = referrer(account.applications)
  const ref = (one: Ref | undefined): Ref | undefined => one && {id: one.id, name: one.name}
  return all.flatMap(({id, applicationId, policyId, groupId, tokenIds, why}) => {
    const application = applications.get(applicationId)
    if (id === 'any-valid-token' || !application) return []
    const subject = {
      token: tokenIds.length === 1 ? ref(byId.get(tokenIds[0] ?? '')) : undefined,
      rule: ref(application.policies.find((one) => one.id === policyId)),
      application: ref(application),
      group: ref(groups.get(groupId ?? '')),
    }
    return [
      finding('trap', subject, why, {
        trap: id,
        next: [ztCommand(say, 'app', 'explain', appName(application), ...inZone(zones.of(application.id)))],
      }),
    ]
  })
}

/** Kinds that depend on whether anything names a token. */
const OF_NAMES: FindingKind[] = ['unreferenced', 'never-used', 'referenced-never-used']

function unread({unread: what, zones, gone, stored, usage}: AuditFacts): NotChecked[] {
  const names: FindingKind[] = ['unreferenced', 'never-used', 'any-valid-token', 'trap']
  return [
    ...what.map((one) => ({kinds: names, why: `${one}.`})),
    ...zones.unread.map((one) => ({
      kinds: OF_NAMES,
      why: `${one}. They may name service tokens of the account.`,
    })),
    ...(typeof gone === 'string' ? [{kinds: ['secret-without-token' as const], why: gone}] : []),
    ...(stored.length === 0
      ? [{kinds: ['token-without-secret' as const], why: 'This machine has no secret of the account.'}]
      : []),
    ...(usage?.incomplete === undefined && usage !== undefined
      ? []
      : [{kinds: ['unused' as const], why: 'Only "last seen" says when a service token was used.'}]),
  ]
}

/** By kind, then by name, then by ID: the order of the account does not matter. */
function inOrder(findings: readonly Finding[]): Finding[] {
  const place = new Map(KIND_NAMES.map((kind, at) => [kind, at]))
  const keyed = findings.map((one) => ({
    one,
    place: place.get(one.kind) ?? 0,
    name: mainOf(one).name,
    ids: idsOf(one).join(' '),
  }))
  return keyed
    .sort(
      (a, b) =>
        a.place - b.place ||
        compare(a.name, b.name) ||
        compare(a.ids, b.ids) ||
        compare(a.one.why, b.one.why),
    )
    .map(({one}) => one)
}

/** What a finding is about first: the token, or else the rule, group or application. */
export function mainOf({subject: {token, rule, group, application}}: Pick<Finding, 'subject'>): Ref {
  return token ?? rule ?? group ?? application ?? {id: '', name: ''}
}

/** The IDs of everything that a finding is about, and which trap it is. */
export function idsOf({
  subject: {token, rule, application, group},
  trap,
}: Pick<Finding, 'subject' | 'trap'>): string[] {
  return [...[token, rule, application, group].map((one) => one?.id ?? '-'), trap ?? '-']
}
