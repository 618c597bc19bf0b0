import type {AccessApi, Application, Policy, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {kindOf} from '../applications/kinds.js'
import {groupHolding, groupsById, groupIdOf, namesToken} from '../../policy/references.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {planUnbinding, type UnboundHost} from '../account/host-bindings.js'
import {resolveRule, resolveToken} from '../account/resolve.js'
import {refuseLastServiceAuth} from '../applications/service-auth-401.js'
import {linkChanges, openForEdit, policyTarget, type ApplicationToEdit} from '../edit/application.js'
import {deleteChange, replaceChange} from '../edit/change.js'
import {nameOf, readObject, withRules} from '../edit/object.js'
import type {PlannedEdit} from '../edit/planned.js'
import {cannotTakeOut, withoutToken, type Obstacle} from './take-out.js'

/** What to remove, as a person says it. */
export interface RemoveRuleOptions {
  /** By name, ID, domain, host or URL. */
  application: string
  /** By name, ID or precedence. */
  rule: string
  /** Take only this service token out of the rule. */
  token?: string | undefined
  /** Delete a reusable policy instead of only detaching it. */
  delete?: boolean | undefined
}

/** Without changes if the rule does not name the token. */
export interface RemoveRulePlan extends PlannedEdit {
  application: {id: string; name: string}
  rule: {id: string; name: string}
  /** `detach`: the policy stays in the account. `delete`: it goes. `token`: it stays, without the token. `none`: as it is. */
  how: 'detach' | 'delete' | 'token' | 'none'
  token: {id: string; name: string} | undefined
  /** Hosts for which this profile uses a token that no longer opens them. */
  unbound: UnboundHost[]
}

/**
 * How to take a rule off an application: a reusable policy is detached; an inline one (legacy) is deleted, because it
 * exists nowhere else. Changes nothing yet.
 *
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `LAST_SERVICE_AUTH_RULE`, `MIXED_POLICIES`, `POLICY_IN_USE`,
 *   `RULE_WOULD_WIDEN`, `RULE_WOULD_BE_EMPTY`, `RULE_UNCLEAR`
 */
export async function planRemoveRule(
  ctx: AccessContext,
  options: RemoveRuleOptions,
): Promise<RemoveRulePlan> {
  const api = await ctx.api()
  ctx.progress.step('Reading the application')
  const applications = await api.listApplications()
  const {app, notes} = await openForEdit(ctx, api, options.application, applications)
  const {application} = app
  const policy = resolveRule(ctx, options.rule, {...application, policies: app.policies})
  const others = applications.filter(({id}) => id !== application.id)
  const scene: Scene = {ctx, api, app, policy, others}
  const plan = await (options.token === undefined
    ? removeWhole(scene, options.delete ?? false)
    : removeToken(scene, resolveToken(ctx, options.token, await api.listServiceTokens())))
  return {
    application: nameOf(application),
    rule: nameOf(policy),
    token: undefined,
    ...plan,
    notes: [...notes, ...plan.notes],
  }
}

interface Scene {
  ctx: AccessContext
  api: AccessApi
  app: ApplicationToEdit
  policy: Policy
  /** The account's other applications. */
  others: readonly Application[]
}

type Part = Pick<RemoveRulePlan, 'changes' | 'how' | 'unbound' | 'notes'> & Partial<RemoveRulePlan>

async function removeWhole(scene: Scene, andDelete: boolean): Promise<Part> {
  const {ctx, api, app, policy, others} = scene
  const target = policyTarget(app, policy)
  const left = app.policies.filter(({id}) => id !== policy.id)
  refuseLastServiceAuth(ctx, app.application, left)
  const notes = left.length === 0 ? ['The application would have no rules left, so no one would get in'] : []
  const unbound = await unbinding(scene, [{...app.application, policies: left}], others)
  if (target.kind === 'inline-policy') {
    notes.unshift(`"${policy.name}" exists only in "${app.application.name}": it is deleted`)
    if (left.length === 0 && kindOf(app.application.type).policies === 'any')
      notes.push('Cloudflare may not accept another inline policy there, so undoing this may fail')
    return {changes: [deleteChange(target, withRules(policy.raw))], how: 'delete', unbound, notes}
  }
  const detach = linkChanges(
    app,
    app.links.filter(({id}) => id !== policy.id),
  )
  if (!andDelete) return {changes: detach, how: 'detach', unbound, notes}
  const elsewhere = having(policy.id, others)
  const before = await readObject(api, target)
  const count = before?.['app_count']
  if (elsewhere.length > 0 || (typeof count === 'number' && count > 1))
    throw inUse(ctx, app.application, policy, elsewhere)
  return {changes: before ? [...detach, deleteChange(target, before)] : detach, how: 'delete', unbound, notes}
}

async function removeToken(scene: Scene, token: ServiceToken): Promise<Part> {
  const {ctx, api, app, policy, others} = scene
  const refusal = (obstacle: Obstacle): UserError =>
    cannotTakeOut(obstacle, {
      prefix: 'RULE',
      token: token.name,
      from: `the rule "${policy.name}"`,
      next:
        obstacle === 'UNCLEAR'
          ? ['Take it out in the dashboard']
          : [`To remove the whole rule: ${ztCommand(ctx, 'app', 'remove-rule', app.application, policy)}`],
      details: {policyId: policy.id},
    })
  const {left: include, unclear} = withoutToken(policy.include, token.id)
  if ([...policy.require, ...policy.exclude].some((rule) => namesToken(rule, token.id)))
    throw refusal('WOULD_WIDEN')
  if (unclear) throw refusal('UNCLEAR')
  if (include.length === policy.include.length) return notNamed(scene, token)
  if (include.length === 0) throw refusal('WOULD_BE_EMPTY')

  const target = policyTarget(app, policy)
  const inline = target.kind === 'inline-policy'
  const before = inline ? withRules(policy.raw) : await readObject(api, target)
  const elsewhere = inline ? [] : having(policy.id, others)
  const without = (one: Application): Application => ({
    ...one,
    policies: one.policies.map((each) => (each.id === policy.id ? {...each, include} : each)),
  })
  const own = without({...app.application, policies: [...app.policies]})
  const shared = elsewhere.map((one) => `"${one.name}"`).join(', ')
  return {
    changes: before ? replaceChange(target, before, {include}) : [],
    how: 'token',
    token: nameOf(token),
    unbound: await unbinding(scene, [own, ...elsewhere.map(without)], others.map(without)),
    notes:
      elsewhere.length === 0 ? [] : [`${shared} ${elsewhere.length === 1 ? 'has' : 'have'} this rule too`],
  }
}

/** The rule does not name the token, but may include it through an Access group. */
async function notNamed({ctx, api, policy}: Scene, token: ServiceToken): Promise<Part> {
  const byGroup = policy.include.some((rule) => groupIdOf(rule) !== undefined)
  const groups = groupsById(byGroup ? await api.listGroups() : [])
  const group = groupHolding(token.id, policy.include, groups)
  if (!group) return {changes: [], how: 'none', token: nameOf(token), unbound: [], notes: []}
  throw new UserError({
    kind: 'conflict',
    code: 'TOKEN_IN_GROUP',
    message: `"${policy.name}" includes "${token.name}" through the Access group "${group.name}"`,
    why: 'The rule does not name the token itself. Nothing was changed.',
    next: [ztCommand(ctx, 'group', 'remove-token', group, token)],
    details: {groupId: group.id},
  })
}

/**
 * @param changed the applications whose policies change
 * @param others the account's applications except the first of these
 */
async function unbinding(
  {ctx, api}: Scene,
  changed: readonly Application[],
  others: readonly Application[],
): Promise<UnboundHost[]> {
  if ((await ctx.index.bindings(ctx.profile)).length === 0) return []
  const all = [...changed, ...others]
  const includes = all.flatMap(({policies}) => policies.flatMap(({include}) => include))
  const byGroup = includes.some((rule) => groupIdOf(rule) !== undefined)
  // A group that cannot be read is assumed to hold the token.
  const groups = groupsById(byGroup ? await api.listGroups().catch(() => []) : [])
  const unbound = await Promise.all(
    changed.map((one) =>
      planUnbinding(
        ctx,
        one,
        one.policies,
        all.filter(({id}) => id !== one.id),
        groups,
      ),
    ),
  )
  const byHost = new Map(unbound.flat().map((one) => [one.host, one]))
  return [...byHost.values()]
}

function having(policyId: string, applications: readonly Application[]): Application[] {
  return applications.filter(({policies}) => policies.some(({id}) => id === policyId))
}

function inUse(
  ctx: AccessContext,
  application: Application,
  policy: Policy,
  elsewhere: readonly Application[],
): UserError {
  const where = elsewhere.map((one) => `"${one.name}"`).join(', ')
  return new UserError({
    kind: 'conflict',
    code: 'POLICY_IN_USE',
    message: `Cannot delete "${policy.name}": other applications have it too`,
    why: `${where === '' ? 'Cloudflare counts more applications than this one.' : `It is also a rule of ${where}.`} Nothing was changed.`,
    next: [ztCommand(ctx, 'app', 'remove-rule', application, policy)],
    details: {policyId: policy.id, applications: elsewhere.map(nameOf)},
  })
}
