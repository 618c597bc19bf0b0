import type {Secret} from '../../core/secret.js'
import {readCredentials} from '../../secrets/credentials.js'
import {requireReady} from '../../secrets/stores.js'
import type {AccessContext} from '../account/context.js'
import type {KnownToken} from './list.js'
import {notHere} from './rotate.js'

/**
 * The client secret of a service token, from the store of this machine that has it.
 *
 * @throws UserError `not-found` / `SECRET_NOT_HERE`; `config` / `STORED_SECRET_DAMAGED`; of the store
 */
export async function storedSecret(ctx: AccessContext, {token, store: kind}: KnownToken): Promise<Secret> {
  if (kind === undefined) throw notHere(ctx, token)
  const store = await ctx.storeOf(kind)
  await requireReady(store, {write: false})
  const stored = await readCredentials(store, token.id)
  if (stored?.clientId !== token.clientId) throw notHere(ctx, token)
  return stored.clientSecret
}
