import fs from 'node:fs/promises'
import path from 'node:path'
import * as v from 'valibot'
import {UserError} from '../../core/errors.js'
import {namesIn, readFileIfThere, removeFile, writeFileAtomic} from '../../system/files.js'
import {isId} from '../../core/id.js'
import type {Secret} from '../../core/secret.js'
import {isKeepingStoreKind, type KeepingStoreKind} from '../../core/store-kind.js'
import {requireKept} from '../rehearse.js'
import type {SecretKey, SecretStore} from '../types.js'
import {newSpoolKey, readSpool, reserveSpool, writeSpool, type Spooled} from './spool.js'

export type {Spooled} from './spool.js'

/** What zt is about to do at Cloudflare and may be interrupted in. No secrets. Times are ISO 8601. */
export interface Operation {
  /** A UUID. */
  id: string
  kind: 'create' | 'rotate'
  profile: string
  accountId: string
  apiUrl: string
  /** Where the secret goes, and where the spool's key is. */
  store: KeepingStoreKind
  /** The name that the token has in the end. */
  name: string
  startedAt: string
  /** Set before the request that makes the secret goes out; without it nothing was sent. */
  sentAt?: string | undefined
  /** Set when the secret is in a store that cannot be read back: for such a store there is no spool. */
  storedAt?: string | undefined
  /** Set when all is done but the journal's own files: then nothing is looked up any more. */
  endedAt?: string | undefined
  /** For a rotation: the token as it was before. */
  token?:
    | {id: string; clientId: string; updatedAt?: string | undefined; secretVersion?: number | undefined}
    | undefined
  /** For a rotation: until when the secret before it works, by the server's clock. */
  previousUntil?: string | undefined
  /** For a rotation: the secret before it is ended as soon as the new one is stored. */
  endsPrevious?: boolean | undefined
}

const schema = v.object({
  version: v.literal(1),
  id: v.pipe(v.string(), v.uuid()),
  kind: v.picklist(['create', 'rotate']),
  profile: v.string(),
  accountId: v.string(),
  apiUrl: v.string(),
  store: v.custom<KeepingStoreKind>(isKeepingStoreKind, 'a secret store'),
  name: v.string(),
  startedAt: v.string(),
  sentAt: v.optional(v.string()),
  storedAt: v.optional(v.string()),
  endedAt: v.optional(v.string()),
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
 * Operations that make a one-time secret, so that none is lost whatever interrupts them. An operation is an intent
 * (`<id>.json`) and a spool (`<id>.spool`), both durable before the secret exists; the spool's key is in the secret
 * store. Everything can be killed between any two lines: what is done is seen from what is there.
 */
export class Journal {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * Writes the intent, tries the store by keeping the spool's key there, and makes room for the spool. What would
   * lose the secret fails here, and then nothing is left behind.
   *
   * @throws UserError of the store; `needs-action` / `STORE_REHEARSAL_FAILED`; `config` / `FILE_NOT_WRITABLE`
   */
  async begin(operation: Operation, store: SecretStore): Promise<Spool> {
    const spool = new Spool(this.#file(operation.id, 'spool'), operation.id, store)
    await this.update(operation)
    try {
      await spool.open()
      return spool
    } catch (error) {
      // What is not expected leaves the intent, for the recovery to clear up.
      if (!(error instanceof UserError)) throw error
      // Where the store lets go of the key no more, the intent stays, so that a recovery can.
      await this.end(operation, store, {keyToo: spool.keyMayBeKept}).catch(() => undefined)
      throw error
    }
  }

  /** Replaces the intent; durable when it returns. */
  async update(operation: Operation): Promise<void> {
    await writeFileAtomic(
      this.#file(operation.id, 'json'),
      JSON.stringify({version: 1, ...operation}, null, 2) + '\n',
    )
  }

  /** Removes what the operation left: the spool and its key, then the intent. */
  async end(operation: Operation, store: SecretStore, {keyToo} = {keyToo: true}): Promise<void> {
    try {
      await this.spoolOf(operation, store).remove({keyToo})
    } catch (error) {
      // The next recovery has only this to do, and must not ask Cloudflare about it.
      await this.update({...operation, endedAt: operation.endedAt ?? operation.sentAt ?? operation.startedAt})
      throw error
    }
    await removeFile(this.#file(operation.id, 'json'))
  }

  /** Removes the files of an operation whose store cannot be used any more; its key, if it is there, opens nothing then. */
  async discard(operation: Operation): Promise<void> {
    await removeFile(this.#file(operation.id, 'spool'))
    await removeFile(this.#file(operation.id, 'json'))
  }

  /** The spool of an operation that an earlier process began. */
  spoolOf(operation: Operation, store: SecretStore): Spool {
    return new Spool(this.#file(operation.id, 'spool'), operation.id, store)
  }

  /** The intent as it is now; undefined when it is gone. */
  async read(id: string): Promise<Operation | undefined> {
    const file = this.#file(id, 'json')
    const text = await readFileIfThere(file)
    const parsed = text === undefined ? undefined : parse(text)
    return parsed === 'damaged' ? undefined : parsed
  }

  /** Every operation that has not ended, oldest first, and the files that are no intent of this version. */
  async list(): Promise<{operations: Operation[]; damaged: string[]}> {
    const operations: Operation[] = []
    const damaged: string[] = []
    for (const name of await this.#names()) {
      if (name.startsWith('.') || !name.endsWith('.json')) continue
      const file = path.join(this.#directory, name)
      const text = await readFileIfThere(file)
      const parsed = text === undefined ? undefined : parse(text)
      if (parsed === 'damaged') damaged.push(file)
      else if (parsed) operations.push(parsed)
    }
    operations.sort((a, b) => a.startedAt.localeCompare(b.startedAt))
    return {operations, damaged}
  }

  /**
   * Removes what a process that died left unfinished or unnamed: temporary files, and spools without an intent. Only
   * those that are older than a minute: a younger one may be somebody's at this moment.
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

/** Where one operation's secret waits, encrypted, until the store has it. */
export class Spool {
  readonly #file: string
  readonly #id: string
  readonly #store: SecretStore
  /** In memory while its process lives: the secret must not wait for the store. */
  #value: Secret | undefined

  constructor(file: string, id: string, store: SecretStore) {
    this.#file = file
    this.#id = id
    this.#store = store
  }

  /** False where the store was never asked to keep the key, or refused before it looked at it. */
  keyMayBeKept = false

  /** Puts a new key into the store, which tries the store, and makes room on the disk. */
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
    // Where the key cannot be read back there is no use in a spool: the store itself is as durable.
    if (this.#store.readable) await reserveSpool(this.#file)
    else await this.#store.delete(this.#key)
  }

  /** Keeps the secret, durably. Nothing for a store that cannot be read back. */
  async write(spooled: Spooled): Promise<void> {
    if (this.#store.readable && this.#value) await writeSpool(this.#file, this.#id, this.#value, spooled)
  }

  /** Undefined when nothing was written, it was cut off, or its key is missing. */
  async read(): Promise<Spooled | undefined> {
    if (!this.#store.readable) return undefined
    const key = await this.#store.get(this.#key)
    return key && readSpool(this.#file, this.#id, key)
  }

  /** The key first: what is left of a spool then opens for nobody. */
  async remove({keyToo}: {keyToo: boolean}): Promise<void> {
    if (keyToo) await this.#store.delete(this.#key)
    await removeFile(this.#file)
  }

  get #key(): SecretKey {
    return {kind: 'spool-key', id: this.#id}
  }
}

function parse(text: string): Operation | 'damaged' {
  try {
    const {version: _, ...operation} = v.parse(schema, JSON.parse(text))
    return operation
  } catch {
    return 'damaged'
  }
}
