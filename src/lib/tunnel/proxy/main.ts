import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import type {Readable, Writable} from 'node:stream'
import {guardProcess, redactStream} from '../../system/crash.js'
import {nameOfThrown} from '../../core/errors.js'
import {bePatient} from '../../core/patience.js'
import {runProxy} from './proxy.js'
import {sshStderr} from '../ssh/stderr.js'

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

/** What node has below a TCP socket; undefined members where a node has none of it. */
interface Handle {
  onread?: () => void
  open?(fd: number): number
  readStart?(): number
  unref?(): void
}

let stdoutGone: Promise<() => boolean | undefined> | undefined

async function isStdoutGone(): Promise<boolean | undefined> {
  if (process.platform !== 'linux') return false
  return (await (stdoutGone ??= watchStdout()))()
}

/**
 * A pipe shows by itself only to who writes that its reader has gone. poll(2) tells it of the end that is written to, and
 * libuv polls whatever it is to read from: what it then reads fails, which says that there is no reader. Of its handles
 * only TCP's does not ask what it is given.
 */
async function watchStdout(): Promise<() => boolean | undefined> {
  let gone: boolean | undefined
  try {
    if (!fs.fstatSync(1).isFIFO()) return () => false
    const {binding} = process as unknown as {binding(name: string): {TCP: new (kind: number) => Handle}}
    const {TCP} = binding('tcp_wrap')
    const handle = new TCP(0)
    const fd = fs.openSync('/proc/self/fd/1', fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)
    handle.onread = () => (gone = true)
    if (handle.open?.(fd) !== 0 || handle.readStart?.() !== 0) return () => undefined
    handle.unref?.()
    gone = false
    // What is so already is known when libuv has polled once.
    await new Promise((resolve) => setTimeout(resolve, 0))
    await new Promise((resolve) => setImmediate(resolve))
  } catch {
    // Not known here.
  }
  return () => gone
}

function stdinIsPipe(): boolean {
  try {
    const stat = fs.fstatSync(0)
    return stat.isFIFO() || stat.isSocket()
  } catch {
    return false
  }
}
