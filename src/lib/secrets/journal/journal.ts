import path from 'node:path'
import * as v from 'valibot'
import {files as fs} from '../../system/disk.js'
import {UserError} from '../../core/errors.js'
import {namesIn, readFileIfThere, removeFile, writeFileAtomic} from '../../system/files.js'
import {parseVersioned, Unread} from '../../system/own-json.js'
import {isId} from '../../core/id.js'
import type {Secret} from '../../core/secret.js'
import {isKeepingStoreKind, type KeepingStoreKind} from '../stores.js'
import {requireKept} from '../rehearse.js'
import type {SecretKey, SecretStore} from '../types.js'
import {newSpoolKey, readSpool, reserveSpool, writeSpool, type Spooled} from './spool.js'

export type {Spooled} from './spool.js'

/** A run that makes a one-time secret and may be interrupted. No secrets in it. Times are ISO 8601. */
export interface JournalEntry {
  /** A UUID. */
  id: string
  kind: 'create' | 'rotate'
  profile: string
  accountId: string
  apiUrl: string
  /** Where the secret goes, and where the spool's key is. */
  store: KeepingStoreKind
  /** The token's final name. */
  name: string
  startedAt: string
  /** Set before the request that makes the secret is sent; without it nothing was sent. */
  sentAt?: string | undefined
  /** Set when the secret is in a store that cannot be read back: for such a store there is no spool. */
  storedAt?: string | undefined
  /** Set when only the journal's own files are left to remove: then Cloudflare is not asked any more. */
  endedAt?: string | undefined
  /** Set with `endedAt` if the run left everything as it was. */
  undone?: boolean | undefined
  /** For a rotation: the token as it was before. */
  token?:
    | {id: string; clientId: string; updatedAt?: string | undefined; secretVersion?: number | undefined}
    | undefined
  /** For a rotation: when the previous secret ends, by the server's clock. */
  previousUntil?: string | undefined
  /** For a rotation: the previous secret is ended as soon as the new one is stored. */
  endsPrevious?: boolean | undefined
}

const schema = v.object({
  version: v.literal(1),
  id: v.pipe(v.string(), v.uuid()),
  kind: v.picklist(['create', 'rotate']),
  profile: v.string(),
  accountId: v.string(),
  apiUrl: v.string(),
  store: v.custom<KeepingStoreKind>(isKeepingStoreKind, 'the name of a secret store'),
  name: v.string(),
  startedAt: v.string(),
  sentAt: v.optional(v.string()),
  storedAt: v.optional(v.string()),
  endedAt: v.optional(v.string()),
  undone: v.optional(v.boolean()),
  token: v.optional(
    v.object({
      id: v.pipe(
        v.string(),
        v.check((id) => isId(id)),
      ),
      clientId: v.string(),
      updatedAt: v.optional(v.string()),
      secretVersion: v.optional(v.number()),
    }),
  ),
  previousUntil: v.optional(v.string()),
  endsPrevious: v.optional(v.boolean()),
})

/**
 * The runs that make a one-time secret, so that no secret is lost, whatever interrupts them. An entry is an intent
 * (`<id>.json`) and a spool (`<id>.spool`), both durable before the secret exists; the spool's key is in the secret
 * store. The process may be killed between any two lines: what is there tells what was done.
 */
export class Journal {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * Writes the intent, tries the store by saving the spool's key there, and reserves room for the spool. Whatever
   * would lose the secret fails here, and then nothing is left behind.
   *
   * @throws UserError of the store; `needs-action` / `STORE_REHEARSAL_FAILED`; `not-written` / `FILE_NOT_WRITABLE`
   */
  async begin(entry: JournalEntry, store: SecretStore): Promise<Spool> {
    const spool = new Spool(this.#file(entry.id, 'spool'), entry.id, store)
    await this.update(entry)
    try {
      await spool.open()
      return spool
    } catch (error) {
      // After an unexpected error the intent stays, for the recovery to clear up.
      if (!(error instanceof UserError)) throw error
      // If the store cannot delete the key now, the intent stays, so that a recovery can.
      await this.end(entry, store, {keyToo: spool.keyMayBeKept}).catch(() => undefined)
      throw error
    }
  }

  /** Replaces the intent; durable when it returns. */
  async update(entry: JournalEntry): Promise<void> {
    await writeFileAtomic(
      this.#file(entry.id, 'json'),
      JSON.stringify({version: 1, ...entry}, null, 2) + '\n',
    )
  }

  /** Removes the spool and its key, then the intent. */
  async end(entry: JournalEntry, store: SecretStore, {keyToo} = {keyToo: true}): Promise<void> {
    try {
      await this.spoolOf(entry, store).remove({keyToo})
    } catch (error) {
      // The next recovery only has to repeat this, and must not ask Cloudflare.
      await this.update({...entry, endedAt: entry.endedAt ?? entry.sentAt ?? entry.startedAt})
      throw error
    }
    await removeFile(this.#file(entry.id, 'json'))
  }

  /** Removes the files of an entry whose store can no longer be used. A key that is left there opens nothing. */
  async discard(entry: JournalEntry): Promise<void> {
    await removeFile(this.#file(entry.id, 'spool'))
    await removeFile(this.#file(entry.id, 'json'))
  }

  /** The spool of an entry that an earlier process wrote. */
  spoolOf(entry: JournalEntry, store: SecretStore): Spool {
    return new Spool(this.#file(entry.id, 'spool'), entry.id, store)
  }

  /** The intent as it is now; undefined when it is gone, or cannot be read. */
  async read(id: string): Promise<JournalEntry | undefined> {
    const file = this.#file(id, 'json')
    const text = await readFileIfThere(file)
    try {
      return text === undefined ? undefined : parse(text, file)
    } catch (error) {
      new Unread().add(file, error)
      return undefined
    }
  }

  /** All entries, oldest first, and the files that are not an intent of this version. */
  async list(): Promise<{entries: JournalEntry[]; unread: Unread}> {
    const entries: JournalEntry[] = []
    const unread = new Unread()
    for (const name of await this.#names()) {
      if (name.startsWith('.') || !name.endsWith('.json')) continue
      const file = path.join(this.#directory, name)
      const text = await readFileIfThere(file)
      try {
        if (text !== undefined) entries.push(parse(text, file))
      } catch (error) {
        unread.add(file, error)
      }
    }
    entries.sort((a, b) => a.startedAt.localeCompare(b.startedAt))
    return {entries, unread}
  }

  /**
   * Removes what a dead process left: temporary files, and spools without an intent. Only those older than a minute: a
   * younger one may be in use.
   */
  async sweep(): Promise<void> {
    const names = await this.#names()
    for (const name of names) {
      const orphan = name.endsWith('.spool') && !names.includes(name.replace(/\.spool$/, '.json'))
      if (!orphan && !name.startsWith('.') && !name.endsWith('.new')) continue
      const file = path.join(this.#directory, name)
      const stat = await fs.stat(file).catch(() => undefined)
      if (stat && Date.now() - stat.mtimeMs > SWEEP_AFTER_MS) await fs.rm(file, {force: true})
    }
  }

  async #names(): Promise<string[]> {
    return (await namesIn(this.#directory)).sort()
  }

  #file(id: string, kind: 'json' | 'spool'): string {
    return path.join(this.#directory, `${id}.${kind}`)
  }
}

const SWEEP_AFTER_MS = 60_000

/** Holds one run's secret, encrypted, until the store has it. */
export class Spool {
  readonly #file: string
  readonly #id: string
  readonly #store: SecretStore
  /** The key, in memory while its process lives: writing the secret must not wait for the store. */
  #value: Secret | undefined

  constructor(file: string, id: string, store: SecretStore) {
    this.#file = file
    this.#id = id
    this.#store = store
  }

  /** False if the store never received the key, or refused before it read it. */
  keyMayBeKept = false

  /** Saves a new key in the store, which tries the store, and reserves room on the disk. */
  async open(): Promise<void> {
    const value = newSpoolKey()
    try {
      await this.#store.set(this.#key, value)
      this.keyMayBeKept = true
    } catch (error) {
      this.keyMayBeKept = !(error instanceof UserError && error.code === 'STORE_NOT_READY')
      throw error
    }
    await requireKept(this.#store, this.#key, value)
    this.#value = value
    // If the key cannot be read back, a spool is of no use: the store itself is as durable.
    if (this.#store.readable) await reserveSpool(this.#file)
    else await this.#store.delete(this.#key)
  }

  /** Writes the secret durably. Does nothing for a store that cannot be read back. */
  async write(spooled: Spooled): Promise<void> {
    if (this.#store.readable && this.#value) await writeSpool(this.#file, this.#id, this.#value, spooled)
  }

  /** Undefined when nothing was written, it was cut off, or its key is missing. */
  async read(): Promise<Spooled | undefined> {
    if (!this.#store.readable) return undefined
    const key = await this.#store.get(this.#key)
    return key && readSpool(this.#file, this.#id, key)
  }

  /** The key first: without it, what is left of a spool cannot be opened. */
  async remove({keyToo}: {keyToo: boolean}): Promise<void> {
    if (keyToo) await this.#store.delete(this.#key)
    await removeFile(this.#file)
  }

  get #key(): SecretKey {
    return {kind: 'spool-key', id: this.#id}
  }
}

function parse(text: string, file: string): JournalEntry {
  const {version: _, ...entry} = parseVersioned(text, file, schema)
  return entry
}
