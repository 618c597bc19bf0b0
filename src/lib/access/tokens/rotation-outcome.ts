import type {ServiceToken} from '../../api/types.js'

/** Cloudflare's count of a token's secrets, and the time of the token's last change. Either may be missing. */
export type SecretState = Partial<Pick<ServiceToken, 'secretVersion' | 'updatedAt'>>

/**
 * The outcome of a rotation, from what Cloudflare shows of the token:
 * - `once`: the secret of the answer is the present one, and the previous one is that from before the rotation
 * - `again`: it is the present one, but another rotation came before it: the secret from before has ended
 * - `overtaken`: another rotation came after it: it works as the previous one, and this machine never received the present
 *   one
 * - `lost`: several rotations came after it: it has ended
 * - `changed`: the token was changed after it, and Cloudflare does not show how
 * - `unseen`: Cloudflare does not show a rotation, at least not yet
 */
export type RotationOutcome = 'once' | 'again' | 'overtaken' | 'lost' | 'changed' | 'unseen'

/**
 * @param before as the token was read before the request
 * @param made as the answer says
 * @param now as the token was read afterwards
 */
export function rotationOutcome(before: SecretState, made: SecretState, now: SecretState): RotationOutcome {
  if (before.secretVersion !== undefined && now.secretVersion !== undefined) {
    const rotations = now.secretVersion - before.secretVersion
    // An answer without a count: the time tells whether it is the last one.
    const own = made.secretVersion ?? (made.updatedAt === now.updatedAt ? now.secretVersion : undefined)
    if (rotations <= 0 || (own ?? Infinity) <= before.secretVersion) return 'unseen'
    if (own === undefined) return rotations === 1 ? 'once' : 'changed'
    if (own > now.secretVersion) return 'unseen'
    if (own === now.secretVersion) return rotations === 1 ? 'once' : 'again'
    return own === now.secretVersion - 1 ? 'overtaken' : 'lost'
  }
  if (made.updatedAt === undefined || now.updatedAt === undefined) return 'once'
  const [was, is] = [Date.parse(made.updatedAt), Date.parse(now.updatedAt)]
  if (is < was) return 'unseen'
  return is === was ? 'once' : 'changed'
}

/** Whether a token was certainly not rotated since. Undefined: Cloudflare shows nothing that would tell. */
export function isUnrotated(before: SecretState, now: SecretState): boolean | undefined {
  if (before.secretVersion !== undefined && now.secretVersion !== undefined)
    return before.secretVersion === now.secretVersion
  if (before.updatedAt === undefined || now.updatedAt === undefined) return undefined
  return before.updatedAt === now.updatedAt
}
