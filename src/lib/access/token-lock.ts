import {UserError} from '../core/errors.js'
import type {AccessContext} from './context.js'

/** As long as an ordinary change of a token takes, with a slow network. */
const PATIENCE_MS = 20_000

/**
 * Runs while no other zt of this user changes the same service token.
 *
 * @throws UserError `conflict` / `TOKEN_BUSY` when another one still does after twenty seconds
 */
export async function withTokenLock<T>(
  ctx: AccessContext,
  tokenId: string,
  run: () => Promise<T>,
): Promise<T> {
  const {accountId = ''} = await ctx.api()
  const lock = await ctx.locks.acquire(`token/${accountId}/${tokenId}`, PATIENCE_MS)
  if (!lock) {
    throw new UserError({
      kind: 'conflict',
      code: 'TOKEN_BUSY',
      message: 'Another zt is working on this service token',
      why: 'It has been for twenty seconds. Nothing was changed by this one.',
      next: ['Wait until the other one has ended, then run the command again'],
      details: {tokenId},
    })
  }
  try {
    return await run()
  } finally {
    await lock.release()
  }
}
