import {interrupted, UserError} from '../../core/errors.js'
import type {Lock} from '../../system/lock.js'
import {tidy} from '../../core/tidy.js'
import type {AccessContext} from '../account/context.js'

/** Longer than any change takes, even with a slow network and the pauses that Cloudflare asks for. */
const PATIENCE_MS = 90_000

/** The lock of a service token: held to change the token, its secret or what this machine keeps of it. */
export function tokenLock(accountId: string | undefined, tokenId: string): string {
  return `token/${accountId ?? ''}/${tokenId}`
}

/** The lock of a name: held to give it to a service token, new or old. */
export function nameLock(accountId: string | undefined, name: string): string {
  return `create/${accountId ?? ''}/${name}`
}

/** Releases a lock. It ends with this process anyway, so a file that cannot be removed is only worth a warning. */
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
 * Runs while no other zt of this user holds the same lock. Waits for those that came first.
 *
 * @param busy code and message of the error after waiting too long
 * @throws UserError `conflict` / `TOKEN_BUSY` when another process still has the lock after {@link PATIENCE_MS}
 */
export async function withLock<T>(
  ctx: AccessContext,
  name: string,
  run: () => Promise<T>,
  busy = {code: 'TOKEN_BUSY', message: 'Another zt is working on this service token'},
): Promise<T> {
  const first = await ctx.locks.holder(name)
  const acquire = (): Promise<Lock | undefined> => ctx.locks.acquire(name, PATIENCE_MS)
  const lock = await (first === undefined ? acquire() : waitingFor(ctx, first, acquire))
  if (!lock) throw stillBusy(busy, await ctx.locks.holder(name))
  try {
    return await run()
  } finally {
    await releaseLock(ctx, lock)
  }
}

async function waitingFor<T>(ctx: AccessContext, pid: number, acquire: () => Promise<T>): Promise<T> {
  const why = `zt was waiting for another zt (process ${pid}), and changed nothing meanwhile.`
  return ctx.interruptible(
    (inner) => inner ?? interrupted({why}),
    () => {
      ctx.progress.wait(`Waiting for another zt (process ${pid})`)
      return acquire()
    },
  )
}

function stillBusy({code, message}: {code: string; message: string}, pid: number | undefined): UserError {
  return new UserError({
    kind: 'conflict',
    code,
    message,
    why: `It did not end within ${PATIENCE_MS / 1000} seconds${pid === undefined ? '' : ` (process ${pid})`}. This command changed nothing.`,
    next: ['Wait for it to end, or end it, then run the command again'],
    details: {pid},
  })
}
