import type {AccessApi, ServiceToken} from '../../api/types.js'
import {parseGrace} from '../../core/duration.js'
import {OUTCOME_UNKNOWN, UserError} from '../../core/errors.js'
import type {JournalEntry} from '../../secrets/journal/journal.js'
import {readCredentials, saveCredentials} from '../../secrets/credentials.js'
import {requireReady} from '../../secrets/stores.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import type {SecretStore, StoredCredentials} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {requireMeant, resolveToken} from '../account/resolve.js'
import {repeatable} from './confirmed-changes.js'
import {newEntry, refuseUnfinished} from './journal-entries.js'
import {withTokenLock} from './lock.js'
import {endPrevious, revertToPrevious, serverNow, tokenEnd} from './previous-secret.js'
import {Rotation} from './rotation.js'

export interface RotatedToken {
  token: ServiceToken
  store: Pick<SecretStore, 'kind' | 'label'>
  /** When the previous secret ends (ISO 8601, the server's time); undefined: it has ended. */
  previousUntil: string | undefined
  /** Whether this machine had the previous secret, and keeps it until then. */
  previousKept: boolean
  warnings: string[]
}

/** A clock that is off by more is worth a warning: recorded times are then hard to compare. */
const SKEW_WARNING_MS = 60_000
/** No working clocks differ by more: certificates would not be valid. */
const MOST_SKEW_DAYS = 31
/** How long the previous secret works without a grace period: until the new one is stored, or its loss is undone. */
const CHANGEOVER_MS = 15 * 60_000

/**
 * Gives a service token a new secret. During the grace period both work, and the store holds both. An interrupted
 * rotation is in the journal: with the new secret in the spool, or, if its answer was lost, with the way back.
 *
 * @param options.grace a duration, or `0`: the present secret ends as soon as the new one is stored. At most 30 days,
 *   as in the dashboard
 * @throws UserError `not-found`; `usage` / `BAD_GRACE`; `conflict` / `ROTATION_UNDER_WAY`, `NO_OVERLAP`,
 *   `OPERATION_PENDING`, `TOKEN_BUSY`, `ROTATED_TWICE`; `needs-action` / `ROTATION_PENDING`; ApiError
 */
export async function rotateServiceToken(
  ctx: AccessContext,
  options: {token: string; grace: string; dryRun?: boolean},
): Promise<RotatedToken> {
  const graceMs = parseGrace(options.grace) * 1000
  const api = await ctx.api()
  const found = await find(ctx, api, options.token)
  ctx.progress.step('Checking the secret store')
  const store = await (found.entry ? ctx.storeOf(found.entry.store) : ctx.store())
  const warning = await requireReady(store, {write: true})
  const {id, clientId} = found.token
  return withTokenLock(ctx, id, async () => {
    await refuseUnfinished(ctx, (other) => other.kind === 'rotate' && other.token?.id === id)
    const token = await api.getServiceToken(id)
    requireMeant(ctx, 'token', found.token, options.token, token)
    const known = store.readable && found.entry ? await readCredentials(store, id) : undefined
    refuseAbsurdClock(api)
    refuseCuttingOff(ctx, token, known, {graceMs, now: serverNow(ctx, api)})
    const keepsPrevious = graceMs > 0
    const overlapMs = keepsPrevious ? graceMs : CHANGEOVER_MS
    const previousUntil = new Date(serverNow(ctx, api) + overlapMs).toISOString()
    const entry: JournalEntry = {
      ...newEntry(ctx, api, {
        kind: 'rotate',
        name: token.name,
        token: {id, clientId, updatedAt: token.updatedAt, secretVersion: token.secretVersion},
        store: store.kind,
      }),
      previousUntil,
      endsPrevious: !keepsPrevious,
    }
    const warnings = [...(warning === undefined ? [] : [warning]), ...clockWarning(api)]
    if (!options.dryRun) {
      const rotation = new Rotation(ctx, api, store, entry, {known, keepsPrevious})
      const run = await rotation.run()
      warnings.push(...run.warnings, ...rotation.report(run.seen))
    }
    return {
      token,
      store: {kind: store.kind, label: store.label},
      previousUntil: keepsPrevious ? previousUntil : undefined,
      previousKept: keepsPrevious && known !== undefined,
      warnings,
    }
  })
}

export interface FinishedRotation {
  token: ServiceToken
  /** False if this machine knows of no rotation in its grace period. */
  changed: boolean
}

/** Ends the grace period now: the previous secret stops working. */
export async function finishRotation(
  ctx: AccessContext,
  options: {token: string; dryRun?: boolean},
): Promise<FinishedRotation> {
  return withStored(ctx, options.token, async ({api, token, store, entry, current}) => {
    if (!current.previous) return {token, changed: false}
    if (options.dryRun) return {token, changed: true}
    ctx.progress.step('Ending the previous secret')
    await repeatable(ctx, again(ctx, token, '--finish'), async () => {
      await endPrevious(ctx, api, token)
      await saveCredentials(store, token.id, {...current, previous: undefined})
      await ctx.index.put({...entry, previousUntil: undefined})
    })
    return {token, changed: true}
  })
}

export interface UndoneRotation {
  token: ServiceToken
  /** How long the previous secret works now. */
  until: string
}

/**
 * Takes a rotation back during its grace period: the previous secret then works as long as the token does, and zt uses
 * it again. Cloudflare cannot forget the newer one; this machine does.
 *
 * @throws UserError `conflict` / `NO_ROTATION`, `ROTATION_TOO_OLD`
 */
export async function undoRotation(
  ctx: AccessContext,
  options: {token: string; dryRun?: boolean},
): Promise<UndoneRotation> {
  return withStored(ctx, options.token, async ({api, token, store, current}) => {
    const {previous} = current
    if (!previous)
      throw new UserError({
        kind: 'conflict',
        code: 'NO_ROTATION',
        message: `No rotation of "${token.name}" can be undone`,
        why: 'The store has no previous secret for it.',
        next: [ztCommand(ctx, 'token', 'show', token)],
      })
    if (Date.parse(previous.until) <= serverNow(ctx, api))
      throw new UserError({
        kind: 'conflict',
        code: 'ROTATION_TOO_OLD',
        message: `The rotation of "${token.name}" can no longer be undone`,
        why: `The previous secret ended at ${previous.until}.`,
        next: [ztCommand(ctx, 'token', 'rotate', token, '--finish')],
      })
    const until = tokenEnd(ctx, token)
    if (options.dryRun) return {token, until}
    ctx.progress.step('Going back to the previous secret')
    const {clientId} = token
    await repeatable(ctx, again(ctx, token, '--undo'), () =>
      revertToPrevious(ctx, api, store, token, {clientId, clientSecret: previous.clientSecret}),
    )
    return {token, until}
  })
}

/** How to go on if a signal interrupts the change. */
function again(ctx: AccessContext, token: ServiceToken, flag: '--finish' | '--undo') {
  return {why: OUTCOME_UNKNOWN, next: [ztCommand(ctx, 'token', 'rotate', token, flag)]}
}

interface Stored {
  api: AccessApi
  token: ServiceToken
  store: SecretStore
  entry: IndexEntry
  current: StoredCredentials
}

/** Works on a token whose secret is on this machine, under its lock. */
async function withStored<T>(
  ctx: AccessContext,
  wanted: string,
  run: (stored: Stored) => Promise<T>,
): Promise<T> {
  const api = await ctx.api()
  const {token, entry} = await find(ctx, api, wanted)
  if (!entry) throw notHere(ctx, token)
  const store = await ctx.storeOf(entry.store)
  await requireReady(store, {write: true})
  return withTokenLock(ctx, token.id, async () => {
    await refuseUnfinished(ctx, (other) => other.kind === 'rotate' && other.token?.id === token.id)
    const current = await readCredentials(store, token.id)
    if (!current) throw notHere(ctx, token)
    return run({api, token, store, entry, current})
  })
}

async function find(
  ctx: AccessContext,
  api: AccessApi,
  wanted: string,
): Promise<{token: ServiceToken; entry: IndexEntry | undefined}> {
  ctx.progress.step('Reading the service token')
  const [tokens, entries] = await Promise.all([api.listServiceTokens(), ctx.index.list(ctx.profile)])
  const token = resolveToken(ctx, wanted, tokens)
  return {token, entry: entries.find(({tokenId}) => tokenId === token.id)}
}

/** Cloudflare's clock decides when a secret ends. If the two clocks are far apart, one of them is useless. */
function refuseAbsurdClock(api: AccessApi): void {
  const days = Math.round(Math.abs(api.clockAhead() ?? 0) / (24 * 3600_000))
  if (days <= MOST_SKEW_DAYS) return
  throw new UserError({
    kind: 'needs-action',
    code: 'CLOCKS_DISAGREE',
    message: `The clocks of this machine and Cloudflare are ${days} days apart`,
    why: 'zt cannot tell when a secret would end. Nothing was changed.',
    next: ['Set the clock of this machine, then run the command again'],
  })
}

function clockWarning(api: AccessApi): string[] {
  const ahead = api.clockAhead() ?? 0
  if (Math.abs(ahead) < SKEW_WARNING_MS) return []
  const minutes = Math.round(Math.abs(ahead) / 60_000)
  return [
    `This machine's clock is ${minutes} min ${ahead > 0 ? 'behind' : 'ahead of'} Cloudflare's; times are given by Cloudflare's clock`,
  ]
}

/** Cloudflare keeps one previous secret: another rotation ends it at once. */
function refuseCuttingOff(
  ctx: AccessContext,
  token: ServiceToken,
  current: StoredCredentials | undefined,
  {graceMs, now}: {graceMs: number; now: number},
): void {
  const until = current?.previous?.until
  if (until !== undefined && Date.parse(until) > now) {
    throw new UserError({
      kind: 'conflict',
      code: 'ROTATION_UNDER_WAY',
      message: `"${token.name}" is still in the grace period of its last rotation`,
      why: `The previous secret works until ${until}. Another rotation would end it at once, for everyone who still uses it.`,
      next: [
        ztCommand(ctx, 'token', 'rotate', token, '--finish'),
        ztCommand(ctx, 'token', 'rotate', token, '--undo'),
      ],
      details: {tokenId: token.id, previousUntil: until},
    })
  }
  if (current?.superseded && graceMs > 0) {
    throw new UserError({
      kind: 'conflict',
      code: 'NO_OVERLAP',
      message: `"${token.name}" cannot be rotated with a grace period now`,
      why: 'Its last rotation was undone, so for Cloudflare the secret in use is the previous one. Another rotation ends it at once.',
      next: [
        ztCommand(ctx, 'token', 'rotate', token, '--grace', '0'),
        'Or create another service token, and revoke this one when nothing uses it',
      ],
      details: {tokenId: token.id},
    })
  }
}

/** No store of this machine has the secret of a token. */
export function notHere(ctx: AccessContext, token: ServiceToken): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'SECRET_NOT_HERE',
    message: `The secret of "${token.name}" is not on this machine`,
    why: `Profile ${ctx.profile} has no secret for it.`,
    next: [ztCommand(ctx, 'token', 'import', token)],
    details: {tokenId: token.id},
  })
}
