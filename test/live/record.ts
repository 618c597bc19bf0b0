import * as v from 'valibot'
import {isId} from '../../src/lib/core/id.js'
import {brokenFile, parseOwnJson, readFileIfThere, writeFileAtomic} from '../../src/lib/system/files.js'
import {KINDS, runOf, type Kind} from './names.js'

const idSchema = v.pipe(
  v.string(),
  v.check((id) => isId(id)),
)
const entrySchema = v.strictObject({
  account: idSchema,
  kind: v.picklist(KINDS),
  name: v.pipe(
    v.string(),
    v.check((name) => runOf(name) !== undefined),
  ),
  id: v.optional(idSchema),
})
const recordSchema = v.strictObject({version: v.literal(1), objects: v.array(entrySchema)})

/** An object that a run makes, or has made if the API answered with its ID. */
type Entry = v.InferOutput<typeof entrySchema>

/**
 * What runs of this machine have made and not removed yet, in a file. An object is in it before its creation is requested,
 * so that no interruption loses one. Only the holder of the lock uses it.
 */
export class LiveRecord {
  readonly #file: string
  readonly #account: string
  #all: Entry[]

  private constructor(file: string, account: string, all: Entry[]) {
    this.#file = file
    this.#account = account
    this.#all = all
  }

  /** @throws UserError `config` / `BROKEN_FILE` */
  static async open(file: string, account: string): Promise<LiveRecord> {
    const text = await readFileIfThere(file)
    if (text === undefined) return new LiveRecord(file, account, [])
    const parsed = v.safeParse(recordSchema, parseOwnJson(text, file))
    if (!parsed.success) throw brokenFile(file, 'it is not a record of this version')
    return new LiveRecord(file, account, parsed.output.objects)
  }

  /** Those of this account. */
  get objects(): readonly Entry[] {
    return this.#all.filter(({account}) => account === this.#account)
  }

  /** Before the creation is requested. */
  async intend(kind: Kind, name: string): Promise<void> {
    this.#all.push({account: this.#account, kind, name})
    await this.#save()
  }

  async made(name: string, id: string): Promise<void> {
    const entry = this.#all.find((one) => one.account === this.#account && one.name === name && !one.id)
    if (!entry) return
    entry.id = id
    await this.#save()
  }

  /** When the objects that `gone` matches no longer exist. */
  async forget(gone: (entry: Entry) => boolean): Promise<void> {
    const left = this.#all.filter((one) => one.account !== this.#account || !gone(one))
    if (left.length === this.#all.length) return
    this.#all = left
    await this.#save()
  }

  async #save(): Promise<void> {
    await writeFileAtomic(this.#file, JSON.stringify({version: 1, objects: this.#all}, null, 2))
  }
}
