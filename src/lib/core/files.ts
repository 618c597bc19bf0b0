import {randomBytes} from 'node:crypto'
import {readFileSync} from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import {UserError, hasCode} from './errors.js'
import {quoteForPerson} from './quote.js'

/**
 * Replaces a file so that a reader, or a machine that loses power, sees the old content or the new and nothing
 * between: a temporary file beside it, fsync, rename, fsync of the directory. Directories are made 0700.
 */
export async function writeFileAtomic(file: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const directory = path.dirname(file)
  try {
    await fs.mkdir(directory, {recursive: true, mode: 0o700})
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
    await fs.rm(temporary, {force: true})
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
    await fs.rm(temporary, {force: true})
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
    throw error
  }
  await syncDirectory(path.dirname(file))
  return true
}

/**
 * The text of a file; undefined when it does not exist. Our files are small: waiting for node's threads takes longer
 * than the reading, and ssh waits for both.
 */
export function readFileIfThere(file: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    try {
      resolve(readFileSync(file, 'utf8'))
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw unusable(error, 'read', file)
      resolve(undefined)
    }
  })
}

const REASONS: Record<string, string> = {
  EACCES: 'This user may not do that there.',
  EPERM: 'This user may not do that there.',
  EISDIR: 'A directory is in its place.',
  ENOTDIR: 'A part of its path is a file.',
  EEXIST: 'A part of its path is a file.',
  ENOSPC: 'The disk is full.',
  EDQUOT: "The user's quota is used up.",
  EROFS: 'The file system is read-only.',
  EMFILE: 'Too many files are open.',
  EBUSY: 'Another program has it open.',
}

/** What the system says against a file, as an error that a person can mend; anything else stays as it is. */
export function unusable(error: unknown, what: 'read' | 'write', file: string): unknown {
  const why = hasCode(error, ...Object.keys(REASONS)) ? REASONS[error.code ?? ''] : undefined
  if (why === undefined) return error
  return new UserError({
    kind: 'config',
    code: what === 'read' ? 'FILE_NOT_READABLE' : 'FILE_NOT_WRITABLE',
    message: `Cannot ${what} ${file}`,
    why,
    details: {file},
    cause: error,
  })
}

/**
 * Parses JSON that we wrote ourselves. A broken file becomes a `config` error that names the file and never
 * quotes it (`JSON.parse` puts its input into its message).
 */
export function parseOwnJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw brokenFile(file, 'it is not valid JSON')
  }
}

/** The error for a file of ours whose content is not what it should be. */
export function brokenFile(file: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'BROKEN_FILE',
    message: `Cannot use ${file}`,
    why: `The file is damaged: ${why}. Nothing was changed.`,
    next: ['Mend the file by hand, or move it away and let zt make a new one'],
    details: {file},
  })
}

/**
 * Refuses a directory or file that others may read or write; secrets must not lie there. On Windows there are no such
 * modes, and what is below a user's profile is that user's by inheritance.
 */
export async function refuseIfOthersCanRead(
  target: string,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  if (platform === 'win32') return
  const {mode} = await fs.stat(target)
  if ((mode & 0o077) === 0) return
  throw new UserError({
    kind: 'needs-action',
    code: 'UNSAFE_PERMISSIONS',
    message: `${target} can be read by others`,
    why: `Its mode is ${(mode & 0o777).toString(8)}; secrets are kept only where nobody else can read.`,
    next: [`chmod go= ${quoteForPerson(target, platform)}`],
    details: {path: target},
  })
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
