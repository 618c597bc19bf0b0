import type {AccessApi, Application, Group, Policy, Rule, ServiceToken} from '../../api/types.js'
import type {JsonObject} from '../../core/json.js'
import {ApiError, UserError} from '../../core/errors.js'
import {namesToken} from '../../policy/references.js'
import {
  inlinePolicies,
  isDirect,
  type AccountRules,
  type TokenReference,
} from '../../policy/token-references.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {eventually, mayBeDone, notDeleted} from '../account/outcome.js'
import {refuseLastServiceAuth} from '../applications/service-auth-401.js'
import {
  differingFields,
  isUntouched,
  linksOf,
  readApplication,
  replacePolicyLinks,
  verifyPolicyLinks,
  type ApplicationSnapshot,
  type PolicyLink,
} from '../edit/safe-edit.js'

/** One change that takes a token out of a place. For people and for `--json`. */
export interface DetachStep {
  /** A rule leaves a policy or group; a policy leaves an application; a policy goes altogether. */
  action: 'remove-rule' | 'take-off' | 'delete-policy'
  kind: 'reusable' | 'inline' | 'group'
  id: string
  name: string
  /** Where the policy is; undefined for a change of the account's own policy or group. */
  application: {id: string; name: string} | undefined
}

/** Changes that are made at once. What they work on is as it was when they were planned, or they are not made. */
export interface PlannedChange {
  steps: DetachStep[]
  run: () => Promise<void>
}

/** Set by the server, or by our own other steps. */
const OWN_FIELDS = ['app_count', 'precedence']

/**
 * How a token is taken out of everything that names it by itself. Everything is read and thought through here; no step
 * runs before all of them can. A policy that would include nobody is taken off its applications and deleted: Cloudflare
 * keeps no such policy, and it admits nobody.
 *
 * @throws UserError `conflict` / `DETACH_WOULD_WIDEN`, `DETACH_UNCLEAR`, `GROUP_WOULD_BE_EMPTY`, `LAST_SERVICE_AUTH_RULE`
 */
export async function planDetach(
  ctx: AccessContext,
  api: AccessApi,
  token: ServiceToken,
  account: AccountRules,
  references: readonly TokenReference[],
): Promise<PlannedChange[]> {
  const direct = references.filter(isDirect)
  refuseRequired(token, direct)
  const named = (kind: TokenReference['kind'], {id}: {id: string}): boolean =>
    direct.some((one) => one.kind === kind && one.id === id)
  const groups = account.groups.filter((group) => named('group', group))
  const inline = inlinePolicies(account.policies, account.applications).filter(({policy}) =>
    named('inline', policy),
  )
  // As each of them answers by itself: that is what is compared before the change.
  const reusable = await Promise.all(
    account.policies.filter((policy) => named('reusable', policy)).map(({id}) => api.getPolicy(id)),
  )
  for (const holder of [...groups, ...reusable, ...inline.map(({policy}) => policy)]) {
    refuseUnclear(holder, token)
  }
  for (const group of groups) if (isEmptied(group, token)) throw groupWouldBeEmpty(group, token)

  const gone = new Set(
    [...reusable, ...inline.map(({policy}) => policy)]
      .filter((policy) => isEmptied(policy, token))
      .map(({id}) => id),
  )
  const touched = account.applications.filter(({policies}) => policies.some(({id}) => gone.has(id)))
  const snapshots = new Map<string, ApplicationSnapshot>()
  for (const {id} of touched) snapshots.set(id, await readApplication(api, id))
  const shared = new Set(account.policies.map(({id}) => id))
  for (const {application, policies} of snapshots.values()) {
    refuseLastServiceAuth(
      ctx,
      application,
      policies.filter(({id}) => !gone.has(id)),
    )
    const taken = policies.some(({id}) => gone.has(id) && shared.has(id))
    if (taken && policies.some(({id}) => !shared.has(id))) throw mixedPolicies(application)
  }

  const step = (
    action: DetachStep['action'],
    kind: DetachStep['kind'],
    {id, name}: Policy | Group,
    application?: Application,
  ): DetachStep => ({
    action,
    kind,
    id,
    name,
    application: application && {id: application.id, name: application.name},
  })
  const changes: PlannedChange[] = []
  for (const snapshot of snapshots.values()) {
    const going = snapshot.policies.filter(({id}) => gone.has(id) && shared.has(id))
    if (going.length === 0) continue
    changes.push({
      steps: going.map((policy) => step('take-off', 'reusable', policy, snapshot.application)),
      run: () => takeOff(ctx, api, snapshot, going),
    })
  }
  const remove = (what: string, holder: Policy | Group, place: Place) => (): Promise<void> =>
    removeRules(ctx, `the ${what} "${holder.name}"`, holder, token, place)
  for (const policy of reusable) {
    changes.push(
      gone.has(policy.id)
        ? {steps: [step('delete-policy', 'reusable', policy)], run: () => deletePolicy(ctx, api, policy)}
        : {
            steps: [step('remove-rule', 'reusable', policy)],
            run: remove('rule', policy, policyAt(api, policy.id)),
          },
    )
  }
  for (const {application, policy} of inline) {
    changes.push(
      gone.has(policy.id)
        ? {
            steps: [step('delete-policy', 'inline', policy, application)],
            run: () => deleteInline(ctx, api, application, policy),
          }
        : {
            steps: [step('remove-rule', 'inline', policy, application)],
            run: remove('rule', policy, inlineAt(api, application.id, policy.id)),
          },
    )
  }
  for (const group of groups) {
    changes.push({
      steps: [step('remove-rule', 'group', group)],
      run: remove('Access group', group, groupAt(api, group.id)),
    })
  }
  return changes
}

async function takeOff(
  ctx: AccessContext,
  api: AccessApi,
  snapshot: ApplicationSnapshot,
  going: readonly Policy[],
): Promise<void> {
  const links = linksOf(snapshot.policies).filter(({id}) => !going.some((one) => one.id === id))
  const failure = await maybe(replacePolicyLinks(ctx, api, snapshot, links))
  const names = going.map(({name}) => `"${name}"`).join(', ')
  const done = `${names} ${going.length === 1 ? 'was' : 'were'} taken off "${snapshot.application.name}"`
  await despite(failure, () => verifyPolicyLinks(ctx, api, snapshot, links, done))
}

/** What a change failed with, where it may have been made all the same: then what is there decides. */
async function maybe(change: Promise<unknown>): Promise<ApiError | undefined> {
  try {
    await change
    return undefined
  } catch (error) {
    if (mayBeDone(error)) return error
    throw error
  }
}

/** What is there is as it should be, or the change's own failure is what went wrong. */
async function despite(failure: ApiError | undefined, verify: () => Promise<void>): Promise<void> {
  await verify().catch((error: unknown) => {
    throw failure ?? error
  })
}

async function deletePolicy(ctx: AccessContext, api: AccessApi, planned: Policy): Promise<void> {
  const now = await policyAt(api, planned.id).read()
  if (!now) return
  // Taking it off its applications may have counted as a change of it.
  if (!isUntouched(planned.raw, now.raw, [...OWN_FIELDS, 'updated_at'])) {
    throw changedMeanwhile(ctx, `the rule "${planned.name}"`)
  }
  const failure = await maybe(api.deletePolicy(planned.id))
  await despite(failure, async () => {
    const left = await eventually(ctx, policyAt(api, planned.id).read, (one) => one === undefined)
    if (left) throw notDeleted(`The rule "${planned.name}"`, [ztCommand(ctx, 'policy', 'show', planned.id)])
  })
}

async function deleteInline(
  ctx: AccessContext,
  api: AccessApi,
  {id}: Application,
  planned: Policy,
): Promise<void> {
  const before = await readApplication(api, id)
  const now = before.policies.find((policy) => policy.id === planned.id)
  if (!now) return
  if (!isUntouched(planned.raw, now.raw, OWN_FIELDS))
    throw changedMeanwhile(ctx, `the rule "${planned.name}"`)
  const failure = await maybe(api.deleteApplicationPolicy(id, planned.id))
  const rest: PolicyLink[] = linksOf(before.policies).filter((link) => link.id !== planned.id)
  const done = `"${planned.name}" was deleted from "${before.application.name}"`
  await despite(failure, () => verifyPolicyLinks(ctx, api, before, rest, done))
}

/** Where a policy or group is read and written. */
interface Place {
  /** Undefined when it is not there. */
  read: () => Promise<Policy | Group | undefined>
  write: (body: JsonObject) => Promise<unknown>
}

const policyAt = (api: AccessApi, id: string): Place => ({
  read: () =>
    api.getPolicy(id).catch((error: unknown) => {
      if (error instanceof ApiError && error.kind === 'not-found') return undefined
      throw error
    }),
  write: (body) => api.replacePolicy(id, body),
})

const inlineAt = (api: AccessApi, applicationId: string, id: string): Place => ({
  read: async () => (await api.listApplicationPolicies(applicationId)).find((policy) => policy.id === id),
  write: (body) => api.replaceApplicationPolicy(applicationId, id, body),
})

const groupAt = (api: AccessApi, id: string): Place => ({
  read: async () => (await api.listGroups()).find((group) => group.id === id),
  write: (body) => api.replaceGroup(id, body),
})

/** The object goes back as it came, without the rules that name the token; read just before, and again afterwards. */
async function removeRules(
  ctx: AccessContext,
  what: string,
  planned: Policy | Group,
  token: ServiceToken,
  place: Place,
): Promise<void> {
  const now = await place.read()
  if (!now || !isUntouched(planned.raw, now.raw, OWN_FIELDS)) throw changedMeanwhile(ctx, what)
  const body = {...now.raw}
  for (const part of ['include', 'exclude'] as const) {
    const rules = now.raw[part]
    if (Array.isArray(rules)) body[part] = rules.filter((rule: unknown) => !namesIt(rule, token))
  }
  const failure = await maybe(place.write(body))
  const wrong = await eventually(
    ctx,
    async () => {
      const after = await place.read()
      return after ? differingFields(body, after.raw, [...OWN_FIELDS, 'updated_at']) : ['all of it']
    },
    ({length}) => length === 0,
  ).catch((error: unknown) => {
    throw failure ?? error
  })
  if (wrong.length === 0) return
  if (failure) throw failure
  throw new UserError({
    kind: 'conflict',
    code: 'RULE_NOT_AS_EXPECTED',
    message: `The token was taken out of ${what}, which is not as it should be now`,
    why: `Not as expected: ${wrong.join(', ')}. Somebody may have edited it at the same moment.`,
    next: ['Look at it in the dashboard'],
    details: {id: planned.id, fields: wrong},
  })
}

function namesIt(rule: unknown, {id}: ServiceToken): boolean {
  return typeof rule === 'object' && rule !== null && namesToken(rule as Rule, id)
}

/** Whether nobody would be included any more. */
function isEmptied({include}: Policy | Group, {id}: ServiceToken): boolean {
  return include.length > 0 && include.every((rule) => namesToken(rule, id))
}

function refuseRequired({name}: ServiceToken, direct: readonly TokenReference[]): void {
  const required = direct.filter(({part}) => part === 'require')
  if (required.length === 0) return
  const where = required.map((one) => `"${one.name}"`).join(', ')
  throw new UserError({
    kind: 'conflict',
    code: 'DETACH_WOULD_WIDEN',
    message: `"${name}" cannot be taken out of ${where}: it is required there`,
    why: 'A Require keeps out whoever does not meet it: without this one, others would be let in. Nothing was changed.',
    next: [`Decide what ${where} is to require instead, in the dashboard; then run the command again`],
    details: {references: required},
  })
}

function refuseUnclear(holder: Policy | Group, token: ServiceToken): void {
  const rules = [...holder.include, ...holder.exclude].filter((rule) => namesToken(rule, token.id))
  if (rules.every((rule) => Object.keys(rule).length === 1)) return
  throw new UserError({
    kind: 'conflict',
    code: 'DETACH_UNCLEAR',
    message: `"${token.name}" cannot be taken out of "${holder.name}"`,
    why: 'It is named there in one rule with other selectors; what would be left is not clear. Nothing was changed.',
    next: [`Take it out of "${holder.name}" in the dashboard, then run the command again`],
    details: {id: holder.id},
  })
}

function groupWouldBeEmpty(group: Group, token: ServiceToken): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'GROUP_WOULD_BE_EMPTY',
    message: `"${token.name}" is all that the Access group "${group.name}" includes`,
    why: 'A group that includes nobody cannot exist, and what uses the group would change with it. Nothing was changed.',
    next: [
      `Put another token in first: zt group add-token ${group.id} TOKEN`,
      `Or delete the group, where nothing uses it: zt group delete ${group.id}`,
    ],
    details: {groupId: group.id},
  })
}

function mixedPolicies(application: Application): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'DETACH_UNCLEAR',
    message: `The policies of "${application.name}" cannot be changed safely`,
    why: 'It has reusable and inline policies at once, which Cloudflare does not take in a change. Nothing was changed.',
    next: [`Make its inline policies reusable first: zt policy make-reusable ${application.id} --all`],
    details: {applicationId: application.id},
  })
}

function changedMeanwhile(ctx: AccessContext, what: string): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'RULE_CHANGED',
    message: `Somebody else is changing ${what} at this moment`,
    why: 'It was read twice, and is not the same.',
    next: [ztCommand(ctx, 'app', 'list')],
  })
}
