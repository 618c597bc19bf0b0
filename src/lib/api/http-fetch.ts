import http from 'node:http'
import https from 'node:https'
import tls from 'node:tls'
import {isNestedWithin} from '../core/canonical-json.js'
import {contextWith, takesSystemStore, windowsCas} from '../network/certificates.js'
import type {Environment} from '../network/proxy-settings.js'
import {LightHeaders, LightResponse} from './light-fetch.js'
import {agentFor, type Trust} from './proxy-agent.js'

/** More than any page of the API; a longer answer does not come from it. */
const BODY_LIMIT = 64 * 1024 * 1024
const MINIMUM = {minVersion: 'TLSv1.2'} as const

/**
 * About ten times as deep as the API nests. Code that walks through an answer recurses at each level (JSON.stringify in
 * the SDK's errors too), so a deeper answer is treated as empty.
 */
const DEEPEST = 100

/** `fetch` failed before a whole answer arrived. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  /** True if the request had been written, so the server may have acted on it. */
  readonly sent: boolean

  constructor(message: string, sent: boolean, cause: unknown) {
    super(message, {cause})
    this.sent = sent
  }
}

/**
 * `fetch` over node:http(s), for a JSON API: text bodies only, redirects are not followed. The global `fetch` of Node
 * 20 takes 112 ms at its first use, its classes alone 20 ms (docs/performance.md).
 *
 * @param environment where HTTPS_PROXY and NO_PROXY are looked up
 */
export const httpFetch =
  (environment: Environment = {}): typeof fetch =>
  (input, init = {}) => {
    const url = new URL(typeof input === 'string' || input instanceof URL ? input : input.url)
    const secure = url.protocol === 'https:'
    const {request} = secure ? https : http
    const headers = Object.fromEntries(
      new LightHeaders(init.headers as Iterable<[string, string]> | undefined),
    )
    const body = typeof init.body === 'string' ? init.body : undefined
    if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body))
    return new Promise<Response>((resolve, reject) => {
      let sent = false
      let answered = false
      const fail = (error: unknown): void => {
        reject(
          error instanceof Error && error.name === 'AbortError'
            ? error
            : new ConnectionError(error instanceof Error ? error.message : 'no answer', sent, error),
        )
      }
      const outgoing = request(
        url,
        {
          method: init.method ?? 'GET',
          headers,
          signal: init.signal ?? undefined,
          ...(secure ? {agent: agentFor(url.href, environment, trust), ...trust()} : {agent: plainAgent()}),
        },
        (incoming) => {
          answered = true
          const chunks: Buffer[] = []
          let length = 0
          incoming.on('data', (chunk: Buffer) => {
            length += chunk.length
            if (length > BODY_LIMIT) incoming.destroy(new Error('the answer is too long'))
            else chunks.push(chunk)
          })
          incoming.once('error', fail)
          // The server disconnected in the middle of its answer.
          incoming.once('aborted', () => {
            fail(new Error('the answer was cut off'))
          })
          incoming.once('end', () => {
            resolve(toResponse(incoming, Buffer.concat(chunks)))
          })
        },
      )
      // Status 101: node hands the connection over without an answer, so nothing else would ever arrive.
      outgoing.once('upgrade', (incoming, socket) => {
        socket.destroy()
        resolve(toResponse(incoming, Buffer.alloc(0)))
      })
      outgoing.once('close', () => {
        if (!answered) fail(new Error('the connection was closed without an answer'))
      })
      outgoing.once('finish', () => {
        sent = true
      })
      outgoing.once('error', fail)
      outgoing.end(body)
    })
  }

let context: Pick<Trust, 'secureContext'> | undefined

/** Empty where node's preset is right, and need not be made here. */
function ownContext(): Pick<Trust, 'secureContext'> {
  if (takesSystemStore()) return {secureContext: contextWith(tls.rootCertificates, MINIMUM)}
  return process.platform === 'win32' ? {secureContext: contextWith(windowsCas(), MINIMUM)} : {}
}

/**
 * Node's own CAs are always trusted for the API, in addition to the system's if node uses those, and to those in the
 * store of Windows. The certificate is
 * checked and TLS is 1.2 or newer, whatever NODE_TLS_REJECT_UNAUTHORIZED and node's switches say.
 */
function trust(): Trust {
  const checked = {rejectUnauthorized: true, ...MINIMUM}
  context ??= ownContext()
  return {...checked, ...context}
}

let plain: http.Agent | undefined

/**
 * http:// is for this machine only: with NODE_USE_ENV_PROXY node's own agent would send the request, token included, to
 * a proxy.
 */
function plainAgent(): http.Agent {
  plain ??= new http.Agent({keepAlive: true, scheduling: 'lifo', timeout: 5000})
  return plain
}

/** The SDK and zt use nothing else of a Response. */
function toResponse(incoming: http.IncomingMessage, body: Buffer): Response {
  const headers = new LightHeaders()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  const text = new TextDecoder().decode(body)
  return new LightResponse(
    isNestedWithin(text, DEEPEST) ? text : '',
    incoming.statusCode ?? 502,
    headers,
  ) as unknown as Response
}
