import path from 'node:path'
import {findProgram} from '../../system/programs.js'
import {posixPath} from '../../core/posix-path.js'

type Environment = Readonly<Record<string, string | undefined>>

/** What can start a ProxyCommand everywhere. */
export const PLAIN_SHELL = posixPath('/bin/sh') ?? ''

/** Shells of users who may not log in, such as those of services. */
const PLACEHOLDERS = /^(?:nologin|false|true)$/

/**
 * Why ssh cannot start a ProxyCommand, which it does by the shell that SHELL names (ssh_config(5)); undefined: it can. Of that,
 * ssh says nothing but that the connection is closed.
 *
 * @returns a sentence without full stop
 */
export function shellTrouble(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const {SHELL = ''} = env
  if (platform === 'win32' || SHELL === '') return undefined
  const name = path.posix.basename(SHELL)
  if (PLACEHOLDERS.test(name)) return `${SHELL} is for users who do not log in`
  const isThere = findProgram(name, {PATH: path.posix.dirname(SHELL)}) !== undefined
  return isThere ? undefined : `There is no program ${SHELL}`
}

/** The environment with a shell that can start a ProxyCommand. */
export function withShell<E extends Environment>(env: E): E {
  return shellTrouble(env) === undefined ? env : {...env, SHELL: PLAIN_SHELL}
}
