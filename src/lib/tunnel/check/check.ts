import {UserError} from '../../core/errors.js'
import {openAccepted, type AcceptedTunnel} from '../carrier/accepted.js'
import {RefusedError} from '../carrier/refusal.js'
import type {Target} from '../target.js'
import type {CheckStep, Refusal} from '../types.js'
import {readBanner} from './banner.js'
import {checkTls, connectTcp, findAddresses, systemLookup, type Lookup} from './network.js'
import {StepFailed, Steps, type Found} from './steps.js'

export interface CheckOptions {
  target: Target
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
 * behind. Changes nothing, and sends the credentials only as `zt ssh` would.
 */
export async function checkTunnel(options: CheckOptions): Promise<TunnelCheck> {
  const {target, timeoutMs, onStep = () => undefined, lookup = systemLookup, now = Date.now} = options
  const {edge} = target
  const steps = new Steps(onStep)
  try {
    const addresses = await steps.take('dns', () => findAddresses(edge, timeoutMs, lookup))
    const address = await steps.take('tcp', () => connectTcp(edge, addresses, timeoutMs))
    await steps.take('tls', () => checkTls(edge, address, timeoutMs, now()))
    const {tunnel} = await steps.take('edge', () => askEdge(target, timeoutMs, now()))
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
  }
}

/** On a connection of its own, by the handshake that `zt ssh` uses: so its time holds TCP and TLS once more. */
async function askEdge(target: Target, timeoutMs: number, now: number): Promise<Found<AcceptedTunnel>> {
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
