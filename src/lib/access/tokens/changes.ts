import type {AccessApi, ServiceToken} from '../../api/types.js'
import {parseTokenDuration} from '../../core/duration.js'
import {type ApiError, OUTCOME_UNKNOWN, UserError} from '../../core/errors.js'
import {tidy} from '../../core/tidy.js'
import {ztCommand} from '../../core/command-line.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'
import {said} from '../../core/said.js'
import {repeatable} from './confirmed-changes.js'
import {isUnfinishedName} from './journal-entries.js'
import {eventually, mayBeDone} from '../account/outcome.js'
import {requireMeant, resolveToken} from '../account/resolve.js'
import {nameLock, withLock, withTokenLock} from './lock.js'
import {checkTokenName, knowledge, nameTaken, type KnownToken} from './list.js'

/** The result of a change to a service token. */
export interface TokenChange {
  /** False: nothing differed, or this was a dry run. */
  changed: boolean
  dryRun: boolean
  /** Whether there was something to change. */
  differs: boolean
  before: ServiceToken
  /** In a dry run: as it would be. */
  after: KnownToken
}

const DAY_MS = 24 * 3600 * 1000
const YEAR_MS = 365 * 24 * 3600 * 1000
/** Ends that differ by less are the same: the server's time is known in whole seconds. */
const NOTICED_MS = 60 * 1000
/** How much two clocks and a slow answer may differ. */
const TOLERANCE_MS = 10 * 60 * 1000

/**
 * Extends a service token by a year, or sets its end to `duration` from now. Its secret stays.
 *
 * @param options.confirm called before the token's end moves earlier; throws to refuse
 * @throws UserError `not-found`, `ambiguous`, `usage` / `BAD_DURATION`, `conflict` / `TOKEN_BUSY`, `TOKEN_CHANGED`; ApiError
 */
export async function refreshToken(
  ctx: AccessContext,
  options: {
    token: string
    duration?: string | undefined
    dryRun?: boolean
    confirm?: ((shorter: {token: ServiceToken; until: string}) => Promise<void>) | undefined
  },
): Promise<TokenChange & {earlier: boolean}> {
  const duration = options.duration === undefined ? undefined : parseTokenDuration(options.duration)
  const {dryRun = false} = options
  const {api, token: seen} = await find(ctx, options.token)
  const now = cloudflareNow(ctx, api)
  const end = (token: ServiceToken): number =>
    token.duration === 'forever' || token.expiresAt === undefined ? Infinity : Date.parse(token.expiresAt)
  const newEnd = (token: ServiceToken): number => {
    if (duration) return duration.seconds === undefined ? Infinity : now + duration.seconds * 1000
    return Math.max(now, end(token)) + YEAR_MS
  }
  const earlier = end(seen) - newEnd(seen) > NOTICED_MS
  if (earlier && !dryRun) await options.confirm?.({token: seen, until: iso(newEnd(seen)) ?? 'never'})
  let before = seen
  const change = await changeToken(ctx, api, seen.id, dryRun, {
    step: 'Extending the service token',
    mayChange: ['duration', 'expiresAt'],
    wanted(token) {
      // A shortening was confirmed for the end that was seen. Lengthening takes nothing away.
      const shortens = end(token) - newEnd(token) > NOTICED_MS
      if (shortens && end(token) !== end(seen)) throw changedMeanwhile(ctx, token)
      before = token
      if (token.duration === 'forever' && (!duration || duration.api === 'forever')) return undefined
      return {expiresAt: iso(newEnd(token)), ...(duration && {duration: duration.api})}
    },
    about: ['expiresAt'],
    send: (id) =>
      duration ? api.updateServiceToken(id, {duration: duration.api}) : api.refreshServiceToken(id),
    isDone: (token) =>
      duration
        ? Math.abs(end(token) - newEnd(before)) < TOLERANCE_MS || end(token) === newEnd(before)
        : // Cloudflare may count from now or from its end, in days or by the calendar, but only one year.
          end(token) > end(before) && end(token) - newEnd(before) < 2 * DAY_MS,
  })
  return {...change, earlier}
}

/**
 * Renames a service token. Rules refer to it by its ID, so nothing else changes.
 *
 * @throws UserError `usage` / `BAD_TOKEN_NAME`, `not-found`, `ambiguous`, `conflict` / `TOKEN_NAME_TAKEN`, `TOKEN_UNFINISHED`,
 *   `TOKEN_BUSY`; ApiError
 */
export async function renameToken(
  ctx: AccessContext,
  options: {token: string; name: string; dryRun?: boolean},
): Promise<TokenChange> {
  const name = checkTokenName(options.name, 'zt token rename NAME NEWNAME')
  const {api, token} = await find(ctx, options.token)
  return changeToken(ctx, api, token.id, options.dryRun ?? false, {
    step: 'Renaming the service token',
    mayChange: [],
    wanted(before, all) {
      if (isUnfinishedName(before.name)) throw unfinished(ctx, before)
      const taken = all.find((other) => other.id !== before.id && other.name === name)
      if (taken) throw nameTaken(ctx, taken)
      return before.name === name ? undefined : {name}
    },
    about: ['name'],
    send: (id) => api.updateServiceToken(id, {name}),
    isDone: (after) => after.name === name,
    // Only one command at a time may take a name: a create holds the same lock.
    within: (run) => withLock(ctx, nameLock(api.accountId, name), run),
  })
}

/**
 * Enables or disables a service token. While it is disabled, neither its secret nor its previous one opens anything.
 *
 * @throws UserError `not-found`, `ambiguous`, `conflict` / `TOKEN_BUSY`; ApiError
 */
export async function setTokenEnabled(
  ctx: AccessContext,
  options: {token: string; enabled: boolean; dryRun?: boolean},
): Promise<TokenChange> {
  const {enabled} = options
  const {api, token} = await find(ctx, options.token)
  return changeToken(ctx, api, token.id, options.dryRun ?? false, {
    step: enabled ? 'Enabling the service token' : 'Disabling the service token',
    mayChange: [],
    wanted(before) {
      // Its secret may not be stored yet.
      if (enabled && isUnfinishedName(before.name)) throw unfinished(ctx, before)
      return before.enabled === enabled ? undefined : {enabled}
    },
    about: ['enabled'],
    send: (id) => api.updateServiceToken(id, {enabled}),
    isDone: (after) => after.enabled === enabled,
  })
}

interface Wish {
  step: string
  /** Fields whose new value the server decides. */
  mayChange: (keyof ServiceToken)[]
  /** The fields to change; undefined: nothing. Throws when they cannot be changed. */
  wanted: (token: ServiceToken, all: readonly ServiceToken[]) => Partial<ServiceToken> | undefined
  send: (id: string) => Promise<ServiceToken>
  /** The fields to change, for people. */
  about: string[]
  /** Whether the change was made exactly once. */
  isDone: (token: ServiceToken) => boolean
  /** Holds a further lock while it runs. */
  within?: (run: () => Promise<TokenChange>) => Promise<TokenChange>
}

async function find(ctx: AccessContext, wanted: string): Promise<{api: AccessApi; token: ServiceToken}> {
  const api = await ctx.api()
  ctx.progress.step('Reading the service token')
  const token = resolveToken(ctx, wanted, await api.listServiceTokens())
  requireMeant(ctx, 'token', token, wanted, await api.getServiceToken(token.id))
  return {api, token}
}

async function changeToken(
  ctx: AccessContext,
  api: AccessApi,
  id: string,
  dryRun: boolean,
  wish: Wish,
): Promise<TokenChange> {
  const run = async (): Promise<TokenChange> => {
    const all = await api.listServiceTokens()
    // If it was deleted since, the error is the same as for a token that never existed.
    const before = resolveToken(ctx, id, all)
    const wanted = wish.wanted(before, all)
    let after = {...before, ...wanted}
    if (wanted && !dryRun) {
      ctx.progress.step(wish.step)
      const left = {why: OUTCOME_UNKNOWN, next: [ztCommand(ctx, 'token', 'show', before)]}
      after = await repeatable(ctx, left, () => send(ctx, api, before, wish))
    }
    // Also without a change: an earlier run may have been interrupted before this.
    if (!dryRun) {
      await tidy(
        `The index entry of "${after.name}" could not be updated`,
        () => updateIndex(ctx, after),
        (text) => {
          ctx.warn?.(text)
        },
      )
    }
    if (wanted && !dryRun) {
      refuseOtherChanges(ctx, {...before, ...wanted}, after, wish.mayChange)
      if (!wish.isDone(after)) throw notAsExpected(ctx, after, wish.about)
    }
    const known = await knowledge(ctx, api)
    const differs = wanted !== undefined
    return {changed: differs && !dryRun, dryRun, differs, before, after: known(after)}
  }
  return dryRun ? run() : withTokenLock(ctx, id, () => wish.within?.(run) ?? run())
}

/** Sends the change once. The token itself shows whether it was made, whatever the answer was. */
async function send(
  ctx: AccessContext,
  api: AccessApi,
  before: ServiceToken,
  wish: Wish,
): Promise<ServiceToken> {
  let failure: ApiError | undefined
  try {
    const answered = await wish.send(before.id)
    // An answer about another pair is reported as it is.
    if (answered.clientId !== before.clientId) return answered
  } catch (error) {
    if (!mayBeDone(error)) throw error
    failure = error
  }
  const look = (): Promise<ServiceToken> => api.getServiceToken(before.id)
  // After a refusal, no request is on its way.
  const patient = failure === undefined || failure.outcomeUnknown
  let now: ServiceToken | undefined
  try {
    now = await (patient ? eventually(ctx, look, wish.isDone) : look())
  } catch (error) {
    // The answer said that the change was made; only the check failed.
    if (failure === undefined) throw notReadBack(ctx, before, error)
  }
  if (now && wish.isDone(now)) return now
  if (!failure) return now ?? before
  if (now && LOOKED_AT.some((field) => now[field] !== before[field])) return now
  if (!failure.outcomeUnknown) throw failure
  throw failure.with({
    why: `${failure.why ?? ''} ${now ? 'The service token, read again, is unchanged.' : 'The service token could not be read again.'}`.trim(),
    next: ['Run the command again', ...failure.next],
  })
}

function notReadBack(ctx: AccessContext, {id, name}: ServiceToken, error: unknown): unknown {
  if (!(error instanceof UserError)) return error
  return new UserError({
    kind: error.kind,
    code: 'TOKEN_NOT_READ_BACK',
    message: `Cloudflare answered that "${name}" was changed, but it could not be read back`,
    why: said(error),
    next: [ztCommand(ctx, 'token', 'show', id)],
    details: {tokenId: id},
    cause: error,
  })
}

/** Updates the index entries of a token in all profiles. */
async function updateIndex(ctx: AccessContext, {id, name, expiresAt}: ServiceToken): Promise<void> {
  for (const entry of await ctx.index.list()) {
    if (entry.tokenId !== id || (entry.name === name && entry.expiresAt === expiresAt)) continue
    await ctx.index.put({...entry, name, expiresAt})
  }
}

const LOOKED_AT = ['name', 'clientId', 'enabled', 'duration', 'expiresAt'] as const

/** A change of one field should leave the others alone. This makes sure. */
function refuseOtherChanges(
  ctx: AccessContext,
  expected: ServiceToken,
  after: ServiceToken,
  mayChange: (keyof ServiceToken)[],
): void {
  const wrong = LOOKED_AT.filter((field) => !mayChange.includes(field) && expected[field] !== after[field])
  if (wrong.length > 0) throw notAsExpected(ctx, after, wrong)
}

function notAsExpected(ctx: AccessContext, after: ServiceToken, wrong: readonly string[]): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'TOKEN_NOT_AS_EXPECTED',
    message: `The service token "${after.name}" was changed, but not as expected`,
    why: `Not as expected: ${wrong.join(', ')}. Someone else may have changed it at the same moment, or the request arrived twice or not at all.`,
    next: [ztCommand(ctx, 'token', 'show', after.id)],
    details: {tokenId: after.id, fields: wrong},
  })
}

/** The error of a token that has its name only until its secret is safe. */
export function unfinished(ctx: AccessContext, token: ServiceToken): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'TOKEN_UNFINISHED',
    message: `The service token "${token.name}" is unfinished`,
    why: 'It is being created, or its creation was interrupted. zt finds it by this name; with another name, its secret could be lost.',
    next: [ztCommand(ctx, 'token', 'recover')],
    details: {tokenId: token.id},
  })
}

function changedMeanwhile(ctx: AccessContext, token: ServiceToken): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'TOKEN_CHANGED',
    message: `"${token.name}" was just changed by someone else`,
    why: `It now expires: ${token.expiresAt ?? 'never'}. This command changed nothing.`,
    next: [ztCommand(ctx, 'token', 'show', token), 'Run the command again'],
    details: {tokenId: token.id},
  })
}

/** Undefined for never, and for times that no date can hold. */
function iso(time: number): string | undefined {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : undefined
}
