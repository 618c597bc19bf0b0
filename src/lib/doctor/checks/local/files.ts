import type {Stats} from 'node:fs'
import path from 'node:path'
import {files as fs} from '../../../system/disk.js'
import type {Paths} from '../../../config/paths.js'
import {UserError} from '../../../core/errors.js'
import {listing} from '../../../core/shell-words.js'
import {findLeftovers} from '../../../secrets/leftovers.js'
import {removeFile} from '../../../system/files.js'
import {Locks} from '../../../system/lock.js'
import {
  kindOf as kindOfFile,
  refuseOthers,
  takeRights,
  thisUser,
  unusable,
} from '../../../system/own-files.js'
import {checkOf, type Says} from '../../finding.js'
import type {Check, Finding} from '../../types.js'

/** More is a sign of something else than zt's files. */
const MOST_FILES = 10_000
/** Of each kind; with one mode for all of them, one command cures them. */
const MOST_FINDINGS = 20

/** What zt refuses if others can read it: below the directories, with forward slashes. */
const SECRET =
  /^(data\/vault$|data\/journal\/.*\.spool$|config\/identity\.txt$|state\/ssh$|state\/sandbox\/.*key)/

/** Where zt keeps a directory: written as {@link SECRET}. Anything else there counts as nothing at all, or is an error. */
const DIRECTORY =
  /^(data\/(index|hosts)(\/[^/.][^/]*)?|data\/(journal|vault)|state\/(locks|undo|setup|run|ssh|sandbox)|cache\/names)$/

/** What {@link refuseOthers} says of all that zt keeps, before a command meets it. */
const files = checkOf(
  {id: 'files', area: 'zt', title: 'Owners and modes', doing: 'Looking at the files of zt', local: true},
  async ({paths}, says) => {
    let count = 0
    const found: Finding[] = []
    const unreadable = (directory: string, error: unknown): void => {
      const words = unusable(error, 'read', directory)
      if (!(words instanceof UserError)) return
      found.push(says.error(words, {at: 'unreadable', next: [listing(directory, {directory: true})]}))
    }
    for (const kind of ['config', 'data', 'state', 'cache'] as const) {
      const top = paths[kind]
      for await (const {file, stat} of below(top, MOST_FILES, unreadable)) {
        count++
        const place = placeOf(kind, top, file)
        if (DIRECTORY.test(place) && !(await isDirectory(file))) {
          found.push(says.error(noDirectory(file, stat), {at: 'kind'}))
          continue
        }
        if (stat.isSymbolicLink()) continue
        const error = refusal(file, stat, SECRET.test(place))
        if (error) found.push(says.error(error, {at: kindOf(error), fix: fixOf(error, file, file === top)}))
      }
    }
    if (found.length === 0) return [says.ok(`${count} files and directories`)]
    const left = found.length - MOST_FINDINGS
    const more =
      left > 0
        ? [says.fail(`${left} more have such owners or modes`, {at: 'more', next: ['zt doctor --fix']})]
        : []
    return [...found.slice(0, MOST_FINDINGS), ...more]
  },
)

/** A directory and what is in it, without following links below it, and without what is below another user's. */
async function* below(
  top: string,
  most: number,
  unreadable: (directory: string, error: unknown) => void,
): AsyncGenerator<{file: string; stat: Stats}> {
  const left = [{file: top, depth: 0}]
  let seen = 0
  for (let one = left.shift(); one && seen < most; one = left.shift()) {
    // The directory itself may be a link to where a person keeps such files.
    const look: (file: string) => Promise<Stats> = one.depth === 0 ? fs.stat : fs.lstat
    const stat = await look(one.file).catch(() => undefined)
    if (!stat) continue
    seen++
    yield {file: one.file, stat}
    // That it is another's says all there is to say.
    if (!stat.isDirectory() || kindOf(refusal(one.file, stat, false)) === 'owner') continue
    const {file, depth} = one
    const names = await fs.readdir(file).catch((error: unknown) => {
      unreadable(file, error)
      return []
    })
    left.push(...names.sort().map((name) => ({file: path.join(file, name), depth: depth + 1})))
  }
}

async function isDirectory(file: string): Promise<boolean> {
  return fs.stat(file).then(
    (stat) => stat.isDirectory(),
    () => false,
  )
}

function noDirectory(file: string, stat: Stats): UserError {
  const kind = stat.isFile() ? 'a file' : kindOfFile(stat)
  return new UserError({
    kind: 'config',
    code: 'NO_DIRECTORY',
    message: `${file} is ${kind}, and zt keeps a directory there`,
    why: 'What zt kept there is not found, and nothing can be saved there.',
    next: [listing(file, {directory: true}), 'Move it away; zt then creates the directory'],
  })
}

/**
 * What is missing says nothing where a directory of zt's data is something else.
 *
 * @throws UserError as the check of the files says it
 */
export async function requireDirectories({data}: Paths): Promise<void> {
  for await (const {file, stat} of below(data, MOST_FILES, () => undefined))
    if (DIRECTORY.test(placeOf('data', data, file)) && !(await isDirectory(file)))
      throw noDirectory(file, stat)
}

/** As {@link SECRET} and {@link DIRECTORY} write it. */
function placeOf(kind: keyof Paths, top: string, file: string): string {
  return [kind, path.relative(top, file).split(path.sep).join('/')].filter(Boolean).join('/')
}

function refusal(file: string, stat: Stats, secret: boolean): UserError | undefined {
  try {
    refuseOthers(file, stat, thisUser(), secret)
    return undefined
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}

function kindOf(error: UserError | undefined): 'owner' | 'mode' | undefined {
  if (!error) return undefined
  return error.message.endsWith('another user') ? 'owner' : 'mode'
}

/** Takes from others what they must not have. Another owner is for a person to find out. */
function fixOf(error: UserError, file: string, mayLink: boolean): Finding['fix'] {
  if (kindOf(error) === 'owner') return undefined
  const taken = error.message.endsWith('read by others') ? 0o077 : 0o022
  return {
    what: `Take from others the rights on ${file}`,
    // What is there by then may be something else.
    apply: async () => {
      await Promise.resolve()
      takeRights(file, taken, {links: mayLink ? 'follow' : 'refuse'})
    },
  }
}

/** Younger files may be in use: a process ID says little about another machine. */
const OLD_MS = 60 * 60_000

/** Those in the directories of data and configuration are a problem that the check of the stores reports. */
const leftovers = checkOf(
  {id: 'leftovers', area: 'zt', title: 'Temporary files', doing: 'Looking for temporary files', local: true},
  async ({paths: {state, cache}}, says) => {
    const find = async (): Promise<string[]> => {
      const all = await findLeftovers([state, cache], Date.now())
      return all.filter(({ageMs}) => ageMs >= OLD_MS).map(({file}) => file)
    }
    return [await removable(says, find, 'was left by an interrupted write', 'temporary file')]
  },
)

/** A lock ends with its process: what is left of it only takes room. */
const locks = checkOf(
  {id: 'locks', area: 'zt', title: 'Locks', doing: 'Looking at the locks', local: true},
  async ({paths: {state}}, says) => {
    const find = (): Promise<string[]> => new Locks(path.join(state, 'locks')).leftBehind()
    return [await removable(says, find, 'is of a process that has ended', 'lock')]
  },
)

/**
 * One finding about files that nothing needs.
 *
 * @param find the files; asked again before they are removed: a file of that name may be in use by then
 */
export async function removable(
  says: Says,
  find: () => Promise<string[]>,
  what: string,
  kind: string,
  more: {at?: string} = {},
): Promise<Finding> {
  const left = await find()
  const [first] = left
  if (first === undefined) return says.ok('nothing is left behind')
  const others = left.length === 1 ? '' : `, and ${left.length - 1} more`
  return says.warn(`${path.basename(first)} ${what}${others}`, {
    ...more,
    why: `${path.dirname(first)}: nothing needs it.`,
    next: ['zt doctor --fix'],
    fix: {
      what: left.length === 1 ? `Remove 1 ${kind}` : `Remove ${left.length} ${kind}s`,
      apply: async () => {
        for (const file of await find()) if (left.includes(file)) await removeFile(file)
      },
    },
  })
}

export const fileChecks: readonly Check[] = [files, leftovers, locks]
