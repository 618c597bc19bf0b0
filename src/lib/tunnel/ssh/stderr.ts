import fs from 'node:fs'

/** Longer than what ssh itself says when its proxy has ended. */
const ROOM = 160

/**
 * Where the proxy says why. For a connection that is to be shared ssh gives its ProxyCommand /dev/null as stderr, and
 * plain ssh would fail without a reason. ssh's own stderr is still the person's then: where the system shows it
 * (Linux), it is written to, and otherwise the terminal. When ssh has gone to the background nobody is there to tell.
 */
export function sshStderr(
  stderr: NodeJS.WriteStream = process.stderr,
  ppid = process.ppid,
): {write(text: string): unknown} {
  return {write: (text) => (isNull(2) ? writeAround(text, ppid) : stderr.write(text))}
}

function writeAround(text: string, ppid: number): void {
  if (process.ppid !== ppid) return
  for (const file of [`/proc/${ppid}/fd/2`, '/dev/tty']) {
    try {
      // ssh goes on writing a plain file where it stands itself: it gets blanks to write over.
      const room = fs.statSync(file).isFile() ? `${' '.repeat(ROOM)}\n` : ''
      fs.writeFileSync(file, room + text, {flag: 'a'})
      return
    } catch {
      continue
    }
  }
}

function isNull(fd: number): boolean {
  try {
    return fs.fstatSync(fd).isCharacterDevice() && fs.fstatSync(fd).rdev === fs.statSync('/dev/null').rdev
  } catch {
    return false
  }
}
