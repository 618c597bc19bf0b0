import {UserError} from '../core/errors.js'
import type {Origin} from './types.js'

/**
 * `HOST=ADDRESS:PORT` pairs; loopback only. As in a tunnel's configuration, `HOST=http://ADDRESS:PORT` is an HTTP
 * service, and `tcp://` or `ssh://` one that gets a stream; without a scheme the edge detects which.
 */
export function parseOrigins(pairs: readonly string[]): Record<string, string> {
  const origins: Record<string, string> = {}
  for (const pair of pairs) {
    const match = /^([a-z0-9.-]+)=(.+)$/i.exec(pair)
    if (!match?.[1] || !match[2] || !readOrigin(match[2])) {
      throw new UserError({
        kind: 'usage',
        code: 'BAD_ORIGIN',
        message: `"${pair}" is not an origin`,
        why: 'An origin is HOST=ADDRESS:PORT with an address of this machine, e.g. git.example.com=127.0.0.1:2222; http:// or tcp:// before the address names its protocol.',
      })
    }
    origins[match[1].toLowerCase()] = match[2]
  }
  return origins
}

/** Parses one origin for {@link parseOrigins}; undefined for any other text. */
export function readOrigin(text: string): Origin | undefined {
  const match = /^(?:(http|tcp|ssh):\/\/)?(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  if (!match?.[2] || port > 65535) return undefined
  const scheme = match[1]?.toLowerCase()
  return {address: match[2], port, kind: scheme === undefined ? 'either' : scheme === 'http' ? 'http' : 'tcp'}
}
