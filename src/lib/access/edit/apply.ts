import type {AccessApi} from '../../api/types.js'
import type {JsonObject} from '../../core/json.js'
import {UserError, messageOf} from '../../core/errors.js'
import {redact} from '../../core/redact.js'
import {tidy} from '../../core/tidy.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {fieldChanges, withIds, type Change} from './change.js'
import {restated} from './errors.js'
import {invert} from './invert.js'
import type {RecordedChange, UndoRecord} from './records.js'
import {capitalised, findLike, makeChange, requireUntouched} from './step.js'
import {inWords, isNewId} from './object.js'

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
  ctx.progress.step('Reading it again')
  if (options.undoes !== undefined) requireNotUndone(ctx, await ctx.undo.read(options.undoes))
  const first = await lookAtAll(api, changes)
  const record = await begin(ctx, api, changes, options)
  return new Edit(ctx, api, changes, record, options.renamed ?? new Map()).run(first)
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
async function lookAtAll(api: AccessApi, changes: readonly Change[]): Promise<JsonObject | undefined> {
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
    const found = await Promise.all(fresh.map((change) => requireUntouched(api, change)))
    return fresh[0] === changes[0] ? found[0] : undefined
  } catch (error) {
    throw restated(error, {why: ['Nothing was changed.']})
  }
}

async function begin(
  ctx: AccessContext,
  api: AccessApi,
  changes: readonly Change[],
  {command, undoes}: EditRecordOptions,
): Promise<UndoRecord> {
  const {accountId, zoneId} = api
  if (accountId === undefined) throw noAccount()
  const recorded: RecordedChange[] = []
  for (const change of changes) {
    const twins = change.action === 'create' ? await twinsOf(api, change) : []
    recorded.push({...inRecord(change), ...(twins.length > 0 && {twins})})
  }
  const now = ctx.clock.now()
  const at = new Date(now).toISOString()
  return ctx.undo.begin(
    {profile: ctx.profile, accountId, zoneId, at, command: redact(command), undoes, changes: recorded},
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

/** An edit in progress. */
class Edit {
  readonly #done: Change[] = []
  readonly #ids = new Map<string, string>()
  readonly #warnings: string[] = []

  constructor(
    readonly ctx: AccessContext,
    readonly api: AccessApi,
    readonly changes: readonly Change[],
    private record: UndoRecord,
    readonly renamed: ReadonlyMap<string, string>,
  ) {}

  /** @param first the first object, as just read */
  async run(first: JsonObject | undefined): Promise<AppliedEdit> {
    for (const [at, planned] of this.changes.entries()) {
      const change = withIds(planned, this.#ids)
      const last = at === this.changes.length - 1
      this.ctx.progress.step(`Changing ${inWords(change.target)}`)
      const result = await this.#step(change, at === 0 ? first : undefined, this.record.changes[at]?.twins)
      if (result.state === 'unknown') throw this.#unknown(change, result.error)
      if (result.state === 'not-done') throw await this.#failed(result.error)
      const made = {...change, target: {...change.target, id: result.id}}
      this.#done.push(made)
      if (isNewId(planned.target.id)) this.#ids.set(planned.target.id, result.id)
      if (result.problem && !last) throw await this.#failed(result.problem)
      if (last) await this.#finish()
      else if (change.action === 'create') await this.#note({})
      if (result.problem) throw this.#spoilt(result.problem)
    }
    return {undoId: this.record.id, changes: this.#done, ids: this.#ids, warnings: this.#warnings}
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
    return makeChange(this.ctx, this.api, change, now, twins, new Set(this.#ids.values()))
  }

  async #finish(): Promise<void> {
    const renamed = Object.fromEntries([...this.renamed].map(([was, id]) => [was, this.#ids.get(id) ?? id]))
    await this.#note({state: 'done', ...(this.renamed.size > 0 && {renamed})})
    const {undoes} = this.record
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
    const changes = this.record.changes.map((one) => ({...one, target: withIds(one.target, this.#ids)}))
    const fields = changes.map((one) => ({...one, fields: withIds(one.fields, this.#ids)}))
    this.record = {...this.record, ...more, changes: fields}
    try {
      await this.ctx.undo.update(this.record)
    } catch (error) {
      this.#warnings.push(`Could not complete the undo record ${this.record.id}: ${messageOf(error)}`)
    }
  }

  /** The outcome of a change is unknown: nothing more is done, neither forward nor back. */
  #unknown(change: Change, error: unknown): unknown {
    const before = this.#done.map(({target}) => inWords(target))
    const done = before.length === 0 ? [] : [`Changed before that: ${before.join(', ')}.`]
    return restated(error, {
      why: [`zt could not find out whether ${inWords(change.target)} was changed.`, ...done],
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
    this.ctx.progress.step('Reverting what was done')
    const {left, notes} = await this.#takeBack().catch((reason: unknown) => ({
      left: [messageOf(reason)],
      notes: [],
    }))
    if (left.length === 0) {
      await this.#forgetRecord()
      return restated(error, {
        why: ['The earlier changes were undone.', ...notes.map((one) => `${capitalised(one)}.`)],
      })
    }
    await this.#note({})
    return restated(error, {
      why: [
        `Changed before that: ${this.#done.map(({target}) => inWords(target)).join(', ')}.`,
        `Could not undo all of it: ${left.join('; ')}.`,
      ],
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

  async #takeBack(): Promise<{left: string[]; notes: string[]}> {
    // From memory, which also has the fields that no record may hold.
    const made = this.#done.map((change): RecordedChange => ({
      ...inRecord(change),
      fields: fieldChanges(change, {withSecrets: true}),
    }))
    const {changes, conflicts, impossible, notes} = await invert(this.api, made)
    const left = [...conflicts, ...impossible]
    const ids = new Map<string, string>()
    for (const planned of changes) {
      const change = withIds(planned, ids)
      const result = await this.#step(change, undefined)
      if (result.state !== 'done') left.push(`${inWords(change.target)} (${messageOf(result.error)})`)
      else if (isNewId(planned.target.id)) ids.set(planned.target.id, result.id)
    }
    return {left, notes}
  }

  #undoCommand(): string {
    return ztCommand(this.ctx, 'undo', this.record.id)
  }
}
