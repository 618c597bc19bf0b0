import type net from 'node:net'
import {Deadlines} from '../carrier/deadlines.js'
import {dialThrough} from '../carrier/connect.js'
import {hostAndPort} from '../../network/ask-for-tunnel.js'
import {proxyUnreachable, timedOut} from '../failure/connection.js'
import type {Address, HttpProxy} from '../../network/proxy-settings.js'
import type {EdgeAddress} from '../types.js'
import type {Hop} from './network.js'
import type {Found} from './steps.js'

/** The network's proxy, to which the connection goes first. The proxy looks the host up itself. */
export function proxyHop(proxy: HttpProxy, edge: EdgeAddress): Hop {
  const {variable} = proxy
  const {host} = edge
  return {
    host: proxy.host,
    port: proxy.port,
    words: {
      before: `the proxy ${proxy.host} (${variable}) looks up ${host}: `,
      given: `skipped: the proxy ${hostAndPort(proxy)} (${variable}) looks up ${host}`,
      behind: ', the proxy',
    },
    facts: {name: proxy.host, proxy: hostAndPort(proxy), variable},
    stage: 'proxy',
    failed: (_stage, error) => proxyUnreachable(proxy, error),
    late: (stage, ms) => timedOut(edge, proxy, stage, ms),
  }
}

export interface AskProxy {
  edge: EdgeAddress
  proxy: HttpProxy
  to: Address
  timeoutMs: number
}

/**
 * Makes the proxy connect to the edge, on a new connection (with TLS to the proxy if its URL says https). The proxy
 * gets its own password and the address, nothing else.
 *
 * @returns the connection to the edge
 * @throws UserError `unreachable` / `PROXY_REFUSED`, `PROXY_TIMEOUT`, `PROXY_UNREACHABLE`, `PROXY_NOT_TRUSTED`
 */
export async function askProxy({edge, proxy, to, timeoutMs}: AskProxy): Promise<Found<net.Socket>> {
  const limits = {lookup: timeoutMs, connect: timeoutMs, proxy: timeoutMs, tls: timeoutMs, answer: timeoutMs}
  const deadlines = new Deadlines({
    limits,
    totalMs: timeoutMs,
    timedOut: (stage) => timedOut(edge, proxy, stage, timeoutMs),
  })
  try {
    const value = await dialThrough(proxy, to, deadlines)
    const target = hostAndPort(to)
    return {
      value,
      detail: `${hostAndPort(proxy)} connects to ${target}${proxy.secure ? ', asked over TLS' : ''}`,
      facts: {proxy: hostAndPort(proxy), variable: proxy.variable, secure: proxy.secure, target},
    }
  } finally {
    deadlines.stop()
  }
}
