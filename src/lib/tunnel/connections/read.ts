import path from 'node:path'
import * as v from 'valibot'
import {filesSync as fs} from '../../system/disk.js'
import {hasCode} from '../../core/errors.js'
import {readOwnText, requireOwnDirectory} from '../../system/own-files.js'
import {isRunning} from '../../system/processes.js'
import {drop, processOf, runDirectory} from './run-files.js'

/** Such a file has some hundred bytes. */
const LONGEST = 8192

const text = v.pipe(v.string(), v.maxLength(300))
/** What a process records about the connections that it carries. No secrets. */
const schema = v.object({
  version: v.literal(1),
  carries: v.picklist(['ssh', 'forward']),
  host: text,
  profile: text,
  /** ID of the service token; `env` for the environment's pair. */
  tokenId: text,
  clientId: text,
  /** Whose connection it is (`identityOf` in ssh/sharing.ts). */
  identity: text,
  /** Plain ssh opened it: its socket, if any, has the name from the configuration file. */
  plainSsh: v.boolean(),
  /** Carried by cloudflared, as a child process. */
  cloudflared: v.boolean(),
  /** Where a forward listens, once it does. */
  listener: v.optional(
    v.object({
      /** As `--listen` takes it. */
      place: text,
      http: v.boolean(),
      /** The service token's name. */
      token: text,
    }),
  ),
  openedAt: v.pipe(v.string(), v.isoTimestamp()),
  /** When the process started, in the system's own unit; missing if that cannot be read. */
  started: v.optional(text),
})
export type Announced = v.InferOutput<typeof schema>

export interface OpenConnection extends Announced {
  pid: number
}

/**
 * The connections that this user's running processes carry on this machine.
 *
 * @throws UserError `needs-action` / `NOT_OUR_DIRECTORY`, `UNSAFE_PERMISSIONS`: others could have written there
 */
export function openConnections(state: string): OpenConnection[] {
  return recordsIn(state).map(({announced, pid}) => ({...announced, pid}))
}

/**
 * Gives the records of a profile's connections its new name: they are still the profile's, and end with its tokens. If a
 * record cannot be written, it keeps the old one.
 */
export function renameInRecords(state: string, from: string, to: string): void {
  let records: ReturnType<typeof recordsIn>
  try {
    records = recordsIn(state).filter(({announced}) => announced.profile === from)
  } catch {
    return
  }
  for (const {file, announced} of records) {
    const temporary = path.join(path.dirname(file), `.${path.basename(file)}`)
    try {
      fs.writeFileSync(temporary, JSON.stringify({...announced, profile: to}), {mode: 0o600, flag: 'wx'})
      // Its process may have taken it back.
      if (fs.existsSync(file)) fs.renameSync(temporary, file)
      else drop(temporary)
    } catch {
      drop(temporary)
    }
  }
}

function recordsIn(state: string): {file: string; announced: Announced; pid: number}[] {
  const directory = runDirectory(state)
  let names: string[]
  try {
    requireOwnDirectory(
      directory,
      'It lists the processes that carry connections; others could list any process.',
    )
    names = fs.readdirSync(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
  const found: ReturnType<typeof recordsIn> = []
  for (const name of names) {
    const of = processOf(name)
    if (!of?.here || !name.endsWith('.connection') || name.startsWith('.')) continue
    const file = path.join(directory, name)
    const announced = read(file)
    if (announced && isRunning(of.pid, announced.started)) found.push({file, announced, pid: of.pid})
  }
  return found
}

/** Undefined if the file is incomplete or not as zt writes it. */
function read(file: string): Announced | undefined {
  try {
    const parsed = v.safeParse(schema, JSON.parse(readOwnText(file, {maxBytes: LONGEST}) ?? ''))
    return parsed.success ? parsed.output : undefined
  } catch {
    return undefined
  }
}
