import {requirePermissions} from '../access/account/permissions.js'
import {unbindHosts} from '../access/account/host-bindings.js'
import type {AccessContext} from '../access/account/context.js'
import type {SetupKey, SetupRecord} from '../access/account/setup-records.js'
import {describeChanges} from '../access/edit/describe.js'
import type {Change} from '../access/edit/change.js'
import {makeEdit} from '../access/edit/make.js'
import type {UndoRecord} from '../access/edit/records.js'
import {reachOfEdit} from '../access/edit/reach.js'
import {planUndo, undoEdit, type PlannedUndo} from '../access/edit/undo.js'
import {isOlderSecret} from '../access/explain/causes.js'
import {revokeToken} from '../access/tokens/revoke.js'
import {usesOfToken} from '../access/tokens/uses.js'
import type {ServiceToken} from '../api/types.js'
import {sameJson} from '../core/canonical-json.js'
import {ztCommand} from '../core/command-line.js'
import {UserError} from '../core/errors.js'
import {endConnections} from '../tunnel/connections/end.js'
import {Checklist} from './checklist.js'
import {planSshRemoval} from './ssh-config.js'
import {sumOf} from './sum.js'
import {settleTokens} from './token.js'
import type {PlanOutline, SetupOutcome, SetupStep} from './types.js'
import {keyOf, withSetupLock, type SetupWorld} from './world.js'

export interface RemovalPlan extends PlanOutline {
  /** Undefined: no setup of the host is recorded. */
  record: SetupRecord | undefined
  changes: boolean
}

/**
 * What a setup made for the host and is still as it made it. Changes nothing.
 *
 * @param shown whether someone reads what the removal closes
 * @param rehearsed whether the steps will be taken, so that what they need is tried before
 * @throws UserError `permission` / `PERMISSION_MISSING`; of the use-cases
 */
export async function planRemoval(
  world: SetupWorld,
  host: string,
  {shown, rehearsed}: {shown: boolean; rehearsed: boolean},
): Promise<RemovalPlan> {
  const {ctx} = world
  const key = await keyOf(world, host)
  const record = await ctx.setups.read(key)
  const nothing = {
    host,
    steps: [],
    edit: undefined,
    diff: '',
    warnings: [],
    notes: [],
    record,
    changes: false,
  }
  if (!record) {
    const none = `No setup of ${host} is recorded for profile ${ctx.profile}.`
    return {...nothing, notes: [none, ...(await elsewhere(ctx, key))]}
  }
  const ssh = await sshSteps(world, record)
  const binding = await bindingStep(ctx, record)
  const {step: edit, changes, whole} = await editStep(ctx, record)
  const token = await tokenStep(ctx, record, whole ? changes : undefined)
  const steps = [...ssh.steps, ...binding, ...edit, ...token]
  if (rehearsed)
    await requirePermissions(ctx, {
      serviceTokens: token.some(({state}) => state === 'todo'),
      applications: changes.length > 0,
    })
  return {
    ...nothing,
    steps,
    changes: steps.some(({state}) => state === 'todo'),
    edit:
      changes.length === 0
        ? undefined
        : {
            changes,
            described: await describeChanges(ctx, changes),
            reach: shown ? await reachOfEdit(ctx, changes) : undefined,
          },
    diff: ssh.diff,
  }
}

/** Where else the host was set up: that is taken back only there. */
async function elsewhere(ctx: AccessContext, key: SetupKey): Promise<string[]> {
  const {records} = await ctx.setups.list()
  return records
    .filter(({host}) => host === key.host)
    .map(({profile, accountId, zoneId}) => {
      const say = {profile, profileNamed: ctx.profileNamed || profile !== ctx.profile}
      const flags = [
        ...(accountId === key.accountId ? [] : ['--account', accountId]),
        ...(zoneId === undefined ? [] : ['--zone', zoneId]),
      ]
      return `Another setup of ${key.host} is recorded. To take it back: ${ztCommand(say, 'setup', key.host, '--remove', ...flags)}`
    })
}

/**
 * Takes back what the plan says; run again after an interruption, it goes on. What is kept stays in the record.
 *
 * @throws UserError of the use-cases, with what was done before; `conflict` / `SETUP_BUSY`, `CHANGED_MEANWHILE`
 */
export async function applyRemoval(world: SetupWorld, plan: RemovalPlan): Promise<SetupOutcome> {
  const {host, record: shown} = plan
  const nothing = {steps: [], changed: false, undo: [], warnings: [], closed: []}
  if (!shown) return nothing
  return withSetupLock(world, host, async () => {
    const record = await world.ctx.setups.read(shown)
    if (!record) return nothing
    // A setup that ended meanwhile has made what the plan does not take back.
    if (!sameJson(record, shown)) throw changedMeanwhile(world.ctx, host)
    return take(world, record, plan)
  })
}

function changedMeanwhile(ctx: AccessContext, host: string): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'CHANGED_MEANWHILE',
    message: `Another zt has set up ${host} since this removal was planned`,
    why: 'Nothing was changed.',
    next: [ctx.commandLine ?? ztCommand(ctx, 'setup', host, '--remove')],
  })
}

async function take(world: SetupWorld, record: SetupRecord, plan: RemovalPlan): Promise<SetupOutcome> {
  const {ctx, settings} = world
  const list = new Checklist(world, plan.steps)
  const warnings: string[] = []
  const closed: SetupOutcome['closed'] = []
  await list.take('ssh-config', `Changing ${world.file}`, async () => {
    for (const part of record.sshConfig.toReversed()) {
      const removal = await planSshRemoval(world, record.host, part)
      if (removal?.state === 'todo') await removal.apply()
    }
    return 'ssh is configured as before'
  })
  await list.take('binding', `Binding ${record.host} as before`, async () => {
    const before = await formerBinding(ctx, record)
    await restoreBinding(ctx, record, before)
    return bindingText(record, before, 'done')
  })
  await list.take('rule', 'Undoing the edits', async () => undoEdits(ctx, record))
  await list.take('token', 'Deleting the service token', async () => {
    await settleTokens(world, record)
    const kept: string[] = []
    const tokens = await (await ctx.api()).listServiceTokens()
    const text = tokenText(record, tokens)
    for (const {id, name} of record.tokens) {
      if (id === undefined) continue
      const why = (await usedElsewhere(ctx, record, {id, tokens})) ?? (await revoke(ctx, id))
      if (typeof why === 'string') kept.push(why)
      else if (why) {
        const {paths, profileName: profile} = settings
        closed.push(
          await endConnections({state: paths.state, profile, token: why.token, keep: false, dryRun: false}),
        )
        warnings.push(...why.warnings)
      }
      if (typeof why !== 'string')
        record.tokens = record.tokens.filter((one) => one.name !== name || one.id !== id)
    }
    return kept.length === 0
      ? 'Deleted the service token and its secret'
      : {state: 'kept', text, why: kept.join('. ')}
  })
  if (list.steps.some(({state}) => state === 'kept')) await ctx.setups.write(record)
  else await ctx.setups.remove(record)
  const changed = list.steps.some(({state}) => state === 'done')
  return {steps: list.steps, changed, undo: [], warnings, closed}
}

async function sshSteps(
  world: SetupWorld,
  {sshConfig, host}: SetupRecord,
): Promise<{steps: SetupStep[]; diff: string}> {
  const found: NonNullable<Awaited<ReturnType<typeof planSshRemoval>>>[] = []
  for (const part of sshConfig.toReversed()) {
    const removal = await planSshRemoval(world, host, part)
    if (removal) found.push(removal)
  }
  const diff = found
    .map((one) => one.diff)
    .filter((one) => one !== '')
    .join('\n')
  const todo = found.filter(({state}) => state === 'todo')
  const kept = found.filter(({state}) => state === 'kept')
  const as = (some: typeof found, state: SetupStep['state']): SetupStep[] =>
    some.length === 0
      ? []
      : [{step: 'ssh-config', state, text: some.map(({text}) => text).join('; '), why: some[0]?.why}]
  return {steps: [...as(kept, 'kept'), ...as(todo, 'todo')], diff}
}

async function bindingStep(ctx: AccessContext, record: SetupRecord): Promise<SetupStep[]> {
  const {binding, host} = record
  if (!binding) return []
  const now = (await ctx.index.bindings(ctx.profile)).find((one) => one.host === host)
  // Someone has bound it to another token, or it is as before.
  if (now?.tokenId !== binding.tokenId) return []
  return [
    {step: 'binding', state: 'todo', text: bindingText(record, await formerBinding(ctx, record), 'todo')},
  ]
}

type FormerBinding = NonNullable<SetupRecord['binding']>['before']

/** The binding that the setup replaced; none if its token is no longer here. */
async function formerBinding(ctx: AccessContext, {binding}: SetupRecord): Promise<FormerBinding> {
  const before = binding?.before ?? null
  const entries = await ctx.index.list(ctx.profile)
  return entries.some(({tokenId}) => tokenId === before?.tokenId) ? before : null
}

function bindingText({host}: SetupRecord, before: FormerBinding, state: 'todo' | 'done'): string {
  if (before)
    return state === 'todo' ? `Bind ${host} to its previous token` : `${host} is bound to its previous token`
  return state === 'todo' ? `Unbind ${host}` : `${host} is not bound to a token`
}

async function restoreBinding(
  ctx: AccessContext,
  {host, binding}: SetupRecord,
  before: FormerBinding,
): Promise<void> {
  if (!binding) return
  const {tokenId} = binding
  if (before) await ctx.index.bind({profile: ctx.profile, host, ...before})
  else await unbindHosts(ctx, [{host, tokenId}])
}

/** The setup's edits that are not undone, the latest first. */
async function editsOf(ctx: AccessContext, {id}: SetupRecord): Promise<UndoRecord[]> {
  const {records} = await ctx.undo.list()
  return records.filter(({setup, state}) => setup === id && state !== 'undone')
}

/** Why an edit cannot be undone, if that is not a failure. */
const KEPT = new Set(['CHANGED_SINCE', 'UNDO_IMPOSSIBLE'])

const staysText = ({application}: SetupRecord): string =>
  application ? 'The application and its rule stay' : 'The rule stays'

/** Whether someone has changed the application that the setup created, in whatever field. */
async function changedSince(ctx: AccessContext, {application}: SetupRecord): Promise<string | undefined> {
  if (!application) return undefined
  const api = await ctx.api()
  const listed = (await api.listApplications()).some(({id}) => id === application.id)
  const now = listed ? await api.getApplication(application.id) : undefined
  return now === undefined || sumOf(now.raw) === application.sum
    ? undefined
    : `"${now.name}" has been changed since`
}

async function planned(ctx: AccessContext, {id}: UndoRecord): Promise<PlannedUndo | UserError | undefined> {
  try {
    return await planUndo(ctx, id)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    if (error.code === 'ALREADY_UNDONE') return undefined
    if (KEPT.has(error.code)) return error
    throw error
  }
}

async function editStep(
  ctx: AccessContext,
  record: SetupRecord,
): Promise<{step: SetupStep[]; changes: Change[]; whole: boolean}> {
  const changed = await changedSince(ctx, record)
  if (changed !== undefined)
    return {
      step: [{step: 'rule', state: 'kept', text: staysText(record), why: changed}],
      changes: [],
      whole: true,
    }
  const changes = new Map<string, Change>()
  const kept: UserError[] = []
  for (const edit of await editsOf(ctx, record)) {
    const plan = await planned(ctx, edit)
    if (plan instanceof UserError) kept.push(plan)
    // An edit that was interrupted may have begun what the next one made.
    else for (const one of plan?.changes ?? []) changes.set(`${one.action} ${one.target.id}`, one)
  }
  const all = [...changes.values()]
  const [first] = kept
  if (first && all.length === 0)
    return {
      step: [{step: 'rule', state: 'kept', text: staysText(record), why: first.why ?? first.message}],
      changes: [],
      whole: true,
    }
  if (all.length === 0) return {step: [], changes: [], whole: true}
  const creates = all.some(({action, target}) => action === 'delete' && target.kind === 'application')
  const leaves = all.some(({target}) => target.kind === 'application')
  const text = creates
    ? 'Delete the application and its rule'
    : leaves
      ? 'Take the rule off the application'
      : 'Delete the rule'
  // Of several edits, the earlier ones can be planned once the later ones are undone.
  return {step: [{step: 'rule', state: 'todo', text}], changes: all, whole: kept.length === 0}
}

async function undoEdits(
  ctx: AccessContext,
  record: SetupRecord,
): Promise<string | Pick<SetupStep, 'state' | 'text' | 'why'>> {
  for (const {id} of await editsOf(ctx, record)) {
    try {
      await makeEdit(ctx, () => planUndo(ctx, id), {
        shown: undefined,
        planned: () => undefined,
        apply: (one) => undoEdit(ctx, one),
      })
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      if (KEPT.has(error.code))
        return {state: 'kept', text: staysText(record), why: error.why ?? error.message}
      if (error.code !== 'ALREADY_UNDONE') throw error
    }
  }
  return 'The applications and their rules are as before'
}

/** @param undone what the removal changes before; undefined: not all of it is known yet */
async function tokenStep(
  ctx: AccessContext,
  record: SetupRecord,
  undone: readonly Change[] | undefined,
): Promise<SetupStep[]> {
  const steps: SetupStep[] = []
  const tokens = await (await ctx.api()).listServiceTokens()
  const text = tokenText(record, tokens)
  const entries = await ctx.index.list(ctx.profile)
  for (const {id, operation} of record.tokens) {
    const tokenId = id ?? entries.find((one) => one.operation === operation)?.tokenId
    const isOpen = id === undefined && (await ctx.journal.read(operation)) !== undefined
    const token = tokens.find((one) => one.id === tokenId)
    if (!token) {
      if (isOpen || entries.some((one) => one.tokenId === tokenId))
        steps.push({step: 'token', state: 'todo', text})
      continue
    }
    const why =
      (await usedElsewhere(ctx, record, {id: token.id, tokens})) ??
      (undone && (await namedElsewhere(ctx, token, undone)))
    steps.push({step: 'token', state: why === undefined ? 'todo' : 'kept', text, why})
  }
  // Several tokens are one step; what is kept of them is known when it is taken.
  return steps.some(({state}) => state === 'todo')
    ? steps.filter(({state}) => state === 'todo').slice(0, 1)
    : steps.slice(0, 1)
}

/** By the names that they have now. */
function tokenText({tokens}: SetupRecord, listed: readonly ServiceToken[]): string {
  const names = tokens.map(({id, name}) => listed.find((one) => one.id === id)?.name ?? name)
  const quoted = [...new Set(names)].map((name) => `"${name}"`)
  return `Delete the service token ${quoted.join(', ')}, with its secret`
}

/** Why a token is not deleted although the setup made it. */
async function usedElsewhere(
  ctx: AccessContext,
  {host, profile}: SetupRecord,
  {id, tokens}: {id: string; tokens: readonly ServiceToken[]},
): Promise<string | undefined> {
  const others = (await ctx.index.bindings()).filter(
    (one) => one.tokenId === id && (one.host !== host || one.profile !== profile),
  )
  if (others.length > 0) return `It is used for ${[...new Set(others.map((one) => one.host))].join(', ')} too`
  const token = tokens.find((one) => one.id === id)
  const entry = (await ctx.index.list(profile)).find(({tokenId}) => tokenId === id)
  const isOld = token && entry && isOlderSecret(entry, token)
  return isOld ? 'It was rotated elsewhere, so someone else may use it' : undefined
}

/** @param undone what the removal changes before */
async function namedElsewhere(
  ctx: AccessContext,
  token: ServiceToken,
  undone: readonly Change[],
): Promise<string | undefined> {
  const going = new Set(undone.map(({target}) => target.id))
  const {references} = await usesOfToken(ctx, token)
  const others = references.filter(({id}) => !going.has(id)).map(({name}) => `"${name}"`)
  return others.length === 0 ? undefined : `${[...new Set(others)].join(', ')} still names it`
}

/** @returns why it is kept; undefined if it was gone already */
async function revoke(
  ctx: AccessContext,
  id: string,
): Promise<string | {token: {id: string; clientId: string}; warnings: string[]} | undefined> {
  try {
    return await revokeToken(ctx, {token: id})
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    if (error.code === 'TOKEN_NOT_FOUND') return undefined
    if (error.code === 'TOKEN_IN_USE') return error.why ?? error.message
    throw error
  }
}
