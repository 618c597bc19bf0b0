import {createHash, randomBytes} from 'node:crypto'
import fs from 'node:fs'
import {access, mkdir, mkdtemp, rm} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {pathsFrom, type Environment} from '../../config/paths.js'
import {refuseOthers, requireOwnDirectory} from '../../system/own-files.js'
import {isRunning, pidSpace} from '../../system/processes.js'

/** After this a file of another machine, of a container that is gone, or of before a restart is no use to anybody. */
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
      const left = of.here ? !isRunning(of.pid) : Date.now() - fs.lstatSync(file).mtimeMs > FOREIGN_MS
      if (left) drop(file)
    }
  } catch {
    // There is none yet, or another one sweeps at this moment.
  }
}

/**
 * A path for a file that this process makes and removes. In the state directory, so that what a killed one left goes with
 * the next; where nothing can be written there, or others could, in a directory of its own under the system's for
 * temporary files.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`: there, others could put a directory of theirs in its place
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
    requireOwnDirectory(path.dirname(file), 'Others could put something else in its place.')
    sweep(state)
    return {file, remove: () => rm(file, {force: true})}
  } catch {
    refuseOthers(os.tmpdir(), fs.statSync(os.tmpdir()))
    const directory = await mkdtemp(path.join(os.tmpdir(), `zt-${kind}-`))
    return {
      file: path.join(directory, kind),
      remove: () => rm(directory, {recursive: true, force: true}),
    }
  }
}

let space: string | undefined

/** Where process numbers mean the same, in eight characters: {@link pidSpace}, or the machine where that is not known. */
function processSpace(): string {
  space ??= createHash('sha256')
    .update(pidSpace() ?? os.hostname())
    .digest('hex')
    .slice(0, 8)
  return space
}
