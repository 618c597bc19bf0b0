import {createHash, randomBytes} from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import {getRawAsset} from 'node:sea'
import {BugError, hasCode, messageOf} from '../../core/errors.js'

/** What we use of keytar. Its JavaScript adds no more than a check that no argument is empty. */
export type Keytar = Pick<typeof import('keytar'), 'getPassword' | 'setPassword' | 'deletePassword'>

/** What is wrong with where the addon would lie; the text holds no secret. */
export class AddonError extends Error {
  override readonly name = 'AddonError'
}

/**
 * keytar's native part out of the single executable, by way of a file, as the system's loader takes it from nowhere else.
 *
 * @throws AddonError, or what the loader says where libsecret is not there
 */
export function loadAddon(directory: string | undefined): Keytar {
  if (directory === undefined) throw new BugError('the keychain was opened without a place for its library')
  const handle = openAddon(Buffer.from(getRawAsset('keytar.node') as ArrayBuffer), directory)
  try {
    const module: {exports: unknown} = {exports: {}}
    // By its descriptor: whoever could put another file in its place would do so after it was looked at.
    process.dlopen(module, `/proc/self/fd/${handle}`)
    return module.exports as Keytar
  } catch (error) {
    // A file system that is mounted with noexec.
    if (!messageOf(error).includes('failed to map segment')) throw error
    throw new AddonError(`No library may be loaded from ${directory}.`)
  } finally {
    fs.closeSync(handle)
  }
}

/**
 * Opens the file of this content in a directory that only this user can enter, and makes both where they are not there
 * or not as they should be. The file is named by its SHA-256, so that another version has another one.
 *
 * @returns the descriptor of a file that was found to be ours, not writable for others, and of this content
 * @throws AddonError
 */
export function openAddon(content: Buffer, directory: string): number {
  try {
    makePrivate(directory)
    const file = path.join(directory, `${sha256(content)}.node`)
    const there = openChecked(file, content)
    if (there !== undefined) return there
    write(file, content)
    const made = openChecked(file, content)
    if (made !== undefined) return made
  } catch (error) {
    if (error instanceof AddonError) throw error
    throw new AddonError(`The keychain library cannot be kept in ${directory}.`)
  }
  throw new AddonError(`Others change what zt keeps in ${directory}.`)
}

/** Undefined: it is to be written, for the first time or again. */
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
    const ours = stat.isFile() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0
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

/** One by one: node's `recursive` never ends where a file system refuses directories as /proc does. */
function makePrivate(directory: string): void {
  const missing: string[] = []
  for (let one = directory; !fs.existsSync(one); one = path.dirname(one)) missing.unshift(one)
  for (const one of missing) {
    try {
      fs.mkdirSync(one, {mode: 0o700})
    } catch (error) {
      // Another process was sooner.
      if (!hasCode(error, 'EEXIST')) throw error
    }
  }
  const stat = fs.lstatSync(directory)
  if (!stat.isDirectory() || stat.uid !== process.getuid?.())
    throw new AddonError(`${directory} is not a directory of your own.`)
  if ((stat.mode & 0o077) !== 0) fs.chmodSync(directory, 0o700)
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
