import type {Settings} from '../../config/types.js'
import {UserError} from '../../core/errors.js'
import {knownStores} from '../../secrets/open.js'
import type {SecretStore, StoreKind, StoreStatus} from '../../secrets/types.js'
import type {AccessContext} from '../account/context.js'

/** A store of this machine, and what a profile has in it. */
export interface KnownStore {
  kind: StoreKind
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
  const stores = [...kinds].map((kind) => ctx.storeOf(kind)).sort((a, b) => rank(a.kind) - rank(b.kind))
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

/** In the order in which they would be chosen. */
function rank(kind: StoreKind): number {
  return kind === 'keychain' ? 0 : kind === 'vault' ? 2 : kind === 'env' ? 3 : 1
}

/** The states of stores, asked at the same time; a store that cannot even say is broken. */
export async function statusesOf(stores: readonly SecretStore[]): Promise<StoreStatus[]> {
  const ask = (store: SecretStore): Promise<StoreStatus> => store.status().catch(notToBeAsked)
  const statuses = new Map<SecretStore, StoreStatus>()
  const askAll = (some: SecretStore[]): Promise<unknown> =>
    Promise.all(some.map(async (store) => statuses.set(store, await ask(store))))
  // A vault's passphrase takes a second of work, in which the others' deadlines would pass unheard.
  await askAll(stores.filter(({kind}) => kind !== 'vault'))
  await askAll(stores.filter(({kind}) => kind === 'vault'))
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
