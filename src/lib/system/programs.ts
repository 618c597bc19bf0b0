import fs from 'node:fs'
import path from 'node:path'
import {searchDirectories, variableOf} from './platform.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Where it is looked, and how it is found out; tests give both. */
export interface Search {
  platform?: NodeJS.Platform | undefined
  isProgram?: ((file: string) => boolean) | undefined
}

/** What Windows starts by itself. */
const STARTABLE = ['.COM', '.EXE']
/**
 * Batch files, as npm and others install them for a command (`zt.cmd`). cmd.exe runs them and reads their arguments once
 * more, in a way that no quoting holds against; node starts none since 20.12.2 (CVE-2024-27980), and so does zt.
 */
const SHIM = /\.(bat|cmd)$/i

/**
 * The absolute path of a program on PATH; undefined when there is none. On Windows one that the system can start
 * itself: a batch file is passed over, {@link findShim} finds it for an error.
 */
export function findProgram(name: string, env: Environment, search: Search = {}): string | undefined {
  return find(name, env, STARTABLE, search)
}

/** The batch file that a shell of Windows would run for a name; undefined elsewhere, and when there is none. */
export function findShim(name: string, env: Environment, search: Search = {}): string | undefined {
  const {platform = process.platform} = search
  return platform === 'win32' ? find(name, env, ['.BAT', '.CMD'], search) : undefined
}

/** Whether a file is one that only cmd.exe runs. */
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

/** The name itself where it has such an ending, and with each ending in the order of PATHEXT. */
function namesOnWindows(name: string, env: Environment, startable: readonly string[]): string[] {
  const said = (variableOf(env, 'PATHEXT', 'win32') ?? '').split(';').map((one) => one.trim().toUpperCase())
  const first = said.filter((one) => startable.includes(one))
  const endings = [...new Set([...first, ...startable])]
  const whole = startable.includes(path.win32.extname(name).toUpperCase()) ? [name] : []
  return [...whole, ...endings.map((one) => name + one.toLowerCase())]
}

function isProgramFile(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK)
    return fs.statSync(file).isFile()
  } catch {
    return false
  }
}
