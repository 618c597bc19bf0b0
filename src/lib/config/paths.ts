import path from 'node:path'
import {homeDirectory, isFullPath, variableOf} from '../system/platform.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where zt keeps things. All of it is private to the user (directories 0700, files 0600). */
export interface Paths {
  /** Settings that a person may edit: `config.json`, the vault's identity. */
  config: string
  /** Durable data: the vault, the index, host bindings. */
  data: string
  /** What is costly to lose: the sandbox's state, logs, undo records. */
  state: string
  /** What can be lost. */
  cache: string
}

/**
 * The XDG base directories, with `zt` below each, on macOS too (as gh and age do it). On Windows without them
 * `%APPDATA%\zt`, which goes with a roaming user, for the configuration, and `%LOCALAPPDATA%\zt\…` for the rest.
 * A relative path is ignored, as the XDG specification requires. bin/load-bundle.cjs repeats the cache directory, because
 * it runs before this is loaded.
 *
 * @param home this user's home; looked up only if needed
 * @throws UserError `config` / `NO_HOME`
 */
export function pathsFrom(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
  home?: string,
): Paths {
  const windows = platform === 'win32'
  const {join} = windows ? path.win32 : path.posix
  const fullPath = (variable: string): string | undefined => {
    const value = variableOf(env, variable, platform)
    return value !== undefined && isFullPath(value, platform) ? value : undefined
  }
  const atHome = (...parts: string[]): string => join(home ?? homeDirectory(), ...parts)
  const roaming = (): string => fullPath('APPDATA') ?? atHome('AppData', 'Roaming')
  const local = (): string => fullPath('LOCALAPPDATA') ?? atHome('AppData', 'Local')
  const place = (variable: string, onUnix: string[], onWindows: () => string): string => {
    const base = fullPath(variable)
    if (base !== undefined) return join(base, 'zt')
    return windows ? onWindows() : atHome(...onUnix, 'zt')
  }
  return {
    config: place('XDG_CONFIG_HOME', ['.config'], () => join(roaming(), 'zt')),
    data: place('XDG_DATA_HOME', ['.local', 'share'], () => join(local(), 'zt', 'Data')),
    state: place('XDG_STATE_HOME', ['.local', 'state'], () => join(local(), 'zt', 'State')),
    cache: place('XDG_CACHE_HOME', ['.cache'], () => join(local(), 'zt', 'Cache')),
  }
}
