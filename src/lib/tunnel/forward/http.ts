import http from 'node:http'
import type net from 'node:net'
import type {Environment} from '../../config/paths.js'
import {Callers} from '../../network/callers.js'
import {guard, SERVER_OPTIONS} from '../../network/http-listener.js'
import {drop} from '../../network/tcp-peer.js'
import {AcceptedSecret} from '../target/accepted-secret.js'
import {trustOf} from '../carrier/edge-agent.js'
import {authorityOf, startListening, type ListenWish} from './listen.js'
import {localNameOf} from './local-name.js'
import {Pool} from './pool.js'
import {Proxying, words, type ProxyingOptions} from './proxying.js'
import {CLOSE_MS, CONNECTION_LIMIT, type Forward} from './types.js'

export interface HttpForwardOptions extends ProxyingOptions {
  listen: ListenWish
  allowedOrigins?: readonly string[] | undefined
  /** Where a proxy to the edge is looked up; none is used without it. */
  environment?: Environment | undefined
  /** For connecting to the edge, milliseconds. */
  timeoutMs?: number | undefined
  /** How long an answer may take, and how long either side may be silent, milliseconds. */
  idleMs?: number | undefined
}

const IDLE_MS = 300_000

/**
 * Listens for HTTP requests and passes each to the edge with the token's headers, WebSockets included. It follows no
 * redirect, stores nothing, and changes only what requestHeaders and responseHeaders say.
 *
 * During the grace period of a rotation it repeats refused requests with the previous secret.
 *
 * @throws UserError as {@link startListening}; `config` / `BAD_CA_FILE`
 */
export async function forwardHttp(options: HttpForwardOptions): Promise<Forward> {
  const {target, listen, idleMs = IDLE_MS, environment, timeoutMs, events} = options
  const way = {edge: target.edge, environment, timeoutMs}
  const context = await trustOf(way)
  // Twice as many: a refused answer is kept while the request is sent with the other secret. What as many clients need is
  // kept: with fewer, all others pay for a handshake with each request.
  const pool = {keepAlive: true, maxSockets: 2 * CONNECTION_LIMIT, maxFreeSockets: CONNECTION_LIMIT}
  const agent = new Pool(way, context, pool)
  // A body may take any time while it moves; only silence ends a connection.
  const server = http.createServer(SERVER_OPTIONS)
  const bound = await startListening(server, listen)
  // Clients of a socket have no address, and call it localhost.
  const address = 'socket' in bound ? {address: '127.0.0.1', port: 80} : bound
  const callers = new Callers({
    listen: address,
    allowedOrigins: options.allowedOrigins ?? [],
    localName: localNameOf(target.edge.host),
  })
  const upgraded = new Set<net.Socket>()
  const open = new Set<net.Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  const proxy = new Proxying(options, {
    agent,
    single: new Pool(way, context),
    secret: new AcceptedSecret({
      credentials: target.credentials,
      onlyPrevious: (until) => events.onlyPrevious?.(until),
    }),
    callers,
    idleMs,
    upgraded,
    own: authorityOf(bound),
  })
  guard(server, {
    serve: (request, response) => proxy.serve(request, response),
    upgrade: (request, response, near) => proxy.upgrade(request, response, near),
    limit: CONNECTION_LIMIT,
    idleMs,
    words,
  })
  return {
    listen: bound,
    served: () => proxy.served,
    close: () =>
      new Promise((resolve) => {
        const force = setTimeout(() => {
          for (const socket of open) drop(socket)
        }, CLOSE_MS)
        server.close(() => {
          clearTimeout(force)
          agent.destroy()
          resolve()
        })
        server.closeIdleConnections()
        for (const socket of upgraded) socket.destroy()
      }),
  }
}
