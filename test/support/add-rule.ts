import {applyPlanned} from '../../src/lib/access/edit/planned.js'
import {planAddRule, type AddRuleOptions, type AddRulePlan} from '../../src/lib/access/rules/add.js'
import type {AccessContext} from '../../src/lib/access/account/context.js'
import {newId} from '../../src/lib/access/edit/object.js'
import type {BoundHost} from '../../src/lib/access/account/host-bindings.js'
import {ruleInputOf} from '../../src/lib/command/rule-flags.js'

export interface AddedRule extends AddRulePlan {
  changed: boolean
  dryRun: boolean
  bound: BoundHost[]
  undo: string | undefined
}

export interface RuleToAdd extends Partial<Pick<AddRuleOptions, 'ruleName' | 'before' | 'precedence'>> {
  application: string
  tokens?: string[] | undefined
  /** Further flags of `zt app add-rule`: `group`, `require-ip` and so on. */
  flags?: Readonly<Record<string, unknown>> | undefined
  dryRun?: boolean | undefined
}

/** Adds a Service Auth rule as `zt app add-rule` does. */
export async function addRule(ctx: AccessContext, wanted: RuleToAdd): Promise<AddedRule> {
  const {tokens = [], flags = {}, dryRun = false, ...options} = wanted
  const plan = await planAddRule(ctx, {...options, rules: ruleInputOf({...flags, token: tokens})})
  const result = {...plan, dryRun, bound: plan.binding.bound}
  if (dryRun) return {...result, changed: false, undo: undefined}
  const applied = await applyPlanned(ctx, plan, 'zt app add-rule')
  const id = plan.rule?.id ?? applied.ids.get(newId(1))
  return {
    ...result,
    rule: plan.rule && {...plan.rule, id},
    changed: applied.changes.length > 0,
    undo: applied.undoId,
  }
}
