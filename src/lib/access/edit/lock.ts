import {UserError} from '../../core/errors.js'
import type {Lock} from '../../core/lock.js'
import type {AccessContext} from '../context.js'
import {releaseLock} from '../token-lock.js'
import type {Change} from './change.js'
import {isNewId} from './target.js'

/** As long as an edit of several objects takes, with a slow network. */
const PATIENCE_MS = 20_000

/**
 * Runs while no other zt of this user edits the same objects. An inline policy is a part of its application.
 *
 * @throws UserError `conflict` / `EDIT_BUSY` when another one still does after twenty seconds
 */
export async function withEditLocks<T>(
  ctx: AccessContext,
  accountId: string | undefined,
  changes: readonly Change[],
  run: () => Promise<T>,
): Promise<T> {
  const names = changes.flatMap(({target: {kind, id, application}}) => {
    if (application)
      return isNewId(application.id) ? [] : [`edit/${accountId ?? ''}/application/${application.id}`]
    return isNewId(id) ? [] : [`edit/${accountId ?? ''}/${kind}/${id}`]
  })
  const held: Lock[] = []
  try {
    // In one order for all, so that two that need the same ones do not wait for each other.
    for (const name of [...new Set(names)].sort()) {
      if (await ctx.locks.isHeld(name)) ctx.progress.step('Waiting for another zt')
      const lock = await ctx.locks.acquire(name, PATIENCE_MS)
      if (!lock) throw busy()
      held.push(lock)
    }
    return await run()
  } finally {
    for (const lock of held.reverse()) await releaseLock(ctx, lock)
  }
}

function busy(): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'EDIT_BUSY',
    message: 'Another zt is changing the same thing',
    why: 'It has been for twenty seconds. Nothing was changed by this one.',
    next: ['Wait until the other one has ended, then run the command again'],
  })
}
