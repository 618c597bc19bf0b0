import type net from 'node:net'
import {Deadlines} from '../carrier/deadlines.js'
import {dialThrough} from '../carrier/connect.js'
import {nameOf, proxyUnreachable, timedOut} from '../carrier/connect-errors.js'
import type {Address, HttpProxy} from '../carrier/proxy-settings.js'
import type {EdgeAddress} from '../types.js'
import type {Hop} from './network.js'
import type {Found} from './steps.js'

/** The network's proxy, to which the connection goes first: it looks the host up itself. */
export function proxyHop(proxy: HttpProxy, host: string): Hop {
  const {variable} = proxy
  return {
    host: proxy.host,
    port: proxy.port,
    words: {
      before: `${host} is looked up by the proxy ${proxy.host} (${variable}): `,
      given: `not asked: ${host} is looked up by the proxy ${nameOf(proxy)} (${variable})`,
      behind: ', the proxy',
    },
    facts: {name: proxy.host, proxy: nameOf(proxy), variable},
    next: [`Mend ${variable}, or unset it`, `To go past the proxy: NO_PROXY=${host}`],
    failed: (error) => proxyUnreachable(proxy, error),
  }
}

export interface AskProxy {
  edge: EdgeAddress
  proxy: HttpProxy
  to: Address
  timeoutMs: number
}

/**
 * Lets the proxy connect to the edge, on a connection of its own (with TLS to the proxy where its URL says https). It is
 * told its own password and where to connect, nothing else.
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
    const target = nameOf(to)
    return {
      value,
      detail: `${nameOf(proxy)} connects to ${target}${proxy.secure ? ', asked over TLS' : ''}`,
      facts: {proxy: nameOf(proxy), variable: proxy.variable, secure: proxy.secure, target},
    }
  } finally {
    deadlines.stop()
  }
}
