import {randomInt} from 'node:crypto'
import path from 'node:path'
import * as v from 'valibot'
import {UserError} from '../../core/errors.js'
import {createFileOnce, namesIn, readFileIfThere, removeFile, writeFileAtomic} from '../../system/files.js'
import {parseVersioned, Unread} from '../../system/own-json.js'
import type {Change, FieldChange} from './change.js'
import type {ObjectRef} from './object.js'

/** One change in a record: the changed fields only, and nothing that may be a secret. */
export interface RecordedChange {
  action: Change['action']
  /** With the ID of the created object, once there is one. */
  target: ObjectRef
  fields: FieldChange[]
  /** IDs of objects that were like it before it was created; for a delete, before it was created again. */
  twins?: string[] | undefined
}

/** What an edit did, so that it can be undone. */
export interface UndoRecord {
  /** Short; later ones sort after earlier ones. */
  id: string
  profile: string
  accountId: string
  /** Set if the objects belong to a zone and not to the account. */
  zoneId?: string | undefined
  /** ISO 8601. */
  at: string
  /** The zt command in words, without secrets. */
  command: string
  /** `begun`: it was interrupted, and may be partly done. */
  state: 'begun' | 'done' | 'undone'
  /** The record that this edit undid. */
  undoes?: string | undefined
  undoneBy?: string | undefined
  /** New IDs of objects that were created again, by their previous IDs; a `newId` until the API's answer is there. */
  renamed?: Record<string, string> | undefined
  /** The setup of a host that made the edit as one of its steps. */
  setup?: string | undefined
  changes: RecordedChange[]
}

const schema = v.object({
  version: v.literal(1),
  id: v.string(),
  profile: v.string(),
  accountId: v.string(),
  zoneId: v.optional(v.string()),
  at: v.string(),
  command: v.string(),
  state: v.picklist(['begun', 'done', 'undone']),
  undoes: v.optional(v.string()),
  undoneBy: v.optional(v.string()),
  renamed: v.optional(v.record(v.string(), v.string())),
  setup: v.optional(v.string()),
  changes: v.array(
    v.object({
      action: v.picklist(['create', 'replace', 'delete', 'make-reusable']),
      target: v.object({
        kind: v.picklist(['application', 'policy', 'inline-policy', 'group']),
        id: v.string(),
        name: v.string(),
        application: v.optional(v.object({id: v.string(), name: v.string()})),
      }),
      fields: v.array(
        v.object({
          field: v.string(),
          before: v.optional(v.unknown()),
          after: v.optional(v.unknown()),
          withheld: v.optional(v.literal(true)),
        }),
      ),
      twins: v.optional(v.array(v.string())),
    }),
  ),
})

const KEPT = 200
const KEPT_DAYS = 90
const DAY_MS = 24 * 3600 * 1000
/** Crockford's base 32: no letters that look like digits, one case. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const EPOCH = Date.UTC(2026, 0, 1)
const TIME_LENGTH = 8

/** Undo records as files, one per edit. No secrets. */
export class UndoRecords {
  readonly #directory: string
  readonly #setup: string | undefined

  /**
   * @param directory created when needed, 0700
   * @param setup the setup whose edits these will be
   */
  constructor(directory: string, setup?: string) {
    this.#directory = directory
    this.#setup = setup
  }

  /** The same records; those that begin by it belong to a setup, which finds them by its ID. */
  forSetup(id: string): UndoRecords {
    return new UndoRecords(this.#directory, id)
  }

  /**
   * Writes a new record durably, and removes old ones: the latest 200 are kept, for 90 days; those of a setup until they are
   * undone.
   *
   * @param now milliseconds since the epoch
   * @throws UserError `not-written` / `FILE_NOT_WRITABLE`
   */
  async begin(record: Omit<UndoRecord, 'id' | 'state'>, now: number): Promise<UndoRecord> {
    for (;;) {
      const setup = this.#setup
      const begun: UndoRecord = {
        ...record,
        ...(setup !== undefined && {setup}),
        id: idAt(now),
        state: 'begun',
      }
      if (!(await createFileOnce(this.#file(begun.id), text(begun)))) continue
      await this.#prune([begun.id, begun.undoes], now)
      return begun
    }
  }

  /** Replaces a record; durable when it returns. */
  async update(record: UndoRecord): Promise<void> {
    await writeFileAtomic(this.#file(record.id), text(record))
  }

  /** For an edit that left no changes. */
  async remove({id}: UndoRecord): Promise<void> {
    await removeFile(this.#file(id))
  }

  /**
   * @param id in either case
   * @throws UserError `not-found` / `UNDO_NOT_FOUND`; `config` / `BROKEN_FILE`, `NEWER_FILE`
   */
  async read(id: string): Promise<UndoRecord> {
    const known = id.trim().toLowerCase()
    const found = isId(known) ? await this.#parse(known) : undefined
    if (found) return found
    throw new UserError({
      kind: 'not-found',
      code: 'UNDO_NOT_FOUND',
      message: 'There is no such edit',
      why: `zt remembers the latest ${KEPT} edits for ${KEPT_DAYS} days, on the machine where they were made.`,
      next: ['zt undo'],
    })
  }

  /** All records, the latest first, and the files that are not records of this version. */
  async list(): Promise<{records: UndoRecord[]; unread: Unread}> {
    const records: UndoRecord[] = []
    const unread = new Unread()
    for (const id of await this.#ids()) {
      try {
        const record = await this.#parse(id)
        if (record) records.push(record)
      } catch (error) {
        unread.add(this.#file(id), error)
      }
    }
    return {records, unread}
  }

  async #parse(id: string): Promise<UndoRecord | undefined> {
    const file = this.#file(id)
    const content = await readFileIfThere(file)
    if (content === undefined) return undefined
    const {version: _, ...record} = parseVersioned(content, file, schema)
    return {...record, id}
  }

  async #prune(kept: (string | undefined)[], now: number): Promise<void> {
    const ids = await this.#ids()
    const oldest = idAt(Math.max(EPOCH, now - KEPT_DAYS * DAY_MS)).slice(0, TIME_LENGTH)
    const gone = ids.filter((id, at) => !kept.includes(id) && (at >= KEPT || id < oldest))
    for (const id of gone) if (!(await this.#isNeeded(id))) await removeFile(this.#file(id))
  }

  /** Whether a setup may still have to take the edit back. */
  async #isNeeded(id: string): Promise<boolean> {
    const record = await this.#parse(id).catch(() => undefined)
    return record?.setup !== undefined && record.state !== 'undone'
  }

  /** The latest first. */
  async #ids(): Promise<string[]> {
    const names = await namesIn(this.#directory)
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
    return ids.filter(isId).sort().reverse()
  }

  #file(id: string): string {
    return path.join(this.#directory, `${id}.json`)
  }
}

/** Eight characters of time (milliseconds since 2026) and a random one. */
function idAt(now: number): string {
  let rest = Math.max(0, now - EPOCH)
  let time = ''
  while (time.length < TIME_LENGTH) {
    time = `${ALPHABET[rest % 32]}${time}`
    rest = Math.floor(rest / 32)
  }
  return `${time}${ALPHABET[randomInt(32)]}`
}

/** Rules out paths. */
function isId(id: string): boolean {
  return /^[0-9a-hjkmnp-tv-z]{9,12}$/.test(id)
}

function text(record: UndoRecord): string {
  return JSON.stringify({version: 1, ...record}, null, 2) + '\n'
}
