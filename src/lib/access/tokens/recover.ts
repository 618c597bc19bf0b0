import type {AccessApi} from '../../api/types.js'
import {interrupted, UserError} from '../../core/errors.js'
import {countedAs} from '../../core/progress.js'
import {said} from '../../core/said.js'
import {tidy} from '../../core/tidy.js'
import type {JournalEntry} from '../../secrets/journal/journal.js'
import {requireReady} from '../../secrets/stores.js'
import type {SecretStore} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {Unread} from '../../system/own-json.js'
import type {AccessContext} from '../account/context.js'
import {Creation} from './creation.js'
import type {Issuance, Plan, Settlement} from './issuance.js'
import {lockOf} from './journal-entries.js'
import {releaseLock} from './lock.js'
import {Rotation} from './rotation.js'

export interface Recovered extends Omit<Plan, 'settlement' | 'act'> {
  entry: JournalEntry
  settlement: Settlement
  next: string[]
}

export interface Recovery {
  recovered: Recovered[]
  /** Files of the journal that cannot be read. */
  unread: Unread
  /** Entries of other profiles, which need another API token. */
  elsewhere: {profile: string; count: number}[]
}

export interface RecoverOptions {
  dryRun?: boolean | undefined
  undo?: boolean | undefined
  /** Only this operation. */
  only?: string | undefined
}

/**
 * Finishes or undoes every interrupted creation and rotation of this profile, and says which it was. May itself be
 * killed at any point and run again, also while other processes of zt run.
 *
 * @param options.dryRun finds out and reports, but changes nothing
 * @param options.undo undoes what could be finished, also where the store can no longer be used
 */
export async function recoverUnfinished(ctx: AccessContext, options: RecoverOptions = {}): Promise<Recovery> {
  const {entries, unread} = await ctx.journal.list()
  const others = entries.filter(({profile}) => profile !== ctx.profile).map(({profile}) => profile)
  const recovered: Recovered[] = []
  const own = entries.filter(
    ({profile, id}) => profile === ctx.profile && (options.only === undefined || id === options.only),
  )
  for (const [done, entry] of own.entries()) {
    const progress = countedAs({done, of: own.length}, ctx.progress)
    const one = await recoverOne({...ctx, progress}, entry, options)
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
    unread,
    elsewhere: [...new Set(others)].map((profile) => ({
      profile,
      count: others.filter((one) => one === profile).length,
    })),
  }
}

/** Undefined when another process has ended it. */
async function recoverOne(
  ctx: AccessContext,
  seen: JournalEntry,
  {dryRun, undo = false}: RecoverOptions,
): Promise<Recovered | undefined> {
  const lock = await ctx.locks.acquire(lockOf(seen))
  if (!lock) return {entry: seen, settlement: 'busy', why: 'Another zt is working on it.', next: []}
  try {
    const entry = await ctx.journal.read(seen.id)
    if (!entry) return undefined
    try {
      ctx.progress.step(`Settling "${entry.name}"`)
      const store = await ctx.storeOf(entry.store)
      const {act, next = [], ...plan} = await planFor(ctx, entry, store, undo)
      const settle = async (): Promise<void> => {
        await act?.()
        await ctx.journal.end(entry, store).catch((error: unknown) => {
          if (!undo) throw error
          return ctx.journal.discard(entry)
        })
      }
      if (!dryRun && plan.settlement !== 'waiting')
        await ctx.interruptible(() => notSettled(ctx, entry, undo), settle)
      return {entry, next, ...plan}
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      return {entry, settlement: 'waiting', why: said(error), next: [...error.next]}
    }
  } finally {
    await releaseLock(ctx, lock)
  }
}

function notSettled(ctx: AccessContext, {name}: JournalEntry, undo: boolean): UserError {
  return interrupted({
    why: `"${name}" may not be settled.`,
    next: [ztCommand(ctx, 'token', 'recover', ...(undo ? ['--undo'] : []))],
  })
}

async function planFor(
  ctx: AccessContext,
  entry: JournalEntry,
  store: SecretStore,
  undo: boolean,
): Promise<Plan> {
  if (entry.endedAt !== undefined) {
    // Without a request there was nothing to finish.
    const undone = undo || entry.undone === true || entry.sentAt === undefined
    return {
      settlement: undone ? 'undone' : 'finished',
      why: 'It had ended; only its journal entry was left.',
      endsSecretOf: !undone && entry.endsPrevious === true ? entry.token : undefined,
    }
  }
  // An undo must work without a store that is gone for good.
  if (!undo) await requireReady(store, {write: true})
  if (entry.sentAt === undefined)
    return {settlement: 'undone', why: 'It was interrupted before anything was sent to Cloudflare.'}
  const api = await ctx.api()
  // The sandbox has another port each time it starts; only on this machine it has no TLS.
  const isThere = ctx.apiUrl === entry.apiUrl || (ctx.sandbox && entry.apiUrl.startsWith('http:'))
  if (api.accountId !== entry.accountId || !isThere)
    return {
      settlement: 'waiting',
      why: `It belongs to the account ${entry.accountId} at ${entry.apiUrl}; the profile now uses another one.`,
      next: [
        isThere
          ? ztCommand(ctx, 'token', 'recover', '--account', entry.accountId)
          : `Log in there (${ztCommand(ctx, 'login', '--api-url', entry.apiUrl)}), then run ${ztCommand(ctx, 'token', 'recover')}`,
      ],
    }
  const issuance = issuanceOf(ctx, api, store, entry)
  if (undo) return issuance.planUndo()
  return issuance.plan(await ctx.journal.spoolOf(entry, store).read())
}

/** The run that wrote an entry. */
function issuanceOf(ctx: AccessContext, api: AccessApi, store: SecretStore, entry: JournalEntry): Issuance {
  return entry.kind === 'create' ? new Creation(ctx, api, store, entry) : new Rotation(ctx, api, store, entry)
}
