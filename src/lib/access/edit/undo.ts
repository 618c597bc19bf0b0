import type {AccessApi, Rule} from '../../api/types.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {UserError} from '../../core/errors.js'
import {ztCommand} from '../../core/command-line.js'
import type {Unread} from '../../system/own-json.js'
import {askInTurn} from '../account/ask-each.js'
import type {AccessContext} from '../account/context.js'
import {applyChanges, requireNotUndone, type AppliedEdit} from './apply.js'
import {withIds, type Change} from './change.js'
import {invert, valuesOf} from './invert.js'
import type {RecordedChange, UndoRecord} from './records.js'
import {inWords, isNewId} from './object.js'
import {capitalised, findLike} from './step.js'

export interface PlannedUndo {
  record: UndoRecord
  /** Empty: everything is already as it was before the edit. */
  changes: Change[]
  /** What does not come back, or not as it was: sentences without full stop. */
  notes: string[]
  renamed: ReadonlyMap<string, string>
}

export interface UndoList {
  /** Of this profile (and account, if known), the latest first. */
  records: UndoRecord[]
  /** How many belong to other profiles and accounts. */
  elsewhere: number
  unread: Unread
}

/** The edits made from here. Does not ask the API. */
export async function listUndo(ctx: AccessContext): Promise<UndoList> {
  const {records, unread} = await ctx.undo.list()
  const own = records.filter(
    ({profile, accountId}) =>
      profile === ctx.profile && (ctx.accountId === undefined || accountId === ctx.accountId),
  )
  return {records: own, elsewhere: records.length - own.length, unread}
}

/**
 * The latest edit that has not been undone. An undo does not count as an edit, but the undo of an undo does: repeated, this
 * goes back edit by edit.
 *
 * @throws UserError `not-found` / `NOTHING_TO_UNDO`
 */
export async function latestEdit(ctx: AccessContext): Promise<string> {
  const {records} = await listUndo(ctx)
  const byId = new Map(records.map((record) => [record.id, record]))
  const isUndo = ({undoes}: UndoRecord): boolean => {
    if (undoes === undefined) return false
    const undone = byId.get(undoes)
    return !undone || !isUndo(undone)
  }
  const latest = records.find((record) => record.state !== 'undone' && !isUndo(record))
  if (latest) return latest.id
  throw new UserError({
    kind: 'not-found',
    code: 'NOTHING_TO_UNDO',
    message: `There is nothing to undo for profile ${ctx.profile}`,
    why: 'All edits of it that this machine remembers have been undone.',
    next: [ztCommand(ctx, 'undo')],
  })
}

/**
 * How an edit would be undone, given what exists now. A field that someone has changed since is not overwritten.
 *
 * @throws UserError `not-found` / `UNDO_NOT_FOUND`; `conflict` / `ALREADY_UNDONE`, `UNDO_ELSEWHERE`, `UNDO_IMPOSSIBLE`,
 *   `CHANGED_SINCE` (names the fields); ApiError
 */
export async function planUndo(ctx: AccessContext, id: string): Promise<PlannedUndo> {
  const record = await ctx.undo.read(id)
  requireOwn(ctx, record, ctx.accountId, record.zoneId)
  requireNotUndone(ctx, record)
  const api = await ctx.api()
  requireOwn(ctx, record, api.accountId, api.zoneId)
  ctx.progress.step('Reading the current state')
  const {changes, conflicts, impossible, renamed, ...inverse} = await invert(
    api,
    await withPresentIds(ctx, api, record),
  )
  conflicts.push(...(await attachedElsewhere(api, changes)))
  impossible.push(...(await namesDeletedToken(api, changes)))
  const notes = [...inverse.notes, ...inverse.stays]
  const noWay = impossible.length > 0 || (changes.length === 0 && conflicts.length === 0 && notes.length > 0)
  if (noWay) {
    throw new UserError({
      kind: 'conflict',
      code: 'UNDO_IMPOSSIBLE',
      message: 'This edit cannot be undone',
      why: [...impossible, ...notes].map((one) => `${capitalised(one)}.`),
      next: [`Earlier edits may still be undone: ${ztCommand(ctx, 'undo')}`],
      details: {id: record.id},
    })
  }
  if (conflicts.length > 0) {
    throw new UserError({
      kind: 'conflict',
      code: 'CHANGED_SINCE',
      message: 'This edit cannot be undone: what it changed has been changed since',
      why: `Changed since: ${conflicts.join('; ')}. The undo changed nothing.`,
      next: [`If that was an edit made with zt, undo it first: ${ztCommand(ctx, 'undo')}`],
      details: {id: record.id, changedSince: conflicts},
    })
  }
  return {record, changes, notes, renamed}
}

/**
 * Undoes an edit as it was planned. The undo is an edit itself, and can be undone.
 *
 * @throws UserError as {@link applyChanges}
 */
export async function undoEdit(
  ctx: AccessContext,
  {record, changes, renamed}: PlannedUndo,
): Promise<AppliedEdit> {
  if (changes.length === 0) await ctx.undo.update({...record, state: 'undone'})
  const command = `zt undo ${record.id} (${record.command})`
  return applyChanges(ctx, changes, {command, undoes: record.id, renamed})
}

/** An object that an undo or a take-back created again has another ID than when the edit was made. */
async function withPresentIds(
  ctx: AccessContext,
  api: AccessApi,
  {id, changes}: UndoRecord,
): Promise<RecordedChange[]> {
  const {records} = await ctx.undo.list()
  const later = records.filter((one) => one.id >= id)
  const known = later.flatMap(({renamed = {}}) => Object.values(renamed))
  const taken = new Set(known.filter((one) => !isNewId(one)))
  const renamed = new Map<string, string>()
  // The latest first, so that the end of a chain is known when its beginning comes.
  const noting = later.flatMap((record) =>
    Object.entries(record.renamed ?? {}).map(([was, noted]) => ({record, was, noted})),
  )
  await askInTurn(api, noting, async ({record, was, noted}) => {
    const is = isNewId(noted) ? await findReturned(api, record, {was, noted, taken}) : noted
    if (is === undefined) return
    taken.add(is)
    renamed.set(was, renamed.get(is) ?? is)
  })
  return withIds(changes, renamed)
}

/** An object whose creation was begun and not noted as done: it is found by its content, and by being new. */
async function findReturned(
  api: AccessApi,
  {changes}: UndoRecord,
  {was, noted, taken}: {was: string; noted: string; taken: ReadonlySet<string>},
): Promise<string | undefined> {
  const again = changes.find(({target}) => target.id === noted)
  const entry = again ?? changes.find(({action, target}) => action === 'delete' && target.id === was)
  if (!entry || isNewId(entry.target.application?.id ?? '')) return undefined
  const like = await findLike(api, entry.target, valuesOf(entry.fields, again ? 'after' : 'before'))
  const found = like.filter((one) => !entry.twins?.includes(one) && !taken.has(one))
  return found.length === 1 ? found[0] : undefined
}

/** Policies that the edit created and someone has since attached to other applications: they must not be deleted. */
async function attachedElsewhere(api: AccessApi, changes: readonly Change[]): Promise<string[]> {
  const attached = changes.flatMap(({action, target, before}) => {
    const uses = before?.['app_count']
    if (action !== 'delete' || target.kind !== 'policy' || typeof uses !== 'number') return []
    const leaving = changes.filter((one) => has(one.before, target.id) && !has(one.after, target.id))
    return uses > leaving.length ? [{target, going: new Set(leaving.map((one) => one.target.id))}] : []
  })
  if (attached.length === 0) return []
  const all = await api.listApplications()
  return attached.map(({target, going}) => {
    const others = all.filter((app) => !going.has(app.id) && app.policies.some(({id}) => id === target.id))
    const where = others.map(({name}) => `"${name}"`).join(', ')
    return `${inWords(target)} is also attached to ${where === '' ? 'other applications' : where}`
  })
}

/** A rule that names a deleted service token would admit no one, and would not say so. */
async function namesDeletedToken(api: AccessApi, changes: readonly Change[]): Promise<string[]> {
  const added = changes.flatMap(({before, after}) => {
    const had = new Set(tokensNamedBy(before))
    return tokensNamedBy(after).filter((id) => !had.has(id))
  })
  if (added.length === 0) return []
  let existing: Set<string>
  try {
    existing = new Set((await api.listServiceTokens()).map(({id}) => id))
  } catch (error) {
    // Cloudflare itself refuses a token that does not exist, as far as it checks.
    if (error instanceof UserError && error.kind === 'permission') return []
    throw error
  }
  const gone = [...new Set(added)].filter((id) => !existing.has(id))
  return gone.map((id) => `It would bring back rules for the service token ${id}, which has been deleted`)
}

function tokensNamedBy(state: JsonObject = {}): string[] {
  const rules = ['include', 'require', 'exclude'].flatMap((part) => (state[part] ?? []) as Rule[])
  return rules.flatMap((rule) => {
    const token = rule['service_token']
    return isJsonObject(token) ? [String(token['token_id'])] : []
  })
}

function has(state: JsonObject | undefined, policyId: string): boolean {
  const links = state?.['policies']
  return Array.isArray(links) && links.some((link) => (link as JsonObject)['id'] === policyId)
}

function requireOwn(
  ctx: AccessContext,
  record: UndoRecord,
  accountId: string | undefined,
  zoneId: string | undefined,
): void {
  const otherAccount = accountId !== undefined && accountId !== record.accountId
  if (record.profile === ctx.profile && !otherAccount && zoneId === record.zoneId) return
  const where =
    record.profile === ctx.profile
      ? `account ${record.accountId}${record.zoneId === undefined ? '' : `, zone ${record.zoneId}`}`
      : `profile ${record.profile}`
  const again = ztCommand(
    {profile: record.profile, profileNamed: record.profile !== ctx.profile},
    'undo',
    record.id,
    ...(record.zoneId === undefined ? [] : ['--zone', record.zoneId]),
  )
  throw new UserError({
    kind: 'conflict',
    code: 'UNDO_ELSEWHERE',
    message: `This edit was made with ${where}`,
    why: 'It can be undone only there. Nothing was changed.',
    next: otherAccount
      ? []
      : [record.zoneId === undefined && zoneId !== undefined ? `Run ${again} without --zone` : again],
    details: {profile: record.profile, accountId: record.accountId},
  })
}
