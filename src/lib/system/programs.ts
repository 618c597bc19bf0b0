import path from 'node:path'
import {filesSync as fs} from './disk.js'
import {hasCode} from '../core/errors.js'
import {searchDirectories, variableOf} from './platform.js'

type Environment = Readonly<Record<string, string | undefined>>

/** For tests. */
export interface Search {
  platform?: NodeJS.Platform | undefined
  isProgram?: ((file: string) => boolean) | undefined
  exists?: ((file: string) => boolean) | undefined
}

/** What Windows starts itself. */
const STARTABLE = ['.COM', '.EXE']
/**
 * Batch files, as npm and others install them for commands (`zt.cmd`). cmd.exe runs them and parses their arguments a
 * second time. Node has not started any since 20.12.2 (CVE-2024-27980), and of zt only `exec` and `forward` do, by
 * tunnel/exec/batch-file.ts.
 */
const SHIM = /\.(bat|cmd)$/i

/**
 * The absolute path of a program on PATH; undefined if there is none. On Windows, batch files are skipped; an error can
 * name the one that {@link findShim} finds.
 */
export function findProgram(name: string, env: Environment, search: Search = {}): string | undefined {
  return find(name, env, STARTABLE, search)
}

/** The batch file that a Windows shell would run for a name; undefined if there is none, and on other systems. */
export function findShim(name: string, env: Environment, search: Search = {}): string | undefined {
  const {platform = process.platform} = search
  return platform === 'win32' ? find(name, env, ['.BAT', '.CMD'], search) : undefined
}

/** The file that a Windows shell would run for a path, which may lack its ending; undefined if there is none. */
export function findAt(
  file: string,
  env: Environment,
  {isProgram = isProgramFile}: Pick<Search, 'isProgram'> = {},
): string | undefined {
  const startable = [...STARTABLE, '.BAT', '.CMD']
  return namesOnWindows(file, env, startable).find((one) => isProgram(one))
}

/** Whether only cmd.exe can run a file. */
export function isShim(file: string, platform: NodeJS.Platform = process.platform): boolean {
  return platform === 'win32' && SHIM.test(file)
}

function find(
  name: string,
  env: Environment,
  startable: readonly string[],
  {platform = process.platform, isProgram = isProgramFile}: Search,
): string | undefined {
  const {join} = platform === 'win32' ? path.win32 : path.posix
  const names = platform === 'win32' ? namesOnWindows(name, env, startable) : [name]
  for (const directory of searchDirectories(variableOf(env, 'PATH', platform), platform)) {
    for (const one of names) {
      const file = join(directory, one)
      if (isProgram(file)) return file
    }
  }
  return undefined
}

/** The name itself if it has such an extension, then the name with each extension in the order of PATHEXT. */
function namesOnWindows(name: string, env: Environment, startable: readonly string[]): string[] {
  const said = (variableOf(env, 'PATHEXT', 'win32') ?? '').split(';').map((one) => one.trim().toUpperCase())
  const first = said.filter((one) => startable.includes(one))
  const endings = [...new Set([...first, ...startable])]
  const whole = startable.includes(path.win32.extname(name).toUpperCase()) ? [name] : []
  return [...whole, ...endings.map((one) => name + one.toLowerCase())]
}

/** The calls by which a program is recognised. */
type Look = Pick<typeof fs, 'accessSync' | 'statSync' | 'lstatSync'>

/** Whether a file can be started, as far as the system shows that. */
export function isProgramFile(
  file: string,
  platform: NodeJS.Platform = process.platform,
  {accessSync, statSync, lstatSync}: Look = fs,
): boolean {
  try {
    accessSync(file, fs.constants.X_OK)
    return statSync(file).isFile()
  } catch (error) {
    // One of the Microsoft Store, such as pwsh.exe in WindowsApps, is a link that only CreateProcess can follow
    // (nodejs/node issue 36790).
    if (platform !== 'win32' || !hasCode(error, 'EACCES', 'UNKNOWN')) return false
    try {
      return !lstatSync(file).isDirectory()
    } catch {
      return false
    }
  }
}
