import {spawn, spawnSync} from 'node:child_process'
import {EventEmitter, once} from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {createInterface} from 'node:readline'
import {PassThrough} from 'node:stream'
import type {End} from '../support/built-zt.js'

/** Debian's wine64 is not on PATH. */
export const WINE = ['/usr/lib/wine/wine64', '/usr/bin/wine64', '/usr/bin/wine'].find((file) =>
  fs.existsSync(file),
)

export const NODE = String.raw`C:\node\node.exe`
const AGENT = path.join(import.meta.dirname, 'agent.cjs')

/** What a process of Windows has from the system itself, in any session. */
const OF_THE_SYSTEM = /^(PATH|PATHEXT|COMSPEC|SYSTEMROOT|SYSTEMDRIVE|WINDIR|TEMP|TMP|PROCESSOR_\w+)$/i

/** For wine's own start: nothing of the environment here. */
export function wineEnvironment(prefix: string): NodeJS.ProcessEnv {
  const own = {
    WINEPREFIX: prefix,
    WINEARCH: 'win64',
    WINEDEBUG: '-all',
    WINEDLLOVERRIDES: 'winemenubuilder.exe=d',
  }
  return {
    ...{PATH: process.env['PATH'], HOME: os.homedir(), LC_ALL: 'C.UTF-8'},
    ...own,
    NODE_SKIP_PLATFORM_CHECK: '1',
  }
}

/**
 * Ends what runs in a prefix, and removes a directory that holds it. Wine's server stays for some seconds after the last
 * program, and writes the registry when it ends.
 */
export function removeWine(prefix: string, directory = prefix): void {
  const server = path.join(path.dirname(WINE ?? ''), 'wineserver')
  for (const flag of ['-k', '-w']) spawnSync(server, [flag], {env: wineEnvironment(prefix), stdio: 'ignore'})
  fs.rmSync(directory, {recursive: true, force: true, maxRetries: 20})
}

export interface StartOptions {
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** The arguments are parts of the command line as they are. */
  verbatim?: boolean
}

interface Answer {
  id?: number
  stdout?: string
  stderr?: string
  error?: string
  end?: {code?: number | null; held?: number}
  env?: NodeJS.ProcessEnv
}

/** Windows as wine plays it: starts programs there, by agent.cjs, which runs there itself. */
export class Windows {
  #id = 0
  readonly #waiting = new Map<number, (answer: Answer) => void>()

  private constructor(
    readonly prefix: string,
    /** The environment of the system, without any user's. */
    readonly env: NodeJS.ProcessEnv,
    readonly socket: net.Socket,
  ) {}

  static async join(prefix: string): Promise<Windows> {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const {port} = server.address() as net.AddressInfo
    const log = path.join(prefix, `agent-${process.pid}-${port}.log`)
    const out = fs.openSync(log, 'w')
    const agent = spawn(WINE ?? '', [NODE, `Z:${AGENT.replaceAll('/', '\\')}`, String(port)], {
      env: wineEnvironment(prefix),
      cwd: path.join(prefix, 'drive_c'),
      // On Linux's pipes node does not work there.
      stdio: ['ignore', out, out],
    })
    fs.closeSync(out)
    const ended = new Promise<never>((_, reject) => {
      agent.once('error', reject)
      agent.once('exit', (code) => {
        reject(new Error(`wine's node ended with ${code}: ${fs.readFileSync(log, 'utf8')}`))
      })
    })
    ended.catch(() => undefined)
    const [socket] = (await Promise.race([once(server, 'connection'), ended])) as [net.Socket]
    server.close()
    const lines = createInterface({input: socket})
    const [first] = (await once(lines, 'line')) as [string]
    const {env = {}} = JSON.parse(first) as Answer
    const system = Object.entries(env).filter(([name]) => OF_THE_SYSTEM.test(name))
    const windows = new Windows(
      prefix,
      {...Object.fromEntries(system), NODE_SKIP_PLATFORM_CHECK: '1'},
      socket,
    )
    lines.on('line', (line) => {
      const answer = JSON.parse(line) as Answer
      windows.#waiting.get(answer.id ?? 0)?.(answer)
    })
    return windows
  }

  /** A path of Linux as Windows has it. */
  static path(file: string, prefix: string): string {
    const below = path.relative(path.join(prefix, 'drive_c'), file)
    const [drive, rest] = below.startsWith('..') ? ['Z:', file] : ['C:', `/${below}`]
    return `${drive}${rest.replaceAll('/', '\\')}`
  }

  /** A file on C: as Linux has it. */
  unix(file: string): string {
    return path.join(this.prefix, 'drive_c', ...file.replace(/^C:/i, '').split(/[\\/]/))
  }

  start(
    program: string,
    args: readonly string[],
    {env = this.env, cwd = 'C:\\', verbatim}: StartOptions = {},
  ): RemoteChild {
    const id = this.#id++
    const child = new RemoteChild((message) => void this.#say({...message, id}))
    this.#waiting.set(id, (answer) => {
      if (answer.stdout !== undefined) child.stdout.write(Buffer.from(answer.stdout, 'base64'))
      if (answer.stderr !== undefined) child.stderr.write(Buffer.from(answer.stderr, 'base64'))
      if (answer.error !== undefined) child.emit('error', new Error(answer.error))
      if (answer.end) {
        child.stdout.end()
        child.stderr.end()
        child.emit('close', answer.end.code ?? null)
      }
      if (answer.end ?? answer.error) this.#waiting.delete(id)
    })
    this.#say({do: 'start', id, program, args, env, cwd, verbatim})
    return child
  }

  /** Runs a program to its end. */
  run(
    program: string,
    args: readonly string[],
    {
      input = '',
      stdinStaysOpen = false,
      onStart,
      ...options
    }: StartOptions & {
      input?: string | Buffer
      stdinStaysOpen?: boolean
      onStart?: (child: RemoteChild) => void
    } = {},
  ): Promise<End> {
    return new Promise((resolve, reject) => {
      const child = this.start(program, args, options)
      const [out, err]: [Buffer[], Buffer[]] = [[], []]
      child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
      child.stderr.on('data', (bytes: Buffer) => err.push(bytes))
      child.once('error', reject)
      child.once('close', (code: number | null) => {
        resolve({code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString()})
      })
      if (input.length > 0) child.write(input)
      if (!stdinStaysOpen) child.finish()
      onStart?.(child)
    })
  }

  /** Opens a file as a virus scanner does, so that no one else can use it. @returns to be called to close it */
  async hold(file: string): Promise<() => Promise<number>> {
    return this.#held({do: 'hold', file})
  }

  /** Opens every new file below a directory, for this long. @returns to be called to end that; answers how many */
  async scan(directory: string, ms: number): Promise<() => Promise<number>> {
    return this.#held({do: 'scan', directory, ms})
  }

  async #held(message: object): Promise<() => Promise<number>> {
    const {id} = await this.#ask(message)
    return async () => (await this.#ask({do: 'release', of: id})).end?.held ?? 0
  }

  #ask(message: object): Promise<Answer> {
    const id = this.#id++
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#say({...message, id})
    })
  }

  #say(message: object): void {
    this.socket.write(`${JSON.stringify(message)}\n`)
  }

  end(): void {
    this.socket.end()
  }
}

/** A program that runs there. */
export class RemoteChild extends EventEmitter {
  readonly stdout = new PassThrough()
  readonly stderr = new PassThrough()

  constructor(readonly say: (message: object) => void) {
    super()
  }

  /** To its stdin. */
  write(bytes: string | Buffer): void {
    this.say({do: 'write', bytes: Buffer.from(bytes).toString('base64')})
  }

  /** Closes its stdin. */
  finish(): void {
    this.say({do: 'finish'})
  }

  /** At once: Windows has no signals. */
  kill(): void {
    this.say({do: 'kill'})
  }
}
