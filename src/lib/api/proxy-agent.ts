import https from 'node:https'
import net from 'node:net'
import type {Duplex} from 'node:stream'
import tls from 'node:tls'
import {UserError} from '../core/errors.js'
import {patient} from '../core/patience.js'
import {askForTunnel} from '../network/ask-for-tunnel.js'
import {proxyFor, type Address, type Environment, type HttpProxy} from '../network/proxy-settings.js'
import {waitFor} from '../network/wait-for.js'

/** What certificates are checked against, and how. */
export type Trust = Pick<tls.ConnectionOptions, 'rejectUnauthorized' | 'minVersion' | 'secureContext'>

/** For the connection to the proxy and its answer. */
const TIMEOUT_MS = 10_000

/** The connection through a proxy failed before anything was sent to the API. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'

  constructor(
    readonly proxy: HttpProxy,
    cause: unknown,
  ) {
    super('no connection through the proxy', {cause})
  }
}

let last: {proxy: HttpProxy | undefined; agent: https.Agent} | undefined

/**
 * What keeps the connections to an https:// API: directly, or through the proxy of the environment. Node's own agent is
 * not used, because with NODE_USE_ENV_PROXY it would choose a proxy by other rules (node 24).
 *
 * @param trust what the certificates of the API and the proxy are checked against
 * @throws UserError `usage` / `BAD_PROXY`
 */
export function agentFor(apiUrl: string, environment: Environment, trust: () => Trust): https.Agent {
  const {hostname, port} = new URL(apiUrl)
  const host = hostname.replace(/^\[|\]$/g, '')
  const proxy = proxyFor(environment, [{host, port: Number(port || 443)}])
  if (!last || !isSame(last.proxy, proxy)) {
    last?.agent.destroy()
    last = {proxy, agent: new ApiAgent(proxy, trust)}
  }
  return last.agent
}

function isSame(a: HttpProxy | undefined, b: HttpProxy | undefined): boolean {
  if (!a || !b) return a === b
  return (
    a.host === b.host &&
    a.port === b.port &&
    a.secure === b.secure &&
    a.authorization?.expose() === b.authorization?.expose()
  )
}

class ApiAgent extends https.Agent {
  readonly #proxy: HttpProxy | undefined
  readonly #trust: () => Trust

  constructor(proxy: HttpProxy | undefined, trust: () => Trust) {
    super({keepAlive: true, scheduling: 'lifo', timeout: 5000})
    this.#proxy = proxy
    this.#trust = trust
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const proxy = this.#proxy
    if (!proxy) return super.createConnection(options, callback)
    const done = callback as ((error: Error | null, stream?: Duplex) => void) | undefined
    const to = {host: String(options.host), port: Number(options.port)}
    connectThrough(proxy, to, this.#trust()).then(
      (socket) =>
        done?.(null, super.createConnection({...options, socket} as https.RequestOptions) ?? undefined),
      (error: unknown) => done?.(error as Error),
    )
    return undefined
  }
}

/** @throws UserError `PROXY_REFUSED`; ProxyError */
async function connectThrough(proxy: HttpProxy, to: Address, trust: Trust): Promise<net.Socket> {
  const signal = AbortSignal.timeout(patient(TIMEOUT_MS))
  const {host, port, secure} = proxy
  const socket = secure
    ? tls.connect({host, port, ...(net.isIP(host) === 0 && {servername: host}), ...trust})
    : net.connect({host, port, autoSelectFamily: true})
  try {
    await waitFor(socket, secure ? 'secureConnect' : 'connect', signal, {
      take: () => true,
      settled: () => undefined,
    })
    await askForTunnel(socket, proxy, to, signal)
    return socket
  } catch (error) {
    socket.on('error', () => undefined)
    socket.destroy()
    throw error instanceof UserError ? error : new ProxyError(proxy, error)
  }
}
