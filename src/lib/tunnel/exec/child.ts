import type {ChildProcess, StdioOptions} from 'node:child_process'
import os from 'node:os'
import {isInForeground, isStopped} from '../../system/processes.js'
import {notStarted, startProgram} from '../../system/start-program.js'

/** How a child ended. */
export interface ChildEnd {
  /** As in a shell: its own, or 128 + the signal's number. */
  exitCode: number
  signal: NodeJS.Signals | undefined
}

export interface RunChildOptions {
  program: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  stdio: StdioOptions
  /** The arguments are quoted already, for Windows. */
  verbatim?: boolean | undefined
  /** Called as soon as the child is running. */
  onStart?: ((child: ChildProcess) => void) | undefined
  platform?: NodeJS.Platform | undefined
}

/**
 * Every signal that a process can handle, except those that the system sends for a process's own faults and children, and
 * SIGPIPE and SIGPROF, which node uses.
 */
const PASSED = [
  ...['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGTSTP'],
  ...['SIGALRM', 'SIGVTALRM', 'SIGURG', 'SIGIO', 'SIGPWR', 'SIGXCPU', 'SIGXFSZ', 'SIGINFO', 'SIGBREAK'],
] as NodeJS.Signals[]
/** Those that a terminal sends to all of its processes. */
const TYPED: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGWINCH'])

/**
 * Runs a child to its end, and passes on the signals that this process receives. If the child stops (at Ctrl-Z, or by itself,
 * as ssh does at `~^Z`), so does this process: the shell waits for zt, and gets its prompt back only then.
 *
 * On Windows a signal is an event of the console, which each of its processes gets; to send one there ends a process at once,
 * or fails (libuv's uv_kill). So the child is left to it, and zt waits for the child.
 *
 * @throws UserError `needs-action` / `PROGRAM_NOT_STARTED`
 */
export function runChild({
  program,
  args,
  env,
  stdio,
  verbatim,
  onStart,
  platform = process.platform,
}: RunChildOptions): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    let asked = false
    let looking: NodeJS.Immediate | undefined
    const stop = (): void => {
      process.kill(process.pid, 'SIGSTOP')
    }
    const pass = (signal: NodeJS.Signals): void => {
      if (platform === 'win32') return
      // A signal typed on a terminal reaches the child anyway; a second one would cut short its orderly end.
      if (!(TYPED.has(signal) && isInForeground())) child.kill(signal)
      if (signal === 'SIGTSTP') {
        asked = true
        // Where the child cannot be seen to stop.
        if (isStopped(process.pid) === undefined) stop()
      }
      if (signal === 'SIGCONT') {
        asked = false
        clearImmediate(looking)
      }
    }
    // The system reports by SIGCHLD that a child has stopped. One that another process stops, where no shell waits, is its own
    // affair. SIGCONT may arrive with an older report, which it overrides.
    const look = (): void => {
      clearImmediate(looking)
      looking = setImmediate(() => {
        if (child.pid !== undefined && isStopped(child.pid) === true && (asked || isInForeground())) stop()
      })
    }
    const signals = PASSED.filter((signal) => signal in os.constants.signals)
    // Before the child runs: a signal in between must not end zt alone.
    for (const signal of signals) process.on(signal, pass)
    if ('SIGCHLD' in os.constants.signals) process.on('SIGCHLD', look)
    const settle = (): void => {
      for (const signal of signals) process.removeListener(signal, pass)
      process.removeListener('SIGCHLD', look)
      clearImmediate(looking)
    }
    const child = startProgram(program, args, {env, stdio, windowsVerbatimArguments: verbatim === true})
    child.once('error', (error) => {
      settle()
      reject(notStarted(program, error))
    })
    child.once('close', (code, signal) => {
      settle()
      resolve({
        exitCode: code ?? 128 + (signal === null ? 1 : os.constants.signals[signal]),
        signal: signal ?? undefined,
      })
    })
    if (child.pid !== undefined) onStart?.(child)
  })
}

/**
 * Ends this process as a child ended: by the same signal where shells and scripts check that (a loop stops at Ctrl-C),
 * otherwise with its exit code. On Windows always with the exit code: a signal there ends a process at once, with 1.
 */
export function endLike(
  {exitCode, signal}: ChildEnd,
  {
    platform = process.platform,
    self = process,
  }: {
    platform?: NodeJS.Platform
    self?: Pick<NodeJS.Process, 'exitCode' | 'kill' | 'pid'>
  } = {},
): void {
  self.exitCode = exitCode
  if (platform === 'win32') return
  if (signal !== undefined && ['SIGINT', 'SIGTERM', 'SIGHUP'].includes(signal)) self.kill(self.pid, signal)
}
