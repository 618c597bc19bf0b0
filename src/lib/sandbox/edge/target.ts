import type {IncomingMessage} from 'node:http'

/** What a request is for. */
export interface Target {
  /** Lower case, without the port, which Access ignores (Cloudflare's documentation, "Application paths"). */
  host: string
  /** As the client wrote it; undefined: none. */
  port: string | undefined
  path: string
  /** With its query, as it was sent. */
  url: string
}

export function targetOf(request: IncomingMessage): Target {
  const url = request.url ?? '/'
  const [, host = '', port] = /^(.*?)(?::(\d*))?$/s.exec((request.headers.host ?? '').toLowerCase()) ?? []
  // Node reads the bytes as Latin-1.
  return {host, port, path: Buffer.from(url, 'latin1').toString(), url}
}
