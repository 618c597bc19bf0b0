import {UserError} from '../../core/errors.js'
import type {Lock} from '../../system/lock.js'
import {tidy} from '../../core/tidy.js'
import type {AccessContext} from '../account/context.js'

/** Longer than any one change takes, also with a slow network and pauses that Cloudflare asks for. */
const PATIENCE_MS = 90_000

/** What the lock of a service token is called: who changes the token, its secret or what is kept of it has it. */
export function tokenLock(accountId: string | undefined, tokenId: string): string {
  return `token/${accountId ?? ''}/${tokenId}`
}

/** What the lock of a name is called: who gives it to a service token, new or old, has it. */
export function nameLock(accountId: string | undefined, name: string): string {
  return `create/${accountId ?? ''}/${name}`
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
 * Runs while no other zt of this user does the same. Waits while others that came first get on, one after the other.
 *
 * @param busy the error's code and message when one of them does not
 * @throws UserError `conflict` / `TOKEN_BUSY` when the same one still has the lock after {@link PATIENCE_MS}
 */
export async function withLock<T>(
  ctx: AccessContext,
  name: string,
  run: () => Promise<T>,
  busy = {code: 'TOKEN_BUSY', message: 'Another zt is working on this service token'},
): Promise<T> {
  const first = await ctx.locks.holder(name)
  if (first !== undefined) ctx.progress.step(`Waiting for another zt (process ${first})`)
  const lock = await ctx.locks.acquire(name, PATIENCE_MS)
  if (!lock) throw stillBusy(busy, await ctx.locks.holder(name))
  try {
    return await run()
  } finally {
    await releaseLock(ctx, lock)
  }
}

function stillBusy({code, message}: {code: string; message: string}, pid: number | undefined): UserError {
  const process = pid === undefined ? 'the other one' : `process ${pid}`
  return new UserError({
    kind: 'conflict',
    code,
    message,
    why: `It has not ended within ${PATIENCE_MS / 1000} seconds${pid === undefined ? '' : ` (process ${pid})`}. Nothing was changed by this one.`,
    next: [`Wait until ${process} has ended, or end it, then run the command again`],
    details: {pid},
  })
}
