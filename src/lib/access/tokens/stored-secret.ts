import {saveCredentials} from '../../secrets/credentials.js'
import type {Spooled} from '../../secrets/journal/journal.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import type {KeepingStoreKind} from '../../secrets/stores.js'
import type {SecretStore} from '../../secrets/types.js'
import type {AccessContext} from '../account/context.js'
import {nowText} from './journal-entries.js'

/** Saves a spooled secret in its store and in the index. */
export async function keepSecret(
  ctx: AccessContext,
  store: SecretStore,
  of: Pick<IndexEntry, 'accountId' | 'name' | 'operation'>,
  spooled: Spooled,
): Promise<void> {
  const {tokenId, clientId, clientSecret, previous} = spooled
  await saveCredentials(store, tokenId, {clientId, clientSecret, previous})
  await indexSecret(ctx, store, of, {...spooled, previousUntil: previous?.until})
}

/** Writes the index entry of a secret that is in its store. */
export async function indexSecret(
  ctx: AccessContext,
  store: SecretStore,
  {accountId, name, operation}: Pick<IndexEntry, 'accountId' | 'name' | 'operation'>,
  {
    tokenId,
    clientId,
    expiresAt,
    previousUntil,
    storedAt = nowText(ctx),
    secretVersion,
    imported,
  }: Pick<
    IndexEntry,
    'tokenId' | 'clientId' | 'expiresAt' | 'previousUntil' | 'secretVersion' | 'imported'
  > & {
    storedAt?: string | undefined
  },
): Promise<void> {
  await ctx.index.put({
    tokenId,
    clientId,
    name,
    profile: ctx.profile,
    accountId,
    store: store.kind as KeepingStoreKind,
    storedAt,
    expiresAt,
    previousUntil,
    secretVersion,
    imported,
    operation,
  })
}

/** Removes what this machine keeps of a token that no longer exists. */
export async function forgetSecret(ctx: AccessContext, store: SecretStore, tokenId: string): Promise<void> {
  await ctx.index.remove(ctx.profile, tokenId)
  await store.delete({kind: 'service-token', id: tokenId})
}
