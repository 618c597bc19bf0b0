import fs from 'node:fs'

/** Numbers above are not looked at; shells use 255 at most. */
const HIGHEST = 1023

/**
 * The descriptors above 2 that this process was started with, such as `3<FILE`, a shell's `<(COMMAND)` or the pipe of
 * make's job server. Linux only: elsewhere it is empty.
 *
 * Node marks those below 17 as its own, to be closed in children (`uv_disable_stdio_inheritance`), so what node has opened
 * itself is recognised by its kind: polls and event counters, sockets, and pipes with both ends here. A socket, or such a
 * pipe, that the parent has too came from there.
 */
export function inheritedDescriptors(): number[] {
  if (process.platform !== 'linux') return []
  const own = openFiles('self')
  const parents = new Set(openFiles(process.ppid).values())
  const ends = (pipe: string): number => [...own.values()].filter((one) => one === pipe).length
  return [...own]
    .filter(([fd]) => fd > 2 && fd <= HIGHEST)
    .filter(([, what]) => {
      if (what.startsWith('anon_inode:')) return false
      if (!/^(socket|pipe):/.test(what) || parents.has(what)) return true
      return what.startsWith('pipe:') && ends(what) === 1
    })
    .map(([fd]) => fd)
    .sort((a, b) => a - b)
}

/** What each descriptor of a process is (proc(5), /proc/PID/fd); empty if that cannot be seen. */
function openFiles(pid: number | 'self'): Map<number, string> {
  const directory = `/proc/${pid}/fd`
  const found = new Map<number, string>()
  try {
    for (const name of fs.readdirSync(directory)) {
      try {
        found.set(Number(name), fs.readlinkSync(`${directory}/${name}`))
      } catch {
        // Closed since: the one with which the directory was read.
      }
    }
  } catch {
    // Another user's process.
  }
  return found
}
