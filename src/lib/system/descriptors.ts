import {filesSync as fs} from './disk.js'
import {posixPath} from '../core/posix-path.js'

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
  const parents = new Set(openFiles(process.ppid).map(({what}) => what))
  const hasBothEnds = (pipe: string): boolean =>
    ['r', 'w'].every((end) => own.some(({what, ends}) => what === pipe && ends.includes(end)))
  return own
    .filter(({fd, what}) => {
      if (fd <= 2 || fd > HIGHEST || what.startsWith('anon_inode:')) return false
      if (!/^(socket|pipe):/.test(what) || parents.has(what)) return true
      return what.startsWith('pipe:') && !hasBothEnds(what)
    })
    .map(({fd}) => fd)
}

interface OpenFile {
  fd: number
  /** A path, or a kind and a number: `pipe:[123]`. */
  what: string
  /** `r`, `w` or both, as it was opened. */
  ends: string
}

/** The descriptors of a process (proc(5), /proc/PID/fd); none if they cannot be seen. */
function openFiles(pid: number | 'self'): OpenFile[] {
  const directory = posixPath(`/proc/${pid}/fd`)
  if (directory === undefined) return []
  try {
    return fs.readdirSync(directory).flatMap((name): OpenFile[] => {
      const link = `${directory}/${name}`
      try {
        const {mode} = fs.lstatSync(link)
        const ends = `${(mode & 0o400) === 0 ? '' : 'r'}${(mode & 0o200) === 0 ? '' : 'w'}`
        return [{fd: Number(name), what: fs.readlinkSync(link), ends}]
      } catch {
        // Closed since: the one with which the directory was read.
        return []
      }
    })
  } catch {
    // Another user's process.
    return []
  }
}
