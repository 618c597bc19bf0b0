import fs from 'node:fs'
import path from 'node:path'
import type {End} from '../support/built-zt.js'
import {PROGRAMS_AT} from './stand-in.js'
import {NODE, Windows, type RemoteChild} from './wine.js'
import {PLACE} from './install.js'

/** Where npm has put it. */
export const ZT = `${PLACE}\\node_modules\\zt-access\\bin\\zt.cjs`

interface RunOptions {
  env?: NodeJS.ProcessEnv
  input?: string | Buffer
  stdinStaysOpen?: boolean
  /** Of Windows; default: its home. */
  cwd?: string
  onStart?: (child: RemoteChild) => void
}

let homes = 0

/** The installed zt on Windows: a user with a profile directory of its own, whose name has a blank and umlauts. */
export class WindowsZt {
  private constructor(
    readonly windows: Windows,
    /** As Linux has it. */
    readonly home: string,
    /** As Windows has it. */
    readonly profile: string,
    readonly env: NodeJS.ProcessEnv,
  ) {}

  static make(windows: Windows, more: NodeJS.ProcessEnv = {}): WindowsZt {
    const profile = `C:\\users\\Jürgen Groß ${process.pid}-${homes++}`
    const home = windows.unix(profile)
    fs.mkdirSync(path.join(home, 'AppData', 'Roaming'), {recursive: true})
    fs.mkdirSync(path.join(home, 'AppData', 'Local', 'Temp'), {recursive: true})
    const env = {
      ...windows.env,
      PATH: `C:\\node;${PROGRAMS_AT};${windows.env['PATH']}`,
      USERPROFILE: profile,
      APPDATA: `${profile}\\AppData\\Roaming`,
      LOCALAPPDATA: `${profile}\\AppData\\Local`,
      TEMP: `${profile}\\AppData\\Local\\Temp`,
      TMP: `${profile}\\AppData\\Local\\Temp`,
      NO_COLOR: '1',
      ZT_PATIENCE: '40',
      ...more,
    }
    return new WindowsZt(windows, home, profile, env)
  }

  get config(): string {
    return path.join(this.home, 'AppData', 'Roaming', 'zt')
  }

  get data(): string {
    return path.join(this.home, 'AppData', 'Local', 'zt', 'Data')
  }

  get state(): string {
    return path.join(this.home, 'AppData', 'Local', 'zt', 'State')
  }

  /** A path of Linux as this zt has it. */
  path(file: string): string {
    return Windows.path(file, this.windows.prefix)
  }

  run(args: readonly string[], {env = {}, cwd = this.profile, ...more}: RunOptions = {}): Promise<End> {
    return this.windows.run(NODE, [ZT, ...args], {env: defined({...this.env, ...env}), cwd, ...more})
  }

  /** The JSON result of a command that must succeed. */
  async json<T = Record<string, unknown>>(args: readonly string[], options: RunOptions = {}): Promise<T> {
    const end = await this.run([...args, '--json'], options)
    if (end.code !== 0)
      throw new Error(`zt ${args.join(' ')} ended with ${end.code}: ${end.stdout}${end.stderr}`)
    return JSON.parse(end.stdout) as T
  }

  /** Its files go with wine's prefix. */
  end(): Promise<void> {
    return Promise.resolve()
  }
}

/** An undefined variable is unset. */
function defined(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))
}
