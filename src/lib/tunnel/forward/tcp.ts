import net, {type AddressInfo} from 'node:net'
import type {Environment} from '../../config/paths.js'
import {carry} from '../carrier/carry.js'
import {openAccepted} from '../carrier/accepted.js'
import type {Target} from '../target.js'
import {listenError, type ListenAddress} from './listen.js'
import {CLOSE_MS, CONNECTION_LIMIT, type Forward, type ForwardEvents} from './types.js'

export interface TcpForwardOptions {
  target: Target
  listen: ListenAddress
  /** Where a proxy to the edge is looked up; none is used without it. */
  environment?: Environment | undefined
  /** For connecting to the edge and its answer, milliseconds. */
  timeoutMs?: number | undefined
  limit?: number | undefined
  events: Pick<ForwardEvents, 'onFailure' | 'onlyPrevious'>
}

/**
 * Listens for TCP connections and carries each through a tunnel of its own.
 *
 * @throws UserError `conflict` / `CANNOT_LISTEN`
 */
export async function forwardTcp(options: TcpForwardOptions): Promise<Forward> {
  const {target, listen, environment, timeoutMs, limit = CONNECTION_LIMIT, events} = options
  const ending = new AbortController()
  const open = new Set<net.Socket>()
  let served = 0
  const server = net.createServer({allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true})
  // What is over the limit is not accepted, and the client sees a closed connection.
  server.maxConnections = limit
  server.on('connection', (socket) => {
    served++
    open.add(socket)
    // carry listens once; what still comes from a connection that is over is of no interest.
    socket.on('error', () => undefined)
    socket.once('close', () => open.delete(socket))
    serve(socket, {target, environment, timeoutMs, events, signal: ending.signal}).catch((error: unknown) => {
      // A reset, so that the client does not take it for an end.
      socket.resetAndDestroy()
      if (!ending.signal.aborted) events.onFailure(error)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(listenError(listen, error))
    })
    server.listen({host: listen.address, port: listen.port}, resolve)
  })
  return {
    listen: {address: listen.address, port: (server.address() as AddressInfo).port},
    served: () => served,
    close: () =>
      new Promise((resolve) => {
        const force = setTimeout(() => {
          for (const socket of open) socket.destroy()
        }, CLOSE_MS)
        server.close(() => {
          clearTimeout(force)
          resolve()
        })
        ending.abort()
      }),
  }
}

async function serve(
  socket: net.Socket,
  {target, environment, timeoutMs, events, signal}: Omit<TcpForwardOptions, 'listen'> & {signal: AbortSignal},
): Promise<void> {
  const {tunnel, onlyPrevious} = await openAccepted({...target, environment, signal}, timeoutMs)
  if (onlyPrevious !== undefined) events.onlyPrevious?.(onlyPrevious)
  if (socket.destroyed || signal.aborted) {
    // The client has gone meanwhile, or we are to go.
    tunnel.socket.destroy()
    socket.destroy()
    return
  }
  const carried = carry({tunnel, input: socket, output: socket, signal})
  // It was paused when it came, so that nothing of it is lost before somebody listens.
  socket.resume()
  await carried
  // What the edge has sent goes out first; a client that does not take it is not waited for.
  socket.end()
  const force = setTimeout(() => socket.destroy(), CLOSE_MS)
  socket.once('close', () => {
    clearTimeout(force)
  })
  // Nothing more is read: otherwise its end would never be seen.
  socket.resume()
}
