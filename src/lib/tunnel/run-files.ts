import {createHash, randomBytes} from 'node:crypto'
import fs from 'node:fs'
import {access, mkdir, mkdtemp, rm} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {pathsFrom, type Environment} from '../config/paths.js'
import {hasCode} from '../core/errors.js'

/** After this a file of another machine, or of a container that is gone, is no use to anybody. */
const FOREIGN_MS = 30 * 24 * 3600_000
const NAME = /^\.?([0-9a-f]{8})-([1-9]\d{0,9})-[0-9a-f]{12}\./

/**
 * Where running processes leave small files about themselves, each named by its process. What a killed one leaves is
 * removed by whoever comes next.
 */
export function runDirectory(state: string): string {
  return path.join(state, 'run')
}

/** A name that no other process takes, for a file of this one. */
export function ownFile(state: string, kind: 'connection' | 'report' | 'config' | 'pipe'): string {
  const name = `${processSpace()}-${process.pid}-${randomBytes(6).toString('hex')}.${kind}`
  return path.join(runDirectory(state), name)
}

/**
 * Which process a file is of.
 *
 * @returns undefined for a name that {@link ownFile} does not make; `here` false: its number means another process here
 */
export function processOf(file: string): {pid: number; here: boolean} | undefined {
  const [, space, pid] = NAME.exec(path.basename(file)) ?? []
  return pid === undefined ? undefined : {pid: Number(pid), here: space === processSpace()}
}

/** Whether a process of that number runs; it may be another one by now. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    // EPERM: it is another user's.
    return hasCode(error, 'EPERM')
  }
}

/** One that has ended, and whose parent has not noticed; only Linux shows that. */
function isZombie(pid: number): boolean {
  try {
    // The name, in parentheses, may hold blanks (proc(5)).
    return /^\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*(?=\))/s, ''))
  } catch {
    return false
  }
}

/** Removes a file; what cannot be removed is left to {@link sweep}. */
export function drop(file: string): void {
  try {
    fs.rmSync(file, {force: true})
  } catch {
    // Whoever calls has something else to say.
  }
}

/** Removes what processes have left that are no more. Never fails: whoever calls has something else to do. */
export function sweep(state: string): void {
  const directory = runDirectory(state)
  try {
    for (const name of fs.readdirSync(directory)) {
      const of = processOf(name)
      if (!of) continue
      const file = path.join(directory, name)
      const left = of.here ? !runs(of.pid) : Date.now() - fs.lstatSync(file).mtimeMs > FOREIGN_MS
      if (left) drop(file)
    }
  } catch {
    // There is none yet, or another one sweeps at this moment.
  }
}

/**
 * A path for a file that this process makes and removes. In the state directory, so that what a killed one left goes with
 * the next; where nothing can be written there, in a directory of its own under the system's for temporary files.
 */
export async function temporaryPlace(
  env: Environment,
  kind: 'config' | 'pipe',
): Promise<{file: string; remove(): Promise<void>}> {
  try {
    const {state} = pathsFrom(env)
    const file = ownFile(state, kind)
    await mkdir(path.dirname(file), {recursive: true, mode: 0o700})
    await access(path.dirname(file), fs.constants.W_OK)
    sweep(state)
    return {file, remove: () => rm(file, {force: true})}
  } catch {
    const directory = await mkdtemp(path.join(os.tmpdir(), `zt-${kind}-`))
    return {
      file: path.join(directory, kind),
      remove: () => rm(directory, {recursive: true, force: true}),
    }
  }
}

let space: string | undefined

/** Where process numbers mean the same: this machine, and on Linux this PID namespace (a container has its own). */
function processSpace(): string {
  if (space !== undefined) return space
  let namespace = ''
  try {
    namespace = fs.readlinkSync('/proc/self/ns/pid')
  } catch {
    // Other systems have none.
  }
  space = createHash('sha256').update(`${os.hostname()}\0${namespace}`).digest('hex').slice(0, 8)
  return space
}
