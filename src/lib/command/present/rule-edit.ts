import type {AddRulePlan} from '../../access/rules/add.js'
import type {CreateApplicationPlan} from '../../access/applications/create.js'
import type {BoundHost} from '../../access/account/host-bindings.js'
import type {RemoveRulePlan} from '../../access/rules/remove.js'
import {style} from '../../cli/streams.js'
import {indented} from '../../cli/wrapped.js'
import {policyTable} from './policy.js'

type Admitted = Pick<AddRulePlan, 'added' | 'alsoAdded' | 'alreadyThere' | 'alsoThere'>

/** Whom a new rule admits, for example `ci, Access group robots`. */
function addedInWords({added, alsoAdded}: Pick<Admitted, 'added' | 'alsoAdded'>): string {
  return inBold([...added.map(({name}) => name), ...alsoAdded])
}

/** `GitLab admits ci already`; undefined if it admits none of them. */
export function alreadyInWords({application, alreadyThere, alsoThere}: AddRulePlan): string | undefined {
  const there = [...alreadyThere.map(({name}) => name), ...alsoThere]
  return there.length === 0 ? undefined : `${application.name} admits ${inBold(there)} already`
}

/** The result: whom the application admits now, or admitted already. */
export function addedOrThere(plan: AddRulePlan): string {
  if (plan.changes.length === 0) return alreadyInWords(plan) ?? ''
  return `${style.name(plan.application.name)} now admits ${addedInWords(plan)}`
}

function inBold(names: readonly string[]): string {
  return names.map((name) => style.name(name)).join(', ')
}

/** The rules of an application with the new one. */
export function rulesAfter(plan: AddRulePlan, dryRun: boolean): string[] {
  const known = new Set(plan.before.map(({id}) => id))
  const rules = policyTable(plan.after, ({id}) => id === undefined || !known.has(id))
  if (!dryRun) return rules
  return [
    ...indented(`Would admit ${addedInWords(plan)} to ${style.name(plan.application.name)}:`, 0),
    ...rules,
  ]
}

/** The hosts that are bound to a token, one line each. */
export function boundLines(bound: readonly BoundHost[], dryRun: boolean): string[] {
  return bound.map(
    ({host, token, replaced}) =>
      `${dryRun ? 'Would use' : 'zt uses'} ${token} for ${host}${replaced ? ' (instead of another token)' : ''}`,
  )
}

/** The JSON shape of an added rule, beside the edit's own. */
export function addRuleJson(plan: AddRulePlan, ruleId: string | undefined): object {
  const {application, how, rule, added, alreadyThere, alsoAdded, alsoThere, before, after, binding} = plan
  const token = ({id, name}: {id: string; name: string}): object => ({id, name})
  const made = (one: AddRulePlan['after'][number]): object => ({...one, id: one.id ?? ruleId})
  return {
    application: {id: application.id, name: application.name, domains: application.domains},
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

/** The result of removing a rule, or a token from it. */
export function removedInWords({application, rule, how, token}: RemoveRulePlan): string {
  const [app, name] = [style.name(application.name), `"${rule.name}"`]
  switch (how) {
    case 'detach':
      return `Removed ${name} from ${app}; the policy stays in the account`
    case 'delete':
      return `Removed ${name} from ${app} and deleted it`
    case 'token':
      return `Removed ${style.name(token?.name ?? '')} from ${name} of ${app}`
    case 'none':
      return `${name} of ${app} does not include ${style.name(token?.name ?? '')}; nothing was changed`
  }
}

/** The JSON shape of a removed rule, beside the edit's own. */
export function removeRuleJson({application, rule, how, token, unbound}: RemoveRulePlan): object {
  return {application, how, rule, token: token ?? null, unbound: unbound.map(({host}) => host)}
}

/** `Created GitLab for git.example.com; it admits ci`. */
export function createdInWords({application, admitted}: CreateApplicationPlan): string {
  const created = `Created ${style.name(application.name)} for ${application.domains.join(', ')}`
  return admitted.length === 0 ? created : `${created}; it admits ${inBold(admitted)}`
}

/** The JSON shape of a created application, beside the edit's own. */
export function createdJson(plan: CreateApplicationPlan, id: string | undefined): object {
  const {
    application: {name, domains},
    rule,
    admitted,
    binding,
  } = plan
  return {application: {id: id ?? null, name, domains}, rule: rule ?? null, admitted, bound: binding.bound}
}
