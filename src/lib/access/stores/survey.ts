import path from 'node:path'
import {readConfig} from '../../config/profiles.js'
import type {Profile, Settings} from '../../config/types.js'
import {UserError} from '../../core/errors.js'
import {namesIn, readFileIfThere} from '../../system/files.js'
import {knownStores} from '../../secrets/stores.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import type {KeepingStoreKind} from '../../secrets/stores.js'
import type {SecretKey, SecretStore, StoreStatus} from '../../secrets/types.js'
import type {AccessContext} from '../account/context.js'
import {statusesOf} from './list.js'

/** A store and what zt keeps in it. */
export interface SurveyedStore {
  store: SecretStore
  state: StoreStatus['state']
  /** Why it was not looked into, or not wholly. */
  why: string | undefined
  /** Undefined when it could not be looked into. Of a store that cannot list: those that were asked for. */
  keys: SecretKey[] | undefined
  /** False when entries that nobody asked for would not have been seen. */
  complete: boolean
}

/** Everything on this machine that says where a secret is, and the stores themselves. */
export interface Survey {
  stores: SurveyedStore[]
  /** Of all profiles. */
  entries: IndexEntry[]
  profiles: Record<string, Profile>
  journal: Journal
}

/** The operations that have not ended, as far as a check must know them. */
export interface Journal {
  /** Whether an operation of this id is pending: then its spool key is not a stray. */
  hasOperation(id: string): boolean
  /** Whether any pending operation is about this service token. */
  mentions(tokenId: string): boolean
}

/**
 * Looks at all stores, then at the journal, then at the index. An operation writes to the journal before it writes to
 * a store, and to the index before it leaves the journal: so what it stores is not taken for a stray.
 */
export async function survey(ctx: AccessContext, settings: Settings): Promise<Survey> {
  const before = await ctx.index.list()
  const {profiles} = await readConfig(settings.paths)
  const kinds = new Set<KeepingStoreKind>(await knownStores())
  for (const {store} of before) kinds.add(store)
  for (const {store, apiTokenStore} of Object.values(profiles)) {
    for (const kind of [store, apiTokenStore]) if (kind !== undefined) kinds.add(kind)
  }
  const stores = await Promise.all([...kinds].map((kind) => ctx.storeOf(kind)))
  const statuses = await statusesOf(stores)
  const surveyed = await Promise.all(
    stores.map((store, at) => lookInto(store, statuses[at], asked(before, profiles))),
  )
  const journal = await readJournal(settings.paths.data)
  return {stores: surveyed, entries: await ctx.index.list(), profiles, journal}
}

async function lookInto(
  store: SecretStore,
  status: StoreStatus | undefined,
  wanted: SecretKey[],
): Promise<SurveyedStore> {
  const {state = 'broken', why} = status ?? {}
  if (state !== 'ready') return {store, state, why, keys: undefined, complete: false}
  try {
    const listed = await store.list()
    if (listed) return {store, state, why: undefined, keys: listed, complete: true}
    const keys: SecretKey[] = []
    for (const key of wanted) if (await store.has(key)) keys.push(key)
    const missing = 'It cannot list what it keeps, so entries that the index does not know are not found.'
    return {store, state, why: missing, keys, complete: false}
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return {store, state: 'broken', why: error.why ?? `${error.message}.`, keys: undefined, complete: false}
  }
}

/** What a store that cannot list is asked for one by one. */
function asked(entries: IndexEntry[], profiles: Record<string, Profile>): SecretKey[] {
  return [
    ...[...new Set(entries.map(({tokenId}) => tokenId))].map((id) => ({kind: 'service-token', id}) as const),
    ...Object.keys(profiles).map((id) => ({kind: 'api-token', id}) as const),
  ]
}

async function readJournal(dataDir: string): Promise<Journal> {
  const directory = path.join(dataDir, 'journal')
  const names = await namesIn(directory)
  const operations = new Set(names.map((name) => /^([^.]+)\.(json|spool)$/.exec(name)?.[1]))
  const texts = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readFileIfThere(path.join(directory, name))),
  )
  return {
    hasOperation: (id) => operations.has(id),
    mentions: (tokenId) => texts.some((text) => text?.includes(tokenId)),
  }
}
