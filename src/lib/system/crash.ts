import {fileURLToPath} from 'node:url'
import {nameOfThrown} from '../core/errors.js'
import {redact} from '../core/redact.js'

/**
 * A line of a stack trace: a function and a place in a file. A line that begins in any other way belongs to a message, and
 * a message of unknown origin may contain a secret.
 */
const FRAME =
  /^ {4}at (?:[\w$.<>[\] #]{1,120} \()?(?:(?:file:\/\/|node:|\/|[A-Za-z]:[\\/])[^\s()]{1,400}:\d+:\d+|<anonymous>|native)\)?$/

/** Where zt is installed: unlike the rest of a frame, this path may contain blanks and parentheses. */
const INSTALLED = fileURLToPath(import.meta.url).replace(
  /[\\/](?:dist|src)[\\/](?:(?![\\/](?:dist|src)[\\/]).)*$/,
  '',
)

function isFrame(line: string): boolean {
  return FRAME.test(line.replace(INSTALLED, '/zt'))
}

/** Where an error and its causes were thrown: frames without messages. */
export function framesOf(error: unknown, depth = 4): string[] {
  if (!(error instanceof Error) || depth === 0) return []
  let stack = ''
  try {
    const {message} = error
    const whole = String(error.stack)
    // A message may imitate frames. Even if it was changed later, the frames are found by their form below.
    stack = whole.slice(whole.indexOf(message) + message.length)
  } catch {
    // The error has a getter that throws: there is nothing to show.
  }
  const lines = stack.split('\n')
  // The message ends with the last line that is not a frame.
  const first = lines.findLastIndex((line) => !isFrame(line)) + 1
  const own = [nameOfThrown(error), ...lines.slice(first).map(redact)]
  const cause = framesOf(error.cause, depth - 1)
  return cause.length === 0 ? own : [...own, 'caused by:', ...cause]
}

export interface Guard {
  /** Reports the bug that ended the process. */
  report(error: unknown): void
  /** Shows that node or a library warned, without its text. Undefined: warnings are dropped. */
  warn: ((text: string, where: unknown) => void) | undefined
  /** Ends the process with this code. */
  exit(code: number): void
}

/**
 * Replaces node's handling of uncaught errors and of warnings, which prints their text with any data that a library put
 * into it; and of SIGUSR1, which opens node's debugger to every user of the machine.
 */
export function guardProcess({report, warn, exit}: Guard): void {
  let ending = false
  const crash = (error: unknown): void => {
    // Report only the first: an error during the report would loop for ever.
    if (!ending) {
      ending = true
      report(error)
    }
    exit(1)
  }
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.removeAllListeners(event)
    process.on(event, crash)
  }
  // bin/zt.cjs may have done this already.
  if (process.listenerCount('SIGUSR1') === 0) refuseDebugger()
  // No listener: warnings are switched off (--no-warnings).
  const wanted = process.listenerCount('warning') > 0
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (wanted) warn?.(`node printed a warning (${nameOfThrown(warning)})`, warning)
  })
}

/** As bin/zt.cjs does, for a process that does not start there. */
function refuseDebugger(): void {
  const end = (process as unknown as {_debugEnd: () => void})._debugEnd
  process.on('SIGUSR1', () => undefined)
  end()
  setImmediate(() => {
    end()
    setImmediate(end)
  })
}

/**
 * Redacts all that is written to a stream of messages, also by libraries. What cannot be written, as on a full disk, is
 * dropped: there is no other place to say so, and the exit code must remain that of the command.
 */
export function redactStream(stream: NodeJS.WriteStream): void {
  const given = stream.write.bind(stream) as (chunk: unknown, ...more: unknown[]) => boolean
  const write = (chunk: unknown, ...more: unknown[]): boolean => {
    try {
      return given(chunk, ...more)
    } catch {
      // The stream of a file throws, and emits no event.
      const done = more.at(-1)
      if (typeof done === 'function') process.nextTick(done)
      return true
    }
  }
  stream.on('error', () => undefined)
  stream.write = (chunk: unknown, ...more: unknown[]): boolean => {
    if (typeof chunk === 'string') return write(redact(chunk), ...more)
    if (!(chunk instanceof Uint8Array)) return write(chunk, ...more)
    const text = Buffer.from(chunk).toString('utf8')
    const clean = redact(text)
    return write(clean === text ? chunk : clean, ...more)
  }
}
