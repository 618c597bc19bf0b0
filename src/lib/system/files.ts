import type {FileHandle} from 'node:fs/promises'
import {randomBytes} from 'node:crypto'
import path from 'node:path'
import {files as fs} from './disk.js'
import {hasCode, UserError} from '../core/errors.js'
import {making} from '../core/shell-words.js'
import {
  brokenFile,
  kindOf,
  readOwnText,
  refuseOthers,
  thisUser,
  unusable,
  type ReadRules,
} from './own-files.js'

export {brokenFile, unusable} from './own-files.js'

/**
 * Replaces a file of zt atomically and durably: a reader, or a machine that loses power, sees the old content or the new
 * one. Missing directories are created 0700.
 */
export async function writeFileAtomic(file: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const directory = path.dirname(file)
  try {
    await fs.mkdir(directory, {recursive: true, mode: 0o700})
    // Others who can write there could choose what is read next time, or where a link in the path leads.
    refuseOthers(directory, await fs.stat(directory))
  } catch (error) {
    throw unusable(error, 'write', file)
  }
  await replaceFile(file, {mode, write: (handle) => handle.writeFile(data)})
}

export interface Replacement {
  /** Of the temporary file when it is created; `write` may change it. */
  mode: number
  write: (handle: FileHandle) => Promise<void>
  /** Called when the new file is complete, before it takes the old one's place; may throw to keep that. */
  check?: (() => Promise<void>) | undefined
}

/**
 * Puts a new file in the place of another one: a temporary file beside it, fsync, rename, fsync of the directory.
 *
 * @throws UserError `not-written` / `FILE_NOT_WRITABLE`; the old file is then unchanged
 */
export async function replaceFile(file: string, {mode, write, check}: Replacement): Promise<void> {
  const directory = path.dirname(file)
  const name = `.${path.basename(file)}.${process.pid}.${randomBytes(4).toString('hex')}`
  const temporary = path.join(directory, name)
  try {
    const handle = await fs.open(temporary, 'wx', mode)
    try {
      await write(handle)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await check?.()
    await fs.rename(temporary, file)
  } catch (error) {
    const left = await fs.rm(temporary, {force: true}).then(
      () => undefined,
      () => temporary,
    )
    const said = unusable(error, 'write', file)
    if (left === undefined || !(said instanceof UserError)) throw said
    throw said.with({why: [...said.whyLines, `What was written so far is left in ${left}.`]})
  }
  await syncDirectory(directory)
}

/**
 * Writes a file that a person named, in the directory of their choice: atomically. What is there is replaced if it is a
 * plain file, and kept if it is a link, a directory or a device.
 *
 * @param mode before the umask; preset: readable for this user only
 * @throws UserError `not-written` / `FILE_NOT_WRITABLE`
 */
export async function writeNamedFile(
  file: string,
  data: string | Uint8Array,
  {mode = 0o600}: {mode?: number} = {},
): Promise<void> {
  const check = async (): Promise<void> => {
    const stat = await fs.lstat(file).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined
      throw unusable(error, 'write', file)
    })
    if (stat && !stat.isFile())
      throw notWritten(file, `It is ${kindOf(stat)}; zt replaces only a plain file.`)
  }
  await check()
  try {
    await replaceFile(file, {mode, check, write: (handle) => handle.writeFile(data)})
  } catch (error) {
    throw hasCode(error, 'ENOENT') ? noDirectory(file) : error
  }
}

/**
 * Writes files into a directory that a person named; makes it, 0700, if there is none.
 *
 * @param files by name
 * @throws UserError `not-written` / `FILE_NOT_WRITABLE`
 */
export async function writeDirectory(
  directory: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  try {
    await fs.mkdir(directory, {mode: 0o700})
  } catch (error) {
    const isThere = hasCode(error, 'EEXIST') && (await fs.stat(directory)).isDirectory()
    if (hasCode(error, 'ENOENT')) throw noDirectory(directory)
    if (!isThere) throw unusable(error, 'write', directory)
  }
  for (const [name, text] of Object.entries(files)) await writeNamedFile(path.join(directory, name), text)
}

function noDirectory(file: string): UserError {
  return notWritten(file, 'The directory that it is to be in does not exist.', [
    `Make the directory first: ${making(path.dirname(file))}`,
  ])
}

function notWritten(file: string, why: string, next = ['Give the path of another file']): UserError {
  return new UserError({
    kind: 'not-written',
    code: 'FILE_NOT_WRITABLE',
    message: `Cannot write ${file}`,
    why,
    next,
    details: {file},
  })
}

/** Creates a file, completely and durably or not at all. @returns false, and nothing is done, if it exists already */
export async function createFileOnce(
  file: string,
  data: string | Uint8Array,
  mode = 0o600,
): Promise<boolean> {
  const directory = path.dirname(file)
  // First under another name, so that a reader never finds an incomplete file.
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.new`
  await writeFileAtomic(temporary, data, mode)
  try {
    await fs.link(temporary, file)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    // The first: as libuv calls Windows' ERROR_INVALID_FUNCTION; the last: as Linux answers for FAT.
    if (hasCode(error, 'EISDIR', 'ENOTSUP', ...(process.platform === 'win32' ? [] : ['EPERM'])))
      throw notWritten(file, 'The system makes no hard link there, with which zt makes a file in one step.', [
        'Keep these files on another file system: XDG_CONFIG_HOME, XDG_DATA_HOME and XDG_STATE_HOME say where',
      ])
    throw unusable(error, 'write', file)
  } finally {
    await fs.rm(temporary, {force: true}).catch(() => undefined)
  }
  await syncDirectory(directory)
  return true
}

/** Removes a file durably. False if it did not exist. */
export async function removeFile(file: string): Promise<boolean> {
  try {
    await fs.unlink(file)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw unusable(error, 'write', file)
  }
  await syncDirectory(path.dirname(file))
  return true
}

/** {@link readOwnText} as a promise. */
export function readFileIfThere(file: string, rules?: ReadRules): Promise<string | undefined> {
  return new Promise((resolve) => {
    resolve(readOwnText(file, rules))
  })
}

/**
 * The names in a directory that zt keeps; none if there is no such directory.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`; `config` / `FILE_NOT_READABLE`
 */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    const [stat, names] = await Promise.all([fs.stat(directory), fs.readdir(directory)])
    refuseOthers(directory, stat)
    return names
  } catch (error) {
    // If it is a file, the next write there reports that.
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw unusable(error, 'read', directory)
  }
}

/**
 * Parses JSON that zt wrote. The error for a broken file names the file and never quotes it (`JSON.parse` puts its input
 * into its message).
 */
export function parseOwnJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw brokenFile(file, 'it is not valid JSON')
  }
}

/**
 * Refuses a directory or file that another user owns or that others may read or write, for secrets.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`
 */
export async function refuseIfOthersCanRead(
  target: string,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  refuseOthers(target, await fs.stat(target), {...thisUser(), platform}, true)
}

/** Makes renames and removals in a directory durable. Windows cannot open directories, and needs no such call. */
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
