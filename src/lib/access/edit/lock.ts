import type {AccessContext} from '../account/context.js'
import {withLock} from '../tokens/lock.js'

/**
 * Runs while no other zt of this user edits anything of the account. One lock for all of it: a plan reads more than it
 * changes (whose domain, whose name, who else has a policy), and what Cloudflare takes in a second (1200 requests in
 * five minutes) is less than what edits one after the other ask for.
 *
 * @throws UserError `conflict` / `EDIT_BUSY`, which names the process that does not end
 */
export async function withEditLock<T>(
  ctx: AccessContext,
  accountId: string | undefined,
  run: () => Promise<T>,
): Promise<T> {
  return withLock(ctx, `edit/${accountId ?? ''}`, run, {
    code: 'EDIT_BUSY',
    message: 'Another zt is changing something in this account',
  })
}
