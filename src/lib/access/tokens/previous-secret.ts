import type {AccessApi, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {saveCredentials} from '../../secrets/credentials.js'
import type {SecretStore, ServiceCredentials} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {eventually} from '../account/outcome.js'
import {persistently} from './confirmed-changes.js'

/** The Date header has whole seconds, and an answer takes a while: less than this is no difference. */
const SKEW_NOISE_MS = 2000
/** Cloudflare needs an end for a previous secret: for a token without one, later than anyone will use it. */
const FOREVER_MS = 100 * 365 * 24 * 3600_000
const SOON_ENDED_MS = 60_000
/** Cloudflare's times have whole seconds, and come from another of its clocks than the Date header. */
const SHOWS_AFTER_MS = 1500
/** An answer that was on its way for longer says too little of the time to wait for it. */
const LONGEST_WAIT_MS = 10_000

/** The time by Cloudflare's clock, which decides when a secret ends. */
export function serverNow(ctx: AccessContext, api: AccessApi): number {
  const ahead = api.clockAhead() ?? 0
  return ctx.clock.now() + (Math.abs(ahead) < SKEW_NOISE_MS ? 0 : ahead)
}

/** No later than the time by Cloudflare's clock: the Date header has whole seconds, and has been on its way. */
function earliestServerNow(ctx: AccessContext, api: AccessApi): number {
  return ctx.clock.now() + (api.clockAhead() ?? -SKEW_NOISE_MS)
}

/** When the token itself ends. */
export function tokenEnd(ctx: AccessContext, token: ServiceToken): string {
  return token.expiresAt ?? new Date(ctx.clock.now() + FOREVER_MS).toISOString()
}

/**
 * Ends the previous secret at Cloudflare.
 *
 * @param token as it was read last
 * @throws UserError `conflict` / `CHANGE_NOT_SEEN`; ApiError
 */
export async function endPrevious(ctx: AccessContext, api: AccessApi, token: ServiceToken): Promise<void> {
  // In the past by both clocks: a Date header that is ahead of the truth must not keep it alive.
  const now = Math.min(serverNow(ctx, api), ctx.clock.now())
  await setPreviousEnd(ctx, api, token, new Date(now - SOON_ENDED_MS).toISOString())
}

/**
 * Extends the previous secret to the end of the token, and makes it the one that the store holds.
 *
 * @param token as it was read last
 * @param previous undefined where this machine does not have it
 * @throws UserError `conflict` / `CHANGE_NOT_SEEN`: the store is unchanged; ApiError
 */
export async function revertToPrevious(
  ctx: AccessContext,
  api: AccessApi,
  store: SecretStore,
  token: ServiceToken,
  previous: ServiceCredentials | undefined,
): Promise<void> {
  await setPreviousEnd(ctx, api, token, tokenEnd(ctx, token))
  if (!previous) return
  const {clientId, clientSecret} = previous
  await saveCredentials(store, token.id, {clientId, clientSecret, superseded: true})
  // It works for as long as the token, although Cloudflare counts a newer one.
  const entries = await ctx.index.list(ctx.profile)
  const entry = entries.find(({tokenId}) => tokenId === token.id)
  if (entry) await ctx.index.put({...entry, previousUntil: undefined, secretVersion: undefined})
}

/**
 * Cloudflare does not show when the previous secret ends. That the token was changed at all shows in the time of its
 * last change; where that is missing, only the answer counts.
 */
async function setPreviousEnd(
  ctx: AccessContext,
  api: AccessApi,
  before: ServiceToken,
  until: string,
): Promise<void> {
  // Only a change in a later second than the last one shows.
  const was = Date.parse(before.updatedAt ?? '')
  const left = SHOWS_AFTER_MS - (earliestServerNow(ctx, api) - was)
  if (was % 1000 === 0 && left > 0 && left <= LONGEST_WAIT_MS) await ctx.sleep(left)
  const sentAt = earliestServerNow(ctx, api)
  await persistently(ctx, api, before.id, {previous_client_secret_expires_at: until})
  const now = await eventually(
    ctx,
    () => api.getServiceToken(before.id),
    (token) => !isUnmoved(before, token, sentAt),
  )
  if (!isUnmoved(before, now, sentAt)) return
  throw new UserError({
    kind: 'conflict',
    code: 'CHANGE_NOT_SEEN',
    message: `zt cannot confirm that the service token "${now.name}" was changed`,
    why: 'Cloudflare answered that it was, but still shows it as it was. It is not known when the previous secret ends.',
    next: ['Run the command again', ztCommand(ctx, 'token', 'show', before)],
    details: {tokenId: before.id},
  })
}

/** Whether a token shows no change since it was read. A time in whole seconds hides a change in the same second. */
function isUnmoved({clientId, updatedAt}: ServiceToken, now: ServiceToken, sentAt: number): boolean {
  if (now.clientId !== clientId) return true
  if (updatedAt === undefined || now.updatedAt === undefined) return false
  const was = Date.parse(updatedAt)
  if (Date.parse(now.updatedAt) !== was) return Date.parse(now.updatedAt) < was
  return was % 1000 !== 0 || Math.abs(sentAt - was) >= SHOWS_AFTER_MS
}
