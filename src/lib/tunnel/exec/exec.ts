import type {Stats} from 'node:fs'
import path from 'node:path'
import {filesSync as fs} from '../../system/disk.js'
import {UserError, hasCode} from '../../core/errors.js'
import {PAIR_VARIABLES, type PairNames} from '../../core/pair-variables.js'
import {searchDirectories, variableOf, withoutVariables} from '../../system/platform.js'
import {inheritedDescriptors} from '../../system/descriptors.js'
import {environmentFor} from '../../system/child-environment.js'
import type {ServiceCredentials} from '../../secrets/types.js'
import {findAt, findProgram, findShim, isShim, type Search} from '../../system/programs.js'
import {batchStart} from './batch-file.js'
import {runChild, type ChildEnd} from './child.js'

export interface ExecOptions {
  /** The program and its arguments; at least the program. */
  command: readonly string[]
  credentials: ServiceCredentials
  names: PairNames
  /** The rest of the child's environment. */
  env: Readonly<Record<string, string | undefined>>
}

/** The words behind `--`, as a command. @throws UserError `usage` / `NO_COMMAND` */
export function checkCommand(words: readonly string[]): readonly string[] {
  if (words[0] !== undefined && words[0] !== '') return words
  throw new UserError({
    kind: 'usage',
    code: 'NO_COMMAND',
    message: 'The command to run is missing',
    why: 'It must follow the service token, with its arguments.',
    next: ['zt exec TOKEN -- COMMAND [ARGUMENTS]'],
  })
}

/**
 * Runs a command with a service token's pair in its environment, on zt's own stdin, stdout and stderr and with the other
 * descriptors that zt was started with. The pair is in no argument and in no other process's environment.
 *
 * @throws UserError with a shell's exit codes: 127 / `COMMAND_NOT_FOUND`, 126 / `COMMAND_NOT_EXECUTABLE`
 */
export async function execWithToken({command, credentials, names, env}: ExecOptions): Promise<ChildEnd> {
  return runCommand({
    command,
    env: {
      // On Windows the environment may hold them in another case, and of two such names node passes on the first.
      ...withoutVariables(environmentFor('exec', env), namesToRemove(names)),
      [names.id]: credentials.clientId,
      [names.secret]: credentials.clientSecret.expose(),
    },
    usage: 'zt exec TOKEN --',
    descriptors: inheritedDescriptors(),
  })
}

/**
 * Runs a command on zt's own stdin, stdout and stderr.
 *
 * @param options `env`: its environment, with the PATH on which it is searched; `usage`: the words before the command;
 *   `descriptors`: those above 2 that it gets too, under the same numbers
 * @throws UserError as {@link execWithToken}
 */
export async function runCommand({
  command,
  env,
  usage,
  descriptors = [],
}: Pick<ExecOptions, 'command' | 'env'> & {
  usage: string
  descriptors?: readonly number[]
}): Promise<ChildEnd> {
  const [word = '', ...args] = command
  const found = locate(word, env)
  const start = isShim(found)
    ? {...batchStart(found, args, env, usage), verbatim: true}
    : {program: found, args}
  try {
    const length = 1 + Math.max(2, ...descriptors)
    const stdio = Array.from({length}, (_, fd) => (fd <= 2 || descriptors.includes(fd) ? fd : 'ignore'))
    return await runChild({...start, env, stdio})
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    // The program exists; the interpreter in its first line does not.
    if (hasCode(error.cause, 'ENOENT'))
      throw notFound(word, 'It is a script whose interpreter does not exist.')
    // The second: as Windows reports it.
    if (hasCode(error.cause, 'E2BIG', 'ENAMETOOLONG'))
      throw notExecutable(word, 'Its arguments and environment together are too long.')
    throw notExecutable(word, 'The system refuses to start it.')
  }
}

/**
 * Finds a program as a shell does: a word with a slash is a path, any other is searched on PATH. On Windows also by its name
 * without the ending, and then it may be a batch file.
 *
 * @throws UserError as {@link execWithToken}
 */
export function locate(word: string, env: ExecOptions['env'], search: Search = {}): string {
  const {platform = process.platform} = search
  if (!isPath(word, platform)) {
    const found = findProgram(word, env, search)
    if (found !== undefined) return found
    const shim = findShim(word, env, search)
    if (shim !== undefined) return shim
    const directories = searchDirectories(variableOf(env, 'PATH', platform), platform)
    if (directories.some((directory) => isFile(path.join(directory, word))))
      throw notExecutable(word, 'The file on PATH is not executable.')
    throw notFound(word, 'No program of that name is on PATH.')
  }
  const whole = platform === 'win32' ? findAt(word, env, search) : undefined
  if (whole !== undefined) return whole
  const {exists = fs.existsSync} = search
  if (platform === 'win32')
    throw exists(word)
      ? notExecutable(
          word,
          'Windows starts .exe, .com, .bat and .cmd files only; for another one, name the program that runs it.',
        )
      : notFound(word, 'There is no such file.')
  let stat: Stats
  try {
    stat = fs.statSync(word)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) throw notFound(word, 'There is no such file.')
    throw notExecutable(word, 'It cannot be inspected.')
  }
  if (stat.isDirectory()) throw notExecutable(word, 'It is a directory.')
  try {
    fs.accessSync(word, fs.constants.X_OK)
  } catch {
    throw notExecutable(word, 'It is not executable.')
  }
  return word
}

/** Under a name that programs know, the child gets one pair: what the environment has under the others is of another token. */
function namesToRemove({id, secret}: PairNames): readonly string[] {
  const known = PAIR_VARIABLES.includes(id) || PAIR_VARIABLES.includes(secret)
  return known ? [id, secret, ...PAIR_VARIABLES] : [id, secret]
}

function isPath(word: string, platform: NodeJS.Platform): boolean {
  return word.includes('/') || (platform === 'win32' && /\\|^[A-Za-z]:/.test(word))
}

function isFile(file: string): boolean {
  return fs.statSync(file, {throwIfNoEntry: false})?.isFile() ?? false
}

function notFound(word: string, why: string): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'COMMAND_NOT_FOUND',
    message: `The command ${word} was not found`,
    why,
    exitCode: 127,
  })
}

function notExecutable(word: string, why: string): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'COMMAND_NOT_EXECUTABLE',
    message: `The command ${word} cannot be started`,
    why,
    exitCode: 126,
  })
}
