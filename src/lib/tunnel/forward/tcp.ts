import net, {type AddressInfo} from 'node:net'
import type {Environment} from '../../config/paths.js'
import {isGone, resetOnceTaken} from '../../network/tcp-peer.js'
import {carry, type CarryTimes} from '../carrier/carry.js'
import {openAccepted} from '../carrier/open-accepted.js'
import type {Target} from '../target/target.js'
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
  /** Of the carrier. */
  times?: Partial<CarryTimes> | undefined
  /** How long a client may take nothing of what is left for it, milliseconds. */
  idleMs?: number | undefined
  events: Pick<ForwardEvents, 'onFailure' | 'onlyPrevious' | 'onNote'>
}

const CLIENT_IDLE_MS = 120_000
/** For the edge's silence after a client's end, where it cannot be seen whether the client still reads. */
const UNSEEN_DRAIN_MS = 120_000

/**
 * Listens for TCP connections and carries each through a tunnel of its own.
 *
 * @throws UserError `conflict` / `CANNOT_LISTEN`
 */
export async function forwardTcp(options: TcpForwardOptions): Promise<Forward> {
  const {listen, limit = CONNECTION_LIMIT, events} = options
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
    serve(socket, {...options, signal: ending.signal}).catch((error: unknown) => {
      // A reset, so that the client does not take it for an end; it has got everything before.
      if (!socket.writableEnded) socket.resetAndDestroy()
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
  {
    target,
    environment,
    timeoutMs,
    times,
    idleMs = CLIENT_IDLE_MS,
    events,
    signal,
  }: Omit<TcpForwardOptions, 'listen'> & {signal: AbortSignal},
): Promise<void> {
  const {tunnel, onlyPrevious} = await openAccepted({...target, environment, signal}, timeoutMs)
  if (onlyPrevious !== undefined) events.onlyPrevious?.(onlyPrevious)
  if (socket.destroyed || signal.aborted) {
    // The client has gone meanwhile, or we are to go.
    tunnel.socket.destroy()
    socket.destroy()
    return
  }
  const carried = carry({
    tunnel,
    input: socket,
    output: socket,
    signal,
    times: {...(process.platform !== 'linux' && {drain: UNSEEN_DRAIN_MS}), ...times},
    isOutputGone: () => isGone(socket),
    // However slow a client is, it gets everything: only one that takes nothing at all is not waited for.
    onLast: () => socket.setTimeout(signal.aborted ? CLOSE_MS : idleMs, () => socket.destroy()),
  })
  // It was paused when it came, so that nothing of it is lost before somebody listens.
  socket.resume()
  const end = await carried.catch(async (error: unknown) => {
    await breakOff(socket, idleMs)
    throw error
  })
  if (end.note) events.onNote?.(end.note.text)
  leave(socket, idleMs)
}

/** Ends a connection whose other side has ended in order. */
function leave(socket: net.Socket, idleMs: number): void {
  socket.end()
  // Read, or its end would never be seen. The edge takes no more; a client that goes on is to know that, in a while.
  socket.once('data', () => {
    setTimeout(() => void breakOff(socket, idleMs), CLOSE_MS).unref()
  })
  socket.resume()
}

/** Where a reset could take bytes away, they come first: the client gets an end. */
async function breakOff(socket: net.Socket, idleMs: number): Promise<void> {
  if (!(await resetOnceTaken(socket, idleMs))) socket.end().resume()
}
