import fs from 'node:fs'
import path from 'node:path'
import * as v from 'valibot'
import {UserError, hasCode} from '../../core/errors.js'
import {readOwnText} from '../../core/own-files.js'
import {startOf} from '../../core/process-mark.js'
import type {Announced} from './announce.js'
import {runDirectory, processOf, runs} from '../run-files.js'

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
 * @throws UserError `needs-action` / `NOT_OUR_DIRECTORY`: somebody else could have written there
 */
export async function openConnections(state: string): Promise<OpenConnection[]> {
  const directory = runDirectory(state)
  const uid = process.getuid?.()
  let names: string[]
  try {
    const stat = fs.lstatSync(directory)
    if (!stat.isDirectory() || (uid !== undefined && (stat.uid !== uid || (stat.mode & 0o022) !== 0)))
      throw notOurs(directory)
    names = fs.readdirSync(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
  const found: OpenConnection[] = []
  for (const name of names) {
    const of = processOf(name)
    if (!of?.here || !name.endsWith('.connection') || name.startsWith('.') || !runs(of.pid)) continue
    const announced = read(path.join(directory, name))
    if (announced && (await isStill(of.pid, announced.started))) found.push({...announced, pid: of.pid})
  }
  return found
}

/** Whether the process of that number is the one that started then: false only where that can be seen. */
export async function isStill(pid: number, started: string | undefined): Promise<boolean> {
  if (!runs(pid)) return false
  const now = await startOf(pid)
  return now === undefined || started === undefined || now === started
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

function notOurs(directory: string): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'NOT_OUR_DIRECTORY',
    message: `${directory} is not a private directory of this user`,
    why: 'It names the processes that carry connections; others could name any process there.',
    next: ['Find out who made it, and remove it'],
    details: {path: directory},
  })
}
