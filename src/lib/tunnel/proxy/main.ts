import net from 'node:net'
import os from 'node:os'
import type {Readable, Writable} from 'node:stream'
import {filesSync as fs} from '../../system/disk.js'
import {guardProcess, redactStream} from '../../system/crash.js'
import {watchReader} from '../../system/stdout-reader.js'
import {errorLines} from '../../core/error-text.js'
import {bePatient} from '../../core/patience.js'
import {visible} from '../../core/text.js'
import {runProxy} from './proxy.js'
import {isStderrHidden, sshStderr} from '../ssh/stderr.js'

/** Read by bin/zt.cjs, from the file that this one becomes. */
export {quickProxyLine} from '../access/quick.js'

/**
 * The process that is `zt ssh proxy`.
 *
 * @param argv what follows `ssh proxy`
 * @param notes to say at the start
 * @returns the exit code
 */
export async function main(argv: string[], notes: readonly string[] = []): Promise<number> {
  redactStream(process.stderr)
  guardProcess({
    report: (error) => {
      process.stderr.write(`${errorLines(error).map(visible).join('\n')}\n`)
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
    // Nothing is open yet that could be lost. Where cloudflared carries, its launcher passes the signal on.
    if (!carrying) {
      if (process.listenerCount(signal) === 1) process.exit(128 + os.constants.signals[signal])
      return
    }
    // Ctrl-C, or closing the terminal, reaches the proxy with the session that began a shared connection, which others may
    // still use. When ssh itself ends, it closes the proxy's stdin.
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
    stderrHidden: isStderrHidden() && stdinIsPipe(),
    signal: abort.signal,
    notes,
  })
  // stdin may stay open for ever when ssh is gone. What was written is delivered first.
  const code = signalled ?? ended
  process.exitCode = code
  stdin.destroy()
  return code
}

/**
 * A socket that reads into the same memory each time: with new memory for each piece an upload's peak was 89 MiB instead
 * of 56. A listener must be done with a piece when it returns. Falls back to process.stdin where stdin is not a pipe.
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

/** A socket over the pipe is faster than process.stdout, which is used where stdout is a file. */
function openStdout(): Writable {
  try {
    return new net.Socket({fd: 1, readable: false, writable: true})
  } catch {
    return process.stdout
  }
}

let stdoutGone: Promise<() => boolean | undefined> | undefined

async function isStdoutGone(): Promise<boolean | undefined> {
  if (process.platform !== 'linux') return false
  return (await (stdoutGone ??= watchReader()))()
}

function stdinIsPipe(): boolean {
  try {
    const stat = fs.fstatSync(0)
    return stat.isFIFO() || stat.isSocket()
  } catch {
    return false
  }
}
