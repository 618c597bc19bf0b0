import {UserError} from '../../core/errors.js'
import {said} from '../../core/said.js'
import {readCredentials} from '../../secrets/credentials.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import type {SecretKey, SecretStore} from '../../secrets/types.js'
import type {AccessContext} from '../account/context.js'
import {releaseLock, tokenLock} from '../tokens/lock.js'
import {indexSecret} from '../tokens/stored-secret.js'

/** Whether something was repaired, and if not why. */
export interface Outcome {
  fixed: boolean
  why: string | undefined
}

const FIXED: Outcome = {fixed: true, why: undefined}
const not = (why: string): Outcome => ({fixed: false, why})
const CHANGED = not('The index has changed meanwhile.')

/** Removes an index entry whose secret is not in its store. */
export function dropEntry(ctx: AccessContext, store: SecretStore, entry: IndexEntry): Promise<Outcome> {
  return repair(ctx, entry, async () => {
    // Looked up again, by name: a list may be out of date.
    if (await store.has({kind: 'service-token', id: entry.tokenId}))
      return not('The secret is in the store now.')
    if ((await storeInIndex(ctx, entry)) !== entry.store) return CHANGED
    await ctx.index.remove(entry.profile, entry.tokenId)
    return FIXED
  })
}

/**
 * Adds a stored secret to the index, if the account has that service token and its client ID is the stored one.
 *
 * @param entry the entry to correct, or the profile of a new one
 */
export async function reindex(
  ctx: AccessContext,
  store: SecretStore,
  entry: IndexEntry | Pick<IndexEntry, 'tokenId' | 'profile'>,
): Promise<Outcome> {
  const {tokenId, profile} = entry
  if (profile !== ctx.profile)
    return not(`It belongs to profile ${profile}: check with --profile ${profile}.`)
  if (!store.readable) return not(`${store.label} cannot be read here.`)
  return repair(ctx, 'accountId' in entry ? entry : undefined, async () => {
    const api = await ctx.api()
    const token = (await api.listServiceTokens()).find(({id}) => id === tokenId)
    if (!token) return not('The account of this profile has no service token with that ID.')
    const credentials = await readCredentials(store, tokenId)
    if (credentials?.clientId !== token.clientId)
      return not('The stored client ID is not that of the service token.')
    const previousUntil = credentials.previous?.until
    const of = {accountId: api.accountId ?? '', name: token.name}
    // The number of a secret that was found in a store is not known.
    await indexSecret(ctx, store, of, {...token, tokenId, previousUntil, secretVersion: undefined})
    return FIXED
  })
}

/** Removes a second copy, if it has the same value as the one that is kept. */
export function removeDuplicate(
  ctx: AccessContext,
  {kept, extra, key, entry}: {kept: SecretStore; extra: SecretStore; key: SecretKey; entry?: IndexEntry},
): Promise<Outcome> {
  return repair(ctx, entry, async () => {
    if (!kept.readable || !extra.readable)
      return not('The two cannot be compared: one store cannot be read here.')
    if (entry && (await storeInIndex(ctx, entry)) !== kept.kind) return CHANGED
    const [one, other] = [await kept.get(key), await extra.get(key)]
    if (!one || !other) return not('One of the two is gone now.')
    if (!one.equals(other)) return not('The two differ, so one of them may be the only copy of a secret.')
    await extra.delete(key)
    return FIXED
  })
}

async function storeInIndex(ctx: AccessContext, entry: IndexEntry): Promise<string | undefined> {
  return (await ctx.index.list(entry.profile)).find(({tokenId}) => tokenId === entry.tokenId)?.store
}

/** Repairs under the service token's lock. A failure does not stop the other repairs. */
async function repair(
  ctx: AccessContext,
  entry: IndexEntry | undefined,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  const lock = entry && (await ctx.locks.acquire(tokenLock(entry.accountId, entry.tokenId)))
  if (entry && !lock) return not('Another zt is working on this service token.')
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return not(said(error))
  } finally {
    await releaseLock(ctx, lock)
  }
}
