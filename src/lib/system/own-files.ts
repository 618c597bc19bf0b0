import type {Stats} from 'node:fs'
import path from 'node:path'
import {filesSync as fs, lastingReason} from './disk.js'
import {decodeText} from '../core/decode-text.js'
import {UserError, hasCode} from '../core/errors.js'
import {quoteForPerson} from '../core/quote.js'
import {listing, makingWritable} from '../core/shell-words.js'

/** Requirements for a file of zt, which must also be a plain file that no other user could have written. */
export interface ReadRules {
  /** `follow` where a person may link to a file elsewhere; `refuse` where only zt writes. */
  links?: 'follow' | 'refuse' | undefined
  /** Others must not be able to read it. */
  secret?: boolean | undefined
  /** A larger file is refused. */
  maxBytes?: number | undefined
  /** The user and the system to check for. */
  as?: Self | undefined
}

export interface Self {
  /** Effective user ID; undefined on Windows, which has no such owners and modes. */
  uid: number | undefined
  platform: NodeJS.Platform
}

const MOST_BYTES = 16 * 1024 * 1024
const {O_RDONLY, O_NONBLOCK, O_NOFOLLOW, O_NOCTTY} = fs.constants

export function thisUser(): Self {
  return {uid: process.geteuid?.(), platform: process.platform}
}

/**
 * The bytes of a file that zt keeps; undefined if there is none. As for OpenSSH's own files, it must belong to this user or
 * to root, and others must not be able to write to it or to its directory (except a directory with the sticky bit). The
 * checks are made on the opened file, and opening never waits, whatever has been put there.
 *
 * Synchronous: the files are small, and waiting for one of node's threads takes longer than reading, while ssh waits.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`; `config` / `FILE_NOT_READABLE`, `BROKEN_FILE`
 */
export function readOwnFile(file: string, rules: ReadRules = {}): Buffer | undefined {
  const {links = 'refuse', secret = false, maxBytes, as = thisUser()} = rules
  return readForeignFile(file, {maxBytes, links}, (stat) => {
    refuseOthers(path.dirname(file), fs.statSync(path.dirname(file)), as)
    if (links === 'follow') refuseOthersLink(file, as)
    refuseOthers(file, stat, as, secret)
  })
}

/** {@link readOwnFile} as text. @throws as that; UserError `config` / `BROKEN_FILE` if it is not text */
export function readOwnText(file: string, rules: ReadRules = {}): string | undefined {
  const bytes = readOwnFile(file, rules)
  return bytes && textOf(bytes, file)
}

/** {@link decodeText}. @throws UserError `config` / `BROKEN_FILE` */
export function textOf(bytes: Buffer, file: string): string {
  const text = decodeText(bytes)
  if (text === undefined) throw brokenFile(file, 'it is not text (UTF-8)')
  return text
}

/**
 * Refuses a file or directory that another user owns or may write to; with `secret`, one that others may read. Windows has
 * no such modes, and what is below a user's profile is that user's by inheritance.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`
 */
export function refuseOthers(
  target: string,
  {uid, mode}: Pick<Stats, 'uid' | 'mode'>,
  as: Self = thisUser(),
  secret = false,
): void {
  if (as.platform === 'win32' || as.uid === undefined) return
  if (uid !== as.uid && uid !== 0) throw anothers(target, uid, as)
  // In a directory with the sticky bit, such as /tmp, others may create files but not touch ours.
  const isSticky = (mode & 0o170_000) === 0o040_000 && (mode & 0o1000) !== 0
  const readable = secret && (mode & 0o077) !== 0
  if (!readable && ((mode & 0o022) === 0 || isSticky)) return
  throw new UserError({
    kind: 'needs-action',
    code: 'UNSAFE_PERMISSIONS',
    message: readable ? `${target} can be read by others` : `${target} can be changed by others`,
    why: readable
      ? `Its mode is ${(mode & 0o777).toString(8)}; zt keeps secrets only where no one else can read them.`
      : `Its mode is ${(mode & 0o777).toString(8)}; zt uses only files that no one else can write to.`,
    next: [`chmod ${readable ? 'go=' : 'go-w'} ${quoteForPerson(target, as.platform)}`],
    details: {path: target},
  })
}

/**
 * Refuses a directory whose entries decide more than their content does: sockets that connections go through, pipes that
 * a secret goes through, the processes that are to be ended. It must be this user's, not a link, and neither it nor its
 * parent may be writable for others, who could otherwise put another one in its place.
 *
 * @param why what others could do there
 * @param options `secret`: others must not be able to read it either
 * @throws UserError `needs-action` / `NOT_OUR_DIRECTORY`, `UNSAFE_PERMISSIONS`; as fs.lstatSync if it does not exist
 */
export function requireOwnDirectory(
  directory: string,
  why: string,
  {secret = false, as = thisUser()}: Pick<ReadRules, 'secret' | 'as'> = {},
): void {
  const stat = fs.lstatSync(directory)
  if (!stat.isDirectory() || (as.uid !== undefined && stat.uid !== as.uid)) {
    throw new UserError({
      kind: 'needs-action',
      code: 'NOT_OUR_DIRECTORY',
      message: `${directory} is not a directory that belongs to this user`,
      why,
      next: ['Find out who made it, and remove it'],
      details: {path: directory},
    })
  }
  refuseOthers(directory, stat, as, secret)
  const above = path.dirname(directory)
  refuseOthers(above, fs.statSync(above), as)
}

/**
 * The bytes of a file that someone else may have written: a plain file of limited size; undefined if there is none. Opening
 * it never waits.
 *
 * @param check is called with what was opened, before it is read
 * @throws UserError `config` / `FILE_NOT_READABLE`, `BROKEN_FILE`
 */
export function readForeignFile(
  file: string,
  {links = 'follow', maxBytes = MOST_BYTES}: Pick<ReadRules, 'links' | 'maxBytes'> = {},
  check: (stat: Stats) => void = () => undefined,
): Buffer | undefined {
  let handle: number | undefined
  try {
    const noFollow = links === 'refuse' ? (O_NOFOLLOW ?? 0) : 0
    handle = fs.openSync(file, O_RDONLY | (O_NONBLOCK ?? 0) | (O_NOCTTY ?? 0) | noFollow)
    const stat = fs.fstatSync(handle)
    if (!stat.isFile()) throw notReadable(file, `It is ${kindOf(stat)}.`)
    check(stat)
    return readAtMost(handle, file, maxBytes)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) {
      // A broken link is not the same as no file.
      if (isLink(file)) throw notReadable(file, 'It is a link to a file that does not exist.')
      return undefined
    }
    if (hasCode(error, 'ELOOP', 'EMLINK'))
      throw notReadable(
        file,
        links === 'refuse' ? 'It is a link; zt reads only a plain file here.' : 'It is a link to itself.',
      )
    throw unusable(error, 'read', file)
  } finally {
    if (handle !== undefined) fs.closeSync(handle)
  }
}

/**
 * The text of a file that a person names for reading; undefined if there is none. zt makes no such file, so an error does not
 * say to move it away.
 *
 * @throws UserError `config` / `FILE_NOT_READABLE`, `BROKEN_FILE`
 */
export function readNamedText(file: string, {maxBytes}: Pick<ReadRules, 'maxBytes'>): string | undefined {
  try {
    const bytes = readForeignFile(file, {maxBytes})
    return bytes && textOf(bytes, file)
  } catch (error) {
    throw error instanceof UserError ? error.with({next: []}) : error
  }
}

function readAtMost(handle: number, file: string, maxBytes: number): Buffer {
  const {size} = fs.fstatSync(handle)
  // One byte more than expected: the file may grow while it is read, and some file systems report a size of 0.
  let bytes = Buffer.allocUnsafe(Math.min(size, maxBytes) + 1)
  let length = 0
  for (;;) {
    const read = fs.readSync(handle, bytes, length, bytes.length - length, null)
    length += read
    if (length > maxBytes) throw brokenFile(file, `it is larger than ${Math.ceil(maxBytes / 1024)} KiB`)
    if (read === 0) return bytes.subarray(0, length)
    if (length === bytes.length) bytes = Buffer.concat([bytes, Buffer.allocUnsafe(Math.min(length, 65_536))])
  }
}

/** Refuses another user's link: that user chose the file. */
function refuseOthersLink(file: string, as: Self): void {
  const stat = fs.lstatSync(file)
  if (stat.isSymbolicLink() && as.uid !== undefined && stat.uid !== as.uid && stat.uid !== 0)
    throw anothers(file, stat.uid, as)
}

function isLink(file: string): boolean {
  try {
    return fs.lstatSync(file).isSymbolicLink()
  } catch {
    return false
  }
}

/** What a file is that is no plain file. */
export function kindOf(stat: Stats): string {
  if (stat.isSymbolicLink()) return 'a link'
  if (stat.isDirectory()) return 'a directory'
  if (stat.isFIFO()) return 'a named pipe'
  return stat.isSocket() ? 'a socket' : 'a device'
}

function anothers(target: string, uid: number, {uid: own, platform}: Self): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'UNSAFE_PERMISSIONS',
    message: `${target} belongs to another user`,
    why: `Its owner has the user ID ${uid}, and zt runs as ${own}; zt uses only files that no other user can have written.`,
    next: [
      listing(target, {directory: true, platform}),
      own === 0 ? 'Run zt as the user who owns the file' : 'Move it away; zt then creates a new one',
    ],
    details: {path: target},
  })
}

const REASONS: Record<string, string> = {
  EACCES: 'Permission denied.',
  EPERM: 'Operation not permitted.',
  EISDIR: 'It is a directory.',
  ENOTDIR: 'A part of its path is a file.',
  EEXIST: 'A part of its path is a file.',
  ELOOP: 'A part of its path is a link to itself.',
  ENXIO: 'It is a socket or a device.',
  ENODEV: 'It is a socket or a device.',
  ENOSPC: 'The disk is full.',
  EDQUOT: "The user's disk quota is exceeded.",
  EROFS: 'The file system is read-only.',
  ENOTSUP: 'The file system cannot do that.',
  EMFILE: 'Too many files are open.',
  EBUSY: 'Another program has it open.',
  ENOENT: 'Its drive or network share is not available.',
  UNKNOWN: 'Its drive or network share is not available.',
  ENETUNREACH: 'Its network share cannot be reached.',
  EHOSTUNREACH: 'Its network share cannot be reached.',
  ETIMEDOUT: 'Its network share does not answer.',
  ENOTCONN: 'Its network share is no longer connected.',
  ECONNRESET: 'Its network share is no longer connected.',
  EIO: 'The disk or the file system failed.',
  ESTALE: 'The file system is no longer available.',
  EFBIG: 'It is larger than the file system or a limit of this shell (ulimit -f) allows.',
  ENAMETOOLONG: 'Its name is too long for the file system.',
}

/** What to do about a reason that the person can change. */
function nextFor(code: string | undefined): string[] {
  if (code === 'EBUSY') return ['Close the program that has it open, and run the command again']
  return GONE.includes(code ?? '') ? ['Connect the drive or the share again, and run the command again'] : []
}

/** Whether the root of a path is there: its drive, its network share, or `/`. */
function isDriveThere(file: string): boolean {
  const {root} = path.parse(file)
  return root === '' || fs.existsSync(root)
}

/**
 * A failed file operation as an error for people; any other error as it is, and so is that of a file that does not exist,
 * unless its whole drive or network share is gone.
 */
export function unusable(
  error: unknown,
  what: 'read' | 'write',
  file: string,
  platform: NodeJS.Platform = process.platform,
): unknown {
  const why = hasCode(error, ...Object.keys(REASONS)) ? REASONS[error.code ?? ''] : undefined
  if (why === undefined || (hasCode(error, 'ENOENT') && isDriveThere(file))) return error
  return new UserError({
    kind: what === 'read' ? 'config' : 'not-written',
    code: what === 'read' ? 'FILE_NOT_READABLE' : 'FILE_NOT_WRITABLE',
    message: `Cannot ${what} ${file}`,
    why,
    next: nextFor((error as NodeJS.ErrnoException).code),
    ...(platform === 'win32' && hasCode(error, 'EPERM', 'EACCES') && whyDenied(error, platform)),
    details: {file},
    cause: error,
  })
}

/** Windows has one code for several reasons. */
function whyDenied(
  {path: from, dest, syscall}: NodeJS.ErrnoException & {dest?: string},
  platform: NodeJS.Platform,
): {why: string; next: string[]} {
  const file = dest ?? from
  const reason =
    file !== undefined && /^(open|rename|link|unlink)$/.test(syscall ?? '') && lastingReason(file)
  if (reason === 'directory') return {why: 'It is a directory.', next: []}
  if (reason === 'read-only') return {why: 'It is read-only.', next: [makingWritable(file ?? '', platform)]}
  return {
    why: 'Windows denies access: by permissions, or because another program has it open.',
    next: ['Close the programs that may have it open, and run the command again'],
  }
}

/** System calls that change files. */
const WRITING =
  /^(write|writev|pwrite|mkdir|mkdtemp|rename|unlink|rmdir|rm|link|symlink|copyfile|f?chmod|l?chown|fchown|f?utime|lutime|f?truncate|ftruncate|fsync|fdatasync)$/
/** Those that only read, and those that may do either. */
const READING = /^(read|open|opendir|scandir|readlink|realpath|access|[lf]?stat)$/

const DISKS = [
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EROFS',
  'EACCES',
  'EPERM',
  'EIO',
  'ESTALE',
  'EMFILE',
  'EBUSY',
  'ENOTSUP',
]
/** As Windows reports a drive or a share that is gone: libuv has no name for most of its codes. */
const GONE = ['ENOENT', 'UNKNOWN', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT', 'ENOTCONN', 'ECONNRESET']
/** Something else than zt's file or directory is there. */
const PATHS = ['ENOTDIR', 'ELOOP', 'EISDIR', 'ENAMETOOLONG', 'ENXIO', 'ENODEV']

/**
 * A failed call on a file where nothing expects it to fail: on a full or read-only disk, or without permission, that is no
 * bug in zt. Any other error as it is, also of a socket or a process.
 */
export function unusableFile(error: unknown): unknown {
  if (!hasCode(error, ...DISKS, ...GONE, ...PATHS)) return error
  const {code, syscall = '', path: file} = error
  const writes = WRITING.test(syscall) || hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS')
  if (!writes && !READING.test(syscall)) return error
  // Some of these codes are of sockets, too.
  if (file === undefined && GONE.includes(code ?? '')) return error
  return unusable(error, writes ? 'write' : 'read', file ?? `a file (${code ?? ''})`)
}

/**
 * Takes rights on a file or directory from others: of what is there now, and of nothing that a link leads to unless `links`
 * is `follow`.
 *
 * @param rights the bits of the mode to clear
 * @throws as fs.open; UserError `config` / `FILE_NOT_READABLE` if it is a link
 */
export function takeRights(
  file: string,
  rights: number,
  {links = 'refuse'}: Pick<ReadRules, 'links'> = {},
): void {
  const noFollow = links === 'refuse' ? (O_NOFOLLOW ?? 0) : 0
  let handle: number | undefined
  try {
    handle = fs.openSync(file, O_RDONLY | (O_NONBLOCK ?? 0) | (O_NOCTTY ?? 0) | noFollow)
    fs.fchmodSync(handle, fs.fstatSync(handle).mode & 0o7777 & ~rights)
  } catch (error) {
    if (hasCode(error, 'ELOOP', 'EMLINK')) throw notReadable(file, 'It is a link.')
    throw error
  } finally {
    if (handle !== undefined) fs.closeSync(handle)
  }
}

/** The error for one of zt's files that cannot be read. */
function notReadable(file: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'FILE_NOT_READABLE',
    message: `Cannot read ${file}`,
    why,
    next: ['Move it away; zt then creates a new one'],
    details: {file},
  })
}

/** The error for one of zt's files with unexpected content. */
export function brokenFile(file: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'BROKEN_FILE',
    message: `Cannot use ${file}`,
    why: `The file is damaged: ${why}. Nothing was changed.`,
    next: ['Correct the file by hand, or move it away; zt then creates a new one'],
    details: {file},
  })
}
