import dns from 'node:dns'

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
  if (waiting++ === 0)
    process.env['RES_OPTIONS'] = optionsFor(ms / 1000, Math.min(3, dns.getServers().length || 1))
  return () => {
    if (--waiting === 0) delete process.env['RES_OPTIONS']
  }
}

/** Each server is asked once for so long, and then all of them together for twice as long. */
function optionsFor(seconds: number, servers: number): string {
  const each = Math.floor(seconds / (servers + 2))
  return each >= 1 ? `timeout:${Math.min(each, 5)} attempts:2` : 'timeout:1 attempts:1'
}
