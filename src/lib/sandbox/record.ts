import {constants} from 'node:fs'
import * as v from 'valibot'
import {files as fs} from '../system/disk.js'
import {readFileIfThere, removeFile} from '../system/files.js'
import type {sandboxFiles} from './files.js'

const eventSchema = v.object({
  /** Milliseconds since 1970, by the sandbox's clock. */
  at: v.pipe(v.number(), v.integer()),
  /** Without the data centre that CF-RAY ends in. */
  ray: v.string(),
  appId: v.string(),
  /** The rule that admitted it; empty: none did. */
  policyId: v.string(),
  /** The service token that it authenticated as; empty: none. */
  tokenId: v.string(),
  admitted: v.boolean(),
  /** Whether it came with a session of that application. */
  session: v.boolean(),
  /**
   * Why Access had to decide: `attempt` for credentials, a rule that admits, or a 403; `session` if only a session admits
   * it; `visit` if it was sent to a login or challenged.
   */
  kind: v.picklist(['attempt', 'session', 'visit']),
  ip: v.string(),
  country: v.string(),
})

/** What the edge decided about one request. No secret is part of it. */
export type AccessEvent = v.InferOutput<typeof eventSchema>

type Files = Pick<ReturnType<typeof sandboxFiles>, 'record' | 'recordBefore'>

/** So many events are in one file; then it takes the place of the earlier one. */
export const EVENTS_IN_FILE = 50_000
const MOST_BYTES = EVENTS_IN_FILE * 2048
const {O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW} = constants

/**
 * The edge's record: the latest 50,000 to 100,000 events, in memory and in two files of lines. A killed sandbox loses at
 * most the events of its last moment, and a line that it did not complete.
 */
export class AccessRecord {
  #events: AccessEvent[]
  readonly #files: Files
  #waiting: AccessEvent[] = []
  #inLatest: number
  /** What comes before the next line: a line break if the last one is not complete. */
  #gap: string
  #writing: Promise<void> | undefined

  private constructor(files: Files, before: Lines, latest: Lines) {
    this.#files = files
    this.#events = [...before.events, ...latest.events]
    this.#inLatest = latest.count
    this.#gap = latest.whole ? '' : '\n'
  }

  /** @param options `empty`: starts over */
  static async open(files: Files, {empty}: {empty: boolean}): Promise<AccessRecord> {
    if (empty) await clearRecord(files)
    const [before, latest] = await Promise.all([readLines(files.recordBefore), readLines(files.record)])
    return new AccessRecord(files, before, latest)
  }

  /** In the order in which they were recorded. */
  get events(): readonly AccessEvent[] {
    return this.#events
  }

  add(event: AccessEvent): void {
    this.#events.push(event)
    if (this.#events.length >= 2 * EVENTS_IN_FILE) this.#events = this.#events.slice(EVENTS_IN_FILE)
    this.#waiting.push(event)
    void this.flush().catch(() => undefined)
  }

  /** Waits until all events are in the file. */
  async flush(): Promise<void> {
    if (this.#waiting.length > 0) this.#writing ??= this.#write()
    await this.#writing
  }

  /** What comes while a line is written is written together. */
  async #write(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        if (this.#inLatest >= EVENTS_IN_FILE) {
          await fs.rename(this.#files.record, this.#files.recordBefore)
          this.#inLatest = 0
        }
        const some = this.#waiting.splice(0, EVENTS_IN_FILE - this.#inLatest)
        this.#inLatest += some.length
        const lines = some.map((event) => `${JSON.stringify(event)}\n`)
        await append(this.#files.record, this.#gap + lines.join(''))
        this.#gap = ''
      }
    } finally {
      this.#writing = undefined
    }
  }
}

export async function clearRecord({record, recordBefore}: Files): Promise<void> {
  await removeFile(record)
  await removeFile(recordBefore)
}

/** Not through a symbolic link. */
async function append(file: string, text: string): Promise<void> {
  const handle = await fs.open(file, O_WRONLY | O_CREAT | O_APPEND | (O_NOFOLLOW ?? 0), 0o600)
  try {
    await handle.writeFile(text)
  } finally {
    await handle.close()
  }
}

interface Lines {
  events: AccessEvent[]
  /** Of lines, damaged ones included. */
  count: number
  /** Whether the last line is complete. */
  whole: boolean
}

async function readLines(file: string): Promise<Lines> {
  const text = (await readFileIfThere(file, {maxBytes: MOST_BYTES})) ?? ''
  const lines = text.split('\n')
  const last = lines.pop()
  const events = lines.map(eventOf).filter((event) => event !== undefined)
  return {events, count: lines.length, whole: last === ''}
}

/** Undefined for a line that is not complete, and for one that the next version wrote in another way. */
function eventOf(line: string): AccessEvent | undefined {
  try {
    const parsed = v.safeParse(eventSchema, JSON.parse(line))
    return parsed.success ? parsed.output : undefined
  } catch {
    return undefined
  }
}
