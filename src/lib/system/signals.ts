import os from 'node:os'
import type {UserError} from '../core/errors.js'
import {isRunning} from './processes.js'
import {untilReaderGone} from './stdout-reader.js'

/** How often a process looks whether its parent still runs: the system does not report it. */
const LOOK_MS = 250

const parent = process.ppid

/** Resolves at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process as usual. */
export function untilSignal(
  signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'],
): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      for (const signal of signals) process.removeListener(signal, end)
      resolve()
    }
    for (const signal of signals) process.on(signal, end)
  })
}

/**
 * What an interrupted operation leaves, and how to go on: an error for people. Operations are nested, and the inner ones
 * speak first.
 *
 * @param inner what the operation inside says
 * @returns undefined: there is nothing to say
 */
export type Left = (inner: UserError | undefined) => UserError | undefined

/** What runs inside, with what it leaves if a signal ends the process meanwhile. */
export type Interruptible = <T>(left: Left, run: () => Promise<T>) => Promise<T>

/** The operations that are under way. */
export class Unfinished {
  readonly #left: Left[] = []

  readonly during: Interruptible = async (left, run) => {
    this.#left.push(left)
    try {
      return await run()
    } finally {
      this.#left.splice(this.#left.lastIndexOf(left), 1)
    }
  }

  get some(): boolean {
    return this.#left.length > 0
  }

  /** What ending now would leave; undefined: nothing worth saying. */
  said(): UserError | undefined {
    return this.#left.reduceRight<UserError | undefined>((inner, left) => left(inner), undefined)
  }
}

/**
 * Ends this process as if it had not handled this signal. On Windows, where sending one ends a process with 1 or fails, by the
 * exit code that a shell gives for it.
 */
export function endBySignal(
  signal: NodeJS.Signals,
  {
    platform = process.platform,
    self = process,
  }: {platform?: NodeJS.Platform; self?: Pick<NodeJS.Process, 'exit' | 'kill' | 'pid'>} = {},
): void {
  if (platform === 'win32') self.exit(128 + os.constants.signals[signal])
  else self.kill(self.pid, signal)
}

/** Ctrl-C, and what a service manager sends. After SIGHUP the terminal is gone, and no one would read it. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * A signal ends the process at once, and not silently while an operation is unfinished.
 *
 * @param end reports the error and ends the process with its exit code, 128 + the signal's number
 */
export function interruptions(end: (error: UserError) => void): Interruptible {
  const unfinished = new Unfinished()
  const onSignal = (signal: NodeJS.Signals): void => {
    const error = unfinished.said()
    if (error) return end(error.with({exitCode: 128 + os.constants.signals[signal]}))
    listen(false)
    endBySignal(signal)
  }
  const listen = (on: boolean): void => {
    for (const signal of SIGNALS) {
      process.removeListener(signal, onSignal)
      // Before others, such as the progress line's, which ends the process silently.
      if (on) process.prependListener(signal, onSignal)
    }
  }
  return async (left, run) => {
    listen(true)
    try {
      return await unfinished.during(left, run)
    } finally {
      if (!unfinished.some) listen(false)
    }
  }
}

/** Why a process that listens ends. */
export type Reason = 'signal' | 'parent' | 'reader'

/**
 * Resolves when a process that listens must end: at a signal, or when no one is left that it listens for.
 *
 * @param options `keep`: only SIGINT and SIGTERM end it; `reader`: so does the end of who reads its stdout
 */
export function untilUnwanted({keep, reader}: {keep: boolean; reader: boolean}): Promise<Reason> {
  if (keep) {
    // The terminal's end.
    process.on('SIGHUP', () => undefined)
    return untilSignal(['SIGINT', 'SIGTERM']).then(() => 'signal')
  }
  return Promise.race([
    untilSignal().then(() => 'signal' as const),
    untilParentGone().then(() => 'parent' as const),
    ...(reader ? [untilReaderGone().then(() => 'reader' as const)] : []),
  ])
}

/** Another process becomes the parent of one whose own has ended; on Windows none does. */
function untilParentGone(): Promise<void> {
  const isGone = (): boolean =>
    process.ppid !== parent || (process.platform === 'win32' && !isRunning(parent))
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!isGone()) return
      clearInterval(timer)
      resolve()
    }, LOOK_MS)
    timer.unref()
  })
}
