import {spawn, type ChildProcess} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type {Readable} from 'node:stream'

const root = path.resolve(import.meta.dirname, '../..')
export const bin = path.join(root, 'bin', 'zt.cjs')

export interface End {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv
  /** Written to stdin, which is then closed unless {@link RunOptions.onStart} writes to it. */
  input?: string | Buffer
  stdinStaysOpen?: boolean
  /** The working directory; default: its home. */
  cwd?: string
  /** Called when the process has started. */
  onStart?: (child: ChildProcess) => void
}

/** A zt and its user's directories, here or on Windows. */
export interface AnyZt {
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  /** Directories of zt. */
  readonly config: string
  readonly data: string
  /** A path as this zt has it. */
  path(file: string): string
  run(
    args: string[],
    options?: Pick<RunOptions, 'env' | 'input'> & {onStart?: (child: Started) => void},
  ): Promise<End>
  end(): Promise<void>
}

/** A zt that runs. */
export interface Started {
  readonly stdout: Readable | null
  once(event: 'close', listener: () => void): unknown
  kill(signal?: NodeJS.Signals): unknown
}

/** The built zt as a script runs it: no terminal, and separate directories. */
export class BuiltZt implements AnyZt {
  private constructor(
    readonly home: string,
    readonly env: NodeJS.ProcessEnv,
    /** How to start it. */
    readonly program: readonly string[],
  ) {}

  static async make(
    more: NodeJS.ProcessEnv = {},
    program: readonly string[] = [process.execPath, bin],
  ): Promise<BuiltZt> {
    const home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-e2e-'))
    const env: NodeJS.ProcessEnv = {
      ...{PATH: process.env['PATH'], HOME: home, NO_COLOR: '1'},
      // On a busy machine the usual limits are reached although nothing hangs.
      ZT_PATIENCE: '40',
      ...more,
    }
    for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) env[`XDG_${kind}_HOME`] = path.join(home, kind)
    return new BuiltZt(home, env, program)
  }

  get config(): string {
    return path.join(this.home, 'CONFIG', 'zt')
  }

  get data(): string {
    return path.join(this.home, 'DATA', 'zt')
  }

  path(file: string): string {
    return file
  }

  run(
    args: string[],
    {env = {}, input = '', stdinStaysOpen = false, cwd = this.home, onStart}: RunOptions = {},
  ): Promise<End> {
    return new Promise((resolve, reject) => {
      const [first = '', ...words] = this.program
      const child = spawn(first, [...words, ...args], {
        env: {...this.env, ...env},
        cwd,
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      const end: End = {code: null, stdout: '', stderr: ''}
      child.stdout.on('data', (chunk: Buffer) => (end.stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (end.stderr += chunk.toString()))
      // A command that needs no input may have ended before the write.
      child.stdin.on('error', () => undefined)
      if (stdinStaysOpen) child.stdin.write(input)
      else child.stdin.end(input)
      child.once('error', reject)
      child.once('close', (code) => {
        resolve({...end, code})
      })
      onStart?.(child)
    })
  }

  /** The JSON result of a command that must succeed. */
  async json<T = Record<string, unknown>>(args: string[], options: RunOptions = {}): Promise<T> {
    const end = await this.run([...args, '--json'], options)
    if (end.code !== 0)
      throw new Error(`zt ${args.join(' ')} ended with ${end.code}: ${end.stdout}${end.stderr}`)
    return JSON.parse(end.stdout) as T
  }

  /** Stops the sandbox, if one runs, and removes everything. */
  async end(): Promise<void> {
    await this.run(['sandbox', 'stop'])
    await fs.rm(this.home, {recursive: true, force: true})
  }
}
