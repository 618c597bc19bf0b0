import path from 'node:path'
import {files as fs} from '../system/disk.js'
import {hasCode} from '../core/errors.js'

/** A temporary file of an interrupted write. */
export interface Leftover {
  file: string
  /** The file that it was to replace or to become. */
  of: string
  /** Milliseconds since it was written. */
  ageMs: number
}

/** `.NAME.PID.xxxxxxxx` of an atomic write, `NAME.PID.xxxxxxxx.new` of a file that is made once. */
const TEMPORARY = /^(?:\.(.+)\.(\d+)\.[0-9a-f]{8}|([^.].*)\.(\d+)\.[0-9a-f]{8}\.new)$/

/**
 * Temporary files that dead processes have left. Such a file was to replace another and did not, so the other is whole; or it is a second name of a file that
 * was made, and could not be removed.
 *
 * @param directories searched with everything below them
 */
export async function findLeftovers(directories: readonly string[], now: number): Promise<Leftover[]> {
  const found = new Map<string, Leftover>()
  for (const directory of directories) {
    for (const file of await filesBelow(directory)) {
      const [, name, pid, otherName, otherPid] = TEMPORARY.exec(path.basename(file)) ?? []
      const owner = pid ?? otherPid
      if (owner === undefined || isAlive(Number(owner))) continue
      // A temporary file of a temporary file has both endings.
      const own = (otherName ?? name ?? '').replace(/\.\d+\.[0-9a-f]{8}\.new$/, '')
      const stat = await fs.lstat(file).catch(() => undefined)
      if (stat?.isFile())
        found.set(file, {file, of: path.join(path.dirname(file), own), ageMs: now - stat.mtimeMs})
    }
  }
  return [...found.values()].sort((a, b) => (a.file < b.file ? -1 : 1))
}

async function filesBelow(directory: string): Promise<string[]> {
  try {
    return (await fs.readdir(directory, {recursive: true})).map((name) => path.join(directory, name))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}
