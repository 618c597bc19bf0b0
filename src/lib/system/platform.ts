import os from 'node:os'
import path from 'node:path'
import {UserError} from '../core/errors.js'
import {goingHome} from '../core/shell-words.js'

type Variables = Readonly<Record<string, string | undefined>>

/** A variable; on Windows in any case of its name (`Path`), which `process.env` does itself and a copy does not. */
export function variableOf(
  env: Variables,
  name: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (platform !== 'win32' || env[name] !== undefined) return env[name]
  const other = Object.keys(env).find((one) => one.toUpperCase() === name.toUpperCase())
  return other === undefined ? undefined : env[other]
}

/** An environment without these variables; on Windows in any case of their names. */
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
 * Whether a path means the same in every working directory. On Windows, unlike for node, that excludes `\dir`, which
 * depends on the current drive.
 */
export function isFullPath(text: string, platform: NodeJS.Platform = process.platform): boolean {
  return platform === 'win32' ? /^([A-Za-z]:[\\/]|[\\/]{2}[^\\/])/.test(text) : path.posix.isAbsolute(text)
}

/**
 * The full paths in a search path. The others, and an empty entry, depend on the current directory, where anyone may have
 * put anything. On Windows an entry with a semicolon is in double quotes.
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

/** Device names of Windows, with any extension ("Naming Files, Paths, and Namespaces", learn.microsoft.com). */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9])\s*(\.|:|$)/i

/**
 * A file that a person named. On Windows `~\` is their home: cmd and PowerShell before 7.5 leave that to the program; and the
 * name of a device, such as NUL, is none of a file.
 *
 * @throws UserError `usage` / `NOT_A_FILE`
 */
export function namedFile(
  text: string,
  platform: NodeJS.Platform = process.platform,
  home: () => string = homeDirectory,
): string {
  if (platform !== 'win32') return text
  if (DEVICE.test(path.win32.basename(text)) || /^[\\/]{2}[.?][\\/](?![A-Za-z]:|UNC)/i.test(text))
    throw new UserError({
      kind: 'usage',
      code: 'NOT_A_FILE',
      message: `${text} is a device of Windows, not a file`,
      next: ['Give the path of a file'],
    })
  return /^~[\\/]/.test(text) ? path.win32.join(home(), text.slice(2)) : text
}

/** @throws UserError `config` / `NO_CURRENT_DIRECTORY` if it was removed meanwhile */
export function currentDirectory(): string {
  try {
    return process.cwd()
  } catch (cause) {
    throw new UserError({
      kind: 'config',
      code: 'NO_CURRENT_DIRECTORY',
      message: 'The current directory does not exist any more',
      why: 'It was removed or renamed after the shell changed to it.',
      next: [goingHome()],
      cause,
    })
  }
}

/**
 * This user's home: HOME (USERPROFILE on Windows), or the user database if that is not a full path. With an empty HOME,
 * zt's files would end up in the current directory.
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
      // The database does not have this user, as in some containers.
    }
  }
  const variable = platform === 'win32' ? 'USERPROFILE' : 'HOME'
  throw new UserError({
    kind: 'config',
    code: 'NO_HOME',
    message: 'zt does not know where your home directory is',
    why: `${variable} is not a full path, and the system's user database has no home directory for this user.`,
    next: [
      `Set ${variable}, or all four of XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME and XDG_CACHE_HOME`,
    ],
  })
}
