import {execFile} from 'node:child_process'

/** What a program said that only answers a question, and how it ended. */
export interface Said {
  /** `late`: it did not answer in time. `failed`: with another exit code than 0, or not started. */
  end: 'answered' | 'failed' | 'late'
  stdout: string
  stderr: string
}

export interface AskProgram {
  env: NodeJS.ProcessEnv
  deadlineMs: number
  /** More output fails. */
  maxBytes: number
}

/**
 * Runs a program without input. At the deadline it is killed by the one signal that it cannot ignore, so the answer always
 * comes.
 */
export function askProgram(
  program: string,
  args: readonly string[],
  {env, deadlineMs, maxBytes}: AskProgram,
): Promise<Said> {
  const limits = {env, timeout: deadlineMs, killSignal: 'SIGKILL', maxBuffer: maxBytes} as const
  return new Promise((resolve) => {
    try {
      const child = execFile(program, args, limits, (error, stdout, stderr) => {
        // Not of one that said too much.
        const end = !error ? 'answered' : error.killed === true ? 'late' : 'failed'
        resolve({end, stdout, stderr})
      })
      child.stdin?.on('error', () => undefined)
      child.stdin?.end()
    } catch (error) {
      // As for startProgram: the system does not start it.
      if ((error as NodeJS.ErrnoException).syscall !== 'spawn') throw error
      resolve({end: 'failed', stdout: '', stderr: ''})
    }
  })
}
