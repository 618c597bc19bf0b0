import type {EventEmitter} from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import {keepLastBytes} from '../../network/last-bytes.js'
import {boundLookUps} from '../edge/look-ups.js'
import {USER_AGENT} from '../../core/version.js'
import type {Clock} from './clock.js'
import {isConnectionError, proxyRefused, proxyUnreachable} from '../failure/connection.js'
import {NoAnswerError, readHead} from './http-head.js'
import type {Address, HttpProxy} from './proxy-settings.js'
import {trustContext} from './trust.js'

/** How long one address of a host may take before the next is tried beside it (happy eyeballs, RFC 8305). */
const NEXT_ADDRESS_MS = 250
const KEEP_ALIVE_MS = 60_000
/** What is read at once: with less, a download costs twice the time. */
const READ_BYTES = 64 * 1024

/** A TCP connection to the first address of the host that answers. */
async function dial({host, port}: Address, stage: 'connect' | 'proxy', clock: Clock): Promise<net.Socket> {
  const isName = net.isIP(host) === 0
  clock.begin(isName ? 'lookup' : stage)
  const lookedUp = isName ? boundLookUps(clock.limitOf('lookup')) : () => undefined
  const socket = net.connect({
    host,
    port,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  })
  socket.once('lookup', () => {
    if (clock.stage === 'lookup') clock.begin(stage)
  })
  await happens(socket, 'connect', clock.signal).finally(lookedUp)
  return socket
}

export interface SecureOptions {
  raw: net.Socket
  /** Whose certificate it must be; also SNI, unless it is an address. */
  host: string
  context: tls.SecureContext
  signal: AbortSignal
}

/** TLS over a connection; resolves when the certificate was verified. */
async function secure({raw, host, context, signal}: SecureOptions): Promise<tls.TLSSocket> {
  // `highWaterMark` is passed on to the stream, though the types do not say so.
  const options: tls.ConnectionOptions & {highWaterMark: number} = {
    socket: raw,
    host,
    ...(net.isIP(host) === 0 && {servername: host}),
    secureContext: context,
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
    rejectUnauthorized: true,
    highWaterMark: READ_BYTES,
  }
  const socket = tls.connect(options)
  await happens(socket, 'secureConnect', signal)
  return socket
}

/**
 * A TLS connection, through a proxy where there is one, that gives all that arrives ({@link keepLastBytes}).
 *
 * @param makeContext what the certificate is checked against; called while the connection is on its way, as it takes
 *   the processor 20 ms and more
 */
export async function dialSecurely({
  proxy,
  to,
  host,
  makeContext,
  clock,
}: {
  proxy: HttpProxy | undefined
  to: Address
  host: string
  makeContext: () => tls.SecureContext
  clock: Clock
}): Promise<tls.TLSSocket> {
  const dialling = proxy ? dialThrough(proxy, to, clock) : dial(to, 'connect', clock)
  const context = makeContext()
  const raw = await dialling
  clock.begin('tls')
  const socket = await secure({raw, host, context, signal: clock.signal}).catch((error: unknown) => {
    discard(raw)
    throw error
  })
  keepLastBytes(socket, raw)
  return socket
}

/**
 * A connection through an HTTP proxy. What the person's proxy is told is its own password and where to connect: the
 * service token goes through it encrypted.
 *
 * @throws UserError `unreachable` / `PROXY_UNREACHABLE`, `PROXY_NOT_TRUSTED`, `PROXY_REFUSED`
 */
export async function dialThrough(proxy: HttpProxy, to: Address, clock: Clock): Promise<net.Socket> {
  let socket: net.Socket | undefined
  try {
    socket = await dial(proxy, 'proxy', clock)
    if (proxy.secure) {
      const context = await trustContext(undefined)
      socket = await secure({raw: socket, host: proxy.host, context, signal: clock.signal})
    }
    const target = `${to.host.includes(':') ? `[${to.host}]` : to.host}:${to.port}`
    const lines = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`, `User-Agent: ${USER_AGENT}`]
    if (proxy.authorization) lines.push(`Proxy-Authorization: ${proxy.authorization.expose()}`)
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    const {status, rest} = await readHead(socket, clock.signal)
    if (status < 200 || status > 299 || rest.length > 0) throw proxyRefused(proxy, to, status)
    return socket
  } catch (error) {
    discard(socket)
    throw clock.reason ?? (isConnectionError(error) ? proxyUnreachable(proxy, error) : error)
  }
}

/** Whatever still comes from a connection that is given up is of no interest. */
export function discard(socket: net.Socket | undefined): void {
  socket?.on('error', () => undefined)
  socket?.destroy()
}

/** Waits for an event, and destroys the socket where another thing comes first. */
async function happens(socket: net.Socket, event: string, signal: AbortSignal): Promise<void> {
  const emitter: EventEmitter = socket
  await new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      emitter.removeListener(event, onEvent)
      emitter.removeListener('error', onError)
      emitter.removeListener('close', onClose)
      signal.removeEventListener('abort', onAbort)
    }
    const onEvent = (): void => {
      settle()
      resolve()
    }
    const onError = (error: unknown): void => {
      settle()
      discard(socket)
      reject(error instanceof Error ? error : new NoAnswerError())
    }
    const onClose = (): void => {
      onError(new NoAnswerError())
    }
    const onAbort = (): void => {
      onError(signal.reason)
    }
    emitter.once(event, onEvent)
    emitter.once('error', onError)
    emitter.once('close', onClose)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}
