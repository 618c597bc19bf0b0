import {filesSync as fs} from './disk.js'
import {posixPath} from '../core/posix-path.js'

/** What node has below a stream; members are undefined where a version lacks them. */
interface Handle {
  onread?: () => void
  open?(fd: number): number
  readStart?(): number
  unref?(): void
}

/**
 * Watches whether the reader of stdout goes. A writer normally learns that only when it writes. For a pipe, poll(2) reports
 * it earlier on the writing end, and libuv polls whatever it is to read from: its read then fails, which shows that there is
 * no reader. Of libuv's handles only TCP's accepts any descriptor. Linux only.
 *
 * @param onGone called once the reader is gone
 * @returns whether it is gone; undefined if this system does not show it
 */
export async function watchReader(onGone: () => void = () => undefined): Promise<() => boolean | undefined> {
  const again = posixPath('/proc/self/fd/1')
  if (process.platform !== 'linux' || again === undefined) return () => undefined
  let gone: boolean | undefined
  try {
    if (!fs.fstatSync(1).isFIFO()) return () => false
    const {binding} = process as unknown as {binding(name: string): {TCP: new (kind: number) => Handle}}
    const {TCP} = binding('tcp_wrap')
    const handle = new TCP(0)
    const fd = fs.openSync(again, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)
    handle.onread = () => {
      if (gone === false) onGone()
      gone = true
    }
    if (handle.open?.(fd) !== 0 || handle.readStart?.() !== 0) return () => undefined
    handle.unref?.()
    gone = false
    // A reader that is gone already shows once libuv has polled.
    await new Promise((resolve) => setTimeout(resolve, 0))
    await new Promise((resolve) => setImmediate(resolve))
  } catch {
    // Not known here.
  }
  return () => gone
}

/** Resolves once the reader of stdout is gone; never where the system does not show it. */
export function untilReaderGone(): Promise<void> {
  return new Promise((resolve) => {
    void watchReader(resolve).then((isGone) => {
      if (isGone() === true) resolve()
    })
    watchSocket(resolve)
  })
}

/** node gives its children sockets for pipes. The other end of one is seen to close by who reads from it. */
function watchSocket(onGone: () => void): void {
  try {
    // One that is stdin, too, has something else to be read.
    if (!fs.fstatSync(1).isSocket() || fs.fstatSync(0).ino === fs.fstatSync(1).ino) return
    const {_handle: handle} = (process as unknown as {stdout: {_handle?: Handle}}).stdout
    if (!handle) return
    handle.onread = onGone
    handle.readStart?.()
    handle.unref?.()
  } catch {
    // Not known here.
  }
}
