import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import type {Readable, Writable} from 'node:stream'
import {guardProcess, redactStream} from '../core/crash.js'
import {hasCode, nameOfThrown} from '../core/errors.js'
import {bePatient} from '../core/patience.js'
import {runProxy} from './proxy.js'
import {sshStderr} from './ssh-stderr.js'

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
  bePatient(process.env['ZT_PATIENCE'])
  const stdin = openStdin()
  const abort = new AbortController()
  let carrying = false
  let signalled: number | undefined
  const end = (signal: NodeJS.Signals): void => {
    // Nothing is open yet that could be lost. cloudflared, where it carries, is told by its launcher.
    if (!carrying) {
      if (process.listenerCount(signal) === 1) process.exit(128 + os.constants.signals[signal])
      return
    }
    // Ctrl-C, or a terminal that is closed, reaches us with the session that began a shared connection, and others may
    // still use that. ssh, when it ends itself, closes our stdin.
    if (signal !== 'SIGTERM' && stdinIsPipe() && !stdin.readableEnded) {
      stdin.once('end', () => {
        abort.abort()
      })
    } else {
      signalled = 128 + os.constants.signals[signal]
      abort.abort()
    }
  }
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.on(signal, end)
  const ended = await runProxy(argv, {
    env: process.env,
    cwd: process.cwd(),
    stdin,
    stdout: () => {
      carrying = true
      return openStdout()
    },
    isOutputGone: isStdoutGone,
    stderr: sshStderr(),
    signal: abort.signal,
  })
  // stdin may stay open for ever when ssh is gone; what is written is given out first.
  const code = signalled ?? ended
  process.exitCode = code
  stdin.destroy()
  return code
}

/**
 * A socket that reads into the same memory again and again: with new memory for each piece an upload's peak was 89 MiB
 * instead of 56. Who listens has used a piece when it returns. Where stdin is no pipe there can be none.
 */
function openStdin(): Readable {
  const options: net.SocketConstructorOpts & net.ConnectOpts & {manualStart: boolean} = {
    fd: 0,
    readable: true,
    writable: false,
    manualStart: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(64 * 1024),
      callback: (length, buffer) => {
        socket.emit('data', Buffer.from(buffer.buffer, buffer.byteOffset, length))
        return !socket.isPaused()
      },
    },
  }
  let socket: net.Socket
  try {
    socket = new net.Socket(options)
  } catch {
    return process.stdin
  }
  return socket
}

/** A socket over the pipe is faster than process.stdout; where stdout is a file there can be none. */
function openStdout(): Writable {
  try {
    return new net.Socket({fd: 1, readable: false, writable: true})
  } catch {
    return process.stdout
  }
}

/** A pipe shows by itself only to who writes that its reader has gone; Linux lets one without a reader not be opened. */
async function isStdoutGone(): Promise<boolean | undefined> {
  if (process.platform !== 'linux') return false
  try {
    if (!fs.fstatSync(1).isFIFO()) return false
    const again = await fs.promises.open('/proc/self/fd/1', fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)
    await again.close()
    return false
  } catch (error) {
    return hasCode(error, 'ENXIO')
  }
}

function stdinIsPipe(): boolean {
  try {
    const stat = fs.fstatSync(0)
    return stat.isFIFO() || stat.isSocket()
  } catch {
    return false
  }
}
