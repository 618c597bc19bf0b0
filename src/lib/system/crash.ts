import {fileURLToPath} from 'node:url'
import {nameOfThrown} from '../core/errors.js'
import {redact} from '../core/redact.js'

/**
 * A line of a stack trace: a function and a place in a file. Anything else at the start of a line is a message, and a
 * message of unknown origin may hold a secret.
 */
const FRAME =
  /^ {4}at (?:[\w$.<>[\] #]{1,120} \()?(?:(?:file:\/\/|node:|\/|[A-Za-z]:[\\/])[^\s()]{1,400}:\d+:\d+|<anonymous>|native)\)?$/

/** Where zt is installed: its path may hold blanks and parentheses, which nothing else in a frame may. */
const INSTALLED = fileURLToPath(import.meta.url).replace(
  /[\\/](?:dist|src)[\\/](?:(?![\\/](?:dist|src)[\\/]).)*$/,
  '',
)

function isFrame(line: string): boolean {
  return FRAME.test(line.replace(INSTALLED, '/zt'))
}

/** Where an error was thrown, and those that caused it: frames without messages. */
export function framesOf(error: unknown, depth = 4): string[] {
  if (!(error instanceof Error) || depth === 0) return []
  let stack = ''
  try {
    const {message} = error
    const whole = String(error.stack)
    // A message may imitate frames; one that was changed since is still told from them by its form.
    stack = whole.slice(whole.indexOf(message) + message.length)
  } catch {
    // A getter of its own that fails: there is nothing to show.
  }
  const lines = stack.split('\n')
  // From the end: what comes before the last line that is no frame is the message.
  const first = lines.findLastIndex((line) => !isFrame(line)) + 1
  const own = [nameOfThrown(error), ...lines.slice(first).map(redact)]
  const cause = framesOf(error.cause, depth - 1)
  return cause.length === 0 ? own : [...own, 'caused by:', ...cause]
}

export interface Guard {
  /** Says that a mistake of ours ended the process. */
  report(error: unknown): void
  /** Says that node or a library warns; the text is ours. Undefined: warnings are dropped. */
  warn: ((text: string, where: unknown) => void) | undefined
  /** Ends the process with this code. */
  exit(code: number): void
}

/**
 * Takes over from node what it does with an error that nobody caught and with warnings: it would print their text, and
 * with it whatever a library put in there. And with SIGUSR1: it would open its debugger to every user of the machine.
 */
export function guardProcess({report, warn, exit}: Guard): void {
  let ending = false
  const crash = (error: unknown): void => {
    // An error while one is reported would go on for ever.
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
  // bin/zt.cjs has done so where it was first.
  if (process.listenerCount('SIGUSR1') === 0) refuseDebugger()
  // None: they are switched off (--no-warnings).
  const wanted = process.listenerCount('warning') > 0
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (wanted) warn?.(`node warns of something (${nameOfThrown(warning)})`, warning)
  })
}

/** As bin/zt.cjs does, for a process that does not begin there. */
function refuseDebugger(): void {
  const end = (process as unknown as {_debugEnd: () => void})._debugEnd
  process.on('SIGUSR1', () => undefined)
  end()
  setImmediate(() => {
    end()
    setImmediate(end)
  })
}

/** Makes a stream's writes pass through the redactor: also those of libraries, which know no other way. */
export function redactStream(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...more: unknown[]) => boolean
  stream.write = (chunk: unknown, ...more: unknown[]): boolean => {
    if (typeof chunk === 'string') return write(redact(chunk), ...more)
    if (!(chunk instanceof Uint8Array)) return write(chunk, ...more)
    const text = Buffer.from(chunk).toString('utf8')
    const clean = redact(text)
    return write(clean === text ? chunk : clean, ...more)
  }
}
