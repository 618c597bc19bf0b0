import {createHash} from 'node:crypto'
import path from 'node:path'
import * as v from 'valibot'
import {brokenFile, namesIn, readFileIfThere, removeFile, writeFileAtomic} from '../../system/files.js'
import {parseVersioned, Unread} from '../../system/own-json.js'

const binding = v.object({tokenId: v.string(), boundAt: v.string()})

const schema = v.object({
  version: v.literal(1),
  /** The undo records of its edits have it. */
  id: v.string(),
  profile: v.string(),
  host: v.string(),
  accountId: v.string(),
  /** Set if the objects belong to a zone and not to the account. */
  zoneId: v.optional(v.string()),
  /** ISO 8601. */
  startedAt: v.string(),
  /** Service tokens that it created; without an ID until that is known, but with the ID of the journal's operation. */
  tokens: v.array(v.object({operation: v.string(), name: v.string(), id: v.optional(v.string())})),
  /** The application that it created: when (ISO 8601), and a sum of it by then. */
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

/** Whose setup it is: a profile may be logged in to another account later. */
export type SetupKey = Pick<SetupRecord, 'profile' | 'host' | 'accountId' | 'zoneId'>

/** The lock of a setup: held to set up a host, or to take that back. */
export function setupLock({profile, host}: Pick<SetupRecord, 'profile' | 'host'>): string {
  return `setup/${profile}/${host}`
}

/** The records of setups, one file per profile, host and account. No secrets. */
export class SetupRecords {
  readonly #directory: string

  /** @param directory created when needed, 0700 */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** @throws UserError `config` / `BROKEN_FILE` */
  async read(key: SetupKey): Promise<SetupRecord | undefined> {
    return this.#parse(this.#file(key))
  }

  /** All records, and the files that are not records of this version. */
  async list(): Promise<{records: SetupRecord[]; unread: Unread}> {
    const records: SetupRecord[] = []
    const unread = new Unread()
    for (const name of (await namesIn(this.#directory)).sort()) {
      if (!/^[0-9a-f]{24}\.json$/.test(name)) continue
      const file = path.join(this.#directory, name)
      try {
        const record = await this.#parse(file)
        if (record) records.push(record)
      } catch (error) {
        unread.add(file, error)
      }
    }
    return {records, unread}
  }

  /** Those of one profile that can be read. */
  async ofProfile(profile: string): Promise<SetupRecord[]> {
    return (await this.list()).records.filter((record) => record.profile === profile)
  }

  /** Durable when it returns. */
  async write(record: SetupRecord): Promise<void> {
    const text = JSON.stringify({version: 1, ...record}, null, 2)
    await writeFileAtomic(this.#file(record), `${text}\n`)
  }

  async remove(key: SetupKey): Promise<void> {
    await removeFile(this.#file(key))
  }

  async #parse(file: string): Promise<SetupRecord | undefined> {
    const record = await parse(file)
    if (record && this.#file(record) !== file) throw brokenFile(file, 'it is about another host')
    return record
  }

  #file({profile, host, accountId, zoneId}: SetupKey): string {
    const key = [profile, host, accountId, zoneId ?? ''].join('\0')
    return path.join(this.#directory, `${createHash('sha256').update(key).digest('hex').slice(0, 24)}.json`)
  }
}

async function parse(file: string): Promise<SetupRecord | undefined> {
  const text = await readFileIfThere(file)
  if (text === undefined) return undefined
  const {version: _, ...record} = parseVersioned(text, file, schema)
  return record
}
