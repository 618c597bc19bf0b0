import type {AccessApi} from '../../api/types.js'
import {sameJson} from '../../core/canonical-json.js'
import type {JsonObject} from '../../core/json.js'
import {ApiError, interrupted, UserError} from '../../core/errors.js'
import {askEach} from '../account/ask-each.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'
import {eventually, isGone, mayBeDone} from '../account/outcome.js'
import {patient} from '../../core/patience.js'
import {restated} from './errors.js'
import {changedFields, missingFields, type Change} from './change.js'
import {differingFields, sameField} from './compare.js'
import {withoutSecretFields, withSecretFields} from './hidden-fields.js'
import {
  applicationOf,
  chosenFields,
  createObject,
  deleteObject,
  inWords,
  listObjects,
  readObject,
  withFields,
  writeObject,
  type ObjectRef,
} from './object.js'

/**
 * The outcome of one change. `done` with `problem`: it was made, but the object is not as it should be, or could not be
 * read again.
 */
export type StepResult =
  | {state: 'done'; id: string; problem?: UserError | undefined}
  | {state: 'not-done'; error: unknown}
  | {state: 'unknown'; error: ApiError}

/** A change that was sent and not answered may still be on its way when zt looks for it at once. */
const SETTLE_MS = 1000
const RECENT_MS = 10 * 60_000
/** Seen by the author of another client: an application's write knows a new policy after up to 45 seconds. */
const REFUSED_MS = 60_000

/**
 * The object as it is now, provided that it is as it was when the change was planned.
 *
 * @returns undefined for a create
 * @throws UserError `conflict` / `CHANGED_MEANWHILE`, which names the fields; ApiError
 */
export async function requireUntouched(api: AccessApi, change: Change): Promise<JsonObject | undefined> {
  const {target, before} = change
  if (!before) return undefined
  const now = await readObject(api, target)
  // An object that this edit created was planned without the fields that the server sets.
  const made = before['id'] === undefined
  const fields = now
    ? made
      ? missingFields(target, before, now)
      : differingFields(target.kind, before, now)
    : []
  // Links are sent only if they are to change; otherwise other steps of the same edit may move them.
  const matters = changedFields(change).includes('policies')
    ? fields
    : fields.filter((one) => one !== 'policies')
  if (now && matters.length === 0) return now
  throw new UserError({
    kind: 'conflict',
    code: 'CHANGED_MEANWHILE',
    message: now
      ? `Someone has changed ${inWords(target)} in the meantime`
      : `Someone has deleted ${inWords(target)} in the meantime`,
    why: now ? `These fields have changed since zt read it: ${matters.join(', ')}.` : undefined,
    next: ['Run the command again and check the new difference'],
    details: {kind: target.kind, id: target.id, fields: matters},
  })
}

/**
 * Makes one change: writes, finds out whether it was made if the answer was lost, reads back and compares.
 *
 * @param now what {@link requireUntouched} returned just before
 * @param twins IDs of objects like the one that a create makes, which existed before
 * @param made IDs of objects that the same edit created
 */
export async function makeChange(
  ctx: AccessContext,
  api: AccessApi,
  change: Change,
  now: JsonObject | undefined,
  twins: readonly string[],
  made: ReadonlySet<string> = new Set(),
): Promise<StepResult> {
  let id = change.target.id
  const wait = new Wait(ctx, change)
  for (;;) {
    try {
      id = await send(ctx, api, change, now)
      break
    } catch (error) {
      // After an unexpected error no one knows: it must not look as if nothing was sent.
      if (!(error instanceof UserError)) throw error
      if (!mayBeDone(error)) return {state: 'not-done', error}
      const settled = await settle(ctx, api, change, twins, error).catch(() => undefined)
      const passes = await passesInTime(ctx, api, change, error, made)
      if (settled === 'not-done' && passes && (await wait.once(passes))) continue
      // Refused, and nothing contradicts that.
      if (settled === undefined && !error.outcomeUnknown) return {state: 'not-done', error}
      if (settled === undefined || settled === 'unknown') return {state: 'unknown', error}
      if (settled === 'not-done')
        return {state: 'not-done', error: error.outcomeUnknown ? lookedUp(change, error) : wait.ended(error)}
      id = settled.id
      break
    }
  }
  if (change.action === 'create') {
    const made = await requireOwn(ctx, api, change, {id, twins})
    if ('error' in made) return {state: 'unknown', error: made.error}
    id = made.id
    if (made.more.length > 0) return {state: 'done', id, problem: madeTwice(change.target, made.more)}
  }
  return {
    state: 'done',
    id,
    problem: await verify(ctx, api, {...change, target: {...change.target, id}}, now),
  }
}

/**
 * Why a refused change may be accepted later, in words for the progress; undefined if waiting does not help. The same
 * change is sent again, and what it refers to is never created a second time.
 */
async function passesInTime(
  ctx: AccessContext,
  api: AccessApi,
  {action, after}: Change,
  error: ApiError,
  made: ReadonlySet<string>,
): Promise<string | undefined> {
  // The client itself sends everything but a create again.
  if (error.code === 'PERMISSION_UNCERTAIN')
    return action === 'create' ? 'Cloudflare may be limiting requests' : undefined
  if (error.code !== 'POLICY_UNKNOWN') return undefined
  const links = after?.['policies']
  const linked = Array.isArray(links) ? links.map((link) => String((link as JsonObject)['id'])) : []
  const {policyId} = error.details
  const meant = linked.filter((id) => policyId === undefined || policyId === id)
  const isNew = meant.some((id) => made.has(id)) || (await wasJustCreated(ctx, api, meant))
  return isNew ? 'Waiting until Cloudflare knows the new policy' : undefined
}

/** Whether one of these policies exists since a short while, by an earlier edit. */
async function wasJustCreated(ctx: AccessContext, api: AccessApi, ids: readonly string[]): Promise<boolean> {
  let isNew = false
  await askEach(api, ids, {
    doing: 'Reading the policies',
    goesOn: () => !isNew,
    async ask(id) {
      const found = await readObject(api, {kind: 'policy', id, name: id}).catch(() => undefined)
      if (typeof found?.['created_at'] === 'string' && isRecent(ctx, api, found)) isNew = true
    },
  })
  return isNew
}

/** Waits a bounded time in total, with growing pauses. */
class Wait {
  #waited = 0
  #pause = 1000

  constructor(
    readonly ctx: AccessContext,
    readonly change: Change,
  ) {}

  /** @returns false, at once, if the time is used up */
  async once(why: string): Promise<boolean> {
    if (this.#waited >= patient(REFUSED_MS)) return false
    await this.ctx.interruptible(
      () => interrupted({why: `${capitalised(notDone(this.change))}: Cloudflare has refused it so far.`}),
      () => {
        this.ctx.progress.wait(why)
        return this.ctx.sleep(this.#pause)
      },
    )
    this.#waited += this.#pause
    this.#pause = Math.min(this.#pause * 2, 5000)
    return true
  }

  /** The refusal, with how long zt has waited. */
  ended(error: ApiError): ApiError {
    if (this.#waited === 0) return error
    const waited = `zt has waited ${Math.round(this.#waited / 1000)} seconds, and has sent the same change again.`
    return error.with({
      why: [...error.whyLines, waited],
      next: [
        'Run the command again in a minute',
        ...error.next.filter((one) => !one.startsWith('Run the command')),
      ],
    })
  }
}

/**
 * The object that a create made: the one in the answer, if it matches the request and did not exist before. An undo
 * must never delete another object.
 */
async function requireOwn(
  ctx: AccessContext,
  api: AccessApi,
  {target, after = {}}: Change,
  {id, twins}: {id: string; twins: readonly string[]},
): Promise<{id: string; more: string[]} | {error: ApiError}> {
  let found: JsonObject | undefined
  try {
    found = await eventually(
      ctx,
      () => readObject(api, {...target, id}),
      (one) => one !== undefined,
    )
    const isNew = found !== undefined && !twins.includes(id)
    // No two applications have one domain, and there may be thousands to list.
    const unique = target.kind === 'application' && typeof after['domain'] === 'string'
    const isLike = found !== undefined && missingFields(target, after, found).length === 0
    if (isNew && isLike && unique) return {id, more: []}
    const like = (await findLike(api, target, after)).filter((one) => !twins.includes(one))
    const more = like.filter((one) => one !== id)
    if (isNew && isLike) return {id, more}
    const [other] = like
    if (other !== undefined && like.length === 1) return {id: other, more: []}
    // The server changed what was sent; the comparison reports how.
    if (isNew && found?.['name'] === after['name'] && isRecent(ctx, api, found ?? {})) return {id, more}
  } catch (error) {
    // It was answered but cannot be read now; the comparison reports that.
    if (error instanceof ApiError && !isGone(error)) return {id, more: []}
    throw error
  }
  return {
    error: new ApiError({
      kind: 'api',
      code: 'BAD_ANSWER',
      message: `Cannot create ${inWords(target)}: the answer of the API makes no sense`,
      why: found ? 'It names a different object.' : 'It names an object that does not exist.',
      outcomeUnknown: true,
    }),
  }
}

/** Created within the last minutes by the server's clock, or at an unknown time. */
function isRecent(ctx: AccessContext, api: AccessApi, found: JsonObject): boolean {
  const at = Date.parse(String(found['created_at']))
  return Number.isNaN(at) || Math.abs(cloudflareNow(ctx, api) - at) < RECENT_MS
}

function madeTwice(target: ObjectRef, more: string[]): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'MADE_TWICE',
    message: `${capitalised(inWords(target))} was created more than once`,
    why: `The request may have arrived twice, or someone else created the same at the same moment. The others: ${more.join(', ')}.`,
    details: {kind: target.kind, others: more},
  })
}

/** For the beginning of a sentence. */
export function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

async function send(
  ctx: AccessContext,
  api: AccessApi,
  {action, target, before = {}, after = {}}: Change,
  now: JsonObject = {},
): Promise<string> {
  switch (action) {
    case 'create':
      return createObject(api, target, after)
    case 'delete':
      await deleteObject(api, target)
      return target.id
    case 'make-reusable':
      return (await api.makePolicyReusable(applicationOf(target), target.id)).id
    case 'replace': {
      const fields = changedFields({action, target, before, after})
      const wanted = Object.fromEntries(fields.map((field) => [field, after[field]]))
      await writeObject(api, target, now, wanted, (whole) => withSecretFields(ctx, target, whole))
      return target.id
    }
  }
}

/** The outcome of a change whose answer was lost, by what exists now. */
async function settle(
  ctx: AccessContext,
  api: AccessApi,
  change: Change,
  twins: readonly string[],
  {outcomeUnknown}: ApiError,
): Promise<{id: string} | 'not-done' | 'unknown'> {
  const first = await lookFor(api, change, twins)
  // A refused change is not on its way.
  if (first !== 'not-done' || !outcomeUnknown) return first
  await ctx.sleep(SETTLE_MS)
  return lookFor(api, change, twins)
}

async function lookFor(
  api: AccessApi,
  change: Change,
  twins: readonly string[],
): Promise<{id: string} | 'not-done' | 'unknown'> {
  const {action, target, before = {}, after = {}} = change
  switch (action) {
    case 'create': {
      const found = (await findLike(api, target, after)).filter((id) => !twins.includes(id))
      const [id] = found
      if (id === undefined) return 'not-done'
      return found.length === 1 ? {id} : 'unknown'
    }
    case 'delete':
      return (await readObject(api, target)) ? 'not-done' : {id: target.id}
    case 'make-reusable':
      if (await readObject(api, target)) return 'not-done'
      return (await readObject(api, {...target, kind: 'policy'})) ? {id: target.id} : 'unknown'
    case 'replace': {
      const now = await readObject(api, target)
      if (!now) return 'unknown'
      const is = (state: JsonObject, same: typeof sameField): boolean =>
        changedFields(change).every((field) => same(target.kind, field, now[field], state[field]))
      const exactly: typeof sameField = (_kind, _field, one, other) => sameJson(one, other)
      // A change to what means the same, such as a default, is made only if it is there to the letter.
      const same = changedFields(change).every((field) =>
        sameField(target.kind, field, before[field], after[field]),
      )
        ? exactly
        : sameField
      if (is(after, same)) return {id: target.id}
      return is(before, sameField) ? 'not-done' : 'unknown'
    }
  }
}

/** The IDs of objects that are as a create would make one. */
export async function findLike(api: AccessApi, target: ObjectRef, after: JsonObject): Promise<string[]> {
  return (await listObjects(api, target))
    .filter((one) => missingFields(target, after, one).length === 0)
    .map((one) => String(one['id']))
}

/** Undefined if the object is as it should be. */
async function verify(
  ctx: AccessContext,
  api: AccessApi,
  change: Change,
  now: JsonObject = {},
): Promise<UserError | undefined> {
  try {
    return await eventually(
      ctx,
      () => compare(ctx, api, change, now),
      (problem) => problem === undefined,
    )
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}

async function compare(
  ctx: AccessContext,
  api: AccessApi,
  change: Change,
  now: JsonObject,
): Promise<UserError | undefined> {
  const {action, target, after = {}} = change
  const found = await readObject(api, action === 'make-reusable' ? {...target, kind: 'policy'} : target)
  if (action === 'delete') return found && notAsExpected(target, ['it is still there'])
  if (!found) return notAsExpected(target, ['it is not there'])
  if (action === 'create') {
    const wrong = missingFields(target, after, found)
    return wrong.length > 0 ? notAsExpected(target, wrong) : undefined
  }
  if (action === 'make-reusable') {
    // Its precedence belongs to the application from now on.
    const {precedence: _, ...rest} = chosenFields(after)
    const wrong = missingFields(target, rest, found)
    return wrong.length > 0 ? notAsExpected(target, wrong) : undefined
  }
  const asked = Object.fromEntries(changedFields(change).map((field) => [field, after[field]]))
  const [expected, seen] = [withFields(now, asked), found].map((one) => withoutSecretFields(ctx, target, one))
  const wrong = differingFields(target.kind, expected ?? {}, seen ?? {}, {written: true})
  return wrong.length > 0 ? notAsExpected(target, wrong) : undefined
}

function notAsExpected(target: ObjectRef, fields: string[]): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'NOT_AS_EXPECTED',
    message: `The change was made, but ${inWords(target)} is not as expected`,
    why: `Not as expected: ${fields.join(', ')}. Someone may have changed it at the same moment.`,
    details: {kind: target.kind, id: target.id, fields},
  })
}

/** The same error, now that the change is known not to have been made. */
function lookedUp(change: Change, error: ApiError): unknown {
  return restated(error, {why: [`zt has checked: ${notDone(change)}.`], outcomeUnknown: false})
}

function notDone({action, target}: Change): string {
  const done = {create: 'created', replace: 'changed', delete: 'deleted', 'make-reusable': 'made reusable'}
  return `${inWords(target)} was not ${done[action]}`
}
