import {createHash, randomUUID} from 'node:crypto'
import path from 'node:path'
import * as v from 'valibot'
import {canonicalJson} from '../core/canonical-json.js'
import type {JsonObject} from '../core/json.js'
import {firstFault} from '../core/schema.js'
import {brokenFile, parseOwnJson, readFileIfThere, removeFile, writeFileAtomic} from '../system/files.js'

const binding = v.object({tokenId: v.string(), boundAt: v.string()})

const schema = v.object({
  version: v.literal(1),
  /** The undo records of its edits have it. */
  id: v.string(),
  profile: v.string(),
  host: v.string(),
  /** ISO 8601. */
  startedAt: v.string(),
  /** Service tokens that it created; without an ID until that is known, but with the ID of the journal's operation. */
  tokens: v.array(v.object({operation: v.string(), name: v.string(), id: v.optional(v.string())})),
  /** The application that it created: when (ISO 8601), and {@link sumOf} of it by then. */
  application: v.optional(v.object({id: v.string(), createdAt: v.string(), sum: v.string()})),
  /** The host's binding that it made, and the previous one. */
  binding: v.optional(v.object({tokenId: v.string(), before: v.nullable(binding)})),
  sshConfig: v.array(
    v.variant('how', [
      /** A block of this name. `created`: there was no such file before. */
      v.object({how: v.literal('block'), file: v.string(), name: v.string(), created: v.boolean()}),
      /** Lines of cloudflared, by their keys. */
      v.object({how: v.literal('adopt'), file: v.string(), keys: v.array(v.string())}),
    ]),
  ),
})

/** What `zt setup` made for a host. Every part is written before it is made, so it may also not have been made. */
export type SetupRecord = Omit<v.InferOutput<typeof schema>, 'version'>

/** The records of setups, one file per profile and host. No secrets. */
export class SetupRecords {
  readonly #directory: string

  /** @param state zt's state directory */
  constructor(state: string) {
    this.#directory = path.join(state, 'setup')
  }

  /** @throws UserError `config` / `BROKEN_FILE` */
  async read(profile: string, host: string): Promise<SetupRecord | undefined> {
    const file = this.#file(profile, host)
    const text = await readFileIfThere(file)
    if (text === undefined) return undefined
    const parsed = v.safeParse(schema, parseOwnJson(text, file))
    if (!parsed.success) throw brokenFile(file, firstFault(parsed.issues))
    const {version: _, ...record} = parsed.output
    if (record.profile !== profile || record.host !== host) throw brokenFile(file, 'it is about another host')
    return record
  }

  /** Durable when it returns. */
  async write(record: SetupRecord): Promise<void> {
    const text = JSON.stringify({version: 1, ...record}, null, 2)
    await writeFileAtomic(this.#file(record.profile, record.host), `${text}\n`)
  }

  async remove({profile, host}: Pick<SetupRecord, 'profile' | 'host'>): Promise<void> {
    await removeFile(this.#file(profile, host))
  }

  #file(profile: string, host: string): string {
    const name = createHash('sha256').update(`${profile}\0${host}`).digest('hex').slice(0, 24)
    return path.join(this.#directory, `${name}.json`)
  }
}

/** Of an application, for comparing: without the times and with none of the policies, which an undo compares itself. */
export function sumOf({updated_at: _, policies: __, ...fields}: JsonObject): string {
  return createHash('sha256').update(canonicalJson(fields)).digest('hex').slice(0, 24)
}

/** A record of nothing yet, not written. */
export function newRecord(profile: string, host: string, now: number): SetupRecord {
  const startedAt = new Date(now).toISOString()
  return {id: randomUUID(), profile, host, startedAt, tokens: [], sshConfig: []}
}
