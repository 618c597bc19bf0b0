import {createHash, randomBytes} from 'node:crypto'
import path from 'node:path'
import {getRawAsset} from 'node:sea'
import {filesSync as fs} from '../../system/disk.js'
import {BugError, hasCode, messageOf} from '../../core/errors.js'
import {posixPath} from '../../core/posix-path.js'

/** What zt uses of keytar. Its JavaScript only adds a check that no argument is empty. */
export type Keytar = Pick<typeof import('keytar'), 'getPassword' | 'setPassword' | 'deletePassword'>

/** A problem with the place of the addon. The text holds no secret. */
export class AddonError extends Error {
  override readonly name = 'AddonError'
}

/**
 * Loads keytar's native part from the single executable. It goes through a file, as the system's loader needs one.
 *
 * @throws AddonError, or the loader's error when libsecret is missing
 */
export function loadAddon(directory: string | undefined): Keytar {
  if (directory === undefined) throw new BugError('the keychain was opened without a place for its library')
  const content = Buffer.from(getRawAsset('keytar.node') as ArrayBuffer)
  const handle = openAddon(content, directory)
  try {
    const module: {exports: unknown} = {exports: {}}
    // By its descriptor, so that the file cannot be replaced between the check and the load. Windows loads by name only.
    process.dlopen(module, posixPath(`/proc/self/fd/${handle}`) ?? fileOf(content, directory))
    return module.exports as Keytar
  } catch (error) {
    // The file system is mounted with noexec.
    if (!messageOf(error).includes('failed to map segment')) throw error
    throw new AddonError(`The system does not load libraries from ${directory}.`)
  } finally {
    fs.closeSync(handle)
  }
}

/**
 * Opens the file with this content in a directory that only this user can enter. Makes both if they are missing or not as
 * they should be. The file is named by its SHA-256, so that each version has its own.
 *
 * @returns the descriptor of a file that was checked to be this user's, not writable by others, and with this content
 * @throws AddonError
 */
export function openAddon(content: Buffer, directory: string): number {
  try {
    makePrivate(directory)
    const file = fileOf(content, directory)
    const there = openChecked(file, content)
    if (there !== undefined) return there
    write(file, content)
    const made = openChecked(file, content)
    if (made !== undefined) return made
  } catch (error) {
    if (error instanceof AddonError) throw error
    throw new AddonError(`The keychain library cannot be written to ${directory}.`)
  }
  throw new AddonError(`Other programs change zt's files in ${directory}.`)
}

/** Windows has no owners and modes: what is below a user's profile is that user's (docs/reference/platforms.md). */
function hasOwners(): boolean {
  return process.getuid !== undefined
}

function isOwn(stat: {uid: number}): boolean {
  return !hasOwners() || stat.uid === process.getuid?.()
}

/** Undefined when the file must be written, for the first time or again. */
function openChecked(file: string, content: Buffer): number | undefined {
  let handle: number
  try {
    handle = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ELOOP', 'EACCES', 'ENXIO')) return undefined
    throw error
  }
  try {
    const stat = fs.fstatSync(handle)
    const ours = stat.isFile() && isOwn(stat) && (!hasOwners() || (stat.mode & 0o022) === 0)
    if (ours && stat.size === content.length && fs.readFileSync(handle).equals(content)) return handle
  } catch (error) {
    fs.closeSync(handle)
    throw error
  }
  fs.closeSync(handle)
  return undefined
}

function write(file: string, content: Buffer): void {
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    fs.writeFileSync(temporary, content, {mode: 0o600, flag: 'wx'})
    fs.renameSync(temporary, file)
  } catch (error) {
    fs.rmSync(temporary, {force: true})
    throw error
  }
}

/** One by one: node's `recursive` does not end on a file system that refuses directories, such as /proc. */
function makePrivate(directory: string): void {
  const missing: string[] = []
  // A drive that is gone has no directory above it.
  for (let one = directory; !fs.existsSync(one) && one !== path.dirname(one); one = path.dirname(one))
    missing.unshift(one)
  for (const one of missing) {
    try {
      fs.mkdirSync(one, {mode: 0o700})
    } catch (error) {
      // Another process was faster.
      if (!hasCode(error, 'EEXIST')) throw error
    }
  }
  const stat = fs.lstatSync(directory)
  if (!stat.isDirectory() || !isOwn(stat))
    throw new AddonError(`${directory} is not a directory of your own.`)
  if (hasOwners() && (stat.mode & 0o077) !== 0) fs.chmodSync(directory, 0o700)
}

function fileOf(content: Buffer, directory: string): string {
  return path.join(directory, `${createHash('sha256').update(content).digest('hex')}.node`)
}
