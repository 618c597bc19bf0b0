import {UserError} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import {withLock} from './lock.js'

/**
 * Runs while no other zt of this user renames or deletes the profile, or begins a creation or rotation for it: what the
 * journal lists of the profile is then complete.
 *
 * @throws UserError `conflict` / `PROFILE_BUSY`
 */
export function withProfileLock<T>(ctx: AccessContext, run: () => Promise<T>): Promise<T> {
  return withLock(ctx, `profile/${ctx.profile}`, run, {
    code: 'PROFILE_BUSY',
    message: `Another zt is working on the profile ${ctx.profile}`,
  })
}

/**
 * {@link withProfileLock}, for what begins to keep something for the profile.
 *
 * @throws UserError `conflict` / `PROFILE_BUSY`, `PROFILE_CHANGED`
 */
export function whileProfileRemains<T>(ctx: AccessContext, run: () => Promise<T>): Promise<T> {
  return withProfileLock(ctx, async () => {
    if ((await ctx.profileRemains?.()) ?? true) return run()
    throw new UserError({
      kind: 'conflict',
      code: 'PROFILE_CHANGED',
      message: `Meanwhile another zt has renamed or deleted the profile ${ctx.profile}`,
      why: 'Nothing was changed.',
      next: ['zt profile list'],
    })
  })
}
