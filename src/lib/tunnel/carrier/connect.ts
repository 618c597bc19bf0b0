import net from 'node:net'
import tls from 'node:tls'
import type {Environment} from '../../config/paths.js'
import {patient} from '../../core/patience.js'
import {askForTunnel} from '../../network/ask-for-tunnel.js'
import {keepLastBytes} from '../../network/connection-end.js'
import {readInPlace} from '../../network/read-in-place.js'
import {proxyFor, type Address, type HttpProxy} from '../../network/proxy-settings.js'
import {waitFor} from '../../network/wait-for.js'
import {boundLookUps} from '../edge/look-ups.js'
import {
  edgeFailed,
  isConnectionError,
  isDistrusted,
  proxyUnreachable,
  timedOut,
} from '../failure/connection.js'
import type {EdgeAddress} from '../types.js'
import {Deadlines, limitsWithin, TIMEOUT_MS, type StageLimits} from './deadlines.js'
import {RememberedCa} from './remembered-ca.js'
import {readTrust, trustContext, type Trust} from './trust.js'

/** How long to wait for one address of a host before trying the next as well (happy eyeballs, RFC 8305). */
const NEXT_ADDRESS_MS = 250
const KEEP_ALIVE_MS = 60_000
/** Bytes per read: with less, a download costs twice the processor time. */
const READ_BYTES = 64 * 1024
/** The longest TLS record (RFC 8446, 5.1): node passes on one at a time. */
const record = Buffer.allocUnsafeSlow(16 * 1024)

/** How the edge is reached. */
export interface EdgeWay {
  edge: EdgeAddress
  /** Where HTTPS_PROXY, NO_PROXY and NODE_EXTRA_CA_CERTS are looked up; without it, no proxy is used. */
  environment?: Environment | undefined
  /** For all that is done with the connection, from the look-up on; milliseconds. */
  timeoutMs?: number | undefined
  /** zt's cache, to remember in it which CA this host needs; see {@link RememberedCa}. */
  cache?: string | undefined
}

export interface DialOptions extends EdgeWay {
  /** What the certificate is checked against, where many connections are made. */
  context?: tls.SecureContext | undefined
  /** Per stage, if they differ from the defaults. */
  limits?: Partial<StageLimits> | undefined
  /** Ends the attempt with `cancelled` / `INTERRUPTED`. */
  signal?: AbortSignal | undefined
  /** Whether the memory of what arrives may be used again: see {@link readInPlace}. */
  inPlace?: boolean | undefined
}

/**
 * Connects to the edge over TLS, through the environment's proxy if there is one, and uses the connection for a first
 * step within the same time limit. Nothing is sent before the certificate has been verified. If `use` fails, the
 * connection is closed.
 *
 * @throws UserError `unreachable` (EDGE_UNREACHABLE, EDGE_TIMEOUT, EDGE_NOT_TRUSTED, EDGE_GONE, PROXY_…), `config` /
 *   BAD_CA_FILE, `usage` / BAD_PROXY; what `use` throws
 */
export async function dialEdge<T>(
  options: DialOptions,
  use: (socket: tls.TLSSocket, deadlines: Deadlines) => T | Promise<T>,
): Promise<T> {
  const {
    edge,
    environment = {},
    timeoutMs = patient(TIMEOUT_MS),
    context,
    limits,
    signal,
    inPlace,
    cache,
  } = options
  const to = addressOf(edge)
  const proxy = proxyFor(environment, [{host: edge.host, port: 443}, to])
  // Before the time starts: the CA file is local.
  const trust: Trust = context
    ? {context: () => context}
    : await readTrust(edge.caFile, environment['NODE_EXTRA_CA_CERTS'])
  const known = cache === undefined ? undefined : new RememberedCa(cache, edge.host, trust)
  const deadlines = new Deadlines({
    limits: {...limitsWithin(timeoutMs), ...limits},
    totalMs: timeoutMs,
    signal,
    timedOut: (stage, ms) => timedOut(edge, proxy, stage, ms),
  })
  let socket: tls.TLSSocket | undefined
  try {
    const attempt = (makeContext: () => tls.SecureContext): Promise<tls.TLSSocket> =>
      dialSecurely({proxy, to, host: edge.host, makeContext, deadlines, inPlace})
    const first = known?.context()
    if (first)
      socket = await attempt(() => first).catch((error: unknown) => {
        // It needs another one.
        if (isDistrusted(error)) return undefined
        throw error
      })
    if (!socket) {
      socket = await attempt(trust.context)
      void known?.keep(socket)
    }
    return await use(socket, deadlines)
  } catch (error) {
    discard(socket)
    throw deadlines.reason ?? (isConnectionError(error) ? edgeFailed(edge, deadlines.stage, error) : error)
  } finally {
    deadlines.stop()
  }
}

/** Where the connection goes if no proxy is used. */
export function addressOf({host, connectTo}: EdgeAddress): Address {
  if (connectTo === undefined) return {host, port: 443}
  const colon = connectTo.lastIndexOf(':')
  return {
    host: connectTo
      .slice(0, colon)
      .replace(/^\[|\]$/g, '')
      .toLowerCase(),
    port: Number(connectTo.slice(colon + 1)),
  }
}

/** A TCP connection to the first address of the host that answers. */
async function dial(to: Address, deadlines: Deadlines): Promise<net.Socket> {
  const {connection, watch} = start(to, 'proxy', deadlines)
  const socket = net.connect(connection)
  await watch(socket, happens(socket, 'connect', deadlines.signal))
  return socket
}

/** Starts a stage, and returns how to connect and what is to be watched meanwhile. */
function start(
  {host, port}: Address,
  stage: 'connect' | 'proxy',
  deadlines: Deadlines,
): {
  connection: net.TcpNetConnectOpts
  watch: <T>(socket: net.Socket, connected: Promise<T>) => Promise<T>
} {
  const isName = net.isIP(host) === 0
  deadlines.begin(isName ? 'lookup' : stage)
  const lookedUp = isName ? boundLookUps(deadlines.limitOf('lookup')) : () => undefined
  return {
    connection: {host, port, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS},
    watch: (socket, connected) => {
      socket.once('lookup', () => {
        if (deadlines.stage === 'lookup') deadlines.begin(stage)
      })
      socket.once('connect', () => {
        socket.setNoDelay(true)
        socket.setKeepAlive(true, KEEP_ALIVE_MS)
      })
      return connected.finally(lookedUp)
    },
  }
}

interface SecureOptions {
  /** Whose certificate it must be; also SNI, unless it is an address. */
  host: string
  context: tls.SecureContext
}

function secureOptions({host, context}: SecureOptions): tls.ConnectionOptions {
  // Node passes `highWaterMark` on to the stream, though its types do not have it.
  const options: tls.ConnectionOptions & {highWaterMark: number} = {
    ...(net.isIP(host) === 0 && {servername: host}),
    secureContext: context,
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
    rejectUnauthorized: true,
    highWaterMark: READ_BYTES,
  }
  return options
}

/** TLS over a connection; resolves when the certificate has been verified. */
async function secure(raw: net.Socket, options: SecureOptions, signal: AbortSignal): Promise<tls.TLSSocket> {
  const socket = tls.connect({...secureOptions(options), socket: raw, host: options.host})
  await happens(socket, 'secureConnect', signal)
  return socket
}

interface SecureDial {
  proxy: HttpProxy | undefined
  to: Address
  host: string
  /** Called while the connection is being made: it takes 20 ms or more of processor time. */
  makeContext: () => tls.SecureContext
  deadlines: Deadlines
  inPlace?: boolean | undefined
}

async function dialSecurely(options: SecureDial): Promise<tls.TLSSocket> {
  const {proxy, to, host, deadlines} = options
  if (!proxy) return dialDirectly(options)
  const dialling = dialThrough(proxy, to, deadlines)
  const context = options.makeContext()
  const raw = await dialling
  deadlines.begin('tls')
  const socket = await secure(raw, {host, context}, deadlines.signal).catch((error: unknown) => {
    discard(raw)
    throw error
  })
  keepLastBytes(socket, raw)
  return socket
}

async function dialDirectly({to, host, makeContext, deadlines, inPlace}: SecureDial): Promise<tls.TLSSocket> {
  const context = makeContext()
  const {connection, watch} = start(to, 'connect', deadlines)
  const reading = inPlace ? readInPlace(record) : undefined
  const socket = tls.connect({
    ...connection,
    ...secureOptions({host, context}),
    // Not for the address that it connects to.
    checkServerIdentity: (_, certificate) => tls.checkServerIdentity(host, certificate),
    ...(reading && {onread: reading.onread}),
  })
  reading?.into(socket)
  socket.once('connect', () => {
    deadlines.begin('tls')
  })
  await watch(socket, happens(socket, 'secureConnect', deadlines.signal))
  keepLastBytes(socket)
  return socket
}

/**
 * A connection through an HTTP proxy. The proxy receives its own password and the address to connect to; the service
 * token passes through it encrypted.
 *
 * @throws UserError `unreachable` / `PROXY_UNREACHABLE`, `PROXY_NOT_TRUSTED`, `PROXY_REFUSED`
 */
export async function dialThrough(proxy: HttpProxy, to: Address, deadlines: Deadlines): Promise<net.Socket> {
  let socket: net.Socket | undefined
  try {
    socket = await dial(proxy, deadlines)
    if (proxy.secure) {
      const context = await trustContext(undefined)
      socket = await secure(socket, {host: proxy.host, context}, deadlines.signal)
    }
    await askForTunnel(socket, proxy, to, deadlines.signal)
    return socket
  } catch (error) {
    discard(socket)
    throw deadlines.reason ?? (isConnectionError(error) ? proxyUnreachable(proxy, error) : error)
  }
}

/** Closes a connection that was given up, and ignores its late errors. */
function discard(socket: net.Socket | undefined): void {
  socket?.on('error', () => undefined)
  socket?.destroy()
}

/** Waits for an event; destroys the socket if it fails first. */
async function happens(socket: net.Socket, event: string, signal: AbortSignal): Promise<void> {
  await waitFor(socket, event, signal, {
    take: () => true,
    settled: (failed) => {
      if (failed) discard(socket)
    },
  })
}
