import {randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import {hasCode} from '../core/errors.js'
import {brokenFile, readOwnText, refuseOthers, thisUser, unusable, type ReadRules} from './own-files.js'

export {brokenFile, unusable} from './own-files.js'

/**
 * Replaces a file so that a reader, or a machine that loses power, sees the old content or the new and nothing
 * between: a temporary file beside it, fsync, rename, fsync of the directory. Directories are made 0700.
 */
export async function writeFileAtomic(file: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const directory = path.dirname(file)
  try {
    await fs.mkdir(directory, {recursive: true, mode: 0o700})
    // Whoever else can write there would choose what is read next time, and where a link in its path led they have.
    refuseOthers(directory, await fs.stat(directory))
  } catch (error) {
    throw unusable(error, 'write', file)
  }
  const temporary = path.join(
    directory,
    `.${path.basename(file)}.${process.pid}.${randomBytes(4).toString('hex')}`,
  )
  try {
    const handle = await fs.open(temporary, 'wx', mode)
    try {
      await handle.writeFile(data)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await despiteScanners(() => fs.rename(temporary, file))
  } catch (error) {
    await fs.rm(temporary, {force: true}).catch(() => undefined)
    throw unusable(error, 'write', file)
  }
  await syncDirectory(directory)
}

/** How long a scanner holds a new file, generously; for longer it is somebody who keeps it open. */
const SCANNER_PATIENCE_MS = 5000
const SCANNER_PAUSE_MS = 20

/**
 * Renames or removes a file. On Windows that is refused for as long as somebody has it open, which virus scanners and
 * indexers do for moments with whatever is new (npm/write-file-atomic issue 227): it is tried again.
 */
export async function despiteScanners<T>(
  work: () => Promise<T>,
  {
    platform = process.platform,
    patienceMs = SCANNER_PATIENCE_MS,
  }: {platform?: NodeJS.Platform; patienceMs?: number} = {},
): Promise<T> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const held = platform === 'win32' && hasCode(error, 'EPERM', 'EACCES', 'EBUSY')
      if (!held || Date.now() >= deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, SCANNER_PAUSE_MS))
    }
  }
}

/**
 * Makes a file that must not be there yet, whole and durable or not at all.
 *
 * @returns false when it is there already; it is then as it was
 */
export async function createFileOnce(
  file: string,
  data: string | Uint8Array,
  mode = 0o600,
): Promise<boolean> {
  const directory = path.dirname(file)
  // Under a name of its own first: a reader that finds the file finds all of it.
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.new`
  await writeFileAtomic(temporary, data, mode)
  try {
    await fs.link(temporary, file)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw unusable(error, 'write', file)
  } finally {
    await fs.rm(temporary, {force: true}).catch(() => undefined)
  }
  await syncDirectory(directory)
  return true
}

/** Removes a file and makes that durable. False when it was not there. */
export async function removeFile(file: string): Promise<boolean> {
  try {
    await despiteScanners(() => fs.unlink(file))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw unusable(error, 'write', file)
  }
  await syncDirectory(path.dirname(file))
  return true
}

/** The text of a file that zt keeps; undefined when there is none. {@link readOwnText} says what it must be. */
export function readFileIfThere(file: string, rules?: ReadRules): Promise<string | undefined> {
  return new Promise((resolve) => {
    resolve(readOwnText(file, rules))
  })
}

/**
 * The names in a directory that zt keeps; none when it is not there, or something else is.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`; `config` / `FILE_NOT_READABLE`
 */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    const [stat, names] = await Promise.all([fs.stat(directory), fs.readdir(directory)])
    refuseOthers(directory, stat)
    return names
  } catch (error) {
    // A file in its place is said when somebody wants to write there.
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw unusable(error, 'read', directory)
  }
}

/**
 * Parses JSON that we wrote ourselves. A broken file becomes a `config` error that names the file and never
 * quotes it (`JSON.parse` puts its input into its message).
 */
export function parseOwnJson(text: string, file: string): unknown {
  try {
    // Some editors of Windows put a mark before UTF-8, which is no part of JSON (RFC 8259, 8.1).
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown
  } catch {
    throw brokenFile(file, 'it is not valid JSON')
  }
}

/**
 * Refuses a directory or file of another user, or one that others may read or write; secrets must not lie there.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`
 */
export async function refuseIfOthersCanRead(
  target: string,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  refuseOthers(target, await fs.stat(target), {...thisUser(), platform}, true)
}

/** Makes durable what was renamed or removed in it. Windows cannot open a directory, and does that by itself. */
export async function syncDirectory(
  directory: string,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  if (platform === 'win32') return
  const handle = await fs.open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
