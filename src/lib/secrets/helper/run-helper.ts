import type {ChildProcess} from 'node:child_process'
import {endBySignal} from '../../system/signals.js'
import {startProgram} from '../../system/start-program.js'

/** What a helper said and how it ended. Either text may hold a secret. */
export interface HelperAnswer {
  code: number | null
  /** How it ended, or why zt ended it. */
  end: 'exit' | 'signal' | 'deadline' | 'too-long' | 'no-start'
  stdout: string
  stderr: string
}

export interface RunHelper {
  program: string
  action: 'store' | 'get' | 'erase' | 'list'
  input: string
  deadlineMs: number
  env: NodeJS.ProcessEnv
  platform?: NodeJS.Platform | undefined
}

const OUTPUT_LIMIT = 4 * 1024 * 1024
/** How long after the kill to wait for pipes that a surviving process holds. */
const GRACE_MS = 200

/** The running helpers. Each leads a process group, as it starts others (gpg, pinentry); not on Windows. */
const running = new Set<ChildProcess>()

/**
 * How a helper is started. Windows has no process groups to kill, and opens a console window for a detached child
 * (nodejs.org, child_process, options.detached).
 */
export function helperSpawnOptions(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): {stdio: ['pipe', 'pipe', 'pipe']; env: NodeJS.ProcessEnv; detached: boolean; windowsHide: boolean} {
  return {stdio: ['pipe', 'pipe', 'pipe'], env, detached: platform !== 'win32', windowsHide: true}
}

/**
 * Runs a docker-credential-helper once. Secrets go through stdin. It and everything it starts are killed at the deadline,
 * and when this process ends or gets a signal: its process group does not get Ctrl-C from the terminal.
 */
export function runHelper({
  program,
  action,
  input,
  deadlineMs,
  env,
  platform,
}: RunHelper): Promise<HelperAnswer> {
  return new Promise((resolve) => {
    const child = startProgram(program, [action], helperSpawnOptions(env, platform))
    const output = {stdout: [] as Buffer[], stderr: [] as Buffer[]}
    let length = 0
    let ended: HelperAnswer['end'] | undefined
    let grace: NodeJS.Timeout | undefined
    const finish = (code: number | null, end: HelperAnswer['end']): void => {
      clearTimeout(timer)
      clearTimeout(grace)
      forget(child)
      child.stdout.destroy()
      child.stderr.destroy()
      const text = (of: Buffer[]): string => Buffer.concat(of).toString('utf8')
      resolve({code, end, stdout: text(output.stdout), stderr: text(output.stderr)})
    }
    const stop = (why: HelperAnswer['end']): void => {
      ended ??= why
      killGroup(child, platform)
      grace ??= setTimeout(() => {
        finish(null, why)
      }, GRACE_MS)
    }
    const timer = setTimeout(() => {
      stop('deadline')
    }, deadlineMs)
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length <= OUTPUT_LIMIT) output[stream].push(chunk)
        else stop('too-long')
      })
    }
    remember(child)
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.once('error', () => {
      finish(null, ended ?? 'no-start')
    })
    child.once('close', (code, signal) => {
      // Ends any process that it left running.
      killGroup(child, platform)
      finish(code, ended ?? (signal === null ? 'exit' : 'signal'))
    })
  })
}

function killGroup(child: ChildProcess, platform: NodeJS.Platform = process.platform): void {
  if (child.pid === undefined) return
  if (platform === 'win32') {
    child.kill('SIGKILL')
    return
  }
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The whole group has ended.
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function remember(child: ChildProcess): void {
  if (running.size === 0) {
    for (const signal of SIGNALS) process.once(signal, endAll)
    process.once('exit', killAll)
  }
  running.add(child)
}

function forget(child: ChildProcess): void {
  running.delete(child)
  if (running.size > 0) return
  for (const signal of SIGNALS) process.removeListener(signal, endAll)
  process.removeListener('exit', killAll)
}

function killAll(): void {
  for (const child of running) killGroup(child)
  running.clear()
}

function endAll(signal: NodeJS.Signals): void {
  killAll()
  for (const one of SIGNALS) process.removeListener(one, endAll)
  // If nothing else handles the signal, it has its usual effect now.
  if (process.listenerCount(signal) === 0) endBySignal(signal)
}
