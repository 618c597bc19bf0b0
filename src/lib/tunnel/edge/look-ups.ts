import dns from 'node:dns'
import os from 'node:os'
import {readForeignFile} from '../../system/own-files.js'

let waiting = 0

/**
 * Lets the system's resolver wait no longer than we do. A look-up cannot be interrupted, and a process does not end before
 * it: with three name servers that hang it takes 30 s. What glibc and its like read (resolv.conf(5)) says how long each
 * may take; what the person has set there stays.
 *
 * @param ms how long a look-up may take
 * @returns ends it again: programs that we start must not find it
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

/** Whether the system asks for a name once more, with a domain behind it, when nobody has answered (resolv.conf(5)). */
function searches(): boolean {
  if (os.hostname().includes('.')) return true
  try {
    return /^(search|domain)[ \t]/m.test(readForeignFile('/etc/resolv.conf')?.toString('latin1') ?? '')
  } catch {
    return false
  }
}

/** The second time, all servers together get twice what one had, and each a second at least (glibc's res_send.c). */
function optionsFor(seconds: number, servers: number): string {
  const takes = (each: number, attempts: number): number =>
    servers * (each + (attempts > 1 ? Math.max(1, Math.floor((2 * each) / servers)) : 0))
  for (const attempts of [2, 1])
    for (let each = 5; each >= 1; each--)
      if (takes(each, attempts) <= seconds) return `timeout:${each} attempts:${attempts}`
  return 'timeout:1 attempts:1'
}
