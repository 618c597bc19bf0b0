import type {Settings} from '../../config/types.js'
import {UserError} from '../../core/errors.js'
import {said} from '../../core/said.js'
import {isSlow, knownStores, rankOf} from '../../secrets/stores.js'
import type {SecretStore, StoreStatus} from '../../secrets/types.js'
import type {AccessContext} from '../account/context.js'

/** A store of this machine, and what a profile has in it. */
export interface KnownStore {
  kind: string
  label: string
  status: StoreStatus
  writable: boolean
  readable: boolean
  /** Whether the profile saves its secrets there now. */
  inUse: boolean
  /** How many secrets of the profile's service tokens are there, as the index says. */
  tokens: number
  /** Whether the profile's API token is there; undefined if the store that should have it cannot say. */
  apiToken: boolean | undefined
}

/**
 * Every store that this machine may have, the environment if it is set, and any other that the profile or its index
 * names. All are asked at the same time, each with its deadline; none is opened.
 */
export async function listStores(ctx: AccessContext, settings: Settings): Promise<KnownStore[]> {
  ctx.progress.step('Checking the stores')
  const entries = await ctx.index.list(ctx.profile)
  const {store: used, profileStore, apiTokenStore, credentialHelper, environmentCredentials} = settings
  const kinds = new Set<string>(await knownStores())
  if (credentialHelper !== undefined) kinds.add(`helper:${credentialHelper}`)
  for (const kind of [used, profileStore, apiTokenStore, ...entries.map(({store}) => store)])
    if (kind !== undefined) kinds.add(kind)
  if (environmentCredentials) kinds.add('env')
  const inOrder = [...kinds].sort((a, b) => rankOf(a) - rankOf(b))
  const stores = await withStatus(await Promise.all(inOrder.map((kind) => ctx.storeOf(kind))))
  return Promise.all(
    stores.map(async ({store, status}) => {
      const {kind, label, writable, readable} = store
      return {
        ...{kind, label, status, writable, readable},
        inUse: used === kind,
        tokens: entries.filter((entry) => entry.store === kind).length,
        apiToken: apiTokenStore === kind ? await hasApiToken(ctx, store, status) : false,
      }
    }),
  )
}

/** The profile names the store also after a logout. */
async function hasApiToken(
  {profile}: AccessContext,
  store: SecretStore,
  {state}: StoreStatus,
): Promise<boolean | undefined> {
  if (state !== 'ready') return undefined
  try {
    return await store.has({kind: 'api-token', id: profile})
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}

/** Stores with their states, asked at the same time. A store that cannot say is broken. */
export async function withStatus(
  stores: readonly SecretStore[],
): Promise<{store: SecretStore; status: StoreStatus}[]> {
  const statuses = new Map<SecretStore, StoreStatus>()
  // A slow store would keep this process busy while the deadlines of the others pass.
  for (const slow of [false, true]) {
    const some = stores.filter(({kind}) => isSlow(kind) === slow)
    await Promise.all(some.map(async (store) => statuses.set(store, await store.status().catch(broken))))
  }
  return stores.flatMap((store) => {
    const status = statuses.get(store)
    return status ? [{store, status}] : []
  })
}

function broken(error: unknown): StoreStatus {
  if (!(error instanceof UserError)) throw error
  return {state: 'broken', why: said(error), next: [...error.next]}
}
