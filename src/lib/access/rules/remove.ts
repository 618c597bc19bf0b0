import type {AccessApi, Application, Policy, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {groupHolding, namesToken} from '../../policy/references.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {inlineTarget, linkChanges, readForEdit, type ApplicationToEdit} from '../edit/application.js'
import type {AppliedEdit} from '../edit/apply.js'
import {deleteChange, replaceChange, type Change} from '../edit/change.js'
import {readObject, withRules, type ObjectRef} from '../edit/object.js'
import {planUnbinding, type UnboundHost} from '../account/host-bindings.js'
import {applyPlanned} from '../edit/planned.js'
import {findApplication, requireMeant, resolveRule, resolveToken} from '../account/resolve.js'
import {refuseLastServiceAuth} from '../applications/service-auth-401.js'

/** What is to be removed, as a person says it. */
export interface RemoveRuleOptions {
  /** By name, id, domain, host or URL. */
  application: string
  /** By name, id or precedence. */
  rule: string
  /** Only this service token is taken out of the rule. */
  token?: string | undefined
  /** A reusable policy goes altogether, and not only off this application. */
  delete?: boolean | undefined
}

export interface RemoveRulePlan {
  /** None: the rule does not name the token. */
  changes: Change[]
  application: {id: string; name: string}
  rule: {id: string; name: string}
  /** `detach`: the policy stays in the account. `delete`: it goes. `token`: it stays, without the token. `none`: as it is. */
  how: 'detach' | 'delete' | 'token' | 'none'
  token: {id: string; name: string} | undefined
  /** Hosts for which this profile uses a token that opens them no more. */
  unbound: UnboundHost[]
  /** What comes of it: whole sentences without full stop. */
  notes: string[]
}

/**
 * How a rule is taken off an application: a reusable policy is detached, an inline one (legacy) is deleted, having no
 * other home. Changes nothing yet.
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
  const {application: found, note} = findApplication(ctx, options.application, applications)
  const app = await readForEdit(api, found.id)
  const {application} = app
  requireMeant(ctx, 'app', found, options.application, application)
  const policy = resolveRule(ctx, options.rule, {...application, policies: [...app.policies]})
  const scene: Scene = {
    ctx,
    api,
    app,
    policy,
    others: applications.filter(({id}) => id !== application.id),
  }
  const plan = await (options.token === undefined
    ? removeWhole(scene, options.delete ?? false)
    : removeToken(scene, options.token, await api.listServiceTokens()))
  return {
    application: {id: application.id, name: application.name},
    rule: {id: policy.id, name: policy.name},
    token: undefined,
    ...plan,
    notes: [...(note === undefined ? [] : [note.replace(/\.$/, '')]), ...plan.notes],
  }
}

/** Makes the changes, and forgets the bindings of hosts that are not opened any more. */
export function applyRemoveRule(
  ctx: AccessContext,
  {changes, unbound}: Pick<RemoveRulePlan, 'changes' | 'unbound'>,
  command: string,
): Promise<AppliedEdit> {
  return applyPlanned(ctx, {changes, notes: [], unbound}, command)
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
  const {ctx, api, app, policy} = scene
  const left = app.policies.filter(({id}) => id !== policy.id)
  refuseLastServiceAuth(ctx, app.application, left)
  const notes = left.length === 0 ? ['It has no rule then: nobody gets in'] : []
  const unbound = await unbinding(scene, [{...app.application, policies: left}], scene.others)
  if (app.inline.has(policy.id)) {
    notes.unshift(`"${policy.name}" is only in "${app.application.name}": it is deleted`)
    if (left.length === 0) notes.push('Cloudflare may take no inline policy again: it may not come back')
    const change = deleteChange(inlineTarget(app, policy), withRules(policy.raw))
    return {changes: [change], how: 'delete', unbound, notes}
  }
  const detach = linkChanges(
    app,
    app.links.filter(({id}) => id !== policy.id),
  )
  const target: ObjectRef = {kind: 'policy', id: policy.id, name: policy.name}
  if (!andDelete) {
    return {changes: detach, how: 'detach', unbound, notes}
  }
  const elsewhere = having(policy.id, scene.others)
  const before = await readObject(api, target)
  const count = before?.['app_count']
  if (elsewhere.length > 0 || (typeof count === 'number' && count > 1))
    throw inUse(ctx, app.application, policy, elsewhere)
  return {changes: before ? [...detach, deleteChange(target, before)] : detach, how: 'delete', unbound, notes}
}

async function removeToken(scene: Scene, wanted: string, tokens: readonly ServiceToken[]): Promise<Part> {
  const {ctx, api, app, policy} = scene
  const {id, name} = resolveToken(ctx, wanted, tokens)
  const token = {id, name}
  if ([...policy.require, ...policy.exclude].some((rule) => namesToken(rule, id)))
    throw wouldWiden(ctx, app.application, policy, name)
  const naming = policy.include.filter((rule) => namesToken(rule, id))
  if (naming.some((rule) => Object.keys(rule).length > 1)) throw unclear(policy, name)
  if (naming.length === 0) return notNamed(scene, token)
  if (naming.length === policy.include.length) throw wouldBeEmpty(ctx, app.application, policy, name)

  const include = policy.include.filter((rule) => !namesToken(rule, id))
  const inline = app.inline.has(policy.id)
  const target: ObjectRef = inline
    ? inlineTarget(app, policy)
    : {kind: 'policy', id: policy.id, name: policy.name}
  const before = inline ? withRules(policy.raw) : await readObject(api, target)
  const elsewhere = inline ? [] : having(policy.id, scene.others)
  const without = (one: Application): Application => ({
    ...one,
    policies: one.policies.map((each) => (each.id === policy.id ? {...each, include} : each)),
  })
  const own = without({...app.application, policies: [...app.policies]})
  const shared = elsewhere.map((one) => `"${one.name}"`).join(', ')
  return {
    changes: before ? replaceChange(target, before, {include}) : [],
    how: 'token',
    token,
    unbound: await unbinding(scene, [own, ...elsewhere.map(without)], scene.others.map(without)),
    notes:
      elsewhere.length === 0 ? [] : [`${shared} ${elsewhere.length === 1 ? 'has' : 'have'} this rule too`],
  }
}

/** The rule does not name the token, and may mean it all the same. */
async function notNamed({ctx, api, policy}: Scene, {id, name}: {id: string; name: string}): Promise<Part> {
  const byGroup = policy.include.some((rule) => Object.hasOwn(rule, 'group'))
  const groups = byGroup ? new Map((await api.listGroups()).map((group) => [group.id, group])) : new Map()
  const group = groupHolding(id, policy.include, groups)
  if (!group) return {changes: [], how: 'none', token: {id, name}, unbound: [], notes: []}
  throw new UserError({
    kind: 'conflict',
    code: 'TOKEN_IN_GROUP',
    message: `"${policy.name}" means "${name}" by the Access group "${group.name}"`,
    why: 'The rule does not name the token itself. Nothing was changed.',
    next: [ztCommand(ctx, 'group', 'remove-token', group, {id, name})],
    details: {groupId: group.id},
  })
}

/**
 * @param changed the applications whose policies are other ones then
 * @param others the account's applications but the first of these
 */
async function unbinding(
  {ctx, api}: Scene,
  changed: readonly Application[],
  others: readonly Application[],
): Promise<UnboundHost[]> {
  if ((await ctx.index.bindings(ctx.profile)).length === 0) return []
  const all = [...changed, ...others]
  const byGroup = all.some(({policies}) =>
    policies.some(({include}) => include.some((rule) => Object.hasOwn(rule, 'group'))),
  )
  // Of a group that cannot be read it is taken that it holds the token.
  const listed = byGroup ? await api.listGroups().catch(() => []) : []
  const groups = new Map(listed.map((group) => [group.id, group]))
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
    message: `"${policy.name}" cannot be deleted: other applications have it too`,
    why: `${where === '' ? 'Cloudflare counts more than this one.' : `It is a rule of ${where}.`} Nothing was changed.`,
    next: [ztCommand(ctx, 'app', 'remove-rule', application, policy)],
    details: {policyId: policy.id, applications: elsewhere.map((one) => ({id: one.id, name: one.name}))},
  })
}

function wouldWiden(ctx: AccessContext, application: Application, policy: Policy, token: string): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'RULE_WOULD_WIDEN',
    message: `"${token}" cannot be taken out of "${policy.name}": the rule requires or excludes it`,
    why: 'Without that the rule would let more in than now. Nothing was changed.',
    next: [`Take the whole rule off: ${ztCommand(ctx, 'app', 'remove-rule', application, policy)}`],
    details: {policyId: policy.id},
  })
}

function unclear(policy: Policy, token: string): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'RULE_UNCLEAR',
    message: `"${token}" cannot be taken out of "${policy.name}"`,
    why: 'It is named there together with other selectors; what would be left is not clear. Nothing was changed.',
    details: {policyId: policy.id},
  })
}

function wouldBeEmpty(
  ctx: AccessContext,
  application: Application,
  policy: Policy,
  token: string,
): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'RULE_WOULD_BE_EMPTY',
    message: `"${token}" is all that "${policy.name}" includes`,
    why: 'A rule that includes nobody cannot exist. Nothing was changed.',
    next: [`Take the whole rule off: ${ztCommand(ctx, 'app', 'remove-rule', application, policy)}`],
    details: {policyId: policy.id},
  })
}
