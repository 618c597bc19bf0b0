import dns from 'node:dns'
import os from 'node:os'
import {posixPath} from '../../core/posix-path.js'
import {readForeignFile} from '../../system/own-files.js'

let waiting = 0

/**
 * Makes the system's resolver wait no longer than zt does. A look-up cannot be interrupted, and a process does not end
 * before it: with three name servers that hang it takes 30 s. RES_OPTIONS, which glibc and others read (resolv.conf(5)),
 * limits each attempt; a value that the person has set stays.
 *
 * @param ms how long a look-up may take
 * @returns removes the variable again: programs that zt starts must not inherit it
 */
export function boundLookUps(ms: number): () => void {
  if (waiting === 0 && process.env['RES_OPTIONS'] !== undefined) return () => undefined
  if (waiting++ === 0) {
    const servers = Math.min(3, dns.getServers().length || 1)
    process.env['RES_OPTIONS'] = optionsFor(ms / 1000 / (searches() ? 2 : 1), servers)
  }
  return () => {
    if (--waiting === 0) delete process.env['RES_OPTIONS']
  }
}

/** Whether the system repeats a failed look-up with a domain appended (resolv.conf(5)). */
function searches(): boolean {
  if (os.hostname().includes('.')) return true
  const file = posixPath('/etc/resolv.conf')
  if (file === undefined) return false
  try {
    return /^(search|domain)[ \t]/m.test(readForeignFile(file)?.toString('latin1') ?? '')
  } catch {
    return false
  }
}

/** In the second round all servers share twice the time that one had, at least a second each (glibc's res_send.c). */
function optionsFor(seconds: number, servers: number): string {
  const takes = (each: number, attempts: number): number =>
    servers * (each + (attempts > 1 ? Math.max(1, Math.floor((2 * each) / servers)) : 0))
  for (const attempts of [2, 1])
    for (let each = 5; each >= 1; each--)
      if (takes(each, attempts) <= seconds) return `timeout:${each} attempts:${attempts}`
  return 'timeout:1 attempts:1'
}
