import {isUtf8} from 'node:buffer'
import fs from 'node:fs'
import path from 'node:path'
import {UserError, hasCode} from '../core/errors.js'
import {quoteForPerson} from '../core/quote.js'

/** What a file of ours must be, besides a plain file that nobody else could have written. */
export interface ReadRules {
  /** `follow` for what a person may keep elsewhere and link to; where only zt writes, a link is refused. */
  links?: 'follow' | 'refuse' | undefined
  /** Others must not be able to read it either. */
  secret?: boolean | undefined
  /** What is larger is refused: zt writes no such file. */
  maxBytes?: number | undefined
  /** This user's id, and the system. */
  as?: Self | undefined
}

export interface Self {
  /** Undefined on Windows, which has no such owners and modes. */
  uid: number | undefined
  platform: NodeJS.Platform
}

const MOST_BYTES = 16 * 1024 * 1024
const {O_RDONLY, O_NONBLOCK, O_NOFOLLOW, O_NOCTTY} = fs.constants

export function thisUser(): Self {
  return {uid: process.geteuid?.(), platform: process.platform}
}

/**
 * The bytes of a file that zt keeps; undefined when there is none. As OpenSSH judges its own files, it must belong to this
 * user or to root, and neither it nor its directory may be writable for others (a directory with the sticky bit may). All
 * is asked of the file that was opened, and opening waits for nothing, whatever is in its place.
 *
 * Without node's threads: our files are small, waiting for a thread takes longer than the reading, and ssh waits for both.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`; `config` / `FILE_NOT_READABLE`, `BROKEN_FILE`
 */
export function readOwnFile(file: string, rules: ReadRules = {}): Buffer | undefined {
  const {links = 'refuse', secret = false, maxBytes = MOST_BYTES, as = thisUser()} = rules
  return readPlain(file, {maxBytes, links}, (stat) => {
    refuseOthers(path.dirname(file), fs.statSync(path.dirname(file)), as)
    if (links === 'follow') refuseOthersLink(file, as)
    refuseOthers(file, stat, as, secret)
  })
}

/**
 * {@link readOwnFile} as text.
 *
 * @throws UserError as {@link readOwnFile}; `config` / `BROKEN_FILE` for what is not UTF-8
 */
export function readOwnText(file: string, rules: ReadRules = {}): string | undefined {
  const bytes = readOwnFile(file, rules)
  return bytes && textOf(bytes, file)
}

/** @throws UserError `config` / `BROKEN_FILE` */
export function textOf(bytes: Buffer, file: string): string {
  if (!isUtf8(bytes)) throw brokenFile(file, 'it is not text (UTF-8)')
  return bytes.toString('utf8')
}

/**
 * The bytes of a file that somebody else may have written, and a person has named or a directory holds: a plain file of
 * bounded size; undefined when there is none.
 *
 * @param check looks at what was opened, before it is read
 * @throws UserError `config` / `FILE_NOT_READABLE`, `BROKEN_FILE`
 */
export function readForeignFile(
  file: string,
  {links = 'follow', maxBytes = MOST_BYTES}: Pick<ReadRules, 'links' | 'maxBytes'> = {},
  check: (stat: fs.Stats) => void = () => undefined,
): Buffer | undefined {
  return readPlain(file, {maxBytes, links}, check)
}

/**
 * Refuses a file or directory that another user owns or may write to; with `secret`, one that others may read. On Windows
 * there are no such modes, and what is below a user's profile is that user's by inheritance.
 *
 * @throws UserError `needs-action` / `UNSAFE_PERMISSIONS`
 */
export function refuseOthers(
  target: string,
  {uid, mode}: Pick<fs.Stats, 'uid' | 'mode'>,
  as: Self = thisUser(),
  secret = false,
): void {
  if (as.platform === 'win32' || as.uid === undefined) return
  if (uid !== as.uid && uid !== 0) throw anothers(target, uid, as)
  // Others may put files into a directory with the sticky bit, as /tmp is, and not touch ours.
  const isSticky = (mode & 0o170_000) === 0o040_000 && (mode & 0o1000) !== 0
  const readable = secret && (mode & 0o077) !== 0
  if (!readable && ((mode & 0o022) === 0 || isSticky)) return
  throw new UserError({
    kind: 'needs-action',
    code: 'UNSAFE_PERMISSIONS',
    message: readable ? `${target} can be read by others` : `${target} can be changed by others`,
    why: readable
      ? `Its mode is ${(mode & 0o777).toString(8)}; secrets are kept only where nobody else can read.`
      : `Its mode is ${(mode & 0o777).toString(8)}; zt uses only what nobody else can write to.`,
    next: [`chmod ${readable ? 'go=' : 'go-w'} ${quoteForPerson(target, as.platform)}`],
    details: {path: target},
  })
}

/**
 * Refuses a directory in which what lies decides over more than its content: sockets that connections go through, pipes
 * that a secret goes through, which process is to be ended. It is itself this user's, no link, and closed to what others
 * would write, as is the one above it: else they could put another in its place.
 *
 * @param why what others could do there
 * @param rules `secret`: nor can others read it
 * @throws UserError `needs-action` / `NOT_OUR_DIRECTORY`, `UNSAFE_PERMISSIONS`; as fs.lstatSync for what is not there
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
      message: `${directory} is not a directory of this user`,
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
 * Reads a plain file without waiting for anything.
 *
 * @param check looks at what was opened, before it is read
 */
function readPlain(
  file: string,
  {maxBytes, links}: {maxBytes: number; links: 'follow' | 'refuse'},
  check: (stat: fs.Stats) => void,
): Buffer | undefined {
  let handle: number | undefined
  try {
    const noFollow = links === 'refuse' ? (O_NOFOLLOW ?? 0) : 0
    handle = fs.openSync(file, O_RDONLY | (O_NONBLOCK ?? 0) | (O_NOCTTY ?? 0) | noFollow)
    const stat = fs.fstatSync(handle)
    if (!stat.isFile()) throw notReadable(file, `${kindOf(stat)} is in its place.`)
    check(stat)
    return readAtMost(handle, file, maxBytes)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) {
      // A link that leads nowhere is not the same as no file: what it should lead to would be passed over.
      if (isLink(file)) throw notReadable(file, 'It is a link to a file that is not there.')
      return undefined
    }
    if (hasCode(error, 'ELOOP', 'EMLINK'))
      throw notReadable(
        file,
        links === 'refuse'
          ? 'A link is in its place, where zt takes only a plain file.'
          : 'It is a link that leads to itself.',
      )
    throw unusable(error, 'read', file)
  } finally {
    if (handle !== undefined) fs.closeSync(handle)
  }
}

function readAtMost(handle: number, file: string, maxBytes: number): Buffer {
  const {size} = fs.fstatSync(handle)
  // One more than there should be: it may grow while it is read, and some file systems say 0 of all of theirs.
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

/** Whose link it is: the one who made it chose the file. */
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

function kindOf(stat: fs.Stats): string {
  if (stat.isDirectory()) return 'A directory'
  if (stat.isFIFO()) return 'A named pipe'
  return stat.isSocket() ? 'A socket' : 'A device'
}

function anothers(target: string, uid: number, {uid: own, platform}: Self): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'UNSAFE_PERMISSIONS',
    message: `${target} belongs to another user`,
    why: `Its owner has the user id ${uid}, and zt runs as ${own}; zt uses only what nobody else can have written.`,
    next: [
      `ls -ld ${quoteForPerson(target, platform)}`,
      own === 0 ? 'Run zt as the user whose file it is' : 'Move it away, and let zt make a new one',
    ],
    details: {path: target},
  })
}

const REASONS: Record<string, string> = {
  EACCES: 'This user may not do that there.',
  EPERM: 'This user may not do that there.',
  EISDIR: 'A directory is in its place.',
  ENOTDIR: 'A part of its path is a file.',
  EEXIST: 'A part of its path is a file.',
  ELOOP: 'A part of its path is a link that leads to itself.',
  ENXIO: 'A socket or a device is in its place.',
  ENODEV: 'A socket or a device is in its place.',
  ENOSPC: 'The disk is full.',
  EDQUOT: "The user's quota is used up.",
  EROFS: 'The file system is read-only.',
  EMFILE: 'Too many files are open.',
  EBUSY: 'Another program has it open.',
  EIO: 'The disk or the file system failed.',
  ESTALE: 'The file system was taken away meanwhile.',
  ENAMETOOLONG: 'Its name is too long for the file system.',
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

/** The error for what cannot be read as a file of ours. */
function notReadable(file: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'FILE_NOT_READABLE',
    message: `Cannot read ${file}`,
    why,
    next: ['Move it away, and let zt make a new one'],
    details: {file},
  })
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
