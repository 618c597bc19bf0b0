import type {AccessApi} from '../../api/types.js'
import type {JsonObject} from '../../core/json.js'
import {interrupted, UserError, messageOf} from '../../core/errors.js'
import {redact} from '../../core/redact.js'
import {tidy} from '../../core/tidy.js'
import {ztCommand} from '../../core/command-line.js'
import {askEach, askInTurn} from '../account/ask-each.js'
import type {AccessContext} from '../account/context.js'
import {fieldChanges, withIds, type Change} from './change.js'
import {restated} from './errors.js'
import {invert} from './invert.js'
import type {RecordedChange, UndoRecord} from './records.js'
import {capitalised, findLike, makeChange, requireUntouched} from './step.js'
import {inWords, isNewId, newId, type ObjectRef} from './object.js'

/** What an edit did. */
export interface AppliedEdit {
  /** For `zt undo`; undefined if nothing was changed. */
  undoId: string | undefined
  /** As they were made, with the IDs of new objects. */
  changes: Change[]
  /** The IDs of new objects, by their `newId`s. */
  ids: ReadonlyMap<string, string>
  warnings: string[]
}

export interface EditRecordOptions {
  /** The zt command in words; secrets in it are hidden. */
  command: string
  /** The record that these changes undo. */
  undoes?: string | undefined
  /** The `newId`s of objects that are created again, by their previous IDs. */
  renamed?: ReadonlyMap<string, string> | undefined
  /** What must be done before the first write, once the edit is recorded. If it throws, nothing is written. */
  prepare?: (() => Promise<void>) | undefined
}

/**
 * Makes all of the changes or none. Each object is read again before it is written, and must be as it was when the change
 * was planned; it is read once more afterwards, and must differ only by what was asked. How to undo the edit is recorded
 * before the first write. If a change fails, the previous ones are taken back.
 *
 * The API has no conditional writes: what someone else writes in the milliseconds between zt's read and write is lost
 * unnoticed. {@link makeEdit} keeps other zt processes of this user out.
 *
 * @param options for the undo record
 * @throws UserError `conflict` / `CHANGED_MEANWHILE`: nothing was written; `NOT_AS_EXPECTED`: it was written, and differs
 *   in the fields named; `ALREADY_UNDONE`; ApiError. Each says what has been changed
 */
export async function applyChanges(
  ctx: AccessContext,
  changes: readonly Change[],
  options: EditRecordOptions,
): Promise<AppliedEdit> {
  const nothing: AppliedEdit = {undoId: undefined, changes: [], ids: new Map(), warnings: []}
  if (changes.length === 0) return nothing
  const api = await ctx.api()
  if (options.undoes !== undefined) requireNotUndone(ctx, await ctx.undo.read(options.undoes))
  const {prepare} = options
  const first = prepare ? undefined : await lookAtAll(ctx, api, changes)
  const edit = new Edit(ctx, api, changes, await begin(ctx, api, changes, options))
  return ctx.interruptible(
    (inner) => edit.interrupted(inner),
    async () => edit.run(prepare ? await edit.prepared(prepare) : first),
  )
}

/** @throws UserError `conflict` / `ALREADY_UNDONE` */
export function requireNotUndone(ctx: AccessContext, {state, undoneBy}: UndoRecord): void {
  if (state !== 'undone') return
  throw new UserError({
    kind: 'conflict',
    code: 'ALREADY_UNDONE',
    message: 'This edit has already been undone',
    next:
      undoneBy === undefined ? [] : [`To make it again, undo the undo: ${ztCommand(ctx, 'undo', undoneBy)}`],
    details: {undoneBy},
  })
}

/** Nothing is written until everything is known to be untouched. Objects of several changes are read again in their turn. */
async function lookAtAll(
  ctx: AccessContext,
  api: AccessApi,
  changes: readonly Change[],
): Promise<JsonObject | undefined> {
  const seen = new Set<string>()
  const fresh = changes.filter(({target: {kind, id, application}}) => {
    const key = `${kind}/${id}`
    const isFresh = !isNewId(id) && !seen.has(key)
    seen.add(key)
    // Creating or deleting an inline policy changes its application.
    if (application) seen.add(`application/${application.id}`)
    return isFresh
  })
  try {
    const found = await askEach(api, fresh, {
      doing: READING_AGAIN,
      progress: ctx.progress,
      ask: (change) => requireUntouched(api, change),
    })
    return fresh[0] === changes[0] ? found[0] : undefined
  } catch (error) {
    throw restated(error, {why: ['Nothing was changed.']})
  }
}

async function begin(
  ctx: AccessContext,
  api: AccessApi,
  changes: readonly Change[],
  {command, undoes, renamed}: EditRecordOptions,
): Promise<UndoRecord> {
  const {accountId, zoneId} = api
  if (accountId === undefined) throw noAccount()
  const twins = new Map<Change, string[]>()
  const created = changes.filter(({action}) => action === 'create')
  await askInTurn(api, created, async (change) => twins.set(change, await twinsOf(api, change)))
  const recorded = changes.map((change): RecordedChange => {
    const like = twins.get(change) ?? []
    return {...inRecord(change), ...(like.length > 0 && {twins: like})}
  })
  const now = ctx.clock.now()
  const at = new Date(now).toISOString()
  return ctx.undo.begin(
    {
      profile: ctx.profile,
      accountId,
      zoneId,
      at,
      command: redact(command),
      undoes,
      // From the start: an edit that is killed must not make its objects again under yet another ID.
      ...(renamed && renamed.size > 0 && {renamed: Object.fromEntries(renamed)}),
      changes: recorded,
    },
    now,
  )
}

/** A zone that is given by its ID can be read without an account. */
function noAccount(): UserError {
  return new UserError({
    kind: 'usage',
    code: 'ACCOUNT_REQUIRED',
    message: 'zt does not know the account',
    why: 'The record for undoing an edit needs it. Nothing was changed.',
    next: ['Give --account ID, or set CLOUDFLARE_ACCOUNT_ID'],
  })
}

function inRecord(change: Change): RecordedChange {
  return {action: change.action, target: change.target, fields: fieldChanges(change)}
}

/** Existing objects like the one to be created: if the answer is lost, it is none of these. */
async function twinsOf(api: AccessApi, {target, after = {}}: Change): Promise<string[]> {
  // No two applications have one domain, and there may be thousands to list.
  if (target.kind === 'application' && typeof after['domain'] === 'string') return []
  if (target.application && isNewId(target.application.id)) return []
  return findLike(api, target, after)
}

const READING_AGAIN = 'Reading it again'
const REVERTING = 'Reverting what was done'
/** A look before the write, the write and a look behind it. */
const PER_CHANGE = 3

/** An edit in progress. */
class Edit {
  readonly #done: Change[] = []
  readonly #ids = new Map<string, string>()
  readonly #warnings: string[] = []
  /** What is being changed, from the moment when it may have been. */
  #open: ObjectRef | undefined

  constructor(
    readonly ctx: AccessContext,
    readonly api: AccessApi,
    readonly changes: readonly Change[],
    private record: UndoRecord,
  ) {}

  /** Does what must be done first, and looks at all objects only then. Returns the first one. */
  async prepared(prepare: () => Promise<void>): Promise<JsonObject | undefined> {
    try {
      await prepare()
      return await lookAtAll(this.ctx, this.api, this.changes)
    } catch (error) {
      await this.#forgetRecord()
      throw error
    }
  }

  /** @param first the first object, as just read */
  async run(first: JsonObject | undefined): Promise<AppliedEdit> {
    const {api, changes} = this
    await askInTurn(api, changes, (planned, at) => this.#make(planned, at, first), {requests: PER_CHANGE})
    return {undoId: this.record.id, changes: this.#done, ids: this.#ids, warnings: this.#warnings}
  }

  async #make(planned: Change, at: number, first: JsonObject | undefined): Promise<void> {
    const change = withIds(planned, this.#ids)
    const last = at === this.changes.length - 1
    this.ctx.progress.step(`Changing ${inWords(change.target)}`, {done: at, of: this.changes.length})
    const result = await this.#step(change, at === 0 ? first : undefined, this.record.changes[at]?.twins)
    if (result.state === 'unknown') throw this.#unknown(change, result.error)
    if (result.state === 'not-done') throw await this.#failed(result.error)
    const made = {...change, target: {...change.target, id: result.id}}
    this.#done.push(made)
    if (isNewId(planned.target.id)) this.#setId(planned.target, result.id)
    if (result.problem && !last) throw await this.#failed(result.problem)
    if (last) await this.#finish()
    else if (change.action === 'create') await this.#note({})
    if (result.problem) throw this.#spoilt(result.problem)
  }

  async #step(
    change: Change,
    fresh: JsonObject | undefined,
    twins: readonly string[] = [],
  ): ReturnType<typeof makeChange> {
    let now = fresh
    try {
      now ??= await requireUntouched(this.api, change)
    } catch (error) {
      return {state: 'not-done', error}
    }
    this.#open = change.target
    const result = await makeChange(this.ctx, this.api, change, now, twins, new Set(this.#ids.values()))
    this.#open = undefined
    return result
  }

  /** The ID of an object that the edit created, in place of its `newId`. */
  #setId({id: was, kind}: ObjectRef, id: string): void {
    this.#ids.set(was, id)
    const {renamed} = this.record
    const changes = this.record.changes.map((one) => {
      // An object that is still to be created may be like this one.
      const isNext = one.action === 'create' && one.target.kind === kind && isNewId(one.target.id)
      return isNext && one.target.id !== was ? {...one, twins: [...(one.twins ?? []), id]} : one
    })
    this.record = {...this.record, changes, ...(renamed && {renamed: withIds(renamed, this.#ids)})}
  }

  async #finish(): Promise<void> {
    await this.#note({state: 'done'})
    const {undoes, renamed = {}} = this.record
    for (const {action, target} of this.#done) {
      const was = Object.keys(renamed).find((old) => renamed[old] === target.id)
      if (action === 'create' && was !== undefined) this.#warnings.push(anotherId(target, was))
    }
    if (undoes === undefined) return
    try {
      const undone = await this.ctx.undo.read(undoes)
      await this.ctx.undo.update({...undone, state: 'undone', undoneBy: this.record.id})
    } catch (error) {
      this.#warnings.push(`Could not record that ${undoes} has been undone: ${messageOf(error)}`)
    }
  }

  /** A disk that fails does not stop the edit: undo looks up what the record lacks. */
  async #note(more: Partial<UndoRecord>): Promise<void> {
    const record = {...this.record, ...more}
    const changes = record.changes.map(({target, fields, ...one}) => ({
      ...one,
      target: withIds(target, this.#ids),
      fields: withIds(fields, this.#ids),
    }))
    this.record = {...record, changes}
    try {
      await this.ctx.undo.update(this.record)
    } catch (error) {
      this.#warnings.push(`Could not complete the undo record ${this.record.id}: ${messageOf(error)}`)
    }
  }

  /**
   * What a signal leaves.
   *
   * @param inner of a change that was certainly not made
   */
  interrupted(inner: UserError | undefined): UserError {
    const error = inner ?? interrupted({why: this.#open ? unsure(this.#open) : undefined})
    if (this.#done.length === 0 && (inner || !this.#open))
      return error.with({why: [...error.whyLines, 'Nothing was changed.']})
    const {undoes} = this.record
    return restated(error, {
      why: this.#before,
      next:
        undoes === undefined
          ? [this.#undoCommand()]
          : [
              `To complete it: ${ztCommand(this.ctx, 'undo', undoes)}`,
              `To take it back: ${this.#undoCommand()}`,
            ],
      details: {undo: this.record.id, changed: this.#done.map(({target}) => target)},
    }) as UserError
  }

  /** The changes that were made before something went wrong. */
  get #before(): string[] {
    return this.#done.length === 0
      ? []
      : [`Changed before that: ${this.#done.map(({target}) => inWords(target)).join(', ')}.`]
  }

  /** The outcome of a change is unknown: nothing more is done, neither forward nor back. */
  #unknown(change: Change, error: unknown): unknown {
    return restated(error, {
      why: [unsure(change.target), ...this.#before],
      next: [`When the API answers again, undo what was done: ${this.#undoCommand()}`],
      details: {undo: this.record.id, changed: this.#done.map(({target}) => target)},
    })
  }

  #spoilt(problem: UserError): unknown {
    return restated(problem, {
      why: this.#done.length > 1 ? ['The whole edit was made.'] : [],
      next: [`To undo it: ${this.#undoCommand()}`],
      details: {undo: this.record.id},
    })
  }

  /** Takes back the changes before the one that failed. */
  async #failed(error: unknown): Promise<unknown> {
    if (this.#done.length === 0) {
      await this.#forgetRecord()
      return restated(error, {why: ['Nothing was changed.']})
    }
    this.ctx.progress.step(REVERTING)
    const {left, returned, stays} = await this.#takeBack().catch((reason: unknown) => ({
      left: [messageOf(reason)],
      returned: [],
      stays: [],
    }))
    if (left.length === 0) {
      // Records of earlier edits know the previous IDs only; this one knows the new ones.
      if (returned.length > 0) await this.#note({state: 'undone'})
      else await this.#forgetRecord()
      return restated(error, {
        why: [
          'The earlier changes were undone.',
          ...[...stays.map(capitalised), ...returned].map((one) => `${one}.`),
        ],
      })
    }
    await this.#note({})
    return restated(error, {
      why: [...this.#before, `Could not undo all of it: ${left.join('; ')}.`],
      next: [this.#undoCommand()],
      details: {undo: this.record.id, changed: this.#done.map(({target}) => target)},
    })
  }

  /** Nothing of the edit is left. If its record cannot be removed, that must not replace the error. */
  #forgetRecord(): Promise<void> {
    return tidy(
      `Could not remove the undo record ${this.record.id}`,
      () => this.ctx.undo.remove(this.record),
      (text) => {
        this.ctx.warn?.(text)
      },
    )
  }

  /** @returns what could not be taken back; what came back with another ID, and what stays, as sentences without full stop */
  async #takeBack(): Promise<{left: string[]; returned: string[]; stays: string[]}> {
    // From memory, which also has the fields that no record may hold.
    const made = this.#done.map((change): RecordedChange => ({
      ...inRecord(change),
      fields: fieldChanges(change, {withSecrets: true}),
    }))
    const {changes, conflicts, impossible, stays, renamed} = await invert(this.api, made)
    const left = [...conflicts, ...impossible]
    const returned: string[] = []
    const ids = new Map<string, string>()
    const takeBack = async (planned: Change, done: number): Promise<void> => {
      this.ctx.progress.step(REVERTING, {done, of: changes.length})
      const change = withIds(planned, ids)
      const was = [...renamed.keys()].find((old) => renamed.get(old) === planned.target.id)
      const twins = was === undefined ? [] : await twinsOf(this.api, change)
      if (was !== undefined) await this.#noteReturn(was, newId(0), twins)
      const result = await this.#step(change, undefined, twins)
      if (result.state !== 'done') left.push(`${inWords(change.target)} (${messageOf(result.error)})`)
      else if (was !== undefined) {
        ids.set(planned.target.id, result.id)
        await this.#noteReturn(was, result.id, twins)
        returned.push(anotherId({...change.target, id: result.id}, was))
      }
    }
    await askInTurn(this.api, changes, takeBack, {requests: PER_CHANGE})
    return {left, returned, stays}
  }

  /**
   * A deleted object comes back with another ID, which undo must find whatever happens next.
   *
   * @param id `newId(0)`, which no change has, before it is created
   */
  async #noteReturn(was: string, id: string, twins: readonly string[]): Promise<void> {
    const changes = this.record.changes.map((one) =>
      one.action === 'delete' && one.target.id === was ? {...one, twins: [...twins]} : one,
    )
    await this.#note({changes, renamed: {...this.record.renamed, [was]: id}})
  }

  #undoCommand(): string {
    return ztCommand(this.ctx, 'undo', this.record.id)
  }
}

function unsure(target: ObjectRef): string {
  return `zt could not find out whether ${inWords(target)} was changed.`
}

function anotherId(target: ObjectRef, was: string): string {
  return `${capitalised(inWords(target))} has another ID now: ${target.id} instead of ${was}`
}
