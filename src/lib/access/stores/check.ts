import path from 'node:path'
import {DEFAULT_PROFILE} from '../../config/profiles.js'
import type {Settings} from '../../config/types.js'
import {removeFile} from '../../system/files.js'
import {findLeftovers} from '../../secrets/leftovers.js'
import {vaultIdentityFile} from '../../secrets/vault/vault.js'
import type {HostBinding, IndexEntry} from '../../secrets/index-files.js'
import type {SecretKey, StoreStatus} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {dropEntry, reindex, removeDuplicate, type Outcome} from './repair.js'
import {survey, type Survey, type SurveyedStore, type Which} from './survey.js'

/** A secret, entry or file that is not where it should be. */
export interface Problem {
  code:
    | 'INDEX_WITHOUT_SECRET'
    | 'STRAY_SERVICE_TOKEN'
    | 'STRAY_SPOOL_KEY'
    | 'STRAY_API_TOKEN'
    | 'DUPLICATE'
    | 'BINDING_WITHOUT_TOKEN'
    | 'NO_SUCH_PROFILE'
    | 'BROKEN_SETUP'
    | 'TEMPORARY_FILE'
  /** One sentence. */
  what: string
  store: string | undefined
  /** The entry's ID, the host, the profile or the file. */
  subject: string
  profile: string | undefined
  fixed: boolean
  /** Why it was not repaired, if that was tried. */
  why: string | undefined
  next: string[]
}

export interface StoreReport {
  kind: string
  state: StoreStatus['state']
  /** How many entries it has; undefined when not known. */
  entries: number | undefined
  why: string | undefined
}

/** Younger files may be in use: a process ID says little about another machine. */
const OLD_MS = 60 * 60_000

type Found = Omit<Problem, 'fixed' | 'why'> & {
  /** Whether the problem still exists. */
  holds?: (() => Promise<boolean>) | undefined
  /** Repairs it without losing anything; undefined where a person must. */
  repair?: (() => Promise<Outcome>) | undefined
}

/** A problem that is there. */
export type FoundProblem = Omit<Found, 'holds'>

/**
 * Compares the stores, the index, the host bindings and the profiles, for all profiles. With `fix` it repairs what can be
 * repaired without losing anything. It never deletes the only copy of a secret.
 */
export async function checkStores(
  ctx: AccessContext,
  settings: Settings,
  {fix}: {fix: boolean},
): Promise<{stores: StoreReport[]; problems: Problem[]}> {
  ctx.progress.step('Checking the stores')
  const problems: Problem[] = []
  const stores = await eachProblem(ctx, settings, async ({repair, ...problem}) => {
    const outcome = fix && repair ? await repair() : {fixed: false, why: undefined}
    problems.push({...problem, ...outcome, next: outcome.fixed ? [] : problem.next})
  })
  return {stores: stores.map(storeReport), problems}
}

/** Calls `handle` with each problem; a repair there is taken into account by what is compared after it. */
export async function eachProblem(
  ctx: AccessContext,
  settings: Settings,
  handle: (problem: FoundProblem) => Promise<void> | void,
  which?: Which,
): Promise<SurveyedStore[]> {
  const seen = await survey(ctx, settings, which)
  const report = async (found: Found[]): Promise<void> => {
    // Stores and index were not read at the same moment; another zt may be working.
    for (const {holds, ...problem} of found) if (!holds || (await holds())) await handle(problem)
  }
  await report(emptyIndexEntries(ctx, seen))
  await report(strayEntries(ctx, seen))
  // With the index as it is now.
  const [entries, bindings] = [await ctx.index.list(), await ctx.index.bindings()]
  const {records: setups, unread} = await ctx.setups.list()
  await report(
    bindingsWithoutToken(
      ctx,
      entries,
      bindings.filter(({profile}) => exists(seen, profile)),
    ),
  )
  await report(withoutProfile(seen, [...entries, ...bindings, ...setups]))
  await report([
    ...unread.damaged.map((file) =>
      unusableSetup(file, 'It is damaged.', ['Move it away; zt undo takes back the edits of a setup']),
    ),
    ...unread.newer.map((file) => unusableSetup(file, 'A newer zt wrote it.', ['Use the newer zt'])),
  ])
  await report(await temporaryFiles(ctx, settings))
  return seen.stores
}

function storeReport({store, state, why, keys, complete}: SurveyedStore): StoreReport {
  return {kind: store.kind, state, entries: complete ? keys?.length : undefined, why}
}

function emptyIndexEntries(ctx: AccessContext, seen: Survey): Found[] {
  return seen.entries.flatMap((entry): Found[] => {
    const key = {kind: 'service-token', id: entry.tokenId} as const
    const own = seen.stores.find(({store}) => store.kind === entry.store)
    // If the store could not be looked into, nothing is known to be missing.
    if (!own?.keys || has(own, key)) return []
    const elsewhere = seen.stores.find((one) => one !== own && has(one, key))
    const pending = seen.unfinished.mentions(entry.tokenId)
    return [
      {
        code: 'INDEX_WITHOUT_SECRET',
        what: elsewhere
          ? `The index says that the secret of "${entry.name}" is in the ${entry.store}, but it is in the ${elsewhere.store.kind}.`
          : `The index says that the secret of "${entry.name}" is in the ${entry.store}, which does not have it.`,
        store: entry.store,
        subject: entry.tokenId,
        profile: entry.profile,
        holds: async () => !(await own.store.has(key)),
        repair:
          pending || (!elsewhere && !seen.everywhere)
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
  const pending = seen.unfinished.mentions(key.id)
  const [entry] = entries
  if (entry) {
    const kept = seen.stores.find((one) => one.store.kind === entry.store)
    // If the store that the index names does not have it, that is the problem, and already reported.
    if (kept?.keys && !has(kept, key)) return undefined
    return {
      code: 'DUPLICATE',
      what: `The secret of "${entry.name}" is also in the ${store.kind}; the one in use is in the ${entry.store}.`,
      store: store.kind,
      subject: key.id,
      profile: entry.profile,
      repair:
        pending || !kept?.keys
          ? undefined
          : () => removeDuplicate(ctx, {kept: kept.store, extra: store, key, entry}),
      next: [ztCommand(ctx, 'store', 'check', '--fix'), ...remove(at, key)],
    }
  }
  return {
    code: 'STRAY_SERVICE_TOKEN',
    what: `The ${store.kind} has the secret of a service token that is not in the index.`,
    store: store.kind,
    subject: key.id,
    profile: undefined,
    repair: pending ? undefined : () => reindex(ctx, store, {tokenId: key.id, profile: ctx.profile}),
    next: pending
      ? [recover(ctx)]
      : [
          ztCommand(ctx, 'store', 'check', '--fix'),
          'If it belongs to another account, log in there and check again. If it is not needed:',
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
  // Reported as an interrupted renaming.
  if (Object.values(seen.profiles).some(({renamedFrom}) => renamedFrom === key.id)) return undefined
  // A profile may have the name of a property that every object has.
  const profile = Object.entries(seen.profiles).find(([name]) => name === key.id)?.[1]
  const keeper = profile?.apiTokenStore ?? profile?.store
  if (keeper === store.kind) return undefined
  const kept = seen.stores.find((one) => one.store.kind === keeper)
  const found = {store: store.kind, subject: key.id, profile: key.id}
  if (kept && has(kept, key)) {
    return {
      ...found,
      code: 'DUPLICATE',
      what: `The API token of profile ${key.id} is also in the ${store.kind}; the one in use is in the ${kept.store.kind}.`,
      repair: () => removeDuplicate(ctx, {kept: kept.store, extra: store, key}),
      next: [ztCommand(ctx, 'store', 'check', '--fix'), ...remove(at, key)],
    }
  }
  return {
    ...found,
    code: 'STRAY_API_TOKEN',
    what: profile
      ? `The ${store.kind} has an API token of profile ${key.id}, which ${keeper === undefined ? 'has no store' : `uses the ${keeper}`}.`
      : `The ${store.kind} has the API token of profile ${key.id}, which no longer exists.`,
    next: [
      ...(profile ? [`zt store use ${store.kind} --profile ${key.id}`] : [`zt login --profile ${key.id}`]),
      'If it is not needed, delete it here and in the dashboard:',
      ...remove(at, key),
    ],
  }
}

function straySpoolKey(seen: Survey, at: SurveyedStore, key: SecretKey): Found | undefined {
  if (seen.unfinished.hasEntry(key.id)) return undefined
  return {
    code: 'STRAY_SPOOL_KEY',
    what: `The ${at.store.kind} has the key of a spool that does not exist. A test of the store that was killed may have left it.`,
    store: at.store.kind,
    subject: key.id,
    profile: undefined,
    next: ['If no other machine uses this store:', ...remove(at, key)],
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
      next: [ztCommand({...ctx, profile, profileNamed: true}, 'token', 'import', tokenId)],
    }))
}

/** The default profile need not be in the file. */
function exists({profiles}: Survey, name: string): boolean {
  return name === DEFAULT_PROFILE || Object.hasOwn(profiles, name)
}

/** What is kept for profiles that do not exist, and renamings that were interrupted. */
function withoutProfile(seen: Survey, kept: readonly {profile: string}[]): Found[] {
  const unfinished = Object.entries(seen.profiles).flatMap(([name, {renamedFrom}]) =>
    renamedFrom === undefined ? [] : [[renamedFrom, name] as const],
  )
  const renamed = new Map(unfinished)
  const gone = kept.map(({profile}) => profile).filter((name) => !exists(seen, name))
  return [...new Set([...renamed.keys(), ...gone])].map((name) => {
    const now = renamed.get(name)
    return {
      code: 'NO_SUCH_PROFILE',
      what:
        now === undefined
          ? `The index, host bindings or setups have entries of profile ${name}, which does not exist.`
          : `The renaming of profile ${name} to ${now} was interrupted.`,
      store: undefined,
      subject: name,
      profile: now ?? name,
      next:
        now === undefined
          ? [`zt login --profile ${name}`, `If it is not needed: zt profile delete ${name}`]
          : [`zt profile rename ${name} ${now}`],
    }
  })
}

/** What is in it cannot be taken back. */
function unusableSetup(file: string, why: string, next: string[]): Found {
  return {
    code: 'BROKEN_SETUP',
    what: `The record of a setup, ${file}, cannot be used. ${why}`,
    store: undefined,
    subject: file,
    profile: undefined,
    next,
  }
}

async function temporaryFiles(
  ctx: AccessContext,
  {paths, vaultIdentityFile: identityFile}: Settings,
): Promise<Found[]> {
  const identity = vaultIdentityFile({identityFile, configDir: paths.config})
  const leftovers = await findLeftovers([paths.data, paths.config], ctx.clock.now())
  return leftovers.map(({file, of, ageMs}) => {
    const old = ageMs >= OLD_MS
    return {
      code: 'TEMPORARY_FILE',
      what:
        path.resolve(of) === path.resolve(identity)
          ? `${path.basename(file)} was left by an interrupted write. It is a copy of the vault's identity: who reads it can open the vault.`
          : `${path.basename(file)} was left by an interrupted write. It holds no secret in plain text.`,
      store: undefined,
      subject: file,
      profile: undefined,
      repair: old ? () => removed(file) : undefined,
      next: old ? [ztCommand(ctx, 'store', 'check', '--fix')] : ['--fix removes it when it is an hour old'],
    }
  })
}

/** Repaired also if another zt has removed it meanwhile. */
async function removed(file: string): Promise<Outcome> {
  await removeFile(file)
  return {fixed: true, why: undefined}
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
