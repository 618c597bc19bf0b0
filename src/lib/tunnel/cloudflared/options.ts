/** An option of `cloudflared access tcp`, which is also called `ssh`, `rdp` and `smb`. */
export interface CloudflaredOption {
  /** Its other names. */
  also?: readonly string[]
  /** What it says, where a ProxyCommand has it; undefined: zt's own ProxyCommand has no counterpart. */
  says?: 'host' | 'destination' | 'log' | 'secret'
}

/** All of cloudflared 2026.8.2 (cmd/cloudflared/access/cmd.go). */
export const CLOUDFLARED_OPTIONS = {
  hostname: {also: ['tunnel-host', 'T'], says: 'host'},
  destination: {says: 'destination'},
  url: {also: ['listener', 'L']},
  header: {also: ['H']},
  'connect-to': {},
  'log-level': {also: ['loglevel'], says: 'log'},
  logfile: {says: 'log'},
  'log-directory': {says: 'log'},
  'debug-stream': {},
  'service-token-id': {also: ['id'], says: 'secret'},
  'service-token-secret': {also: ['secret'], says: 'secret'},
} as const satisfies Record<string, CloudflaredOption>

/** An option by any of its names. */
export function cloudflaredOption(name: string): CloudflaredOption | undefined {
  const all: [string, CloudflaredOption][] = Object.entries(CLOUDFLARED_OPTIONS)
  return all.find(([own, {also}]) => own === name || also?.includes(name))?.[1]
}
