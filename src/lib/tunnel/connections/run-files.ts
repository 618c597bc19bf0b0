import {createHash, randomBytes} from 'node:crypto'
import os from 'node:os'
import path from 'node:path'
import {filesSync as fs, files} from '../../system/disk.js'
import {pathsFrom, type Environment} from '../../config/paths.js'
import {refuseOthers, requireOwnDirectory} from '../../system/own-files.js'
import {isRunning, pidSpace} from '../../system/processes.js'

/** After this time a file of another machine, of a removed container or from before a restart is deleted. */
const FOREIGN_MS = 30 * 24 * 3600_000
const NAME = /^\.?([0-9a-f]{8})-([1-9]\d{0,9})-[0-9a-f]{12}\./

/**
 * Where running processes keep small files about themselves, each named by its process. A later process removes what a
 * killed one has left.
 */
export function runDirectory(state: string): string {
  return path.join(state, 'run')
}

/** A name for a file of this process, or of a child, that no other process uses. */
export function ownFile(
  state: string,
  kind: 'connection' | 'report' | 'config' | 'pipe' | 'cookies' | 'log',
  pid = process.pid,
): string {
  const name = `${processSpace()}-${pid}-${randomBytes(6).toString('hex')}.${kind}`
  return path.join(runDirectory(state), name)
}

/** The process that made a file; undefined for other names. `here` is false if its process ID is not valid here. */
export function processOf(file: string): {pid: number; here: boolean} | undefined {
  const [, space, pid] = NAME.exec(path.basename(file)) ?? []
  return pid === undefined ? undefined : {pid: Number(pid), here: space === processSpace()}
}

/** Removes a file; if that fails, {@link sweep} will. */
export function drop(file: string): void {
  try {
    fs.rmSync(file, {force: true})
  } catch {
    // The caller has something more important to report.
  }
}

/** Removes the files of processes that have ended. Never fails. */
export function sweep(state: string): void {
  for (const file of leftBehind(state)) drop(file)
}

/** The files of processes that have ended. Never fails. */
export function leftBehind(state: string): string[] {
  const directory = runDirectory(state)
  const left: string[] = []
  try {
    for (const name of fs.readdirSync(directory)) {
      const of = processOf(name)
      if (!of) continue
      const file = path.join(directory, name)
      const ended = of.here ? !isRunning(of.pid) : Date.now() - fs.lstatSync(file).mtimeMs > FOREIGN_MS
      if (ended) left.push(file)
    }
  } catch {
    // There is no directory yet, or another process sweeps it at this moment.
  }
  return left
}

/**
 * A path for a file that this process creates and removes. It is in the state directory, where a later process removes it
 * if this one is killed; or, if that directory is not writable or is writable for others, in a private directory in the
 * system's temporary one.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`: others could replace the private directory
 */
export async function temporaryPlace(
  env: Environment,
  kind: 'config' | 'pipe' | 'cookies',
): Promise<{file: string; remove(): Promise<void>}> {
  try {
    const {state} = pathsFrom(env)
    const file = ownFile(state, kind)
    await files.mkdir(path.dirname(file), {recursive: true, mode: 0o700})
    await files.access(path.dirname(file), fs.constants.W_OK)
    requireOwnDirectory(path.dirname(file), 'Others could put something else in its place.')
    sweep(state)
    return {file, remove: () => files.rm(file, {force: true})}
  } catch {
    refuseOthers(os.tmpdir(), fs.statSync(os.tmpdir()))
    const directory = await files.mkdtemp(path.join(os.tmpdir(), `zt-${kind}-`))
    return {
      file: path.join(directory, kind),
      remove: () => files.rm(directory, {recursive: true, force: true}),
    }
  }
}

let space: string | undefined

/** Where process IDs are valid, as eight characters: {@link pidSpace}, or the host name if that is unknown. */
function processSpace(): string {
  space ??= createHash('sha256')
    .update(pidSpace() ?? os.hostname())
    .digest('hex')
    .slice(0, 8)
  return space
}
