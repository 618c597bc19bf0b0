import type {AddRulePlan} from '../../access/rules/add.js'
import type {CreateApplicationPlan} from '../../access/applications/create.js'
import type {BoundHost} from '../../access/account/host-bindings.js'
import type {RemoveRulePlan} from '../../access/rules/remove.js'
import {style} from '../../cli/streams.js'
import {policyTable} from './policy.js'

type Admitted = Pick<AddRulePlan, 'added' | 'alsoAdded' | 'alreadyThere' | 'alsoThere'>

/** Whom a rule is added for, e.g. `ci, Access group robots`. */
export function addedInWords({added, alsoAdded}: Pick<Admitted, 'added' | 'alsoAdded'>): string {
  return inBold([...added.map(({name}) => name), ...alsoAdded])
}

/** `GitLab admits ci already`; undefined where it admits nobody of them. */
export function alreadyInWords({application, alreadyThere, alsoThere}: AddRulePlan): string | undefined {
  const there = [...alreadyThere.map(({name}) => name), ...alsoThere]
  return there.length === 0 ? undefined : `${application.name} admits ${inBold(there)} already`
}

/** What is said when whom a rule is for gets in: by it, or as before. */
export function addedOrThere(plan: AddRulePlan): string {
  if (plan.changes.length === 0) return alreadyInWords(plan) ?? ''
  return `${style.bold(plan.application.name)} now admits ${addedInWords(plan)}`
}

function inBold(names: readonly string[]): string {
  return names.map((name) => style.bold(name)).join(', ')
}

/** The rules of an application as they are, or will be, with the new one. */
export function rulesWithNew({before, after}: AddRulePlan): string[] {
  const known = new Set(before.map(({id}) => id))
  return policyTable(after, ({id}) => id === undefined || !known.has(id))
}

/** For which hosts a token is used, one line each. */
export function boundLines(bound: readonly BoundHost[], dryRun: boolean): string[] {
  return bound.map(
    ({host, token, replaced}) =>
      `${dryRun ? 'Would use' : 'zt ssh uses'} ${token} for ${host}${replaced ? ' (instead of another token)' : ''}`,
  )
}

/** The JSON shape of an added rule, beside the edit's own. */
export function addRuleJson(plan: AddRulePlan, ruleId: string | undefined): object {
  const {application, how, rule, added, alreadyThere, alsoAdded, alsoThere, before, after, binding} = plan
  const token = ({id, name}: {id: string; name: string}): object => ({id, name})
  const made = (one: AddRulePlan['after'][number]): object => ({...one, id: one.id ?? ruleId})
  return {
    application,
    how,
    rule: rule ? {...rule, id: rule.id ?? ruleId} : null,
    added: added.map(token),
    alreadyThere: alreadyThere.map(token),
    alsoAdded,
    alsoThere,
    before,
    after: after.map(made),
    bound: binding.bound,
  }
}

/** What was removed, e.g. `GitLab has the rule "ci" no more`. */
export function removedInWords({application, rule, how, token}: RemoveRulePlan): string {
  const [app, name] = [style.bold(application.name), `"${rule.name}"`]
  switch (how) {
    case 'detach':
      return `${name} is off ${app}; the policy stays in the account`
    case 'delete':
      return `${name} is off ${app}, and deleted`
    case 'token':
      return `${name} of ${app} does not name ${style.bold(token?.name ?? '')} any more`
    case 'none':
      return `${name} of ${app} does not name ${style.bold(token?.name ?? '')}; nothing was changed`
  }
}

/** The JSON shape of a removed rule, beside the edit's own. */
export function removeRuleJson({application, rule, how, token, unbound}: RemoveRulePlan): object {
  return {application, how, rule, token: token ?? null, unbound: unbound.map(({host}) => host)}
}

/** `GitLab is created for git.example.com and admits ci`. */
export function createdInWords({application, admitted}: CreateApplicationPlan): string {
  const created = `${style.bold(application.name)} is created for ${application.domains.join(', ')}`
  return admitted.length === 0 ? created : `${created} and admits ${inBold(admitted)}`
}

/** The JSON shape of a created application, beside the edit's own. */
export function createdJson(plan: CreateApplicationPlan, id: string | undefined): object {
  const {application, rule, admitted, binding} = plan
  return {application: {id: id ?? null, ...application}, rule: rule ?? null, admitted, bound: binding.bound}
}
