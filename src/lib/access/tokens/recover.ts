import type {AccessApi, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {tidy} from '../../core/tidy.js'
import {readCredentials} from '../../secrets/credentials.js'
import type {Operation, Spooled} from '../../secrets/journal/journal.js'
import {requireReady} from '../../secrets/open.js'
import type {SecretStore, StoredCredentials} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {
  deleteTwins,
  ensureDeleted,
  forget,
  interrupted,
  keep,
  lockOf,
  makeReady,
  readToken as read,
  said,
  SETTLE_MS,
  unfinishedName,
} from './operations.js'
import {isUnrotated, rotationOutcome} from './rotation-outcome.js'
import {releaseLock} from './lock.js'
import {AFTERMATH, endPrevious, settleRotation, takeBack} from './rotate.js'

/**
 * - `finished`: the secret is stored and the token works
 * - `undone`: it is as if the operation had not begun
 * - `busy`: another zt is at it now
 * - `waiting`: it cannot be settled yet; `why` says what for
 */
export type Settlement = 'finished' | 'undone' | 'busy' | 'waiting'

export interface Recovered {
  operation: Operation
  settlement: Settlement
  /** Sentences: what had happened, and what was done about it. */
  why: string
  next: string[]
  /** The token whose secret from before the rotation works no more by this. */
  endsSecretOf?: {id: string; clientId: string} | undefined
}

export interface Recovery {
  recovered: Recovered[]
  /** Files of the journal that cannot be read. */
  damaged: string[]
  /** Operations of other profiles, which need another API token. */
  elsewhere: {profile: string; count: number}[]
}

export interface RecoverOptions {
  dryRun?: boolean | undefined
  undo?: boolean | undefined
}

/** What is found out about an operation, and how it would be settled. */
interface Plan {
  settlement: Settlement
  why: string
  next?: string[]
  endsSecretOf?: Recovered['endsSecretOf']
  /** Does it. Until then nothing is changed. */
  act?: () => Promise<void>
}

/**
 * Finishes or undoes every operation of this profile that was interrupted, and says which it was. It may itself be
 * killed at any point and run again, also while other processes of zt run.
 *
 * @param options.dryRun finds out and says, and changes nothing
 * @param options.undo undoes what could be finished, also where the store cannot be used any more
 */
export async function recoverOperations(ctx: AccessContext, options: RecoverOptions = {}): Promise<Recovery> {
  const {operations, damaged} = await ctx.journal.list()
  const own = operations.filter(({profile}) => profile === ctx.profile)
  const others = operations.filter(({profile}) => profile !== ctx.profile).map(({profile}) => profile)
  const recovered: Recovered[] = []
  for (const operation of own) {
    const one = await recoverOne(ctx, operation, options)
    if (one) recovered.push(one)
  }
  if (!options.dryRun) {
    await tidy(
      'Old files of the journal could not be removed',
      () => ctx.journal.sweep(),
      (text) => {
        ctx.warn?.(text)
      },
    )
  }
  return {
    recovered,
    damaged,
    elsewhere: [...new Set(others)].map((profile) => ({
      profile,
      count: others.filter((one) => one === profile).length,
    })),
  }
}

/** How many operations of this profile were interrupted and wait for `token recover`. */
export async function pendingOperations(ctx: AccessContext): Promise<number> {
  return (await interrupted(ctx)).length
}

/** Undefined when another process ended it meanwhile. */
async function recoverOne(
  ctx: AccessContext,
  seen: Operation,
  {dryRun, undo}: RecoverOptions,
): Promise<Recovered | undefined> {
  const lock = await ctx.locks.acquire(lockOf(seen))
  if (!lock) {
    const why = 'Another zt is working on it at this moment.'
    return {operation: seen, settlement: 'busy', why, next: []}
  }
  try {
    const operation = await ctx.journal.read(seen.id)
    if (!operation) return undefined
    try {
      ctx.progress.step(`Settling "${operation.name}"`)
      const store = ctx.storeOf(operation.store)
      const plan = await (undo ? planUndo : planFor)(ctx, operation, store)
      if (!dryRun && plan.settlement !== 'waiting') {
        await plan.act?.()
        await ctx.journal.end(operation, store).catch((error: unknown) => {
          if (!undo) throw error
          return ctx.journal.discard(operation)
        })
      }
      const {settlement, why, next = [], endsSecretOf} = plan
      return {operation, settlement, why, next, endsSecretOf}
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      return {operation, settlement: 'waiting', why: said(error), next: [...error.next]}
    }
  } finally {
    await releaseLock(ctx, lock)
  }
}

async function planFor(ctx: AccessContext, operation: Operation, store: SecretStore): Promise<Plan> {
  if (operation.endedAt !== undefined)
    return {
      settlement: 'finished',
      why: 'It had ended; only what the journal kept was left.',
      endsSecretOf: operation.endsPrevious === true ? operation.token : undefined,
    }
  await requireReady(store, {write: true})
  if (operation.sentAt === undefined)
    return {settlement: 'undone', why: 'It was interrupted before anything was sent to Cloudflare.'}
  const api = await ctx.api()
  const other = otherAccount(ctx, api, operation)
  if (other) return other
  const spooled = await ctx.journal.spoolOf(operation, store).read()
  return operation.kind === 'create'
    ? planCreation(ctx, api, operation, store, spooled)
    : planRotation(ctx, api, operation, store, spooled)
}

function otherAccount(ctx: AccessContext, api: AccessApi, operation: Operation): Plan | undefined {
  if (api.accountId === operation.accountId && ctx.apiUrl === operation.apiUrl) return undefined
  return {
    settlement: 'waiting',
    why: `It belongs to the account ${operation.accountId} at ${operation.apiUrl}, and the profile works with another now.`,
    next: [ztCommand(ctx, 'token', 'recover', '--account', operation.accountId)],
  }
}

/** Back to what was before, as far as that can be; the store may be gone for good. */
async function planUndo(ctx: AccessContext, operation: Operation, store: SecretStore): Promise<Plan> {
  if (operation.endedAt !== undefined || operation.sentAt === undefined)
    return {settlement: 'undone', why: 'Nothing was left of it but what the journal kept.'}
  const api = await ctx.api()
  const other = otherAccount(ctx, api, operation)
  if (other) return other
  if (operation.kind === 'create') {
    const name = unfinishedName(operation)
    const unfinished = (await api.listServiceTokens()).filter((token) => token.name === name)
    return {
      settlement: 'undone',
      why:
        unfinished.length > 0
          ? 'The token had been made, disabled; it is deleted.'
          : 'There is no unfinished token of it. One that is enabled has its own name, and stays.',
      act: async () => {
        for (const {id} of unfinished) {
          await ensureDeleted(ctx, api, id)
          await forget(ctx, store, id).catch(() => undefined)
        }
      },
    }
  }
  const token = operation.token && (await read(api, operation.token.id))
  if (!token) return {settlement: 'undone', why: 'The token is deleted since.'}
  const stored = await readCredentials(store, token.id).catch(() => undefined)
  const spooled = await ctx.journal
    .spoolOf(operation, store)
    .read()
    .catch(() => undefined)
  if (stored && spooled && stored.clientSecret.equals(spooled.clientSecret)) {
    return {
      settlement: 'finished',
      why: `The new secret is in ${store.label}.`,
      next: [ztCommand(ctx, 'token', 'rotate', token, '--undo')],
    }
  }
  return {
    settlement: 'undone',
    why: 'The secret before the rotation works as long as the token does; the new one is thrown away.',
    act: async () => {
      try {
        await takeBack(ctx, api, store, token, stored)
      } catch (error) {
        // The last way out: it must not wait for what an API may never show.
        if (!(error instanceof UserError) || error.code !== 'CHANGE_NOT_SEEN') throw error
        ctx.warn?.(error.message)
      }
    },
  }
}

async function planCreation(
  ctx: AccessContext,
  api: AccessApi,
  operation: Operation,
  store: SecretStore,
  spooled: Spooled | undefined,
): Promise<Plan> {
  const tokens = await api.listServiceTokens()
  const unfinished = tokens.filter(({name}) => name === unfinishedName(operation))
  // What an answer told was spooled before it was looked at: another token's id is not ours to work with.
  const named = spooled && (await read(api, spooled.tokenId))
  const isOurs = named === undefined || named.clientId === spooled?.clientId
  if (spooled && isOurs && (named !== undefined || unfinished.length === 0))
    return planSpooled(ctx, operation, store, {spooled, token: named, api, tokens})
  for (const token of unfinished) {
    // The spool is gone or could not be written, and the store was quicker.
    if (await isStored(store, token))
      return finishCreation(ctx, api, operation, token, tokens, async () => undefined)
  }
  if (unfinished.length > 0) {
    return {
      settlement: 'undone',
      why: 'The token had been made, disabled, and its secret came to nobody. It is deleted.',
      next: [ztCommand(ctx, 'token', 'create', operation.name)],
      act: async () => {
        for (const {id} of unfinished) await ensureDeleted(ctx, api, id)
      },
    }
  }
  const done = (await ctx.index.list(ctx.profile)).find(
    ({name, storedAt, accountId}) =>
      name === operation.name && accountId === operation.accountId && storedAt >= operation.startedAt,
  )
  if (done) return {settlement: 'finished', why: 'The token was made and its secret is stored.'}
  return settled(ctx, operation, 'No such token was made.')
}

/** Made, and the secret is in the spool. */
async function planSpooled(
  ctx: AccessContext,
  operation: Operation,
  store: SecretStore,
  {
    spooled,
    token,
    api,
    tokens,
  }: {
    spooled: Spooled
    token: ServiceToken | undefined
    api: AccessApi
    tokens: readonly ServiceToken[]
  },
): Promise<Plan> {
  if (!token) {
    if (tokens.some(({id}) => id === spooled.tokenId))
      return {settlement: 'waiting', why: 'Cloudflare lists the token, and says that it does not exist.'}
    return {
      settlement: 'undone',
      why: 'The token had been made, and is deleted since. Its secret is thrown away.',
      act: () => forget(ctx, store, spooled.tokenId),
    }
  }
  if (token.name !== unfinishedName(operation)) {
    // It got its name, which is the last thing but the clearing up: the store may hold something newer by now.
    const here = await store.has({kind: 'service-token', id: token.id})
    return {
      settlement: 'finished',
      why: `The token works, and its secret is in ${store.label}.`,
      act: here ? async () => undefined : () => keep(ctx, store, {...operation, name: token.name}, spooled),
    }
  }
  return finishCreation(ctx, api, operation, token, tokens, () => keep(ctx, store, operation, spooled))
}

function finishCreation(
  ctx: AccessContext,
  api: AccessApi,
  operation: Operation,
  token: ServiceToken,
  tokens: readonly ServiceToken[],
  keepSecret: () => Promise<void>,
): Plan {
  const {name} = operation
  if (tokens.some((other) => other.name === name && other.id !== token.id)) {
    return {
      settlement: 'undone',
      why: `The token had been made, and another is called "${name}" since. The unfinished one, which never worked, is deleted.`,
      act: async () => {
        await deleteTwins(ctx, api, operation, token.id, tokens)
        await ensureDeleted(ctx, api, token.id)
        await forget(ctx, ctx.storeOf(operation.store), token.id)
      },
    }
  }
  return {
    settlement: 'finished',
    why: 'The token had been made. Its secret is stored, and the token is enabled.',
    act: async () => {
      await keepSecret()
      await deleteTwins(ctx, api, operation, token.id, tokens)
      await indexed(ctx, operation, token)
      await makeReady(ctx, api, token.id, name)
    },
  }
}

/** Puts the index in step with a secret that is in the store already. */
async function indexed(ctx: AccessContext, operation: Operation, token: ServiceToken): Promise<void> {
  const {name, store, accountId} = operation
  const known = (await ctx.index.list(ctx.profile)).some(({tokenId}) => tokenId === token.id)
  if (known) return
  await ctx.index.put({
    tokenId: token.id,
    clientId: token.clientId,
    name,
    profile: ctx.profile,
    accountId,
    store,
    storedAt: new Date(ctx.clock.now()).toISOString(),
    expiresAt: token.expiresAt,
  })
}

async function planRotation(
  ctx: AccessContext,
  api: AccessApi,
  operation: Operation,
  store: SecretStore,
  spooled: Spooled | undefined,
): Promise<Plan> {
  const before = operation.token
  const token = before && (await read(api, before.id))
  if (!before || !token) {
    // A token that works would lose its new secret by a mistake here: both ways of asking must agree.
    if (before && (await api.listServiceTokens()).some(({id}) => id === before.id))
      return {settlement: 'waiting', why: 'Cloudflare lists the token, and says that it does not exist.'}
    return {settlement: 'undone', why: 'The token is deleted since.'}
  }
  const stored = store.readable ? await readCredentials(store, token.id) : undefined
  if (spooled) return planNewSecret(ctx, api, operation, {store, token, spooled, stored})
  if (operation.storedAt !== undefined)
    return {settlement: 'finished', why: `The token was rotated, and its new secret is in ${store.label}.`}
  if (isUnrotated(before, token) === true) return settled(ctx, operation, 'The token was not rotated.')
  const here = stored !== undefined || (await store.has({kind: 'service-token', id: token.id}))
  return {
    settlement: 'undone',
    why: [
      'The token was rotated, and its new secret was lost with the answer.',
      here
        ? `The secret before it, which is in ${store.label}, works as long as the token does.`
        : 'The secret before it, which is not on this machine, works as long as the token does.',
      'The next rotation can have no grace period.',
    ].join(' '),
    act: () => takeBack(ctx, api, store, token, stored),
  }
}

/** Rotated, and the new secret is in the spool. */
function planNewSecret(
  ctx: AccessContext,
  api: AccessApi,
  operation: Operation,
  {
    store,
    token,
    spooled,
    stored,
  }: {store: SecretStore; token: ServiceToken; spooled: Spooled; stored: StoredCredentials | undefined},
): Plan {
  const {clientSecret, previous} = spooled
  if (spooled.clientId !== token.clientId || spooled.tokenId !== token.id)
    return {
      settlement: 'undone',
      why: 'The answer was about another service token. What it held is thrown away; the secret before the rotation works as long as the token does.',
      act: () => takeBack(ctx, api, store, token, stored),
    }
  if (stored && !stored.clientSecret.equals(clientSecret) && !isBefore(stored, previous)) {
    return {
      settlement: 'finished',
      why: `The token was rotated, and ${store.label} holds another secret for it, saved since. That one stays.`,
    }
  }
  const outcome = rotationOutcome(operation.token ?? {}, spooled, token)
  if (outcome === 'unseen') {
    const waiting = settled(ctx, operation, 'The token was not rotated, although Cloudflare gave a secret.')
    if (waiting.settlement === 'waiting') return waiting
    return {
      settlement: 'undone',
      why: `The token was not rotated, although Cloudflare gave a secret. The secret before, in ${store.label}, works as long as the token does.`,
      act: () => takeBack(ctx, api, store, token, stored),
    }
  }
  const ends = outcome === 'again' || (outcome === 'once' && operation.endsPrevious === true)
  return {
    settlement: 'finished',
    why: [
      outcome === 'once' || outcome === 'changed'
        ? `The token had been rotated. Its new secret is in ${store.label}.`
        : 'The token had been rotated more than once.',
      ...(outcome === 'once' ? [] : [AFTERMATH[outcome](store.label)]),
    ].join(' '),
    next: ['lost', 'overtaken', 'changed'].includes(outcome)
      ? [ztCommand(ctx, 'token', 'rotate', token.name, '--grace', '0')]
      : [],
    endsSecretOf: ends ? token : undefined,
    act: async () => {
      await settleRotation(ctx, api, store, operation, {outcome, token, spooled})
      if (ends) await endPrevious(ctx, api, token)
    },
  }
}

/** Whether the store still holds what it held before the rotation. */
function isBefore(stored: StoredCredentials, previous: Spooled['previous']): boolean {
  // A rotation without grace has noted none: what is stored has ended, whatever it is.
  return previous === undefined || stored.clientSecret.equals(previous.clientSecret)
}

/** Nothing came of it, if the account has had time to show it. */
function settled(ctx: AccessContext, operation: Operation, why: string): Plan {
  const since = Date.parse(operation.sentAt ?? operation.startedAt)
  const left = since + SETTLE_MS - ctx.clock.now()
  const again = operation.kind === 'create' ? [ztCommand(ctx, 'token', 'create', operation.name)] : []
  if (left <= 0) return {settlement: 'undone', why, next: again}
  return {
    settlement: 'waiting',
    why: `${why.replace(/\.$/, '')}, as far as Cloudflare shows. A request that was interrupted may show late, so this is not believed yet.`,
    next: [`Run it again in ${Math.ceil(left / 60_000)} min: ${ztCommand(ctx, 'token', 'recover')}`],
  }
}

/** Whether the store has a secret of this token that is whole. */
async function isStored(store: SecretStore, {id, clientId}: ServiceToken): Promise<boolean> {
  if (!store.readable) return store.has({kind: 'service-token', id})
  try {
    return (await readCredentials(store, id))?.clientId === clientId
  } catch (error) {
    if (error instanceof UserError && error.code === 'STORED_SECRET_DAMAGED') return false
    throw error
  }
}
