import type {ServiceToken} from '../../api/types.js'

/** How Cloudflare counts a token's secrets, and when it last changed the token; what it does not tell is missing. */
export type SecretState = Partial<Pick<ServiceToken, 'secretVersion' | 'updatedAt'>>

/**
 * What a rotation came to, by what Cloudflare shows of the token:
 * - `once`: the secret of the answer is the present one, and the one before it is the one from before
 * - `again`: it is the present one, but there was another rotation before it: the secret from before has ended
 * - `overtaken`: there was another rotation after it: it works as the one before the present, and the present one is in
 *   no answer that came here
 * - `lost`: there were several after it: it has ended
 * - `changed`: the token was changed after it, and by what is not told
 * - `unseen`: Cloudflare shows no rotation, or not yet
 */
export type RotationOutcome = 'once' | 'again' | 'overtaken' | 'lost' | 'changed' | 'unseen'

/**
 * @param before as the token was read before the request
 * @param made as the answer tells it
 * @param now as the token was read since
 */
export function rotationOutcome(before: SecretState, made: SecretState, now: SecretState): RotationOutcome {
  if (before.secretVersion !== undefined && now.secretVersion !== undefined) {
    const rotations = now.secretVersion - before.secretVersion
    // An answer that does not count: the time tells whether it is the last one.
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

/** Whether nothing shows that a token was rotated since. Undefined: Cloudflare tells nothing by which it could be seen. */
export function isUnrotated(before: SecretState, now: SecretState): boolean | undefined {
  if (before.secretVersion !== undefined && now.secretVersion !== undefined)
    return before.secretVersion === now.secretVersion
  if (before.updatedAt === undefined || now.updatedAt === undefined) return undefined
  return before.updatedAt === now.updatedAt
}
