import {ztCommand} from '../core/command-line.js'
import {randomUUID} from 'node:crypto'
import {bindHosts} from '../access/account/host-bindings.js'
import type {SetupKey, SetupRecord} from '../access/account/setup-records.js'
import type {AppliedEdit} from '../access/edit/apply.js'
import {whileProfileRemains} from '../access/tokens/profile-lock.js'
import type {SetupPlan} from './plan.js'
import {admit} from './admission.js'
import {Checklist} from './checklist.js'
import {untilAccepted} from './edge.js'
import {applySshPart} from './ssh-config.js'
import {sumOf} from './sum.js'
import {makeToken} from './token.js'
import type {SetupOutcome} from './types.js'
import {keyOf, withSetupLock, type SetupWorld} from './world.js'

/**
 * Takes the steps of a plan, except for the connection. What this changes is in the record of the host before it is changed;
 * run again after it was interrupted at any point, it does what is missing.
 *
 * @throws UserError of the use-cases, with what was done before; `conflict` / `SETUP_BUSY`
 */
export async function applySetup(world: SetupWorld, plan: SetupPlan): Promise<SetupOutcome> {
  return withSetupLock(world, plan.host, async () => {
    const {ctx} = world
    const key = await keyOf(world, plan.host)
    const record = (await ctx.setups.read(key)) ?? newRecord(key, ctx.clock.now())
    if (plan.changes) await whileProfileRemains(ctx, () => ctx.setups.write(record))
    return take({...world, ctx: {...ctx, undo: ctx.undo.forSetup(record.id)}}, plan, record)
  })
}

/** A record of nothing yet, not written. */
function newRecord(key: SetupKey, now: number): SetupRecord {
  return {id: randomUUID(), ...key, startedAt: new Date(now).toISOString(), tokens: [], sshConfig: []}
}

/** An application that was created within this time may be new to the edge. */
const NEW_MS = 10 * 60_000

async function take(world: SetupWorld, plan: SetupPlan, record: SetupRecord): Promise<SetupOutcome> {
  const {ctx} = world
  const {host, application, admission, sshPart} = plan
  const list = new Checklist(world, plan.steps, ztCommand(ctx, 'setup', host, '--remove'))
  const warnings: string[] = []
  const undo: string[] = []
  let {token} = plan.token
  const command = ctx.commandLine ?? `zt setup ${host}`
  const shown = plan.edit?.reach !== undefined

  await list.take('token', `Creating the service token "${token.name}"`, async () => {
    const made = await makeToken(world, record, plan.token, plan.duration)
    token = made.token
    warnings.push(...made.warnings)
    return made.created
      ? `Created the service token "${token.name}"`
      : `The service token "${token.name}" was created meanwhile, with its secret here`
  })
  const edit = async (): Promise<AppliedEdit | undefined> => {
    if (!admission) return undefined
    const wish = {host, application, token, withReach: shown}
    const applied = await admit(ctx, wish, admission, command)
    warnings.push(...applied.warnings)
    if (applied.undoId !== undefined) undo.push(applied.undoId)
    return applied
  }
  // A new application is created with its rule, and never exists without it.
  const creates = application.id === undefined
  await list.take('application', `Creating the application "${application.name}"`, async () => {
    await noteApplication(world, record, await edit())
    return `Created the application "${application.name}" for ${host}`
  })
  await list.take('rule', `Admitting "${token.name}"`, async () => {
    if (!creates) await edit()
    return `Access admits "${token.name}" to "${application.name}"`
  })
  await list.take('binding', `Binding ${host}`, async () => {
    await bind(world, host, token, record)
    return `zt uses "${token.name}" for ${host}`
  })
  await list.take('edge', 'Asking the edge', async () => {
    const isNew =
      record.application !== undefined && ctx.clock.now() - Date.parse(record.application.createdAt) < NEW_MS
    const {seconds, banner} = await untilAccepted(world, host, {isNew, isClosed: plan.isClosed})
    const after = seconds === 0 ? '' : ` after ${seconds} s`
    return `The edge accepted the token${after}; the server says ${banner}`
  })
  await list.take('ssh-config', `Changing ${world.file}`, async () => {
    if (!sshPart) return ''
    const done = await applySshPart(world, plan.ssh, sshPart, record)
    warnings.push(...done.warnings)
    return done.text
  })
  return {steps: list.steps, changed: plan.changes, undo, warnings, closed: []}
}

/** What a removal compares: an application that someone changes later is kept. */
async function noteApplication(
  world: SetupWorld,
  record: SetupRecord,
  applied: AppliedEdit | undefined,
): Promise<void> {
  const created = applied?.changes.find(
    ({action, target}) => action === 'create' && target.kind === 'application',
  )
  if (!created) return
  const {id} = created.target
  const {ctx} = world
  const {raw} = await (await ctx.api()).getApplication(id)
  const createdAt = new Date(ctx.clock.now()).toISOString()
  record.application = {id, createdAt, sum: sumOf(raw)}
  await ctx.setups.write(record)
}

/** Binds the host to the token, and records the previous binding before. */
async function bind(
  world: SetupWorld,
  host: string,
  {id, name}: {id: string; name: string},
  record: SetupRecord,
): Promise<void> {
  const {ctx} = world
  const existing = (await ctx.index.bindings(ctx.profile)).find((one) => one.host === host)
  // A binding of an earlier run is not what was there before.
  const ours = existing !== undefined && record.binding?.tokenId === existing.tokenId
  const before = existing && {tokenId: existing.tokenId, boundAt: existing.boundAt}
  record.binding = {tokenId: id, before: ours ? (record.binding?.before ?? null) : (before ?? null)}
  await ctx.setups.write(record)
  await bindHosts(ctx, {
    tokenId: id,
    bound: [{host, token: name, replaced: existing !== undefined}],
    connect: [],
    warnings: [],
  })
}
