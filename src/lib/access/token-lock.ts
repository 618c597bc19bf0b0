import {UserError} from '../core/errors.js'
import type {Lock} from '../core/lock.js'
import {tidy} from '../core/tidy.js'
import type {AccessContext} from './context.js'

/** As long as an ordinary change of a token takes, with a slow network. */
const PATIENCE_MS = 20_000

/** What the lock of a service token is called: who changes the token, its secret or what is kept of it has it. */
export function tokenLock(accountId: string | undefined, tokenId: string): string {
  return `token/${accountId ?? ''}/${tokenId}`
}

/** Lets go of a lock. It ends with this process in any case: that its file cannot be removed takes nothing back. */
export function releaseLock(ctx: Pick<AccessContext, 'warn'>, lock: Lock | undefined): Promise<void> {
  return tidy(
    "A lock's file could not be removed",
    () => lock?.release() ?? Promise.resolve(),
    (text) => {
      ctx.warn?.(text)
    },
  )
}

/** {@link withLock} for one service token of the account. */
export async function withTokenLock<T>(
  ctx: AccessContext,
  tokenId: string,
  run: () => Promise<T>,
): Promise<T> {
  const {accountId} = await ctx.api()
  return withLock(ctx, tokenLock(accountId, tokenId), run)
}

/**
 * Runs while no other zt of this user does the same.
 *
 * @throws UserError `conflict` / `TOKEN_BUSY` when another one still does after twenty seconds
 */
export async function withLock<T>(ctx: AccessContext, name: string, run: () => Promise<T>): Promise<T> {
  if (await ctx.locks.isHeld(name)) ctx.progress.step('Waiting for another zt')
  const lock = await ctx.locks.acquire(name, PATIENCE_MS)
  if (!lock) {
    throw new UserError({
      kind: 'conflict',
      code: 'TOKEN_BUSY',
      message: 'Another zt is working on this service token',
      why: 'It has been for twenty seconds. Nothing was changed by this one.',
      next: ['Wait until the other one has ended, then run the command again'],
    })
  }
  try {
    return await run()
  } finally {
    await releaseLock(ctx, lock)
  }
}
