import {spawn, type ChildProcess} from 'node:child_process'

/** What a helper said and how it ended. Either text may hold a secret. */
export interface HelperAnswer {
  code: number | null
  /** The signal that ended it, or what zt ended it for. */
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
/** After the kill: how long for the pipes of whoever got away to close. */
const GRACE_MS = 200

/** The helpers under way; each leads a process group, for it starts others (gpg, pinentry), but on Windows. */
const running = new Set<ChildProcess>()

/**
 * How a helper is started. Windows has no process groups to kill, and would open a console window for a detached child
 * (nodejs.org, child_process, options.detached).
 */
export function helperSpawnOptions(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): {stdio: ['pipe', 'pipe', 'pipe']; env: NodeJS.ProcessEnv; detached: boolean; windowsHide: boolean} {
  return {stdio: ['pipe', 'pipe', 'pipe'], env, detached: platform !== 'win32', windowsHide: true}
}

/**
 * Runs a docker-credential-helper once. What is secret goes over stdin. It and all that it starts are killed at the
 * deadline, and when this process ends or is interrupted: a group of its own gets no Ctrl-C from the terminal.
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
    const child = spawn(program, [action], helperSpawnOptions(env, platform))
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
      // Whoever it left behind has no more to do for us.
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
    // All of it has ended.
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function remember(child: ChildProcess): void {
  if (running.size === 0) {
    for (const signal of SIGNALS) process.once(signal, interrupted)
    process.once('exit', killAll)
  }
  running.add(child)
}

function forget(child: ChildProcess): void {
  running.delete(child)
  if (running.size > 0) return
  for (const signal of SIGNALS) process.removeListener(signal, interrupted)
  process.removeListener('exit', killAll)
}

function killAll(): void {
  for (const child of running) killGroup(child)
  running.clear()
}

function interrupted(signal: NodeJS.Signals): void {
  killAll()
  for (const one of SIGNALS) process.removeListener(one, interrupted)
  // Where nobody else listens, the signal does now what it would have done.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
}
