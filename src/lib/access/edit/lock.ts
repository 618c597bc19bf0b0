import type {AccessContext} from '../account/context.js'
import {withLock} from '../tokens/lock.js'

/** The name of the lock of an account's edits. */
export function editLock(accountId: string | undefined): string {
  return `edit/${accountId ?? ''}`
}

/**
 * Runs while no other zt process of this user edits the account. One lock for the whole account: a plan reads more than it
 * changes (domains, names, who else has a policy), and edits one after the other already use up the requests that
 * Cloudflare allows (1200 in five minutes).
 *
 * @throws UserError `conflict` / `EDIT_BUSY`, which names the process that holds the lock
 */
export async function withEditLock<T>(
  ctx: AccessContext,
  accountId: string | undefined,
  run: () => Promise<T>,
): Promise<T> {
  return withLock(ctx, editLock(accountId), run, {
    code: 'EDIT_BUSY',
    message: 'Another zt process is editing this account',
  })
}
