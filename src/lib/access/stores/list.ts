import type {Settings} from '../../config/types.js'
import {UserError} from '../../core/errors.js'
import {isSlow, knownStores, rankOf} from '../../secrets/stores.js'
import type {StoreKind} from '../../secrets/stores.js'
import type {SecretStore, StoreStatus} from '../../secrets/types.js'
import type {AccessContext} from '../account/context.js'

/** A store of this machine, and what a profile has in it. */
export interface KnownStore {
  kind: string
  label: string
  status: StoreStatus
  writable: boolean
  readable: boolean
  /** Whether the profile's secrets go there now. */
  inUse: boolean
  /** How many of the profile's service tokens have their secret there, as the index says. */
  tokens: number
  /** Whether the profile's API token is kept there. */
  apiToken: boolean
}

/**
 * Every store that is known here: the keychain, each credential helper on PATH, the vault, the environment if it is
 * set, and whatever the profile or its index names besides. All are asked at the same time, each under its deadline;
 * none is opened.
 */
export async function listStores(ctx: AccessContext, settings: Settings): Promise<KnownStore[]> {
  ctx.progress.step('Looking at the stores')
  const entries = await ctx.index.list(ctx.profile)
  const named = [
    settings.store,
    settings.profileStore,
    settings.apiTokenStore,
    ...entries.map(({store}) => store),
  ]
  const kinds = new Set<StoreKind>(await knownStores())
  if (settings.credentialHelper !== undefined) kinds.add(`helper:${settings.credentialHelper}`)
  for (const kind of named) if (kind !== undefined) kinds.add(kind)
  if (settings.environmentCredentials) kinds.add('env')
  const inOrder = [...kinds].sort((a, b) => rankOf(a) - rankOf(b))
  const stores = await Promise.all(inOrder.map((kind) => ctx.storeOf(kind)))
  const statuses = await statusesOf(stores)
  return stores.map((store, at) => ({
    kind: store.kind,
    label: store.label,
    status: statuses[at] ?? {state: 'broken', why: undefined, next: []},
    writable: store.writable,
    readable: store.readable,
    inUse: settings.store === store.kind,
    tokens: entries.filter((entry) => entry.store === store.kind).length,
    apiToken: settings.apiTokenStore === store.kind,
  }))
}

/** The states of stores, asked at the same time; a store that cannot even say is broken. */
export async function statusesOf(stores: readonly SecretStore[]): Promise<StoreStatus[]> {
  const ask = (store: SecretStore): Promise<StoreStatus> => store.status().catch(notToBeAsked)
  const statuses = new Map<SecretStore, StoreStatus>()
  const askAll = (some: SecretStore[]): Promise<unknown> =>
    Promise.all(some.map(async (store) => statuses.set(store, await ask(store))))
  // A slow store would keep this process busy while the others' deadlines pass.
  await askAll(stores.filter(({kind}) => !isSlow(kind)))
  await askAll(stores.filter(({kind}) => isSlow(kind)))
  return stores.flatMap((store) => statuses.get(store) ?? [])
}

function notToBeAsked(error: unknown): StoreStatus {
  if (!(error instanceof UserError)) throw error
  return {
    state: 'broken',
    why: [`${error.message}.`, error.why].filter((part) => part !== undefined).join(' '),
    next: [...error.next],
  }
}
