import type {IncomingMessage} from 'node:http'

/** What a request is for. */
export interface Target {
  /** Lower case, without the port, which Access ignores (Cloudflare's documentation, "Application paths"). */
  host: string
  path: string
  /** With its query, as it was sent. */
  url: string
}

export function targetOf(request: IncomingMessage): Target {
  const url = request.url ?? '/'
  const host = (request.headers.host ?? '').replace(/:\d*$/, '').toLowerCase()
  // Node reads the bytes as Latin-1.
  return {host, path: Buffer.from(url, 'latin1').toString(), url}
}
