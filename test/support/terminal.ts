import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {type BuiltZt} from './built-zt.js'
import {AMPLE_MS} from './patience.js'

const run = promisify(execFile)

export const hasTmux = (process.env['PATH'] ?? '')
  .split(':')
  .some((one) => existsSync(path.join(one, 'tmux')))

/** zt, or another program, on a real terminal of 80 by 24 (unless it is given other columns), in a separate tmux server. */
export class Terminal {
  readonly #socket: string
  readonly #statusFile: string

  private constructor(socket: string, statusFile: string) {
    this.#socket = socket
    this.#statusFile = statusFile
  }

  static start(zt: BuiltZt, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Terminal> {
    return Terminal.run(zt, [...zt.program, ...args], env)
  }

  static async run(
    zt: BuiltZt,
    words: string[],
    env: NodeJS.ProcessEnv = {},
    columns = 80,
  ): Promise<Terminal> {
    const directory = await fs.mkdtemp(path.join(zt.home, 'terminal-'))
    const terminal = new Terminal(path.join(directory, 'socket'), path.join(directory, 'status'))
    const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`
    const command = words.map(quote).join(' ')
    // The pane stays after zt has ended, so that its last output can still be read.
    const shell = `${command}; echo $? > ${quote(terminal.#statusFile)}; exec sleep 600`
    const {NO_COLOR: _, ...own} = zt.env
    await run(
      'tmux',
      ['-S', terminal.#socket, '-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', '24', 'sh', '-c', shell],
      {env: {...own, LANG: 'C.UTF-8', TERM: 'xterm-256color', ...env}, cwd: zt.home},
    ) // prettier-ignore
    return terminal
  }

  /** The contents of the screen, including lines that scrolled away; with colours on request. */
  async screen({colours = false} = {}): Promise<string> {
    const {stdout} = await this.#tmux('capture-pane', '-p', '-J', ...(colours ? ['-e'] : []), '-S', '-')
    return stdout.trimEnd()
  }

  /** Waits until the screen shows this. */
  async shows(what: RegExp): Promise<string> {
    return this.#until(async () => {
      const screen = await this.screen()
      return what.test(screen) ? screen : undefined
    }, String(what))
  }

  /** Keys as tmux names them (Enter, Down, Space, C-c). */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys)
  }

  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text)
  }

  /** Waits for the end; returns the exit code. */
  async exitCode(): Promise<number> {
    const text = await this.#until(async () => {
      const status = await fs.readFile(this.#statusFile, 'utf8').catch(() => '')
      return status.endsWith('\n') ? status : undefined
    }, 'the end')
    return Number(text)
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server').catch(() => undefined)
  }

  async #until(look: () => Promise<string | undefined>, what: string): Promise<string> {
    const deadline = Date.now() + AMPLE_MS
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      if (Date.now() > deadline) throw new Error(`waited for ${what}; the screen:\n${await this.screen()}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  #tmux(...args: string[]): Promise<{stdout: string}> {
    return run('tmux', ['-S', this.#socket, ...args])
  }
}
