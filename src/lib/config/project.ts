import path from 'node:path'
import * as v from 'valibot'
import {filesSync as fs} from '../system/disk.js'
import {UserError} from '../core/errors.js'
import {brokenFile, parseOwnJson} from '../system/files.js'
import {readForeignFile, textOf, thisUser, type Self} from '../system/own-files.js'
import {homeDirectory, isFullPath, variableOf} from '../system/platform.js'
import {quoteForPerson} from '../core/quote.js'
import {firstFault} from '../core/schema.js'
import type {Environment} from './paths.js'

const PROJECT_FILE = '.zt.json'
const MOST_BYTES = 64 * 1024

/** More than anyone forwards at once. */
const MOST_FORWARDS = 32

/** A host of `zt forward`, with the local port for it. */
const forwardSchema = v.strictObject({
  host: v.pipe(v.string(), v.maxLength(253)),
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  http: v.optional(v.boolean()),
})
export type ProjectForward = v.InferOutput<typeof forwardSchema>

/**
 * A project names a profile, an account, and hosts to forward, nothing else. A cloned repository must not decide where an
 * API token or a client secret is sent, so addresses, stores and tokens are an error.
 */
const projectSchema = v.strictObject({
  profile: v.optional(v.string()),
  account: v.optional(v.string()),
  forwards: v.optional(v.pipe(v.array(forwardSchema), v.maxLength(MOST_FORWARDS))),
})

export interface ProjectSettings {
  file: string
  profile?: string | undefined
  account?: string | undefined
  /** What `zt forward` without a host opens: hosts that are bound already. */
  forwards?: readonly ProjectForward[] | undefined
}

/**
 * The directories in which a project's file counts, the nearest first: up to the home directory or the root. Windows shows
 * node no owner of a file: there it does not count where everyone may put one, which is in the root of a drive or a share, and
 * anywhere in ProgramData, in Public and in the temporary directory of Windows.
 */
export function projectDirectories(
  cwd: string,
  {env, platform, home}: {env: Environment; platform: NodeJS.Platform; home: string | undefined},
): string[] {
  const {resolve, dirname, join, sep} = platform === 'win32' ? path.win32 : path.posix
  const known = (directory: string): string => (platform === 'win32' ? directory.toLowerCase() : directory)
  const all: string[] = []
  for (let directory = resolve(cwd); ; directory = dirname(directory)) {
    all.push(directory)
    if (directory === dirname(directory) || (home !== undefined && known(directory) === known(resolve(home))))
      break
  }
  if (platform !== 'win32') return all
  const root = variableOf(env, 'SystemRoot', platform)
  const shared = [
    variableOf(env, 'ProgramData', platform),
    variableOf(env, 'Public', platform),
    root && join(root, 'Temp'),
  ].filter((one) => one !== undefined && isFullPath(one, platform))
  return all.filter((directory) => {
    const inShared = (one = ''): boolean =>
      `${known(directory)}${sep}`.startsWith(`${known(resolve(one))}${sep}`)
    return directory !== dirname(directory) && !shared.some(inShared)
  })
}

/**
 * The nearest `.zt.json` in this directory or above it ({@link projectDirectories}). It must be a
 * plain file of this user, as git requires of a repository (safe.directory, git-config(1)); root may use one of the user
 * who called sudo. Another user's file is an error, because without it zt would use another profile than the directory
 * asks for. In a world-writable directory such as /tmp it is ignored.
 *
 * @param env for sudo's variable, and for those of Windows
 * @throws UserError `config` / `BROKEN_FILE`, `FILE_NOT_READABLE`, `NOT_OUR_PROJECT`
 */
export async function findProject(
  cwd: string,
  env: Environment = {},
  as: Self = thisUser(),
): Promise<ProjectSettings | undefined> {
  const owners = ownersFor(as, env)
  for (const directory of projectDirectories(cwd, {env, platform: process.platform, home: homeIfKnown()})) {
    const file = path.join(directory, PROJECT_FILE)
    const project = isPlanted(file, directory, owners) ? undefined : read(file, owners, as)
    if (project) return project
  }
  return undefined
}

function read(file: string, owners: readonly number[] | undefined, as: Self): ProjectSettings | undefined {
  try {
    const bytes = readForeignFile(file, {links: 'refuse', maxBytes: MOST_BYTES}, ({uid, mode}) => {
      if (owners && !owners.includes(uid)) throw notOurs(file, `Its owner has the user id ${uid}.`, as)
      if (owners && (mode & 0o002) !== 0)
        throw notOurs(file, `Its mode is ${(mode & 0o777).toString(8)}: everyone may write to it.`, as, true)
    })
    if (!bytes) return undefined
    const parsed = v.safeParse(projectSchema, parseOwnJson(textOf(bytes, file), file))
    if (parsed.success) return {file, ...parsed.output}
    throw brokenFile(
      file,
      `${firstFault(parsed.issues)}; a project may only name "profile", "account" and "forwards"`,
    )
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw error.with({next: [...error.next.filter((step) => step.startsWith('chmod')), NAME_IT]})
  }
}

const NAME_IT = 'Name the profile with --profile or ZT_PROFILE; the file is then not read'

/** Another user's file in a world-writable directory. */
function isPlanted(file: string, directory: string, owners: readonly number[] | undefined): boolean {
  if (!owners) return false
  try {
    return !owners.includes(fs.lstatSync(file).uid) && (fs.statSync(directory).mode & 0o002) !== 0
  } catch {
    return false
  }
}

/** Undefined if the system has no owners. */
function ownersFor({uid}: Self, env: Environment): number[] | undefined {
  if (uid === undefined) return undefined
  const caller = env['SUDO_UID'] ?? ''
  return uid === 0 && /^\d{1,10}$/.test(caller) ? [uid, Number(caller)] : [uid]
}

function homeIfKnown(): string | undefined {
  try {
    return homeDirectory()
  } catch {
    return undefined
  }
}

function notOurs(file: string, why: string, {platform}: Self, chmod = false): UserError {
  return new UserError({
    kind: 'config',
    code: 'NOT_OUR_PROJECT',
    message: `${file} is not used, because others may have written it`,
    why,
    next: chmod ? [`chmod o-w ${quoteForPerson(file, platform)}`] : [],
    details: {file},
  })
}
