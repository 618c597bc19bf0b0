import os from 'node:os'
import path from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where zt keeps things. All of it is private to the user (directories 0700, files 0600). */
export interface Paths {
  /** Settings that a person may edit: `config.json`, the vault's identity. */
  config: string
  /** What must survive and is not settings: the vault, the index, host bindings. */
  data: string
  /** What may be lost at a price: the sandbox's state, logs, undo records. */
  state: string
  /** What may be lost at no price. */
  cache: string
}

/**
 * The XDG base directories, with `zt` below each; on Windows without them, %APPDATA% and %LOCALAPPDATA%.
 * A relative XDG path is ignored, as the XDG specification demands.
 */
export function pathsFrom(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
  home = os.homedir(),
): Paths {
  const windows = platform === 'win32'
  const join = windows ? path.win32.join : path.posix.join
  const isAbsolute = windows ? path.win32.isAbsolute : path.posix.isAbsolute
  const roaming = env['APPDATA'] ?? join(home, 'AppData', 'Roaming')
  const local = env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local')
  const place = (variable: string, unix: string[], onWindows: string[]): string => {
    const set = env[variable]
    if (set !== undefined && set !== '' && isAbsolute(set)) return join(set, 'zt')
    return windows ? join(...(onWindows as [string]), 'zt') : join(home, ...unix, 'zt')
  }
  return {
    config: place('XDG_CONFIG_HOME', ['.config'], [roaming]),
    data: place('XDG_DATA_HOME', ['.local', 'share'], [local, 'Data']),
    state: place('XDG_STATE_HOME', ['.local', 'state'], [local, 'State']),
    cache: place('XDG_CACHE_HOME', ['.cache'], [local, 'Cache']),
  }
}
