import type net from 'node:net'
import {UserError} from '../../core/errors.js'
import type {Environment} from '../../config/paths.js'
import {openTunnel, type HandshakeOptions} from '../carrier/handshake.js'
import {openAccepted, type AcceptedTunnel} from '../carrier/open-accepted.js'
import {addressOf} from '../carrier/connect.js'
import {proxyFor} from '../../network/proxy-settings.js'
import {RefusedError} from '../failure/refusal.js'
import type {Target} from '../target/target.js'
import type {CheckStep} from '../types.js'
import {readBanner} from './banner.js'
import {checkTls, connectTcp, edgeHop, findAddresses, systemLookup, type Lookup} from './network.js'
import {askProxy, proxyHop} from './proxy.js'
import {StepFailed, Steps, type Found} from './steps.js'

export interface CheckOptions {
  target: Target
  /** The environment in which a proxy to the edge is looked up; without it, none is used. */
  environment?: Environment | undefined
  /** For each step. Milliseconds. */
  timeoutMs: number
  /** Called after each step, and for those that were not tried. */
  onStep?: ((step: CheckStep) => void) | undefined
  lookup?: Lookup | undefined
  now?: (() => number) | undefined
}

export interface TunnelCheck {
  steps: CheckStep[]
  /** The error of the step that failed; undefined when all is well. */
  failure: UserError | undefined
}

/**
 * Makes a connection step by step: DNS, TCP, TLS, the edge's answer to the credentials, and the SSH banner behind it;
 * through the environment's proxy if there is one. Changes nothing, and sends the credentials only as `zt ssh` does.
 * Each step fails with the error that `zt ssh` has at that point.
 *
 * @throws UserError `usage` / `BAD_PROXY`; a step that fails is part of the result
 */
export async function checkTunnel(options: CheckOptions): Promise<TunnelCheck> {
  const {target, environment = {}, timeoutMs, onStep = () => undefined} = options
  const {lookup = systemLookup, now = Date.now} = options
  const {edge} = target
  const to = addressOf(edge)
  const proxy = proxyFor(environment, [{host: edge.host, port: 443}, to])
  const hop = proxy ? proxyHop(proxy, edge) : edgeHop(edge)
  const steps = new Steps(onStep, {proxy: proxy !== undefined})
  let through: net.Socket | undefined
  try {
    const addresses = await steps.take('dns', () => findAddresses(hop, timeoutMs, lookup))
    const address = await steps.take('tcp', () => connectTcp(hop, addresses, timeoutMs))
    if (proxy) through = await steps.take('proxy', () => askProxy({edge, proxy, to, timeoutMs}))
    const socket = through ?? {host: address, port: to.port}
    await steps.take('tls', () => checkTls({edge, environment}, socket, timeoutMs, now()))
    const {tunnel} = await steps.take('edge', () => askEdge({...target, environment}, timeoutMs, now()))
    await steps.take('ssh', () => readBanner(tunnel, edge.host, timeoutMs))
    return {steps: steps.all, failure: undefined}
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    steps.end()
    return {steps: steps.all, failure: error}
  } finally {
    through?.destroy()
  }
}

/**
 * Whether the edge lets a client in that has no credentials. Sends none.
 *
 * @returns undefined if the answer does not say: the zone or the tunnel gave it
 * @throws UserError as `openTunnel`, but for a refusal
 */
export async function isOpen(
  where: Pick<HandshakeOptions, 'edge' | 'environment' | 'timeoutMs'>,
): Promise<boolean | undefined> {
  try {
    const {socket} = await openTunnel({...where, credentials: undefined})
    socket.destroy()
    return true
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    const {by, reason} = error.answer
    // A service that speaks no WebSocket answers too.
    if (by === 'service' && reason !== 'origin-down' && reason !== 'rate-limited') return true
    return by === 'access' || by === 'unknown' || reason === 'challenged' ? false : undefined
  }
}

/** Makes a new connection by the handshake of `zt ssh`, so its time includes TCP and TLS again. */
async function askEdge(
  target: Target & {environment: Environment},
  timeoutMs: number,
  now: number,
): Promise<Found<AcceptedTunnel>> {
  try {
    const accepted = await openAccepted(target, timeoutMs, now)
    const {onlyPrevious} = accepted
    return {
      value: accepted,
      detail:
        onlyPrevious === undefined
          ? '101, accepted with the current secret'
          : `101, accepted only with the previous secret, which works until ${onlyPrevious}`,
      facts: {
        status: 101,
        secret: onlyPrevious === undefined ? 'present' : 'previous',
        previousUntil: onlyPrevious ?? null,
      },
    }
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    const {status, reason, ray, location} = error.answer
    const to = location === undefined ? '' : ` to ${/^https?:\/\/([^/]+)/.exec(location)?.[1] ?? location}`
    throw new StepFailed(
      error,
      `${status}${to}: ${reason === 'origin-down' ? 'nothing answers behind the edge' : 'not accepted'}`,
      {
        status,
        reason,
        ray: ray ?? null,
        location: location ?? null,
      },
    )
  }
}
