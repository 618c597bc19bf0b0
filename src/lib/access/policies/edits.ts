import type {AccessApi, Application, Decision, Group, Policy, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {reachOf} from '../../policy/reach.js'
import {kindOf} from '../applications/kinds.js'
import {allRules, groupIdOf, groupsById, type Rules} from '../../policy/references.js'
import {readAccountRules} from '../account/account-rules.js'
import {actionName} from '../rules/action-name.js'
import {checkType} from '../rules/add.js'
import {ztCommand, type Named} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {inlineTarget, linkChanges, openForEdit, type ApplicationToEdit} from '../edit/application.js'
import {createChange, deleteChange, makeReusableChange} from '../edit/change.js'
import {isLikePolicy} from '../edit/compare.js'
import {nameOf, newId, withRules} from '../edit/object.js'
import {unambiguous} from '../explain/explain.js'
import {planBinding, planUnbinding, type PlannedBinding} from '../account/host-bindings.js'
import type {PlannedEdit} from '../edit/planned.js'
import {requireMeant, resolvePolicy, resolveRule} from '../account/resolve.js'
import {
  checkName,
  checkRules,
  readNameable,
  readRules,
  rulesWarnings,
  type RuleInput,
} from '../rules/input.js'
import {pastWarnings} from '../rules/past.js'
import {placeRule, renumberedNotes, resolvePlace, type Place} from '../rules/precedence.js'
import {refuseLastServiceAuth} from '../applications/service-auth-401.js'
import {attachedTo} from './show.js'

/** An error names this many applications and counts the rest. */
const NAMED = 12

/** An edit of one policy. */
export interface PolicyEdit extends PlannedEdit {
  /** `id` undefined: it would be created. */
  policy: {id: string | undefined; name: string}
}

/** An edit of a policy's place on an application. */
export interface AttachmentEdit extends PolicyEdit {
  application: {id: string; name: string}
}

/**
 * A new policy of the account, not yet on any application. An existing policy with the same name and meaning is used
 * instead.
 *
 * @throws UserError of `readRules`, `checkRules`; `conflict` / `POLICY_NAME_TAKEN`
 */
export async function planCreatePolicy(
  ctx: AccessContext,
  options: {name: string; decision: Decision; rules: RuleInput},
): Promise<PolicyEdit> {
  const {decision} = options
  const name = checkName(options.name, 'a policy')
  const api = await ctx.api()
  ctx.progress.step('Reading the policies')
  const [policies, known] = await Promise.all([api.listPolicies(), readNameable(api, options.rules)])
  const {include, require, exclude} = readRules(ctx, options.rules, known)
  const rules: Rules = {include, require, exclude}
  const notes = checkRules(decision, rules, known.groups)
  const taken = policies.filter((policy) => policy.name === name)
  const body = {name, decision, ...rules}
  const same = taken.find((policy) => isLikePolicy(body, policy))
  if (same) {
    const already = `The policy "${name}" already exists and means exactly this`
    return {changes: [], notes, policy: nameOf(same), already}
  }
  if (taken[0]) throw nameTaken(ctx, taken[0])
  return {
    changes: [createChange({kind: 'policy', id: newId(1), name}, body)],
    notes,
    policy: {id: undefined, name},
  }
}

function nameTaken(ctx: AccessContext, {id, name, decision}: Policy): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'POLICY_NAME_TAKEN',
    message: `There is already a policy "${name}", which means something else`,
    why: `Its action is ${actionName(decision)} and its ID ${id}. Two policies of the same name could not be distinguished.`,
    next: [ztCommand(ctx, 'policy', 'show', id), 'Choose another name'],
    details: {policyId: id},
  })
}

/**
 * Puts a policy of the account on an application, or moves it among its rules if it is there already and a place is given.
 * If the policy admits exactly one token whose secret is here, the application's hosts are bound to that token.
 *
 * @throws UserError `not-found`, `ambiguous`, `usage`; `conflict` / `TAKES_INLINE_ONLY`, `MIXED_POLICIES`
 */
export async function planAttach(
  ctx: AccessContext,
  options: {policy: string; application: string; place: Place},
): Promise<AttachmentEdit> {
  const api = await ctx.api()
  const {policies, app, notes} = await readBoth(ctx, api, options.application)
  const policy = resolvePolicy(ctx, options.policy, policies)
  const {application} = app
  refuseReusable(application, `Cannot attach a shared policy to "${application.name}"`, [
    'Create the policy inside it in the dashboard',
  ])
  if (policy.decision === 'non_identity') notes.push(...checkType(application))
  if (app.kind === 'inline') throw takesInlineOnly(ctx, application)
  const there = app.links.find(({id}) => id === policy.id)
  const place = resolvePlace(ctx, {...application, policies: app.policies}, options.place)
  const moves = place.before !== undefined || place.precedence !== undefined
  const placed =
    there && (!moves || place.before === policy.id) ? undefined : placeRule(app.links, policy.id, place)
  const edit: AttachmentEdit = {
    changes: placed ? linkChanges(app, placed.links) : [],
    notes: [...notes, ...(placed ? renumberedNotes(app.policies, placed) : [])],
    policy: nameOf(policy),
    application: nameOf(application),
  }
  if (edit.changes.length === 0) {
    const already = `The policy "${policy.name}" is already on "${application.name}", with precedence ${String(there?.precedence)}`
    return {...edit, already}
  }
  if (there) return edit
  const groups = namesGroups(policy) ? await api.listGroups() : []
  edit.notes.push(...rulesWarnings(policy.decision, policy, groups))
  if (policy.decision !== 'non_identity') return edit
  const tokens = await api.listServiceTokens()
  edit.notes.push(...(await pastWarnings(api, {rules: policy, tokens, groups}, app.policies)))
  return {...edit, binding: await bindingBy(ctx, tokens, policy, app, groups)}
}

/** The hosts go to the only token with a secret here that the policy admits; between several, zt does not choose. */
async function bindingBy(
  ctx: AccessContext,
  all: readonly ServiceToken[],
  policy: Policy,
  {application}: ApplicationToEdit,
  groups: readonly Group[],
): Promise<PlannedBinding | undefined> {
  const here = new Set((await ctx.index.list(ctx.profile)).map(({tokenId}) => tokenId))
  const tokens = all.filter(({id}) => here.has(id))
  const byId = groupsById(groups)
  const reach = new Map(
    tokens.map(({id}) => [id, reachOf(id, {name: application.name, policies: [policy]}, byId)]),
  )
  const surely = tokens.filter(({id}) => reach.get(id) === 'yes')
  const perhaps = tokens.filter(({id}) => reach.get(id) === 'conditional')
  const admitted = surely.length > 0 ? surely : perhaps
  return admitted.length === 1 ? planBinding(ctx, application, [], admitted) : undefined
}

function namesGroups(rules: Rules): boolean {
  return allRules(rules).some((rule) => groupIdOf(rule) !== undefined)
}

/**
 * For what needs a reusable policy on an application.
 *
 * @throws UserError `conflict` / `TAKES_INLINE_ONLY` for types of application that take none
 */
function refuseReusable({id, type}: Application, message: string, next: string[] = []): void {
  if (kindOf(type).policies === 'any') return
  throw new UserError({
    kind: 'conflict',
    code: 'TAKES_INLINE_ONLY',
    message,
    why: `It is an application of type ${type}, which takes only policies of its own. Nothing was changed.`,
    next,
    details: {applicationId: id},
  })
}

function takesInlineOnly(ctx: AccessContext, {id, name}: Application): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'TAKES_INLINE_ONLY',
    message: `Cannot attach a shared policy to "${name}"`,
    why: 'Its policies live inside it (legacy), and Cloudflare no longer accepts both kinds on one application.',
    next: [`Make them reusable first: ${ztCommand(ctx, 'policy', 'make-reusable', id, '--all')}`],
    details: {applicationId: id},
  })
}

/**
 * Takes a policy of the account off an application; the policy itself stays. Hosts for which this profile uses a token that
 * no longer opens them are unbound.
 *
 * @param options.policy by name, ID or precedence on the application (`#3`)
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `POLICY_IS_INLINE`, `LAST_SERVICE_AUTH_RULE`, `MIXED_POLICIES`
 */
export async function planDetachPolicy(
  ctx: AccessContext,
  options: {policy: string; application: string},
): Promise<AttachmentEdit> {
  const api = await ctx.api()
  const {policies, app, applications, notes} = await readBoth(ctx, api, options.application)
  const {application} = app
  const policy = ruleOf(ctx, options.policy, app) ?? resolvePolicy(ctx, options.policy, policies)
  const edit: AttachmentEdit = {
    changes: [],
    notes,
    policy: nameOf(policy),
    application: nameOf(application),
  }
  const left = app.policies.filter(({id}) => id !== policy.id)
  if (left.length === app.policies.length)
    return {...edit, already: `The policy "${policy.name}" is not on "${application.name}"`}
  if (app.inline.has(policy.id)) throw isInline(ctx, policy, application)
  refuseLastServiceAuth(ctx, application, left)
  if (left.length === 0) notes.push(`"${application.name}" would have no rules left, so no one would get in`)
  const groups = groupsById(left.some(namesGroups) ? await api.listGroups() : [])
  const others = applications.filter(({id}) => id !== application.id)
  return {
    ...edit,
    changes: linkChanges(
      app,
      app.links.filter(({id}) => id !== policy.id),
    ),
    unbound: await planUnbinding(ctx, application, left, others, groups),
  }
}

/** Undefined: the application has no such rule. */
function ruleOf(
  ctx: AccessContext,
  wanted: string,
  {application, policies}: ApplicationToEdit,
): Policy | undefined {
  try {
    return resolveRule(ctx, wanted, {...application, policies})
  } catch (error) {
    if (error instanceof UserError && error.code === 'RULE_NOT_FOUND') return undefined
    throw error
  }
}

function isInline(ctx: AccessContext, policy: Policy, application: Application): UserError {
  const {id, name} = policy
  return new UserError({
    kind: 'conflict',
    code: 'POLICY_IS_INLINE',
    message: `Cannot detach the policy "${name}": it lives inside "${application.name}"`,
    why: 'Such a policy exists on no other application, so taking it off would delete it.',
    next: [
      kindOf(application.type).policies === 'any'
        ? `Make it reusable first: ${ztCommand(ctx, 'policy', 'make-reusable', application.id, id)}`
        : `To delete it: ${ztCommand(ctx, 'app', 'remove-rule', application, policy)}`,
    ],
    details: {policyId: id, applicationId: application.id},
  })
}

/**
 * Deletes a policy of the account that is on no application.
 *
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `POLICY_IN_USE`, which names the applications
 */
export async function planDeletePolicy(ctx: AccessContext, wanted: string): Promise<PolicyEdit> {
  const api = await ctx.api()
  ctx.progress.step('Reading the policies')
  const listed = resolvePolicy(ctx, wanted, await api.listPolicies())
  const policy = await api.getPolicy(listed.id)
  requireMeant(ctx, 'policy', listed, wanted, policy)
  if (policy.raw['app_count'] !== 0) {
    ctx.progress.step('Looking for its applications')
    const {rules} = await readAccountRules(api, {allNeeded: true, thorough: false, progress: ctx.progress})
    const attached = attachedTo(policy.id, rules.applications).map(({application}) => application)
    if (attached.length > 0)
      throw inUse(ctx, unambiguous(policy, rules.policies), policy, attached, rules.applications)
  }
  return {
    changes: [deleteChange({kind: 'policy', ...nameOf(policy)}, withRules(policy.raw))],
    notes: [],
    policy: nameOf(policy),
  }
}

/** @param reference what a command can name the policy by */
function inUse(
  ctx: AccessContext,
  reference: string | Named,
  {id, name}: Policy,
  attached: readonly Application[],
  applications: readonly Application[],
): UserError {
  const named = attached.slice(0, NAMED)
  const more = attached.length - named.length
  const where = named.map((one) => `"${one.name}"`).join(', ')
  return new UserError({
    kind: 'conflict',
    code: 'POLICY_IN_USE',
    message: `The policy "${name}" is in use`,
    why: `It is on ${where}${more > 0 ? ` and ${more} more` : ''}. Nothing was changed.`,
    next: named.map((one) => ztCommand(ctx, 'policy', 'detach', reference, unambiguous(one, applications))),
    details: {policyId: id, applications: attached.map(nameOf)},
  })
}

/** An edit of the policies inside an application. */
export interface ReusableEdit extends PlannedEdit {
  application: {id: string; name: string}
  policies: {id: string; name: string}[]
}

/**
 * Makes policies that live inside an application (legacy) reusable: they stay on it, and can be attached to others.
 *
 * @param options.rule by name, ID or precedence (`#3`); undefined: all inline policies
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `TAKES_INLINE_ONLY`
 */
export async function planMakeReusable(
  ctx: AccessContext,
  options: {application: string; rule: string | undefined},
): Promise<ReusableEdit> {
  const api = await ctx.api()
  const {policies, app, notes} = await readBoth(ctx, api, options.application)
  const {application} = app
  refuseReusable(application, `Cannot make the policies of "${application.name}" reusable`)
  const only =
    options.rule === undefined
      ? undefined
      : resolveRule(ctx, options.rule, {...application, policies: app.policies})
  const inline = (only ? [only] : app.policies).filter(({id}) => app.inline.has(id))
  const twins = inline.filter(({name}) => policies.some((shared) => shared.name === name))
  const already = only
    ? `The policy "${only.name}" is already reusable`
    : `"${application.name}" has no inline policies`
  return {
    changes: inline.map((policy) => makeReusableChange(inlineTarget(app, policy), withRules(policy.raw))),
    notes: [
      ...notes,
      ...twins.map(
        ({name, id}) => `The account already has a policy "${name}"; refer to this one by its ID, ${id}`,
      ),
    ],
    already: inline.length > 0 ? undefined : already,
    application: nameOf(application),
    policies: inline.map(nameOf),
  }
}

interface ReadBoth {
  policies: Policy[]
  applications: Application[]
  app: ApplicationToEdit
  notes: string[]
}

async function readBoth(ctx: AccessContext, api: AccessApi, wanted: string): Promise<ReadBoth> {
  ctx.progress.step('Reading the application and the policies')
  const [applications, policies] = await Promise.all([api.listApplications(), api.listPolicies()])
  return {applications, policies, ...(await openForEdit(ctx, api, wanted, applications))}
}
