import net from 'node:net'
import os from 'node:os'
import type {Writable} from 'node:stream'
import {guardProcess, redactStream} from '../core/crash.js'
import {nameOfThrown} from '../core/errors.js'
import {runProxy} from './proxy.js'

/**
 * The process that is `zt ssh proxy`.
 *
 * @param argv what stands behind `ssh proxy`
 * @returns the exit code
 */
export async function main(argv: string[]): Promise<number> {
  redactStream(process.stderr)
  guardProcess({
    report: (error) => {
      process.stderr.write(`error: Something went wrong in zt itself (${nameOfThrown(error)})\n`)
    },
    warn: undefined,
    exit: (code) => process.exit(code),
  })
  const abort = new AbortController()
  let signalled: number | undefined
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
    process.once(signal, () => {
      signalled = 128 + os.constants.signals[signal]
      abort.abort()
    })
  }
  const ended = await runProxy(argv, {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: openStdout,
    stderr: process.stderr,
    signal: abort.signal,
  })
  // stdin may stay open for ever when ssh is gone; what is written is given out first.
  const code = signalled ?? ended
  process.exitCode = code
  process.stdin.destroy()
  return code
}

/** A socket over the pipe is faster than process.stdout; where stdout is a file there can be none. */
function openStdout(): Writable {
  try {
    return new net.Socket({fd: 1, readable: false, writable: true})
  } catch {
    return process.stdout
  }
}
