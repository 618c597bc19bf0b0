import type {AccessApi, Application, Group, Policy, Rule, ServiceToken} from '../../api/types.js'
import {sameJson} from '../../core/canonical-json.js'
import {UserError} from '../../core/errors.js'
import {
  groupReferences,
  groupsById,
  isDirect,
  namesToken,
  sameMeaning,
  type AccountRules,
  type Reference,
  type RulePart,
} from '../../policy/references.js'
import {readAccountRules} from '../account/account-rules.js'
import {actionName} from '../rules/action-name.js'
import {ztCommand} from '../../core/command-line.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'
import {createChange, deleteChange, replaceChange} from '../edit/change.js'
import {nameOf, newId, withRules, type ObjectRef} from '../edit/object.js'
import {compareReach, type NamedPlace} from '../edit/reach.js'
import {
  NO_BINDING,
  planBinding,
  planUnbinding,
  type PlannedBinding,
  type UnboundHost,
} from '../account/host-bindings.js'
import type {PlannedEdit} from '../edit/planned.js'
import {requireMeant, resolveGroup, resolveToken} from '../account/resolve.js'
import {checkName, readNameable, readRules, type RuleInput} from '../rules/input.js'
import {idleWarning} from '../rules/service-auth.js'
import {cannotTakeOut, groupWouldBeEmpty, withoutToken} from '../rules/take-out.js'

/** A sentence names this many things and counts the rest. */
const NAMED = 12

/** An edit of an Access group. */
export interface GroupEdit extends PlannedEdit {
  /** `id` undefined: it would be created. */
  group: {id: string | undefined; name: string}
}

/** An edit of what an Access group includes. */
export interface MemberEdit extends GroupEdit {
  token: {id: string; name: string}
}

/**
 * A new Access group, which no policy uses yet. An existing group with the same name and meaning is used instead.
 *
 * @throws UserError of `readRules`; `usage` / `GROUP_INCLUDES_NOBODY`; `conflict` / `GROUP_NAME_TAKEN`
 */
export async function planCreateGroup(
  ctx: AccessContext,
  options: {name: string; rules: RuleInput},
): Promise<GroupEdit> {
  const name = checkName(options.name, 'an Access group')
  const api = await ctx.api()
  ctx.progress.step('Reading the Access groups')
  const [groups, known] = await Promise.all([api.listGroups(), readNameable(api, options.rules)])
  const {include, tokens} = readRules(ctx, options.rules, known)
  if (include.length === 0) throw includesNoOne()
  const now = cloudflareNow(ctx, api)
  const notes = [
    ...tokens.flatMap((token) => idleWarning(token, now)),
    ...(include.some(isPlace) && !include.every(isPlace)
      ? ['Meeting any one of its rules is enough: a request from these places needs no service token']
      : []),
  ]
  const rules = {include, require: [], exclude: []}
  const taken = groups.filter((group) => group.name === name)
  const same = taken.find((group) => sameMeaning(group, rules))
  if (same) {
    const already = `The Access group "${name}" already exists and includes exactly this`
    return {changes: [], notes, group: nameOf(same), already}
  }
  if (taken[0]) throw nameTaken(ctx, taken[0])
  return {
    changes: [createChange({kind: 'group', id: newId(1), name}, {name, ...rules})],
    notes,
    group: {id: undefined, name},
  }
}

function isPlace(rule: Rule): boolean {
  return rule['ip'] !== undefined || rule['geo'] !== undefined
}

function includesNoOne(): UserError {
  return new UserError({
    kind: 'usage',
    code: 'GROUP_INCLUDES_NOBODY',
    message: 'The Access group would include no one',
    why: 'Cloudflare accepts no such group.',
    next: ['zt group create NAME --token TOKEN', 'Or give --group, --ip or --country'],
  })
}

function nameTaken(ctx: AccessContext, {id, name}: Group): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'GROUP_NAME_TAKEN',
    message: `There is already an Access group "${name}", which includes something else`,
    why: `Its ID is ${id}. Two groups of the same name could not be distinguished.`,
    next: [ztCommand(ctx, 'group', 'show', id), 'Choose another name'],
    details: {groupId: id},
  })
}

/**
 * Puts a service token into an Access group. The hosts that it then opens are bound to it, if its secret is here and no
 * other token is used for them.
 *
 * @throws UserError `not-found`, `ambiguous`
 */
export async function planAddToken(
  ctx: AccessContext,
  options: {group: string; token: string},
): Promise<MemberEdit> {
  const {api, account, tokens, group, token, edit} = await readMember(ctx, options)
  const rule: Rule = {service_token: {token_id: token.id}}
  if (group.include.some((one) => sameJson(one, rule)))
    return {...edit, already: `"${token.name}" is already in the Access group "${group.name}"`}
  const include = [...group.include, rule]
  const after = withGroup(account, {...group, include})
  const reach = compareReach(account, after, tokens)
  const binding: PlannedBinding = {...NO_BINDING, bound: [], warnings: []}
  for (const application of changedFor(token, reach.opens, account)) {
    const {tokenId, bound, warnings} = await planBinding(ctx, application, [], [token])
    binding.tokenId ??= tokenId
    binding.bound.push(...bound)
    binding.warnings.push(...warnings)
  }
  return {
    ...edit,
    changes: replaceChange(targetOf(group), withRules(group.raw), {include}),
    notes: [
      ...idleWarning(token, cloudflareNow(ctx, api)),
      ...(reach.opens.length === 0
        ? [`No application admits "${token.name}" by this group that does not already`]
        : []),
      ...useNotes(groupReferences(group.id, account)),
      ...(group.exclude.some((one) => namesToken(one, token.id))
        ? [`The group also excludes "${token.name}", so it stays out`]
        : []),
    ],
    reach,
    binding,
  }
}

/**
 * Takes a service token out of what an Access group includes. Hosts that this profile uses it for, and that it no longer
 * opens, are unbound.
 *
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `REMOVE_WOULD_WIDEN`, `GROUP_WOULD_BE_EMPTY`,
 *   `REMOVE_UNCLEAR`
 */
export async function planRemoveToken(
  ctx: AccessContext,
  options: {group: string; token: string},
): Promise<MemberEdit> {
  const {account, tokens, group, token, edit} = await readMember(ctx, options)
  const isExcluded = group.exclude.some((one) => namesToken(one, token.id))
  const about = {
    prefix: 'REMOVE',
    token: token.name,
    from: `the Access group "${group.name}"`,
    next: [ztCommand(ctx, 'group', 'show', group.id), 'Change the group in the dashboard'],
    details: {groupId: group.id, tokenId: token.id},
  }
  const {left: include, unclear} = withoutToken(group.include, token.id)
  if (group.require.some((one) => namesToken(one, token.id))) throw cannotTakeOut('WOULD_WIDEN', about)
  if (include.length === group.include.length) {
    const excluded = isExcluded ? ', and excludes it' : ''
    return {...edit, already: `The Access group "${group.name}" does not include "${token.name}" directly${excluded}`} // prettier-ignore
  }
  if (unclear) throw cannotTakeOut('UNCLEAR', about)
  if (include.length === 0) throw groupWouldBeEmpty(ctx, group, token)
  const after = withGroup(account, {...group, include})
  const reach = compareReach(account, after, tokens)
  const byId = groupsById(after.groups)
  const unbound = new Map<string, UnboundHost>()
  for (const application of changedFor(token, reach.closes, account)) {
    const others = account.applications.filter(({id}) => id !== application.id)
    const hosts = await planUnbinding(ctx, application, application.policies, others, byId)
    for (const one of hosts) if (one.tokenId === token.id) unbound.set(one.host, one)
  }
  return {
    ...edit,
    changes: replaceChange(targetOf(group), withRules(group.raw), {include}),
    notes: [...(isExcluded ? [`The group still excludes "${token.name}"`] : [])],
    reach,
    unbound: [...unbound.values()],
  }
}

/**
 * Deletes an Access group that nothing uses.
 *
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `GROUP_IN_USE`, which names what uses it
 */
export async function planDeleteGroup(ctx: AccessContext, wanted: string): Promise<GroupEdit> {
  const api = await ctx.api()
  const {account, group} = await readGroup(ctx, api, wanted)
  const uses = groupReferences(group.id, account).filter(isDirect)
  if (uses.length > 0) throw inUse(ctx, group, uses)
  return {
    changes: [deleteChange(targetOf(group), withRules(group.raw))],
    notes: [],
    group: nameOf(group),
  }
}

function inUse(ctx: AccessContext, group: Group, uses: readonly Reference[]): UserError {
  const named = uses.slice(0, NAMED)
  const more = uses.length - named.length
  return new UserError({
    kind: 'conflict',
    code: 'GROUP_IN_USE',
    message: `The Access group "${group.name}" is in use`,
    why: [
      'It is named by:',
      ...named.map(useLine),
      ...(more > 0 ? [`and ${more} more`] : []),
      'Nothing was changed.',
    ],
    next: [
      'First take it out of them, or delete them',
      ...new Set(
        named.map(({kind, id}) => ztCommand(ctx, kind === 'group' ? 'group' : 'policy', 'show', id)),
      ),
    ],
    details: {groupId: group.id, references: uses},
  })
}

/** What names a group, as one line. */
function useLine({kind, name, decision, part, applications}: Reference): string {
  if (kind === 'group') return `the Access group "${name}": ${part}`
  const where = applications.map((one) => `"${one.name}"`).join(', ')
  return `the ${actionName(decision ?? '')} policy "${name}"${kind === 'inline' ? ' (inline)' : ''}: ${part}, on ${where === '' ? 'no application' : where}` // prettier-ignore
}

/** The group as it answers by its ID, which is compared before the change, and everything else in the account. */
async function readGroup(
  ctx: AccessContext,
  api: AccessApi,
  wanted: string,
): Promise<{account: AccountRules; group: Group}> {
  ctx.progress.step('Looking for what uses the Access group')
  const {rules} = await readAccountRules(api, {allNeeded: true, thorough: false, progress: ctx.progress})
  const listed = resolveGroup(ctx, wanted, rules.groups)
  const group = await api.getGroup(listed.id)
  requireMeant(ctx, 'group', listed, wanted, group)
  return {account: withGroup(rules, group), group}
}

/** With the edit that changes nothing. */
async function readMember(
  ctx: AccessContext,
  wanted: {group: string; token: string},
): Promise<{
  api: AccessApi
  account: AccountRules
  tokens: ServiceToken[]
  group: Group
  token: ServiceToken
  edit: MemberEdit
}> {
  const api = await ctx.api()
  const [{account, group}, tokens] = await Promise.all([
    readGroup(ctx, api, wanted.group),
    api.listServiceTokens(),
  ])
  const token = resolveToken(ctx, wanted.token, tokens)
  const nothing = {opens: [], closes: []}
  const edit = {changes: [], notes: [], reach: nothing, group: nameOf(group), token: nameOf(token)}
  return {api, account, tokens, group, token, edit}
}

/** The applications that are opened or closed for a token: not those that only change their conditions for it. */
function changedFor(
  {id}: ServiceToken,
  places: readonly NamedPlace[],
  {applications}: AccountRules,
): Application[] {
  const changed = new Set(
    places
      .filter(({tokens, before, reach}) => before !== reach && tokens.some((one) => one.id === id))
      .map(({application}) => application.id),
  )
  return applications.filter((one) => changed.has(one.id))
}

function withGroup(account: AccountRules, group: Group): AccountRules {
  return {...account, groups: account.groups.map((one) => (one.id === group.id ? group : one))}
}

function targetOf(group: Group): ObjectRef {
  return {kind: 'group', ...nameOf(group)}
}

/** Places where a token in the group does not have the effect that one may expect. */
function useNotes(references: readonly Reference[]): string[] {
  const of = (decision: Policy['decision'], part: RulePart): string => {
    const some = references.filter((one) => one.decision === decision && one.part === part)
    return someOf([...new Set(some.map(({name}) => `"${name}"`))])
  }
  const [allow, block, bypass] = [of('allow', 'include'), of('deny', 'include'), of('bypass', 'include')]
  return [
    ...(allow === ''
      ? []
      : [`${allow} uses the group under Allow, which admits no service token without a login`]),
    ...(block === '' ? [] : [`${block} uses the group under Block, which blocks no service token`]),
    ...(bypass === '' ? [] : [`${bypass} uses the group under Bypass, where service tokens do not count`]),
  ]
}

function someOf(names: readonly string[]): string {
  const more = names.length - NAMED
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
