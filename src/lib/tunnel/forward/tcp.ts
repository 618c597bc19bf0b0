import {setMaxListeners} from 'node:events'
import net from 'node:net'
import type {SecureContext} from 'node:tls'
import type {Environment} from '../../config/paths.js'
import {breakOff, drop, isGone, reset} from '../../network/tcp-peer.js'
import {carry, type CarryTimes} from '../carrier/carry.js'
import {trustOf} from '../carrier/edge-agent.js'
import {openAccepted} from '../carrier/open-accepted.js'
import type {Target} from '../target/target.js'
import {startListening, type ListenWish} from './listen.js'
import {CLOSE_MS, CONNECTION_LIMIT, type Forward, type ForwardEvents} from './types.js'

export interface TcpForwardOptions {
  target: Target
  listen: ListenWish
  /** Where a proxy to the edge is looked up; none is used without it. */
  environment?: Environment | undefined
  /** For connecting to the edge and its answer, milliseconds. */
  timeoutMs?: number | undefined
  limit?: number | undefined
  /** The carrier's limits. */
  times?: Partial<CarryTimes> | undefined
  /** How long a client may leave data for it unread, milliseconds. */
  idleMs?: number | undefined
  events: Pick<ForwardEvents, 'onFailure' | 'onlyPrevious' | 'onNote'>
}

const CLIENT_IDLE_MS = 120_000
/** How long the edge may be silent after a client's end, where zt cannot see whether the client still reads. */
const UNSEEN_DRAIN_MS = 120_000

/**
 * Listens for TCP connections and carries each through a tunnel of its own.
 *
 * @throws UserError as {@link startListening}; `config` / `BAD_CA_FILE`
 */
export async function forwardTcp(options: TcpForwardOptions): Promise<Forward> {
  const {listen, limit = CONNECTION_LIMIT, events, target, environment} = options
  // Once: it takes more processor time than the rest of a connection.
  const context = await trustOf({edge: target.edge, environment})
  const ending = new AbortController()
  // Each connection listens for it.
  setMaxListeners(0, ending.signal)
  const open = new Set<net.Socket>()
  let served = 0
  const server = net.createServer({allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true})
  server.on('connection', (socket) => {
    // carry listens once; later errors of a finished connection do not matter.
    socket.on('error', () => undefined)
    // Node's own limit would end it, which a client may take for an empty answer.
    if (open.size >= limit) return void reset(socket)
    served++
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    serve(socket, {...options, context, signal: ending.signal}).catch((error: unknown) => {
      if (!ending.signal.aborted) events.onFailure(error)
    })
  })
  return {
    listen: await startListening(server, listen),
    served: () => served,
    close: () =>
      new Promise((resolve) => {
        const force = setTimeout(() => {
          for (const socket of open) drop(socket)
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
    context,
  }: Omit<TcpForwardOptions, 'listen'> & {context: SecureContext; signal: AbortSignal},
): Promise<void> {
  const {tunnel, onlyPrevious} = await openAccepted(
    {...target, environment, context, signal},
    timeoutMs,
  ).catch((error: unknown) => {
    // So that the client does not take it for a regular end.
    reset(socket)
    throw error
  })
  if (onlyPrevious !== undefined) events.onlyPrevious?.(onlyPrevious)
  if (socket.destroyed || signal.aborted) {
    // The client has gone meanwhile, or the forward is ending.
    tunnel.socket.destroy()
    drop(socket)
    return
  }
  const carried = carry({
    tunnel,
    input: socket,
    output: socket,
    signal,
    times: {...(process.platform !== 'linux' && {drain: UNSEEN_DRAIN_MS}), ...times},
    isOutputGone: () => isGone(socket),
    // A slow client gets everything; only one that reads nothing at all is given up.
    onLast: () => socket.setTimeout(signal.aborted ? CLOSE_MS : idleMs, () => drop(socket)),
  })
  // It was paused on arrival, so that nothing is lost before carry listens.
  socket.resume()
  const end = await carried.catch(async (error: unknown) => {
    await breakOff(socket, idleMs)
    throw error
  })
  if (end.note) events.onNote?.(end.note.text)
  // The edge would have sent more.
  if (end.aborted) await breakOff(socket, CLOSE_MS)
  else leave(socket, idleMs)
}

/** Ends a connection whose other side has ended regularly. */
function leave(socket: net.Socket, idleMs: number): void {
  socket.end()
  // Keep reading, or its end would never be seen. The edge takes no more data: a client that goes on sending is reset.
  socket.once('data', () => {
    setTimeout(() => void breakOff(socket, idleMs), CLOSE_MS).unref()
  })
  socket.resume()
}
