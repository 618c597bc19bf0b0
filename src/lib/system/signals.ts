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
