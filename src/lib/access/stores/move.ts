import {UserError} from '../../core/errors.js'
import type {Secret} from '../../core/secret.js'
import type {KeepingStoreKind} from '../../secrets/stores.js'
import {requireReady} from '../../secrets/stores.js'
import {rehearse} from '../../secrets/rehearse.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import type {SecretStore} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {refuseUnfinished} from '../tokens/journal-entries.js'
import {tokenLock, withLock} from '../tokens/lock.js'

export interface MoveOptions {
  to: KeepingStoreKind
  /** Only what is in this store. */
  from?: KeepingStoreKind | undefined
  /** Only these, by name, id or Client ID; none: all of the profile. */
  tokens: string[]
  dryRun: boolean
}

export interface MovedToken {
  token: {id: string; name: string}
  from: KeepingStoreKind
  /** `would-move` with `dryRun`. */
  state: 'moved' | 'would-move' | 'already-there' | 'failed'
  /** True when the old store did not let go of its copy. */
  copyLeft: boolean
  error: UserError | undefined
}

/** How often a copy is made anew because the original changed under it. */
const TRIES = 3

/**
 * Moves secrets of the profile's service tokens into a store: each is copied, read back and indexed before the old
 * copy is deleted, so that it can be interrupted at any point and run again. One that fails stays where it was and
 * stops no other.
 *
 * @throws UserError `not-found` / `STORED_TOKEN_NOT_FOUND`; `ambiguous` / `TOKEN_AMBIGUOUS`; `needs-action` (store)
 */
export async function moveSecrets(
  ctx: AccessContext,
  {to, from, tokens, dryRun}: MoveOptions,
): Promise<MovedToken[]> {
  const entries = pick(ctx, await ctx.index.list(ctx.profile), tokens)
  const wanted = entries.filter(({store}) => store === to || from === undefined || store === from)
  const target = await ctx.storeOf(to)
  ctx.progress.step('Trying the secret store')
  await requireReady(target, {write: true})
  if (!target.readable) throw cannotReadBack(target)
  if (!dryRun && wanted.some(({store}) => store !== to)) await rehearse(target)
  const moved: MovedToken[] = []
  for (const entry of wanted) {
    ctx.progress.step(`Moving ${entry.name}`)
    moved.push(await moveOne(ctx, entry, target, dryRun))
  }
  return moved
}

async function moveOne(
  ctx: AccessContext,
  entry: IndexEntry,
  target: SecretStore,
  dryRun: boolean,
): Promise<MovedToken> {
  const {tokenId: id, name, store: from} = entry
  const result = {token: {id, name}, from, copyLeft: false, error: undefined}
  if (from === target.kind) return {...result, state: 'already-there'}
  try {
    if (dryRun) {
      await readSource(await ctx.storeOf(from), entry)
      return {...result, state: 'would-move'}
    }
    const {accountId, tokenId} = entry
    const moved = await withLock(ctx, tokenLock(accountId, tokenId), async () => {
      // Its recovery would put the secret where the rotation began.
      await refuseUnfinished(ctx, ({token}) => token?.id === tokenId)
      return copyAndDelete(ctx, entry, target)
    })
    return {...result, ...moved}
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return {...result, state: 'failed', error}
  }
}

async function copyAndDelete(
  ctx: AccessContext,
  {tokenId, profile}: IndexEntry,
  target: SecretStore,
): Promise<Pick<MovedToken, 'state' | 'copyLeft'>> {
  // As it is now that nobody else works on it.
  const entry = (await ctx.index.list(profile)).find((one) => one.tokenId === tokenId)
  if (!entry) throw gone(tokenId)
  if (entry.store === target.kind) return {state: 'already-there', copyLeft: false}
  const source = await ctx.storeOf(entry.store)
  const key = {kind: 'service-token', id: tokenId} as const
  let value = await readSource(source, entry)
  const there = await target.get(key)
  // A move that was killed leaves the same value; another one is a secret that is nowhere else, for all we know.
  if (there && !there.equals(value)) throw differs(source, target, entry)
  for (let tries = 1; ; tries++) {
    if (!there?.equals(value)) await target.set(key, value)
    if (!(await target.get(key))?.equals(value)) throw notKept(target, entry)
    const now = await source.get(key)
    if (now?.equals(value)) break
    if (now === undefined || tries === TRIES) throw changes(source, entry)
    value = now
  }
  await ctx.index.put({...entry, store: target.kind as KeepingStoreKind})
  const deleted = await source.delete(key).catch((error: unknown) => {
    if (error instanceof UserError) return false
    throw error
  })
  return {state: 'moved', copyLeft: !deleted}
}

async function readSource(source: SecretStore, entry: IndexEntry): Promise<Secret> {
  await requireReady(source, {write: true})
  const value = await source.get({kind: 'service-token', id: entry.tokenId})
  if (value) return value
  throw new UserError({
    kind: 'not-found',
    code: 'SECRET_NOT_FOUND',
    message: `The secret of "${entry.name}" is not in ${source.label}`,
    why: 'The index says that it was saved there; it was removed since.',
    next: ['zt store check'],
    details: {tokenId: entry.tokenId, store: source.kind},
  })
}

/** The index entries that are meant; all where none was named. */
function pick(ctx: AccessContext, entries: IndexEntry[], wanted: string[]): IndexEntry[] {
  if (wanted.length === 0) return entries
  const found = wanted.map((text) => {
    const exact = entries.filter(({tokenId, clientId}) => tokenId === text || clientId === text)
    const byName = exact.length > 0 ? exact : entries.filter(({name}) => name === text)
    const [entry] = byName
    if (entry && byName.length === 1) return entry
    if (!entry) throw unknown(ctx, text, entries)
    throw new UserError({
      kind: 'ambiguous',
      code: 'TOKEN_AMBIGUOUS',
      message: `Several stored service tokens are called "${text}"`,
      why: byName.map(({tokenId, name}) => `${tokenId}  ${name}`),
      next: ['Give the id instead of the name'],
      details: {candidates: byName.map(({tokenId, name}) => ({id: tokenId, name}))},
    })
  })
  return [...new Set(found)]
}

function unknown(ctx: AccessContext, text: string, entries: IndexEntry[]): UserError {
  // A secret that was pasted in a name's place is not repeated.
  const shown = /^\S{45,}$/.test(text) ? '[hidden]' : text
  return new UserError({
    kind: 'not-found',
    code: 'STORED_TOKEN_NOT_FOUND',
    message: `No service token "${shown}" has its secret here`,
    why:
      entries.length === 0
        ? `Profile ${ctx.profile} keeps no secrets on this machine.`
        : `Profile ${ctx.profile} keeps those of: ${entries.map(({name}) => name).join(', ')}.`,
    next: [ztCommand(ctx, 'token', 'list')],
  })
}

function cannotReadBack(target: SecretStore): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'STORE_WRITE_ONLY',
    message: `Secrets cannot be moved to ${target.label}`,
    why: 'It can be written here and not read, so that nobody could make sure of the copy before the original is deleted.',
    next: ['Move them on a machine that has its identity'],
    details: {store: target.kind},
  })
}

function notKept(target: SecretStore, {name}: IndexEntry): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'STORE_READBACK_MISMATCH',
    message: `${target.label} did not keep the secret of "${name}"`,
    why: 'It gives back something else than what was saved. The original is where it was.',
    next: ['zt store list'],
    details: {store: target.kind},
  })
}

function changes(source: SecretStore, {name}: IndexEntry): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'SECRET_CHANGES',
    message: `The secret of "${name}" changed while it was copied`,
    why: `Something else writes to ${source.label}. Nothing was deleted.`,
    next: ['Try again'],
    details: {store: source.kind},
  })
}

function differs(source: SecretStore, target: SecretStore, {tokenId, name}: IndexEntry): UserError {
  const remove = target.removalCommand?.({kind: 'service-token', id: tokenId})
  return new UserError({
    kind: 'conflict',
    code: 'SECRETS_DIFFER',
    message: `${target.label} has another secret for "${name}" already`,
    why: `The one in use is in ${source.label}; neither was changed.`,
    next: [
      'If the other one is of no use, delete it and move again',
      ...(remove === undefined ? [] : [remove]),
    ],
    details: {tokenId, stores: [source.kind, target.kind]},
  })
}

function gone(tokenId: string): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'TOKEN_GONE',
    message: `The service token ${tokenId} was removed meanwhile`,
    why: 'Another zt did that.',
  })
}
