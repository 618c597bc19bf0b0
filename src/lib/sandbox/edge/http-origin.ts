import http, {type IncomingMessage, type ServerResponse} from 'node:http'
import {pipeline} from 'node:stream'

/** Between two neighbours only; and what Access keeps to itself when it lets a request through. */
const KEPT =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|cf-access-client-(id|secret))$/i

export interface HttpOriginOptions {
  address: string
  port: number
  /** The header that the application reads the pair from. */
  named: string | undefined
  /** What the edge adds to its answers. */
  common: Record<string, string>
}

/** Passes an admitted request to the HTTP server behind the host, as the edge and its connector do. */
export function passToOrigin(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpOriginOptions,
): void {
  const {address, port, named, common} = options
  const pass = (raw: readonly string[]): string[] =>
    raw.filter((_, at) => {
      const name = raw[at - (at % 2)] ?? ''
      return !KEPT.test(name) && name.toLowerCase() !== named?.toLowerCase()
    })
  const headers = pass(request.rawHeaders)
  if (request.headers['transfer-encoding'] !== undefined) headers.push('Transfer-Encoding', 'chunked')
  const origin = http.request({
    ...{host: address, port, method: request.method, path: request.url, headers},
    agent: false,
  })
  origin.once('error', () => {
    if (response.headersSent) return void response.destroy()
    response.writeHead(502, {...common, 'content-type': 'text/plain; charset=utf-8'})
    response.end('The origin does not answer\n')
  })
  origin.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', [
      ...pass(answer.rawHeaders),
      ...Object.entries(common).flat(),
    ])
    pipeline(answer, response, () => undefined)
  })
  response.once('close', () => origin.destroy())
  pipeline(request, origin, () => undefined)
}
