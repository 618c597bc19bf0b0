import path from 'node:path'
import type {Settings} from '../../config/types.js'
import {removeFile} from '../../system/files.js'
import {findLeftovers} from '../../secrets/leftovers.js'
import type {HostBinding, IndexEntry} from '../../secrets/index-files.js'
import type {SecretKey, StoreStatus} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {dropEntry, reindex, removeDuplicate, type Outcome} from './mend.js'
import {survey, type Survey, type SurveyedStore} from './survey.js'

/** Something that is not where it should be. */
export interface Problem {
  code:
    | 'INDEX_WITHOUT_SECRET'
    | 'STRAY_SERVICE_TOKEN'
    | 'STRAY_SPOOL_KEY'
    | 'STRAY_API_TOKEN'
    | 'DUPLICATE'
    | 'BINDING_WITHOUT_TOKEN'
    | 'TEMPORARY_FILE'
  /** One sentence. */
  what: string
  store: string | undefined
  /** The entry's id, the host or the file. */
  subject: string
  profile: string | undefined
  fixed: boolean
  /** Why it was not mended, where that was tried. */
  why: string | undefined
  next: string[]
}

export interface StoreReport {
  kind: string
  state: StoreStatus['state']
  /** How many entries it has; undefined when that is not known. */
  entries: number | undefined
  why: string | undefined
}

/** Younger ones may yet be wanted: a process number says little about another machine. */
const OLD_MS = 60 * 60_000

type Found = Omit<Problem, 'fixed' | 'why'> & {
  /** Whether it is still so. */
  holds?: (() => Promise<boolean>) | undefined
  /** How it can be mended without losing anything; undefined where a person must. */
  mend?: (() => Promise<Outcome>) | undefined
}

/**
 * Compares the stores, the index, the host bindings and the profiles, of all profiles. With `fix` it mends what can be
 * mended without losing anything; it never deletes the only copy of a secret.
 */
export async function checkStores(
  ctx: AccessContext,
  settings: Settings,
  {fix}: {fix: boolean},
): Promise<{stores: StoreReport[]; problems: Problem[]}> {
  ctx.progress.step('Looking into the stores')
  const seen = await survey(ctx, settings)
  const problems: Problem[] = []
  const report = async (found: Found[]): Promise<void> => {
    for (const {mend, holds, ...problem} of found) {
      // Stores and index were not read in one moment; another zt may be at work.
      if (holds && !(await holds())) continue
      const outcome = fix && mend ? await mend() : {fixed: false, why: undefined}
      problems.push({...problem, ...outcome, next: outcome.fixed ? [] : problem.next})
    }
  }
  await report(emptyIndexEntries(ctx, seen))
  await report(strayEntries(ctx, seen))
  // As the index is by now.
  await report(bindingsWithoutToken(ctx, await ctx.index.list(), await ctx.index.bindings()))
  await report(await temporaryFiles(ctx, settings))
  return {stores: seen.stores.map(storeReport), problems}
}

function storeReport({store, state, why, keys, complete}: SurveyedStore): StoreReport {
  return {kind: store.kind, state, entries: complete ? keys?.length : undefined, why}
}

function emptyIndexEntries(ctx: AccessContext, seen: Survey): Found[] {
  return seen.entries.flatMap((entry): Found[] => {
    const key = {kind: 'service-token', id: entry.tokenId} as const
    const own = seen.stores.find(({store}) => store.kind === entry.store)
    // Where a store could not be looked into, nothing is known to be missing.
    if (!own?.keys || has(own, key)) return []
    const elsewhere = seen.stores.find((one) => one !== own && has(one, key))
    const pending = seen.journal.mentions(entry.tokenId)
    return [
      {
        code: 'INDEX_WITHOUT_SECRET',
        what: elsewhere
          ? `The index says that the secret of "${entry.name}" is in the ${entry.store}; it is in the ${elsewhere.store.kind}.`
          : `The index says that the secret of "${entry.name}" is in the ${entry.store}, which has nothing.`,
        store: entry.store,
        subject: entry.tokenId,
        profile: entry.profile,
        holds: async () => !(await own.store.has(key)),
        mend: pending
          ? undefined
          : () => (elsewhere ? reindex(ctx, elsewhere.store, entry) : dropEntry(ctx, own.store, entry)),
        next: pending ? [recover(ctx)] : [ztCommand(ctx, 'store', 'check', '--fix')],
      },
    ]
  })
}

function strayEntries(ctx: AccessContext, seen: Survey): Found[] {
  return seen.stores.flatMap((one) =>
    (one.keys ?? []).flatMap((key) => {
      const found =
        key.kind === 'service-token'
          ? strayToken(ctx, seen, one, key)
          : key.kind === 'api-token'
            ? strayApiToken(ctx, seen, one, key)
            : straySpoolKey(seen, one, key)
      return found ? [{...found, holds: () => one.store.has(key)}] : []
    }),
  )
}

function strayToken(ctx: AccessContext, seen: Survey, at: SurveyedStore, key: SecretKey): Found | undefined {
  const {store} = at
  const entries = seen.entries.filter(({tokenId}) => tokenId === key.id)
  if (entries.some((entry) => entry.store === store.kind)) return undefined
  const pending = seen.journal.mentions(key.id)
  const [entry] = entries
  if (entry) {
    const kept = seen.stores.find((one) => one.store.kind === entry.store)
    // Where the index's own store has nothing, that is the problem, and said already.
    if (kept?.keys && !has(kept, key)) return undefined
    return {
      code: 'DUPLICATE',
      what: `The secret of "${entry.name}" is in the ${store.kind} as well; the one in use is in the ${entry.store}.`,
      store: store.kind,
      subject: key.id,
      profile: entry.profile,
      mend:
        pending || !kept?.keys
          ? undefined
          : () => removeDuplicate(ctx, {kept: kept.store, extra: store, key, entry}),
      next: [ztCommand(ctx, 'store', 'check', '--fix'), ...remove(at, key)],
    }
  }
  return {
    code: 'STRAY_SERVICE_TOKEN',
    what: `The ${store.kind} has the secret of a service token that the index does not know.`,
    store: store.kind,
    subject: key.id,
    profile: undefined,
    mend: pending ? undefined : () => reindex(ctx, store, {tokenId: key.id, profile: ctx.profile}),
    next: pending
      ? [recover(ctx)]
      : [
          ztCommand(ctx, 'store', 'check', '--fix'),
          'If it is of another account: log in there and check again. If it is of no use:',
          ...remove(at, key),
        ],
  }
}

function strayApiToken(
  ctx: AccessContext,
  seen: Survey,
  at: SurveyedStore,
  key: SecretKey,
): Found | undefined {
  const {store} = at
  // A profile may be called as something that every object has.
  const profile = Object.entries(seen.profiles).find(([name]) => name === key.id)?.[1]
  const keeper = profile?.apiTokenStore ?? profile?.store
  if (keeper === store.kind) return undefined
  const kept = seen.stores.find((one) => one.store.kind === keeper)
  const found = {store: store.kind, subject: key.id, profile: key.id}
  if (kept && has(kept, key)) {
    return {
      ...found,
      code: 'DUPLICATE',
      what: `The API token of profile ${key.id} is in the ${store.kind} as well; the one in use is in the ${kept.store.kind}.`,
      mend: () => removeDuplicate(ctx, {kept: kept.store, extra: store, key}),
      next: [ztCommand(ctx, 'store', 'check', '--fix'), ...remove(at, key)],
    }
  }
  return {
    ...found,
    code: 'STRAY_API_TOKEN',
    what: profile
      ? `The ${store.kind} has an API token of profile ${key.id}, which ${keeper === undefined ? 'has no store' : `looks in the ${keeper}`}.`
      : `The ${store.kind} has the API token of a profile ${key.id} that is not there any more.`,
    next: [
      ...(profile ? [`zt store use ${store.kind} --profile ${key.id}`] : [`zt login --profile ${key.id}`]),
      'If it is of no use, delete it here, and in the dashboard as well:',
      ...remove(at, key),
    ],
  }
}

function straySpoolKey(seen: Survey, at: SurveyedStore, key: SecretKey): Found | undefined {
  if (seen.journal.hasOperation(key.id)) return undefined
  return {
    code: 'STRAY_SPOOL_KEY',
    what: `The ${at.store.kind} has a key of an operation that is not pending; a try of the store that was killed leaves one too.`,
    store: at.store.kind,
    subject: key.id,
    profile: undefined,
    next: ['If no other machine shares this store:', ...remove(at, key)],
  }
}

function bindingsWithoutToken(ctx: AccessContext, entries: IndexEntry[], bindings: HostBinding[]): Found[] {
  return bindings
    .filter(
      ({profile, tokenId}) => !entries.some((one) => one.profile === profile && one.tokenId === tokenId),
    )
    .map(({profile, host, tokenId}) => ({
      code: 'BINDING_WITHOUT_TOKEN',
      what: `${host} is bound to the service token ${tokenId}, whose secret is not here.`,
      store: undefined,
      subject: host,
      profile,
      next: [
        ztCommand(
          {...ctx, profile, profileNamed: true},
          'app',
          'add-rule',
          host,
          '--service-auth',
          '--token',
          'NAME',
        ),
      ],
    }))
}

async function temporaryFiles(ctx: AccessContext, {paths}: Settings): Promise<Found[]> {
  const leftovers = await findLeftovers([paths.data, paths.config], ctx.clock.now())
  return leftovers.map(({file, ageMs}) => {
    const old = ageMs >= OLD_MS
    return {
      code: 'TEMPORARY_FILE',
      what: `${path.basename(file)} is left of a write that did not end; it holds no secret in the plain.`,
      store: undefined,
      subject: file,
      profile: undefined,
      mend: old ? async () => ({fixed: await removeFile(file), why: undefined}) : undefined,
      next: old
        ? [ztCommand(ctx, 'store', 'check', '--fix')]
        : ['It is removed by --fix when it is an hour old'],
    }
  })
}

function has(at: SurveyedStore, {kind, id}: SecretKey): boolean {
  return at.keys?.some((key) => key.kind === kind && key.id === id) ?? false
}

function remove({store}: SurveyedStore, key: SecretKey): string[] {
  const command = store.removalCommand?.(key)
  return command === undefined ? [] : [command]
}

function recover(ctx: AccessContext): string {
  return ztCommand(ctx, 'token', 'recover')
}
