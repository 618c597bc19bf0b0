import {UserError} from '../../core/errors.js'
import {readCredentials} from '../../secrets/credentials.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import type {KeepingStoreKind} from '../../secrets/stores.js'
import type {SecretKey, SecretStore} from '../../secrets/types.js'
import type {AccessContext} from '../account/context.js'
import {releaseLock, tokenLock} from '../tokens/lock.js'

/** Whether something was mended, and if not why. */
export interface Outcome {
  fixed: boolean
  why: string | undefined
}

const FIXED: Outcome = {fixed: true, why: undefined}
const not = (why: string): Outcome => ({fixed: false, why})

/** Drops an index entry behind which its store has nothing. */
export function dropEntry(ctx: AccessContext, store: SecretStore, entry: IndexEntry): Promise<Outcome> {
  return trying(ctx, entry, async () => {
    // Looked at again, by name: a list may be old by now.
    if (await store.has({kind: 'service-token', id: entry.tokenId})) return not('The secret is there now.')
    const now = (await ctx.index.list(entry.profile)).find(({tokenId}) => tokenId === entry.tokenId)
    if (now?.store !== entry.store) return not('The index has changed meanwhile.')
    await ctx.index.remove(entry.profile, entry.tokenId)
    return FIXED
  })
}

/**
 * Enters a stored secret in the index, if the account has that service token and its Client ID is the stored one.
 *
 * @param entry the entry that is to be put right, or the profile to which a new one belongs
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
  return trying(ctx, 'accountId' in entry ? entry : undefined, async () => {
    const api = await ctx.api()
    const token = (await api.listServiceTokens()).find(({id}) => id === tokenId)
    if (!token) return not('The account of this profile has no service token of that id.')
    const credentials = await readCredentials(store, tokenId)
    if (credentials?.clientId !== token.clientId)
      return not('The stored Client ID is not that of the service token.')
    await ctx.index.put({
      tokenId,
      clientId: token.clientId,
      name: token.name,
      profile,
      accountId: api.accountId ?? '',
      store: store.kind as KeepingStoreKind,
      storedAt: new Date(ctx.clock.now()).toISOString(),
      expiresAt: token.expiresAt,
      ...(credentials.previous && {previousUntil: credentials.previous.until}),
    })
    return FIXED
  })
}

/** Removes a second copy, if it is a copy: its value must be that of the one that is kept. */
export function removeDuplicate(
  ctx: AccessContext,
  {kept, extra, key, entry}: {kept: SecretStore; extra: SecretStore; key: SecretKey; entry?: IndexEntry},
): Promise<Outcome> {
  return trying(ctx, entry, async () => {
    if (!kept.readable || !extra.readable)
      return not('The two cannot be compared: one store cannot be read here.')
    if (entry) {
      const now = (await ctx.index.list(entry.profile)).find(({tokenId}) => tokenId === entry.tokenId)
      if (now?.store !== kept.kind) return not('The index has changed meanwhile.')
    }
    const [one, other] = [await kept.get(key), await extra.get(key)]
    if (!one || !other) return not('One of the two is gone by now.')
    if (!one.equals(other)) return not('The two differ, so one of them may be the only copy of a secret.')
    await extra.delete(key)
    return FIXED
  })
}

/** Alone with this service token, and one failure is no reason not to mend the rest. */
async function trying(
  ctx: AccessContext,
  entry: IndexEntry | undefined,
  mend: () => Promise<Outcome>,
): Promise<Outcome> {
  const lock = entry && (await ctx.locks.acquire(tokenLock(entry.accountId, entry.tokenId)))
  if (entry && !lock) return not('Another zt is working on this service token.')
  try {
    return await mend()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return not([`${error.message}.`, error.why].filter((part) => part !== undefined).join(' '))
  } finally {
    await releaseLock(ctx, lock)
  }
}
