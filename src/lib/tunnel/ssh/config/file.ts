import path from 'node:path'
import {files as fs} from '../../../system/disk.js'
import {UserError, hasCode} from '../../../core/errors.js'
import {replaceFile, unusable} from '../../../system/files.js'
import {quoteForPerson} from '../../../core/quote.js'
import {makingWritable} from '../../../core/shell-words.js'

const MOST_LINKS = 16

/** A configuration file in its current state. */
export interface ConfigFile {
  /** The file itself, where links lead. */
  real: string
  /** latin1: one character for each byte. Undefined if there is no file yet. */
  text: string | undefined
  mode: number
  owner: {uid: number; gid: number} | undefined
}

/**
 * Reads a configuration file, and checks that ssh would use it and that it is writable.
 *
 * @throws UserError `config` / `FILE_NOT_READABLE`; `not-written` / `FILE_NOT_WRITABLE`; `needs-action` / `UNSAFE_PERMISSIONS`
 */
export async function readConfigFile(
  file: string,
  platform: NodeJS.Platform = process.platform,
): Promise<ConfigFile> {
  const real = await behindLinks(file)
  // It is replaced by a new file.
  await fs.access(path.dirname(real), fs.constants.W_OK).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw unusable(error, 'write', file)
  })
  let stat
  try {
    stat = await fs.stat(real)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return {real, text: undefined, mode: 0o600, owner: undefined}
    throw unusable(error, 'read', file)
  }
  if (!stat.isFile()) throw notUsable(file, 'It is not a regular file.')
  const mode = stat.mode & 0o7777
  // On Windows, node has neither owners nor modes; ssh checks access lists there.
  const own = platform === 'win32' ? undefined : process.getuid?.()
  if (own !== undefined) {
    // The same checks as ssh's.
    if (stat.uid !== 0 && stat.uid !== own && own !== 0) throw unsafe(file, 'It belongs to another user.', [])
    if ((mode & 0o022) !== 0)
      throw unsafe(file, `Its mode is ${mode.toString(8)}: others can write to it.`, [
        `chmod go-w ${quoteForPerson(file, platform)}`,
      ])
  }
  // Windows' attribute, too.
  if ((mode & 0o200) === 0)
    throw notUsable(file, `It is read-only (its mode is ${mode.toString(8)}).`, [
      makingWritable(file, platform),
    ])
  const text = await fs.readFile(real, 'latin1').catch((error: unknown) => {
    throw unusable(error, 'read', file)
  })
  // ssh reads no line of it, and zt's would be the only ones in another encoding.
  if (/^(?:\u00ff\u00fe|\u00fe\u00ff)|\0/.test(text))
    throw notUsable(file, 'It is in UTF-16, as Windows PowerShell saves a file, which ssh cannot read.', [
      'Save it in UTF-8, without a byte order mark',
    ])
  return {real, text, mode, owner: {uid: stat.uid, gid: stat.gid}}
}

/**
 * Replaces the file's text in one step; mode and owner stay. A missing directory is created 0700.
 *
 * @param check may throw to keep the old file
 * @throws UserError `not-written` / `FILE_NOT_WRITABLE`; the old file is then unchanged
 */
export async function replaceConfigFile(
  {real, mode, owner}: ConfigFile,
  text: string,
  check: () => Promise<void>,
): Promise<void> {
  try {
    await fs.mkdir(path.dirname(real), {recursive: true, mode: 0o700})
  } catch (error) {
    throw unusable(error, 'write', real)
  }
  await replaceFile(real, {
    mode: 0o600,
    write: async (handle) => {
      await handle.writeFile(text, 'latin1')
      const {uid, gid} = await handle.stat()
      if (owner && (owner.uid !== uid || owner.gid !== gid)) await handle.chown(owner.uid, owner.gid)
      await handle.chmod(mode)
    },
    check,
  })
}

/** Follows links, also to a file that does not exist yet. */
async function behindLinks(file: string): Promise<string> {
  let at = path.resolve(file)
  for (let links = 0; links < MOST_LINKS; links++) {
    try {
      const to = await fs.readlink(at)
      at = path.resolve(path.dirname(at), to)
    } catch (error) {
      // EINVAL: not a link; UNKNOWN: the same on Windows.
      if (!hasCode(error, 'EINVAL', 'ENOENT', 'UNKNOWN')) throw unusable(error, 'read', file)
      const directory = await fs.realpath(path.dirname(at)).catch(() => path.dirname(at))
      return path.join(directory, path.basename(at))
    }
  }
  throw notUsable(file, 'It is a link to itself.')
}

function notUsable(file: string, why: string, next: string[] = []): UserError {
  return new UserError({
    kind: 'not-written',
    code: 'FILE_NOT_WRITABLE',
    message: `Cannot write ${file}`,
    why,
    next,
    details: {file},
  })
}

function unsafe(file: string, why: string, next: string[]): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'UNSAFE_PERMISSIONS',
    message: `ssh does not use ${file}`,
    why,
    next,
    details: {path: file},
  })
}
