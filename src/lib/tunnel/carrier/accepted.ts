import type {ServiceCredentials, StoredCredentials} from '../../secrets/types.js'
import {openTunnel, type HandshakeOptions, type OpenTunnel} from './handshake.js'
import {RefusedError} from '../failure/refusal.js'

export interface AcceptedTunnel {
  tunnel: OpenTunnel
  /** The pair that the edge accepted. */
  credentials: ServiceCredentials
  /** Set when the present secret was refused and the one before it was not: until when that works (ISO 8601). */
  onlyPrevious: string | undefined
}

/**
 * Opens a tunnel with the present secret, and where Access refuses that, during the grace period of a rotation, with
 * the one before: a rotation takes up to about 85 seconds to be known everywhere.
 *
 * @throws as {@link openTunnel}; when both are refused, what was said of the present one
 */
export async function openAccepted(
  {
    credentials,
    ...where
  }: {credentials: StoredCredentials} & Pick<HandshakeOptions, 'edge' | 'environment' | 'signal'>,
  timeoutMs?: number,
  now = Date.now(),
): Promise<AcceptedTunnel> {
  const {clientId, clientSecret, previous} = credentials
  const present = {clientId, clientSecret}
  try {
    return {
      tunnel: await openTunnel({...where, credentials: present, timeoutMs}),
      credentials: present,
      onlyPrevious: undefined,
    }
  } catch (error) {
    if (!previous || Date.parse(previous.until) <= now || !mayBeTheSecret(error)) throw error
    const before = {clientId, clientSecret: previous.clientSecret}
    const tunnel = await openTunnel({...where, credentials: before, timeoutMs}).catch(() => {
      throw error
    })
    return {tunnel, credentials: before, onlyPrevious: previous.until}
  }
}

/** Which of 302, 401 and 403 answers a secret that is not right depends on the application's settings. */
function mayBeTheSecret(error: unknown): boolean {
  return (
    error instanceof RefusedError && ['login', 'unauthenticated', 'forbidden'].includes(error.answer.reason)
  )
}
