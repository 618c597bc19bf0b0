import {UserError} from '../../core/errors.js'
import type {Secret} from '../../core/secret.js'
import {saveAndReadBack} from '../../secrets/credentials.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import {rehearse} from '../../secrets/rehearse.js'
import {storedToken} from '../../secrets/stored-token.js'
import {requireReady, type KeepingStoreKind} from '../../secrets/stores.js'
import type {SecretStore} from '../../secrets/types.js'
import type {AccessContext} from '../account/context.js'
import {refuseUnfinished} from '../tokens/journal-entries.js'
import {tokenLock, withLock} from '../tokens/lock.js'

export interface MoveOptions {
  to: KeepingStoreKind
  /** Only what is in this store. */
  from?: KeepingStoreKind | undefined
  /** Only these, by name, ID or client ID; empty: all of the profile. */
  tokens: string[]
  dryRun: boolean
}

export interface MovedToken {
  token: {id: string; name: string}
  from: KeepingStoreKind
  /** `would-move` with `dryRun`. */
  state: 'moved' | 'would-move' | 'already-there' | 'failed'
  /** True when the old store did not delete its copy. */
  copyLeft: boolean
  error: UserError | undefined
}

/** How often a copy is made again because the original changed meanwhile. */
const TRIES = 3

/**
 * Moves the secrets of the profile's service tokens into a store. Each is copied, read back and indexed before the old
 * copy is deleted, so it can be interrupted at any point and run again. A secret that cannot be moved stays where it was,
 * and the others are moved.
 *
 * @throws UserError `not-found` / `STORED_TOKEN_NOT_FOUND`; `ambiguous` / `TOKEN_AMBIGUOUS`; `needs-action` (store)
 */
export async function moveSecrets(
  ctx: AccessContext,
  {to, from, tokens, dryRun}: MoveOptions,
): Promise<MovedToken[]> {
  const all = await ctx.index.list(ctx.profile)
  const named = tokens.map((token) => storedToken(token, all, ctx.profile))
  const entries = named.length > 0 ? [...new Set(named)] : all
  const wanted = entries.filter(({store}) => store === to || from === undefined || store === from)
  const target = await ctx.storeOf(to)
  ctx.progress.step('Checking the secret store')
  await requireReady(target, {write: true})
  if (!target.readable) throw cannotReadBack(target)
  if (!dryRun && wanted.some(({store}) => store !== to)) await rehearse(target)
  const moved: MovedToken[] = []
  for (const [done, entry] of wanted.entries()) {
    ctx.progress.step(`Moving ${entry.name}`, {done, of: wanted.length})
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
  const {tokenId, accountId, name, store: from} = entry
  const result = {token: {id: tokenId, name}, from, copyLeft: false, error: undefined}
  if (from === target.kind) return {...result, state: 'already-there'}
  try {
    if (dryRun) {
      await readSource(await ctx.storeOf(from), entry)
      return {...result, state: 'would-move'}
    }
    const moved = await withLock(ctx, tokenLock(accountId, tokenId), async () => {
      // The recovery of a rotation would save the secret in the store where the rotation began.
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
  // Read again, now that the lock is held.
  const entry = (await ctx.index.list(profile)).find((one) => one.tokenId === tokenId)
  if (!entry)
    throw new UserError({
      kind: 'conflict',
      code: 'TOKEN_GONE',
      message: `The service token ${tokenId} was removed meanwhile`,
      why: 'Another zt did that.',
    })
  if (entry.store === target.kind) return {state: 'already-there', copyLeft: false}
  const source = await ctx.storeOf(entry.store)
  const key = {kind: 'service-token', id: tokenId} as const
  let value = await readSource(source, entry)
  const there = await target.get(key)
  // A move that was killed leaves the same value. Another value may be the only copy of a secret.
  if (there && !there.equals(value)) throw differs(source, target, entry)
  for (let tries = 1; ; tries++) {
    if (!(await target.get(key))?.equals(value))
      await saveAndReadBack(target, key, value, `the secret of "${entry.name}"`, 'The original is unchanged.')
    const now = await source.get(key)
    if (now?.equals(value)) break
    if (now === undefined || tries === TRIES)
      throw new UserError({
        kind: 'conflict',
        code: 'SECRET_CHANGES',
        message: `The secret of "${entry.name}" changed while it was copied`,
        why: `Another program writes to ${source.label}. Nothing was deleted.`,
        next: ['Try again'],
        details: {store: source.kind},
      })
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
    why: 'The index says that it was saved there. It has been removed since.',
    next: ['zt store check'],
    details: {tokenId: entry.tokenId, store: source.kind},
  })
}

function cannotReadBack(target: SecretStore): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'STORE_WRITE_ONLY',
    message: `Secrets cannot be moved to ${target.label}`,
    why: 'This machine can write it but not read it, so zt could not check the copy before it deletes the original.',
    next: ['Move them on a machine that has its identity'],
    details: {store: target.kind},
  })
}

function differs(source: SecretStore, target: SecretStore, {tokenId, name}: IndexEntry): UserError {
  const remove = target.removalCommand?.({kind: 'service-token', id: tokenId})
  return new UserError({
    kind: 'conflict',
    code: 'SECRETS_DIFFER',
    message: `${target.label} already has another secret for "${name}"`,
    why: `The one in use is in ${source.label}. Neither was changed.`,
    next: [
      'If the other one is not needed, delete it and move again',
      ...(remove === undefined ? [] : [remove]),
    ],
    details: {tokenId, stores: [source.kind, target.kind]},
  })
}
