import {randomUUID} from 'node:crypto'
import type {AccessApi} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import type {JournalEntry} from '../../secrets/journal/journal.js'
import type {KeepingStoreKind} from '../../secrets/stores.js'
import type {SecretStore} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {nameLock, tokenLock} from './lock.js'

/** Cloudflare's limit for a service token's name. */
export const TOKEN_NAME_LIMIT = 350

/** The name of a token whose secret is not safe yet. No other token can have it. */
export function unfinishedName({id, name}: JournalEntry): string {
  const suffix = `~zt-${id}`
  // Do not split a surrogate pair.
  return name.slice(0, TOKEN_NAME_LIMIT - suffix.length).replace(/[\uD800-\uDBFF]$/, '') + suffix
}

/** True for a name that {@link unfinishedName} makes. */
export function isUnfinishedName(name: string): boolean {
  return /~zt-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name)
}

/** A new entry, not yet written. */
export function newEntry(
  ctx: AccessContext,
  api: AccessApi,
  {
    id = randomUUID(),
    ...options
  }: Pick<JournalEntry, 'kind' | 'name' | 'token'> & {store: SecretStore['kind']; id?: string | undefined},
): JournalEntry {
  return {
    id,
    profile: ctx.profile,
    accountId: api.accountId ?? '',
    apiUrl: ctx.apiUrl,
    startedAt: nowText(ctx),
    ...options,
    store: options.store as KeepingStoreKind,
  }
}

export function nowText(ctx: AccessContext): string {
  return new Date(ctx.clock.now()).toISOString()
}

/** The name of an entry's lock. A rotation takes the lock of its token, as every change of a token does. */
export function lockOf({kind, accountId, name, token}: JournalEntry): string {
  return kind === 'rotate' && token ? tokenLock(accountId, token.id) : nameLock(accountId, name)
}

/** How many entries of this profile no living process works on: `token recover` settles them. */
export async function countUnfinished(ctx: AccessContext): Promise<number> {
  const {entries} = await ctx.journal.list()
  const own = entries.filter(({profile}) => profile === ctx.profile)
  const held = await Promise.all(own.map((entry) => ctx.locks.isHeld(lockOf(entry))))
  return held.filter((isHeld) => !isHeld).length
}

/** The run that has begun with a service token and is not settled: one that creates it, or rotates its secret. */
export async function unfinishedOf(
  ctx: AccessContext,
  {id, name}: {id: string; name: string},
): Promise<JournalEntry | undefined> {
  const [{entries}, index] = [await ctx.journal.list(), await ctx.index.list(ctx.profile)]
  const operation = index.find(({tokenId}) => tokenId === id)?.operation
  return entries.find(
    (entry) =>
      isOpen(entry) &&
      (entry.kind === 'rotate'
        ? entry.token?.id === id
        : entry.id === operation || unfinishedName(entry) === name),
  )
}

/** An entry that was not sent, or has ended, has only files left: nothing that could conflict. */
function isOpen({sentAt, endedAt}: JournalEntry): boolean {
  return sentAt !== undefined && endedAt === undefined
}

/**
 * Refuses to begin while an earlier run of the same kind is unfinished. Called with the lock held, so no living process
 * works on what the journal lists.
 *
 * @throws UserError `conflict` / `OPERATION_PENDING`
 */
export async function refuseUnfinished(
  ctx: AccessContext,
  matches: (entry: JournalEntry) => boolean,
): Promise<void> {
  const {entries} = await ctx.journal.list()
  const unfinished = entries.find((entry) => entry.profile === ctx.profile && isOpen(entry) && matches(entry))
  if (unfinished) throw notSettled(ctx, unfinished)
}

/** The error of an earlier run that must be settled first. */
export function notSettled(ctx: AccessContext, unfinished: JournalEntry): UserError {
  const what = unfinished.kind === 'create' ? 'creation' : 'rotation'
  const {profile} = unfinished
  return new UserError({
    kind: 'conflict',
    code: 'OPERATION_PENDING',
    message: `An earlier ${what} of "${unfinished.name}" was interrupted and is not settled`,
    why: `It began at ${unfinished.startedAt}. Nothing was changed now.`,
    next: [ztCommand(profile === ctx.profile ? ctx : {profile, profileNamed: true}, 'token', 'recover')],
    details: {operation: unfinished.id},
  })
}
