import {spawn, type ChildProcess} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {bin, type BuiltZt} from './built-zt.js'

/** @param origins what is behind each host, as --origin takes it */
export function originFlags(origins: Record<string, string>): string[] {
  return Object.entries(origins).flatMap(([host, to]) => ['--origin', `${host}=${to}`])
}

/**
 * Starts a sandbox with one application for each host.
 *
 * @param apps host by name
 * @returns what `zt sandbox start --json` prints
 */
export async function startSandbox(
  zt: BuiltZt,
  apps: Record<string, string>,
  flags: readonly string[],
): Promise<Record<string, string> & {pid: number}> {
  const seed = path.join(zt.home, 'seed.json')
  const named = Object.entries(apps).map(([name, domain]) => ({name, domain}))
  await fs.writeFile(seed, JSON.stringify({zones: [{name: 'widgetcorp.tech'}], apps: named}))
  return zt.json(['sandbox', 'start', '--seed', seed, ...flags])
}

/** Starts `zt forward`, and waits until it listens. */
export async function startForward(zt: BuiltZt, args: string[]): Promise<RunningForward> {
  const child = spawn(process.execPath, [bin, 'forward', ...args, '--json'], {
    env: zt.env,
    cwd: zt.home,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const running = new RunningForward(child)
  await running.ready
  return running
}

export class RunningForward {
  stdout = ''
  stderr = ''
  readonly ready: Promise<void>
  readonly #ended: Promise<number | null>

  constructor(readonly child: ChildProcess) {
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.#ended = new Promise((resolve) => {
      child.once('close', resolve)
    })
    this.ready = new Promise((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        this.stdout += chunk.toString()
        if (this.stdout.includes('\n')) resolve()
      })
      child.once('close', () => {
        reject(new Error(`zt forward ended: ${this.stdout}${this.stderr}`))
      })
    })
  }

  get lines(): Record<string, unknown>[] {
    return this.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  get port(): number {
    return Number(this.lines[0]?.['port'])
  }

  /** @returns the exit code */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal)
    return this.#ended
  }
}
