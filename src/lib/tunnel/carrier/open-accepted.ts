import type {ServiceCredentials, StoredCredentials} from '../../secrets/types.js'
import {openTunnel, type HandshakeOptions, type OpenTunnel} from './handshake.js'
import {RefusedError} from '../failure/refusal.js'

export interface AcceptedTunnel {
  tunnel: OpenTunnel
  /** The pair that the edge accepted. */
  credentials: ServiceCredentials
  /** Until when the previous secret works (ISO 8601), if only that one was accepted. */
  onlyPrevious: string | undefined
}

/**
 * Opens a tunnel with the current secret. If Access refuses it during the grace period of a rotation, tries the previous
 * secret: a rotation takes up to about 85 seconds to reach the whole edge.
 *
 * @throws as {@link openTunnel}; if both are refused, the refusal of the current secret
 */
export async function openAccepted(
  {
    credentials,
    ...where
  }: {credentials: StoredCredentials} & Pick<
    HandshakeOptions,
    'edge' | 'environment' | 'signal' | 'context' | 'cache'
  >,
  timeoutMs?: number,
  now = Date.now(),
): Promise<AcceptedTunnel> {
  const {clientId, clientSecret, previous} = credentials
  const open = async (pair: ServiceCredentials, onlyPrevious?: string): Promise<AcceptedTunnel> => ({
    tunnel: await openTunnel({...where, credentials: pair, timeoutMs}),
    credentials: pair,
    onlyPrevious,
  })
  try {
    return await open({clientId, clientSecret})
  } catch (error) {
    if (!previous || Date.parse(previous.until) <= now || !mayBeTheSecret(error)) throw error
    return open({clientId, clientSecret: previous.clientSecret}, previous.until).catch(() => {
      throw error
    })
  }
}

/** The application's settings decide whether Access answers a wrong secret with 302, 401 or 403. */
function mayBeTheSecret(error: unknown): boolean {
  return (
    error instanceof RefusedError && ['login', 'unauthenticated', 'forbidden'].includes(error.answer.reason)
  )
}
