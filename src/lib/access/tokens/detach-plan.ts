import type {AccessApi, Group, Policy, Rule, ServiceToken} from '../../api/types.js'
import type {JsonObject} from '../../core/json.js'
import {isDirect, type AccountRules, type Reference} from '../../policy/references.js'
import {askEach} from '../account/ask-each.js'
import type {AccessContext} from '../account/context.js'
import {refuseLastServiceAuth} from '../applications/service-auth-401.js'
import {inlineTarget, linkChanges, readForEdit, type ApplicationToEdit} from '../edit/application.js'
import {deleteChange, replaceChange, type Change} from '../edit/change.js'
import {inWords, withRules, type ObjectRef} from '../edit/object.js'
import {cannotTakeOut, groupWouldBeEmpty, withoutToken} from '../rules/take-out.js'

/** One step of a detachment, for `--json`. */
export interface DetachStep {
  /** A rule leaves a policy or group; a policy leaves an application; a policy is deleted. */
  action: 'remove-rule' | 'take-off' | 'delete-policy'
  kind: 'reusable' | 'inline' | 'group'
  id: string
  name: string
  /** Where the policy is; undefined for a change of the account's own policy or group. */
  application: {id: string; name: string} | undefined
}

/**
 * The changes that take a token out of everything that names it directly. A policy that would include no one is taken
 * off its applications and deleted: Cloudflare keeps no such policy, and it admits no one.
 *
 * What can be taken back to the letter comes first, deletions come last: a policy that is created again has another ID.
 *
 * The token is to be disabled before and deleted after: only so does removing it from an Exclude open nothing.
 *
 * @param references to the token
 * @throws UserError `conflict` / `DETACH_WOULD_WIDEN`, `DETACH_UNCLEAR`, `GROUP_WOULD_BE_EMPTY`,
 *   `LAST_SERVICE_AUTH_RULE`, `MIXED_POLICIES`
 */
export async function planDetach(
  ctx: AccessContext,
  api: AccessApi,
  token: Token,
  {applications}: Pick<AccountRules, 'applications'>,
  references: readonly Reference[],
): Promise<Change[]> {
  const direct = references.filter(isDirect)
  const named = (kind: Reference['kind']): Set<string> =>
    new Set(direct.filter((one) => one.kind === kind).map(({id}) => id))
  // Each object is read by itself: as it answers then, it is compared before the write.
  const each = <T, R>(all: readonly T[], ask: (of: T) => Promise<R>): Promise<R[]> =>
    askEach(api, all, {doing: 'Reading what names the service token', progress: ctx.progress, ask})
  const policies = await each([...named('reusable')], (id) => api.getPolicy(id))
  const groups = await each([...named('group')], (id) => api.getGroup(id))
  const inline = named('inline')
  const gone = new Set(policies.filter((one) => isEmptied(one, token)).map(({id}) => id))
  const concerned = applications.filter((app) => app.policies.some(({id}) => gone.has(id) || inline.has(id)))
  const apps = await each(concerned, (app) => readForEdit(api, app.id))
  const inside = apps.flatMap((app) =>
    app.policies
      .filter(({id}) => inline.has(id))
      .map((policy): Holder => ({target: inlineTarget(app, policy), rules: policy})),
  )
  for (const {target, rules} of inside) if (isEmptied(rules, token)) gone.add(target.id)
  const isBare = (app: ApplicationToEdit): boolean => app.policies.every(({id}) => gone.has(id))
  const holders: Holder[] = [
    ...policies.map((one): Holder => ({target: {kind: 'policy', id: one.id, name: one.name}, rules: one})),
    ...inside,
    ...groups.map((one): Holder => ({target: {kind: 'group', id: one.id, name: one.name}, rules: one})),
  ]
  refuseUnsafe(ctx, token, holders, direct)
  const links = apps.flatMap((app) => {
    const left = app.policies.filter(({id}) => !gone.has(id))
    if (left.length === app.policies.length) return []
    refuseLastServiceAuth(ctx, app.application, left)
    const isShared = ({id}: {id: string}): boolean => gone.has(id) && !inline.has(id)
    return app.policies.some(isShared)
      ? linkChanges(
          app,
          app.links.filter((one) => !isShared(one)),
        )
      : []
  })
  // Cloudflare takes no first inline policy: once an application has lost its last one, that does not come back.
  const emptied = new Set(apps.filter(isBare).map(({policies: own}) => own.at(-1)?.id))
  const lossOf = ({target}: Holder): number =>
    !gone.has(target.id) ? 0 : target.kind === 'policy' ? 1 : emptied.has(target.id) ? 3 : 2
  const ordered = [0, 1, 2, 3].map((loss) => holders.filter((one) => lossOf(one) === loss))
  const [kept = [], ...deleted] = ordered.map((some) => some.flatMap((holder) => changeOf(holder, token)))
  return [...kept, ...links, ...deleted.flat()]
}

/** A policy or Access group that names the token. */
interface Holder {
  target: ObjectRef
  rules: Policy | Group
}

type Token = Pick<ServiceToken, 'id' | 'name'>

/** Where the policy or group cannot go without the token. */
function refuseUnsafe(
  ctx: AccessContext,
  token: Token,
  holders: readonly Holder[],
  references: readonly Reference[],
): void {
  const namedIn = (rules: readonly Rule[]): boolean =>
    withoutToken(rules, token.id).left.length < rules.length
  const requiring = holders.filter(({rules}) => namedIn(rules.require))
  const where = requiring.map(({target}) => inWords(target)).join(', ')
  if (requiring.length > 0) {
    throw cannotTakeOut('WOULD_WIDEN', {
      prefix: 'DETACH',
      token: token.name,
      from: where,
      next: [`Change what ${where} requires in the dashboard, then run the command again`],
      details: {references: references.filter(({part}) => part === 'require')},
    })
  }
  for (const {target, rules} of holders) {
    const from = inWords(target)
    if ([rules.include, rules.exclude].some((part) => withoutToken(part, token.id).unclear)) {
      throw cannotTakeOut('UNCLEAR', {
        prefix: 'DETACH',
        token: token.name,
        from,
        next: [`Take it out of ${from} in the dashboard, then run the command again`],
        details: {id: target.id},
      })
    }
    if (target.kind === 'group' && isEmptied(rules, token)) throw groupWouldBeEmpty(ctx, target, token)
  }
}

/** What the changes of {@link planDetach} do, step by step. */
export function detachSteps(changes: readonly Change[]): DetachStep[] {
  const deleted = new Map(changes.map(({target}) => [target.id, target.name]))
  return changes.flatMap(({action, target: {kind, id, name, application}, before, after}): DetachStep[] => {
    if (kind !== 'application') {
      const what = kind === 'policy' ? 'reusable' : kind === 'group' ? 'group' : 'inline'
      return [
        {action: action === 'delete' ? 'delete-policy' : 'remove-rule', kind: what, id, name, application},
      ]
    }
    const left = new Set(linkIds(after))
    return linkIds(before)
      .filter((one) => !left.has(one))
      .map((one) => ({
        action: 'take-off',
        kind: 'reusable',
        id: one,
        name: deleted.get(one) ?? one,
        application: {id, name},
      }))
  })
}

function linkIds(state: JsonObject | undefined): string[] {
  return ((state?.['policies'] ?? []) as {id: string}[]).map(({id}) => id)
}

/** The deletion of a policy that would include no one, or its rules without the token. */
function changeOf({target, rules}: Holder, token: Token): Change[] {
  const before = withRules(rules.raw)
  if (isEmptied(rules, token)) return [deleteChange(target, before)]
  return replaceChange(target, before, {
    include: withoutToken(rules.include, token.id).left,
    exclude: withoutToken(rules.exclude, token.id).left,
  })
}

function isEmptied({include}: Policy | Group, {id}: Token): boolean {
  return include.length > 0 && withoutToken(include, id).left.length === 0
}
