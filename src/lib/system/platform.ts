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
 * A file that a variable or a file names, which may have been written on another system: on Windows, `/etc/ssl/ca.pem` is one
 * of whatever drive is the current one, and anyone may have put it there.
 *
 * @param by what names it, for the error
 * @throws UserError `config` / `DRIVE_NOT_NAMED`; as namedFile
 */
export function certainFile(
  text: string,
  by: string,
  platform: NodeJS.Platform = process.platform,
  home: () => string = homeDirectory,
): string {
  if (platform !== 'win32' || isFullPath(text, platform) || !/^(?:[\\/]|[A-Za-z]:)/.test(text))
    return namedFile(text, platform, home)
  throw new UserError({
    kind: 'config',
    code: 'DRIVE_NOT_NAMED',
    message: `${by} names ${text}, which zt does not read`,
    why: 'On Windows that depends on the current drive or its current directory, where anyone may have put such a file.',
    next: ['Name the file there with its drive'],
  })
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

/**
 * Device names of Windows, with any extension, also with superscript digits ("Naming Files, Paths, and Namespaces",
 * learn.microsoft.com).
 */
export const DEVICE_NAME =
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?=\s*(?:[.:]|$))/i

/**
 * What no name of a file has there. A colon names a stream of a file, which `dir` does not show. A dot or a blank at the end
 * is dropped by Windows and kept by node, whose file no other program could then open.
 */
const isNoName = (name: string): boolean =>
  /[<>:"|?*\u0000-\u001f]/.test(name) || (/[. ]$/.test(name) && !/^\.{1,2}$/.test(name))

/**
 * A file that a person named. On Windows `~\` is their home: cmd and PowerShell before 7.5 leave that to the program; and the
 * name of a device, such as NUL, is none of a file, nor is what no file can be called. `-` is stdin or stdout.
 *
 * @throws UserError `usage` / `NOT_A_FILE`
 */
export function namedFile(
  text: string,
  platform: NodeJS.Platform = process.platform,
  home: () => string = homeDirectory,
): string {
  if (platform !== 'win32') return text
  const notFile = (message: string, why?: string): UserError =>
    new UserError({kind: 'usage', code: 'NOT_A_FILE', message, why, next: ['Give the path of a file']})
  if (DEVICE_NAME.test(path.win32.basename(text)) || /^[\\/]{2}[.?][\\/](?![A-Za-z]:|UNC)/i.test(text))
    throw notFile(`${text} is a device of Windows, not a file`)
  const below = text.replace(/^(?:[\\/]{2}[.?][\\/])?(?:[A-Za-z]:)?/, '')
  if (below.split(/[\\/]/).some(isNoName))
    throw notFile(
      `${text} cannot be the path of a file on Windows`,
      'A name there has none of < > : " | ? *, and neither a dot nor a blank at its end.',
    )
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
