import os from 'node:os'
import path from 'node:path'
import {UserError} from '../core/errors.js'

type Variables = Readonly<Record<string, string | undefined>>

/**
 * A variable as a program of this system finds it: on Windows whatever the case of its name (it is `Path` there).
 * `process.env` does the same by itself; a copy of it does not.
 */
export function variableOf(
  env: Variables,
  name: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (platform !== 'win32' || env[name] !== undefined) return env[name]
  const other = Object.keys(env).find((one) => one.toUpperCase() === name.toUpperCase())
  return other === undefined ? undefined : env[other]
}

/** An environment without these variables: on Windows whatever the case of their names. */
export function withoutVariables(
  env: Variables,
  names: readonly string[],
  platform: NodeJS.Platform = process.platform,
): NodeJS.ProcessEnv {
  const known = (name: string): string => (platform === 'win32' ? name.toUpperCase() : name)
  const out = names.map(known)
  return Object.fromEntries(Object.entries(env).filter(([name]) => !out.includes(known(name))))
}

/**
 * Whether a path says the same in every directory. On Windows node also calls `\dir` absolute, which is on the drive
 * where one happens to be; that is none here.
 */
export function isFullPath(text: string, platform: NodeJS.Platform = process.platform): boolean {
  return platform === 'win32' ? /^([A-Za-z]:[\\/]|[\\/]{2}[^\\/])/.test(text) : path.posix.isAbsolute(text)
}

/**
 * The directories of a search path that say the same wherever one is: an empty entry means the current directory, where
 * anybody may have put anything. On Windows an entry may stand in double quotes, for one that holds a semicolon.
 */
export function searchDirectories(
  searchPath: string | undefined,
  platform: NodeJS.Platform = process.platform,
): string[] {
  const windows = platform === 'win32'
  const entries = windows
    ? ((searchPath ?? '').match(/(?:"[^"]*"?|[^";])+/g) ?? []).map((one) => one.replaceAll('"', ''))
    : (searchPath ?? '').split(path.posix.delimiter)
  return [...new Set(entries)].filter((one) => isFullPath(one, platform))
}

/**
 * This user's home, as HOME (USERPROFILE on Windows) says it, or the user database where that is no full path: with an
 * empty HOME our files would lie in whatever directory one is.
 *
 * @throws UserError `config` / `NO_HOME`
 */
export function homeDirectory(
  system: {homedir: () => string; userInfo: () => {homedir: string}} = os,
  platform: NodeJS.Platform = process.platform,
): string {
  for (const ask of [() => system.homedir(), () => system.userInfo().homedir]) {
    try {
      const home = ask()
      if (isFullPath(home, platform)) return home
    } catch {
      // A user whom the database does not know, as in some containers.
    }
  }
  const variable = platform === 'win32' ? 'USERPROFILE' : 'HOME'
  throw new UserError({
    kind: 'config',
    code: 'NO_HOME',
    message: 'zt does not know where your home directory is',
    why: `${variable} names no full path, and the system's list of users says none either.`,
    next: [`Set ${variable}, or the four of XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME, XDG_CACHE_HOME`],
  })
}
