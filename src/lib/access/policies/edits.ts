import type {AccessApi, Application, Decision, Group, Policy} from '../../api/types.js'
import {canonicalJson, sameJson} from '../../core/canonical-json.js'
import {UserError} from '../../core/errors.js'
import {groupsById, reachOf} from '../../policy/reach.js'
import {readAccountRules} from '../account/account-rules.js'
import {actionName} from '../rules/action-name.js'
import {refuseOtherKinds} from '../rules/add.js'
import {ztCommand, type Named} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {inlineTarget, linkChanges, readForEdit, type ApplicationToEdit} from '../edit/application.js'
import {createChange, deleteChange, makeReusableChange} from '../edit/change.js'
import {placeRule} from '../edit/precedence.js'
import {newId, withRules} from '../edit/object.js'
import {unambiguous} from '../explain/explain.js'
import {planBinding, planUnbinding, type PlannedBinding} from '../account/host-bindings.js'
import type {PlannedEdit} from '../edit/planned.js'
import {requireMeant, resolveApplication, resolvePolicy, resolveRule} from '../account/resolve.js'
import {
  checkName,
  checkRules,
  readNameable,
  readRules,
  rulesWarnings,
  type RuleInput,
  type Rules,
} from '../rules/wanted.js'
import {placeWanted, renumberedNotes, type WantedPlace} from '../rules/place.js'
import {refuseLastServiceAuth} from '../applications/service-auth-401.js'
import {attachedTo} from './show.js'

/** So many applications are named in an error; the rest is counted. */
const NAMED = 12

/** An edit of one policy. */
export interface PolicyEdit extends PlannedEdit {
  /** `id` undefined: one that would be made. */
  policy: {id: string | undefined; name: string}
}

/** An edit of a policy's place on an application. */
export interface AttachmentEdit extends PolicyEdit {
  application: {id: string; name: string}
}

/**
 * A new policy of the account, which is on no application yet. One of the same name and meaning is the one that was asked
 * for.
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
  const same = taken.find((policy) => policy.decision === decision && meansTheSame(policy, rules))
  if (same) {
    return {changes: [], notes, policy: {id: same.id, name}, already: `The policy "${name}" is there already, and means just this`} // prettier-ignore
  }
  if (taken[0]) throw nameTaken(ctx, taken[0])
  const target = {kind: 'policy' as const, id: newId(1), name}
  return {
    changes: [createChange(target, {name, decision, include, exclude, require})],
    notes,
    policy: {id: undefined, name},
  }
}

/** In which order rules stand in their part means nothing. */
function meansTheSame(a: Rules, b: Rules): boolean {
  const sorted = (rules: Rules['include']): string[] => rules.map(canonicalJson).sort()
  return (['include', 'require', 'exclude'] as const).every((part) =>
    sameJson(sorted(a[part]), sorted(b[part])),
  )
}

function nameTaken(ctx: AccessContext, {id, name, decision}: Policy): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'POLICY_NAME_TAKEN',
    message: `There is already a policy "${name}", which means something else`,
    why: `Its action is ${actionName(decision)} and its id ${id}. Cloudflare would take a second one of that name, and nobody could tell them apart.`,
    next: [ztCommand(ctx, 'policy', 'show', id), 'Choose another name'],
    details: {policyId: id},
  })
}

/**
 * Puts a policy of the account on an application, or elsewhere among its rules where it is there already and a place is
 * given. Hosts follow: those that a token with a secret here opens by it are bound to that token.
 *
 * @throws UserError `not-found`, `ambiguous`, `usage`; `conflict` / `TAKES_INLINE_ONLY`, `MIXED_POLICIES`
 */
export async function planAttach(
  ctx: AccessContext,
  options: {policy: string; application: string; place: WantedPlace},
): Promise<AttachmentEdit> {
  const api = await ctx.api()
  const {policies, app} = await readBoth(ctx, api, options.application)
  const policy = resolvePolicy(ctx, options.policy, policies)
  const {application} = app
  if (app.kind === 'inline') throw takesInlineOnly(ctx, application)
  if (policy.decision === 'non_identity') refuseOtherKinds(application)
  const there = app.links.find(({id}) => id === policy.id)
  const place = placeWanted(ctx, {...application, policies: [...app.policies]}, options.place)
  const moves = place.before !== undefined || place.precedence !== undefined
  const placed =
    there && (!moves || place.before === policy.id) ? undefined : placeRule(app.links, policy.id, place)
  const changes = placed ? linkChanges(app, placed.links) : []
  const edit: AttachmentEdit = {
    changes,
    notes: placed ? renumberedNotes(app.policies, placed) : [],
    already:
      changes.length > 0
        ? undefined
        : `The policy "${policy.name}" is on "${application.name}" already, with precedence ${String(there?.precedence)}`,
    policy: {id: policy.id, name: policy.name},
    application: {id: application.id, name: application.name},
  }
  if (there || changes.length === 0) return edit
  const groups = namesGroups(policy) ? await api.listGroups() : []
  edit.notes.push(...rulesWarnings(policy.decision, policy, groups))
  if (policy.decision !== 'non_identity') return edit
  return {...edit, bindings: await bindingsBy(ctx, api, policy, app, groups)}
}

/** The hosts go to the one token with a secret here that the policy lets in; between several, nobody has chosen. */
async function bindingsBy(
  ctx: AccessContext,
  api: AccessApi,
  policy: Policy,
  {application}: ApplicationToEdit,
  groups: readonly Group[],
): Promise<PlannedBinding[]> {
  const here = new Set((await ctx.index.list(ctx.profile)).map(({tokenId}) => tokenId))
  const tokens = here.size === 0 ? [] : (await api.listServiceTokens()).filter(({id}) => here.has(id))
  const byId = groupsById(groups)
  const reach = new Map(
    tokens.map(({id}) => [id, reachOf(id, {name: application.name, policies: [policy]}, byId)]),
  )
  const surely = tokens.filter(({id}) => reach.get(id) === 'yes')
  const perhaps = tokens.filter(({id}) => reach.get(id) === 'conditional')
  const admitted = surely.length > 0 ? surely : perhaps
  return admitted.length === 1 ? [await planBinding(ctx, application, [], admitted)] : []
}

function namesGroups({include, require, exclude}: Rules): boolean {
  return [...include, ...require, ...exclude].some((rule) => rule['group'] !== undefined)
}

function takesInlineOnly(ctx: AccessContext, {id, name}: Application): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'TAKES_INLINE_ONLY',
    message: `"${name}" takes no policy that is shared`,
    why: 'Its policies live inside it (legacy), and Cloudflare takes the two kinds on one application together no more.',
    next: [`Make them reusable first: ${ztCommand(ctx, 'policy', 'make-reusable', id, '--all')}`],
    details: {applicationId: id},
  })
}

/**
 * Takes a policy of the account off an application; the policy itself stays. Hosts that this profile uses a token for
 * which does not open them any more are unbound.
 *
 * @param options.policy by name, id or place on the application (`#3`)
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `POLICY_IS_INLINE`, `LAST_SERVICE_AUTH_RULE`, `MIXED_POLICIES`
 */
export async function planDetachPolicy(
  ctx: AccessContext,
  options: {policy: string; application: string},
): Promise<AttachmentEdit> {
  const api = await ctx.api()
  const {policies, app, applications} = await readBoth(ctx, api, options.application)
  const {application} = app
  const policy = ruleOf(ctx, options.policy, app) ?? resolvePolicy(ctx, options.policy, policies)
  const edit = {
    policy: {id: policy.id, name: policy.name},
    application: {id: application.id, name: application.name},
  }
  const left = app.policies.filter(({id}) => id !== policy.id)
  if (left.length === app.policies.length) {
    return {
      ...edit,
      changes: [],
      notes: [],
      already: `The policy "${policy.name}" is not on "${application.name}"`,
    }
  }
  if (app.inline.has(policy.id)) throw isInline(ctx, policy, application)
  refuseLastServiceAuth(ctx, application, left)
  const changes = linkChanges(
    app,
    app.links.filter(({id}) => id !== policy.id),
  )
  const groups = left.some(namesGroups) ? groupsById(await api.listGroups()) : groupsById([])
  const others = applications.filter(({id}) => id !== application.id)
  const unbound = await planUnbinding(ctx, application, left, others, groups)
  const notes = left.length === 0 ? [`"${application.name}" has no rule then: nobody gets in`] : []
  return {...edit, changes, notes, unbound}
}

/** Undefined: the application has no such rule. */
function ruleOf(
  ctx: AccessContext,
  wanted: string,
  {application, policies}: ApplicationToEdit,
): Policy | undefined {
  try {
    return resolveRule(ctx, wanted, {...application, policies: [...policies]})
  } catch (error) {
    if (error instanceof UserError && error.code === 'RULE_NOT_FOUND') return undefined
    throw error
  }
}

function isInline(ctx: AccessContext, {id, name}: Policy, application: Application): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'POLICY_IS_INLINE',
    message: `The policy "${name}" cannot be detached: it lives inside "${application.name}"`,
    why: 'Such a policy (legacy) is on no other application, and is gone when it is taken off.',
    next: [`Make it reusable first: ${ztCommand(ctx, 'policy', 'make-reusable', application.id, id)}`],
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
    ctx.progress.step('Looking for where it is attached')
    const {rules} = await readAccountRules(api, {allNeeded: true, thorough: false})
    const attached = attachedTo(policy.id, rules.applications).map(({application}) => application)
    if (attached.length > 0)
      throw inUse(ctx, unambiguous(policy, rules.policies), policy, attached, rules.applications)
  }
  const {id, name} = policy
  return {
    changes: [deleteChange({kind: 'policy', id, name}, withRules(policy.raw))],
    notes: [],
    policy: {id, name},
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
    details: {policyId: id, applications: attached.map((one) => ({id: one.id, name: one.name}))},
  })
}

/** An edit of the policies inside an application. */
export interface ReusableEdit extends PlannedEdit {
  application: {id: string; name: string}
  policies: {id: string; name: string}[]
}

/**
 * Makes policies that live inside an application (legacy) reusable: they stay on it, and others can have them too.
 *
 * @param options.rule by name, id or place (`#3`); undefined: all that live inside it
 * @throws UserError `not-found`, `ambiguous`
 */
export async function planMakeReusable(
  ctx: AccessContext,
  options: {application: string; rule: string | undefined},
): Promise<ReusableEdit> {
  const api = await ctx.api()
  const {policies, app} = await readBoth(ctx, api, options.application)
  const {application} = app
  const wanted =
    options.rule === undefined
      ? app.policies
      : [resolveRule(ctx, options.rule, {...application, policies: [...app.policies]})]
  const inline = wanted.filter(({id}) => app.inline.has(id))
  const [only] = options.rule === undefined ? [] : wanted
  return {
    changes: inline.map((policy) => makeReusableChange(inlineTarget(app, policy), withRules(policy.raw))),
    notes: inline
      .filter(({name}) => policies.some((shared) => shared.name === name))
      .map(
        ({name, id}) => `The account has a policy "${name}" already; this one is told apart by its id, ${id}`,
      ),
    already:
      inline.length > 0
        ? undefined
        : only
          ? `The policy "${only.name}" is reusable already`
          : `No policy lives inside "${application.name}" alone`,
    application: {id: application.id, name: application.name},
    policies: inline.map(({id, name}) => ({id, name})),
  }
}

interface ReadBoth {
  policies: Policy[]
  applications: Application[]
  app: ApplicationToEdit
}

async function readBoth(ctx: AccessContext, api: AccessApi, wanted: string): Promise<ReadBoth> {
  ctx.progress.step('Reading the application and the policies')
  const [applications, policies] = await Promise.all([api.listApplications(), api.listPolicies()])
  const listed = resolveApplication(ctx, wanted, applications)
  const app = await readForEdit(api, listed.id)
  requireMeant(ctx, 'app', listed, wanted, app.application)
  return {applications, policies, app}
}
