import type net from 'node:net'
import {UserError} from '../../core/errors.js'
import type {Environment} from '../../config/paths.js'
import {openAccepted, type AcceptedTunnel} from '../carrier/open-accepted.js'
import {addressOf} from '../carrier/connect.js'
import {proxyFor} from '../carrier/proxy-settings.js'
import {RefusedError} from '../carrier/refusal.js'
import type {Target} from '../target/target.js'
import type {CheckStep, Refusal} from '../types.js'
import {readBanner} from './banner.js'
import {checkTls, connectTcp, edgeHop, findAddresses, systemLookup, type Lookup} from './network.js'
import {askProxy, proxyHop} from './proxy.js'
import {StepFailed, Steps, type Found} from './steps.js'

export interface CheckOptions {
  target: Target
  /** Where a proxy to the edge is looked up; none is used without it. */
  environment?: Environment | undefined
  /** For each step. Milliseconds. */
  timeoutMs: number
  /** Told of each step when it is over, the ones that were not tried included. */
  onStep?: ((step: CheckStep) => void) | undefined
  lookup?: Lookup | undefined
  now?: (() => number) | undefined
}

export interface TunnelCheck {
  steps: CheckStep[]
  /** What the failing step has to say; undefined when all is well. */
  failure: UserError | undefined
  /** How the edge said no, if it did. */
  refusal: Refusal | undefined
}

/**
 * Goes the way of a connection step by step: DNS, TCP, TLS, the edge's answer to the credentials, the SSH banner from
 * behind; through the environment's proxy where there is one. Changes nothing, and sends the credentials only as
 * `zt ssh` would.
 *
 * @throws UserError `usage` / `BAD_PROXY`; what a step finds is no error of the check's
 */
export async function checkTunnel(options: CheckOptions): Promise<TunnelCheck> {
  const {target, environment = {}, timeoutMs, onStep = () => undefined} = options
  const {lookup = systemLookup, now = Date.now} = options
  const {edge} = target
  const to = addressOf(edge)
  const proxy = proxyFor(environment, [{host: edge.host, port: 443}, to])
  const hop = proxy ? proxyHop(proxy, edge.host) : edgeHop(edge)
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
    return {steps: steps.all, failure: undefined, refusal: undefined}
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    steps.end()
    return {
      steps: steps.all,
      failure: error,
      refusal: error instanceof RefusedError ? error.refusal : undefined,
    }
  } finally {
    through?.destroy()
  }
}

/** On a connection of its own, by the handshake that `zt ssh` uses: so its time holds TCP and TLS once more. */
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
          ? '101, let in with the present secret'
          : `101, let in only with the secret before the rotation, which works until ${onlyPrevious}`,
      facts: {
        status: 101,
        secret: onlyPrevious === undefined ? 'present' : 'previous',
        previousUntil: onlyPrevious ?? null,
      },
    }
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    const {status, reason, ray, location} = error.refusal
    const to = location === undefined ? '' : ` to ${/^https?:\/\/([^/]+)/.exec(location)?.[1] ?? location}`
    throw new StepFailed(
      error,
      `${status}${to}: ${reason === 'origin-down' ? 'let in, and nobody there' : 'not let in'}`,
      {
        status,
        reason,
        ray: ray ?? null,
        location: location ?? null,
      },
    )
  }
}
