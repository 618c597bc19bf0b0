import fs from 'node:fs'
import path from 'node:path'
import * as v from 'valibot'
import {hasCode} from '../../core/errors.js'
import {readOwnText, requireOwnDirectory} from '../../system/own-files.js'
import {isRunning} from '../../system/processes.js'
import type {Announced} from './announce.js'
import {runDirectory, processOf} from './run-files.js'

/** Ours have some hundred bytes. */
const LONGEST = 8192

const text = v.pipe(v.string(), v.maxLength(300))
const schema = v.object({
  version: v.literal(1),
  carries: v.picklist(['ssh', 'forward']),
  host: text,
  profile: text,
  tokenId: text,
  clientId: text,
  identity: text,
  plainSsh: v.boolean(),
  cloudflared: v.boolean(),
  openedAt: v.pipe(v.string(), v.isoTimestamp()),
  started: v.optional(text),
})

export interface OpenConnection extends Announced {
  pid: number
}

/**
 * What the running processes of this user on this machine carry.
 *
 * @throws UserError `needs-action` / `NOT_OUR_DIRECTORY`, `UNSAFE_PERMISSIONS`: somebody else could have written there
 */
export function openConnections(state: string): OpenConnection[] {
  const directory = runDirectory(state)
  let names: string[]
  try {
    requireOwnDirectory(
      directory,
      'It names the processes that carry connections; others could name any process there.',
    )
    names = fs.readdirSync(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
  const found: OpenConnection[] = []
  for (const name of names) {
    const of = processOf(name)
    if (!of?.here || !name.endsWith('.connection') || name.startsWith('.')) continue
    const announced = read(path.join(directory, name))
    if (announced && isRunning(of.pid, announced.started)) found.push({...announced, pid: of.pid})
  }
  return found
}

/** Undefined for what is not whole, or not as we write it. */
function read(file: string): Announced | undefined {
  try {
    const parsed = v.safeParse(schema, JSON.parse(readOwnText(file, {maxBytes: LONGEST}) ?? ''))
    return parsed.success ? {...parsed.output, started: parsed.output.started} : undefined
  } catch {
    return undefined
  }
}
