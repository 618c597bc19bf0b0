import {filesSync as fs} from '../../system/disk.js'
import {posixPath} from '../../core/posix-path.js'

/** Longer than ssh's own message when its proxy ends. */
const ROOM = 160

/**
 * Where `zt ssh proxy` writes notes, and errors once it is connected. For a shared connection, ssh gives its ProxyCommand
 * /dev/null as stderr. Then the proxy writes to the stderr of ssh itself where the system shows it (Linux), or else to the
 * terminal; to neither once ssh has gone to the background.
 */
export function sshStderr(
  stderr: NodeJS.WriteStream = process.stderr,
  ppid = process.ppid,
): {write(text: string): unknown} {
  return {write: (text) => (isStderrHidden() ? writeAround(text, ppid) : stderr.write(text))}
}

function writeAround(text: string, ppid: number): void {
  if (process.ppid !== ppid) return
  for (const file of [posixPath(`/proc/${ppid}/fd/2`), posixPath('/dev/tty')]) {
    if (file === undefined) return
    try {
      // In a plain file, ssh goes on at its own position: give it blanks to write over.
      const room = fs.statSync(file).isFile() ? `${' '.repeat(ROOM)}\n` : ''
      fs.writeFileSync(file, room + text, {flag: 'a'})
      return
    } catch {
      continue
    }
  }
}

/** Whether stderr is /dev/null; on Windows, where connections are not shared, it never is. */
export function isStderrHidden(fd = 2): boolean {
  const nowhere = posixPath('/dev/null')
  if (nowhere === undefined) return false
  try {
    return fs.fstatSync(fd).isCharacterDevice() && fs.fstatSync(fd).rdev === fs.statSync(nowhere).rdev
  } catch {
    return false
  }
}
