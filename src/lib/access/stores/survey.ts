import path from 'node:path'
import {readConfig} from '../../config/profiles.js'
import type {Profile, Settings} from '../../config/types.js'
import {UserError} from '../../core/errors.js'
import {namesIn, readFileIfThere} from '../../system/files.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import {isKeepingStoreKind, knownStores, type KeepingStoreKind} from '../../secrets/stores.js'
import type {SecretKey, SecretStore, StoreStatus} from '../../secrets/types.js'
import type {AccessContext} from '../account/context.js'
import {withStatus} from './list.js'

/** A store and what zt keeps in it. */
export interface SurveyedStore {
  store: SecretStore
  state: StoreStatus['state']
  /** Why it was not looked into, or not completely. */
  why: string | undefined
  /** What to do so that it can be looked into. */
  next: readonly string[]
  /** It can be used, but not as safely as it should be. */
  warning: string | undefined
  /** Undefined if the store could not be read. For a store that cannot list: the requested ones. */
  keys: SecretKey[] | undefined
  /** False if there may be entries that were not requested. */
  complete: boolean
}

/** Everything on this machine that says where a secret is, and the stores themselves. */
export interface Survey {
  stores: SurveyedStore[]
  /** Of all profiles. */
  entries: IndexEntry[]
  profiles: Record<string, Profile>
  unfinished: Unfinished
  /** False if other stores of this machine were left out: a secret that was not found may be there. */
  everywhere: boolean
}

/** `used`: without the helpers on PATH that nothing names. They are other programs, and asking starts them. */
export type Which = 'all' | 'used'

/** What a check must know of the journal. */
interface Unfinished {
  /** Whether the journal has an entry with this ID: then its spool key is not a stray. */
  hasEntry(id: string): boolean
  /** Whether an entry is about this service token. */
  mentions(tokenId: string): boolean
}

/**
 * Looks at all stores, then at the journal, then at the index. A run that makes a secret writes to the journal before
 * it writes to a store, and to the index before it clears the journal: so its secrets do not look like stray ones.
 */
export async function survey(ctx: AccessContext, settings: Settings, which: Which = 'all'): Promise<Survey> {
  const before = await ctx.index.list()
  const {profiles} = await readConfig(settings.paths)
  const known = await knownStores()
  const asked = which === 'all' ? known : known.filter((kind) => !kind.startsWith('helper:'))
  const kinds = new Set<KeepingStoreKind>(asked)
  for (const kind of [settings.store, settings.apiTokenStore])
    if (kind !== undefined && isKeepingStoreKind(kind)) kinds.add(kind)
  for (const {store} of before) kinds.add(store)
  for (const {store, apiTokenStore} of Object.values(profiles)) {
    for (const kind of [store, apiTokenStore]) if (kind !== undefined) kinds.add(kind)
  }
  const stores = await withStatus(await Promise.all([...kinds].map((kind) => ctx.storeOf(kind))))
  // The entries to request one by one from a store that cannot list.
  const wanted: SecretKey[] = [
    ...[...new Set(before.map(({tokenId}) => tokenId))].map((id) => ({kind: 'service-token', id}) as const),
    ...Object.keys(profiles).map((id) => ({kind: 'api-token', id}) as const),
  ]
  const surveyed = await Promise.all(stores.map(({store, status}) => lookInto(store, status, wanted)))
  const unfinished = await readJournal(settings.paths.data)
  const everywhere = known.every((kind) => kinds.has(kind))
  return {stores: surveyed, entries: await ctx.index.list(), profiles, unfinished, everywhere}
}

async function lookInto(
  store: SecretStore,
  {state, why, next, warning}: StoreStatus,
  wanted: SecretKey[],
): Promise<SurveyedStore> {
  if (state !== 'ready') return {store, state, why, next, warning, keys: undefined, complete: false}
  try {
    const listed = await store.list()
    if (listed) return {store, state, why: undefined, next: [], warning, keys: listed, complete: true}
    const keys: SecretKey[] = []
    for (const key of wanted) if (await store.has(key)) keys.push(key)
    const missing = 'It cannot list its entries, so entries that the index does not know are not found.'
    return {store, state, why: missing, next: [], warning, keys, complete: false}
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const words = {why: error.why ?? `${error.message}.`, next: error.next}
    return {store, state: 'broken', ...words, warning, keys: undefined, complete: false}
  }
}

async function readJournal(dataDir: string): Promise<Unfinished> {
  const directory = path.join(dataDir, 'journal')
  const names = await namesIn(directory)
  const ids = new Set(names.map((name) => /^([^.]+)\.(json|spool)$/.exec(name)?.[1]))
  const texts = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readFileIfThere(path.join(directory, name))),
  )
  return {
    hasEntry: (id) => ids.has(id),
    mentions: (tokenId) => texts.some((text) => text?.includes(tokenId)),
  }
}
