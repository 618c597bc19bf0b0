import type {AccessApi, Group, Policy, Rule, ServiceToken} from '../../api/types.js'
import {canonicalJson, sameJson} from '../../core/canonical-json.js'
import {UserError} from '../../core/errors.js'
import {reachChange, type Reach, type ReachedApplication} from '../../policy/reach.js'
import {namesToken} from '../../policy/references.js'
import {
  groupReferences,
  isDirect,
  type AccountRules,
  type RulePart,
  type TokenReference,
} from '../../policy/token-references.js'
import {readAccountRules} from '../account/account-rules.js'
import {actionName} from '../rules/action-name.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {createChange, deleteChange, replaceChange} from '../edit/change.js'
import {newId, withRules} from '../edit/object.js'
import {planBinding, planUnbinding, type UnboundHost} from '../account/host-bindings.js'
import type {PlannedEdit} from '../edit/planned.js'
import {requireMeant, resolveGroup, resolveToken} from '../account/resolve.js'
import {checkName, readNameable, readRules, type RuleInput} from '../rules/wanted.js'
import {tokenStatus} from '../tokens/list.js'

export type {ReachedApplication} from '../../policy/reach.js'

/** So many things are named in a sentence; the rest is counted. */
const NAMED = 12

/** An edit of an Access group. */
export interface GroupEdit extends PlannedEdit {
  /** `id` undefined: one that would be made. */
  group: {id: string | undefined; name: string}
}

/** An edit of whom an Access group includes. */
export interface MemberEdit extends GroupEdit {
  token: {id: string; name: string}
  /** What it means for the token. */
  opens: ReachedApplication[]
  closes: ReachedApplication[]
}

/**
 * A new Access group, which no policy uses yet. One of the same name and meaning is the one that was asked for.
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
  if (include.length === 0) throw includesNobody()
  const notes = [
    ...tokens.flatMap((token) => ofNoUse(ctx, token)),
    ...(include.some(isPlace) && !include.every(isPlace)
      ? ['Any one of what it includes is enough: who comes from there needs no service token']
      : []),
  ]
  const taken = groups.filter((group) => group.name === name)
  const same = taken.find((group) => includesJust(group, include))
  if (same) {
    return {changes: [], notes, group: {id: same.id, name}, already: `The Access group "${name}" is there already, and includes just this`} // prettier-ignore
  }
  if (taken[0]) throw nameTaken(ctx, taken[0])
  return {
    changes: [createChange({kind: 'group', id: newId(1), name}, {name, include, require: [], exclude: []})],
    notes,
    group: {id: undefined, name},
  }
}

function isPlace(rule: Rule): boolean {
  return rule['ip'] !== undefined || rule['geo'] !== undefined
}

function includesJust(group: Group, include: readonly Rule[]): boolean {
  const sorted = (rules: readonly Rule[]): string[] => rules.map(canonicalJson).sort()
  const narrowed = group.require.length + group.exclude.length > 0
  return !narrowed && sameJson(sorted(group.include), sorted(include))
}

/** A token that opens nothing is put in nevertheless: it may be mended later. */
function ofNoUse(ctx: AccessContext, token: ServiceToken): string[] {
  const status = tokenStatus(token, ctx.clock.now())
  return status === 'active'
    ? []
    : [`Service token "${token.name}" is ${status}: it opens nothing until that is mended`]
}

function includesNobody(): UserError {
  return new UserError({
    kind: 'usage',
    code: 'GROUP_INCLUDES_NOBODY',
    message: 'The Access group would include nobody',
    why: 'Cloudflare takes no such group.',
    next: ['zt group create NAME --token TOKEN', 'Or give --group, --ip or --country'],
  })
}

function nameTaken(ctx: AccessContext, {id, name}: Group): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'GROUP_NAME_TAKEN',
    message: `There is already an Access group "${name}", which includes something else`,
    why: `Its id is ${id}. Nobody could tell two of that name apart.`,
    next: [ztCommand(ctx, 'group', 'show', id), 'Choose another name'],
    details: {groupId: id},
  })
}

/**
 * Puts a service token into an Access group. Hosts that it opens by that are bound to it, where its secret is here and
 * no other token is used for them.
 *
 * @throws UserError `not-found`, `ambiguous`
 */
export async function planAddToken(
  ctx: AccessContext,
  options: {group: string; token: string},
): Promise<MemberEdit> {
  const api = await ctx.api()
  const {account, group, token} = await readMember(ctx, api, options)
  const rule: Rule = {service_token: {token_id: token.id}}
  const edit = {group: {id: group.id, name: group.name}, token: {id: token.id, name: token.name}}
  if (group.include.some((one) => sameJson(one, rule))) {
    return {...edit, changes: [], notes: [], opens: [], closes: [], already: `"${token.name}" is in the Access group "${group.name}" already`} // prettier-ignore
  }
  const include = [...group.include, rule]
  const after = withGroup(account, {...group, include})
  const {opens, closes} = reachChange(token.id, account, after)
  const bindings = []
  for (const {application} of opens) bindings.push(await planBinding(ctx, application, [], [token]))
  return {
    ...edit,
    changes: replaceChange(targetOf(group), withRules(group.raw), {include}),
    notes: [
      ...ofNoUse(ctx, token),
      ...reachNotes(token, {opens, closes}),
      ...(opens.length === 0
        ? [`No application lets "${token.name}" in by this group that does not already`]
        : []),
      ...useNotes(groupReferences(group.id, account)),
      ...(group.exclude.some((one) => namesToken(one, token.id))
        ? [`The group excludes "${token.name}", too: it stays out`]
        : []),
    ],
    opens,
    closes,
    bindings,
  }
}

/**
 * Takes a service token out of what an Access group includes. Hosts that this profile uses it for, and that it does not
 * open any more, are unbound.
 *
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `REMOVE_WOULD_WIDEN`, `GROUP_WOULD_BE_EMPTY`,
 *   `REMOVE_UNCLEAR`
 */
export async function planRemoveToken(
  ctx: AccessContext,
  options: {group: string; token: string},
): Promise<MemberEdit> {
  const api = await ctx.api()
  const {account, group, token} = await readMember(ctx, api, options)
  const edit = {group: {id: group.id, name: group.name}, token: {id: token.id, name: token.name}}
  const names = (one: Rule): boolean => namesToken(one, token.id)
  if (group.require.some(names)) throw wouldWiden(ctx, group, token)
  const naming = group.include.filter(names)
  if (naming.length === 0) {
    const excluded = group.exclude.some(names) ? ', and excludes it' : ''
    return {...edit, changes: [], notes: [], opens: [], closes: [], already: `The Access group "${group.name}" does not include "${token.name}" by itself${excluded}`} // prettier-ignore
  }
  if (naming.some((rule) => Object.keys(rule).length > 1)) throw unclear(ctx, group, token)
  const include = group.include.filter((one) => !names(one))
  if (include.length === 0) throw wouldBeEmpty(ctx, group, token)
  const after = withGroup(account, {...group, include})
  const {opens, closes} = reachChange(token.id, account, after)
  const byId = new Map(after.groups.map((one) => [one.id, one]))
  const unbound: UnboundHost[] = []
  for (const {application} of closes) {
    const others = account.applications.filter(({id}) => id !== application.id)
    const hosts = await planUnbinding(ctx, application, application.policies, others, byId)
    unbound.push(...hosts.filter(({tokenId, host}) => tokenId === token.id && !unbound.some((one) => one.host === host))) // prettier-ignore
  }
  return {
    ...edit,
    changes: replaceChange(targetOf(group), withRules(group.raw), {include}),
    notes: [
      ...reachNotes(token, {opens, closes}),
      ...(group.exclude.some(names) ? [`The group goes on excluding "${token.name}"`] : []),
    ],
    opens,
    closes,
    unbound,
  }
}

/**
 * Deletes an Access group that nothing uses.
 *
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `GROUP_IN_USE`, which names what uses it
 */
export async function planDeleteGroup(ctx: AccessContext, wanted: string): Promise<GroupEdit> {
  const api = await ctx.api()
  ctx.progress.step('Looking for what uses the Access group')
  const {rules} = await readAccountRules(api, {allNeeded: true, thorough: false})
  const listed = resolveGroup(ctx, wanted, rules.groups)
  const {id, name} = listed
  const uses = groupReferences(id, rules).filter(isDirect)
  if (uses.length > 0) throw inUse(ctx, {id, name}, uses)
  const group = await api.getGroup(id)
  requireMeant(ctx, 'group', listed, wanted, group)
  return {changes: [deleteChange(targetOf(group), withRules(group.raw))], notes: [], group: {id, name}}
}

function inUse(ctx: AccessContext, group: {id: string; name: string}, uses: TokenReference[]): UserError {
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
      'Take it out of them, or delete them, first',
      ...new Set(
        named.map(({kind, id}) => ztCommand(ctx, kind === 'group' ? 'group' : 'policy', 'show', id)),
      ),
    ],
    details: {groupId: group.id, references: uses},
  })
}

/** What names a group, as one line. */
function useLine({kind, name, decision, part, applications}: TokenReference): string {
  if (kind === 'group') return `the Access group "${name}": ${part}`
  const where = applications.map((one) => `"${one.name}"`).join(', ')
  return `the ${actionName(decision ?? '')} policy "${name}"${kind === 'inline' ? ' (inline)' : ''}: ${part}, on ${where === '' ? 'no application' : where}` // prettier-ignore
}

interface Member {
  account: AccountRules
  group: Group
  token: ServiceToken
}

/** The group as it answers by itself, which is what is compared before the change. */
async function readMember(
  ctx: AccessContext,
  api: AccessApi,
  wanted: {group: string; token: string},
): Promise<Member> {
  ctx.progress.step('Looking for what uses the Access group')
  const [{rules}, tokens] = await Promise.all([
    readAccountRules(api, {allNeeded: true, thorough: false}),
    api.listServiceTokens(),
  ])
  const listed = resolveGroup(ctx, wanted.group, rules.groups)
  const token = resolveToken(ctx, wanted.token, tokens)
  const group = await api.getGroup(listed.id)
  requireMeant(ctx, 'group', listed, wanted.group, group)
  return {account: withGroup(rules, group), group, token}
}

function withGroup(account: AccountRules, group: Group): AccountRules {
  return {...account, groups: account.groups.map((one) => (one.id === group.id ? group : one))}
}

function targetOf({id, name}: Group): {kind: 'group'; id: string; name: string} {
  return {kind: 'group', id, name}
}

/** Which doors it opens and closes. */
function reachNotes(
  {name}: ServiceToken,
  {opens, closes}: {opens: readonly ReachedApplication[]; closes: readonly ReachedApplication[]},
): string[] {
  const say = (
    all: readonly ReachedApplication[],
    wanted: (reach: Reach) => boolean,
    how: string,
  ): string[] => {
    const some = all.filter(({reach}) => wanted(reach))
    return some.length === 0 ? [] : [`"${name}" will get into ${applicationsOf(some)}${how}`]
  }
  return [
    ...say(opens, (reach) => reach === 'yes', ''),
    ...say(opens, (reach) => reach !== 'yes', ', under further conditions'),
    ...say(closes, (reach) => reach === 'no', ' no more'),
    ...say(closes, (reach) => reach !== 'no', ' only under conditions from then on'),
  ]
}

function applicationsOf(all: readonly ReachedApplication[]): string {
  const named = all.slice(0, NAMED).map(({application: {name, domain}}) => `"${name}"${domain === undefined ? '' : ` (${domain})`}`) // prettier-ignore
  const more = all.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** Where a token in the group does not mean what one may think. */
function useNotes(references: readonly TokenReference[]): string[] {
  const of = (decision: Policy['decision'], part: RulePart): string =>
    listed(references.filter((one) => one.decision === decision && one.part === part))
  const allow = of('allow', 'include')
  const block = of('deny', 'include')
  const bypass = of('bypass', 'include')
  return [
    ...(allow === '' ? [] : [`The group is used by Allow in ${allow}: a service token is not let in there without a login`]), // prettier-ignore
    ...(block === ''
      ? []
      : [`The group is used by Block in ${block}: a service token is not blocked by that`]),
    ...(bypass === '' ? [] : [`The group is used by Bypass in ${bypass}: a service token counts under Service Auth only`]), // prettier-ignore
  ]
}

function listed(references: readonly TokenReference[]): string {
  const names = [...new Set(references.map(({name}) => `"${name}"`))]
  const more = names.length - NAMED
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function wouldWiden(ctx: AccessContext, group: Group, token: ServiceToken): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'REMOVE_WOULD_WIDEN',
    message: `"${token.name}" cannot be taken out of the Access group "${group.name}": it is required there`,
    why: 'A Require keeps out whoever does not meet it: without this one, others would be in the group. Nothing was changed.',
    next: [
      ztCommand(ctx, 'group', 'show', group.id),
      'Decide what the group is to require instead, in the dashboard',
    ],
    details: {groupId: group.id, tokenId: token.id},
  })
}

function unclear(ctx: AccessContext, group: Group, token: ServiceToken): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'REMOVE_UNCLEAR',
    message: `"${token.name}" cannot be taken out of the Access group "${group.name}"`,
    why: 'It is named there in one rule with other selectors; what would be left is not clear. Nothing was changed.',
    next: [ztCommand(ctx, 'group', 'show', group.id, '--json'), 'Take it out in the dashboard'],
    details: {groupId: group.id, tokenId: token.id},
  })
}

function wouldBeEmpty(ctx: AccessContext, group: Group, token: ServiceToken): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'GROUP_WOULD_BE_EMPTY',
    message: `"${token.name}" is all that the Access group "${group.name}" includes`,
    why: 'A group that includes nobody cannot exist, and what uses the group would change with it. Nothing was changed.',
    next: [
      `Put another token in first: ${ztCommand(ctx, 'group', 'add-token', group.id, 'TOKEN')}`,
      `Or delete the group, where nothing uses it: ${ztCommand(ctx, 'group', 'delete', group.id)}`,
    ],
    details: {groupId: group.id, tokenId: token.id},
  })
}
