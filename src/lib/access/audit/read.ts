import type {AccessApi, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {rightsOf} from '../../policy/rights.js'
import {trapsOf} from '../../policy/traps.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import {askEach} from '../account/ask-each.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'
import {readWholeAccount} from '../account/whole-account.js'
import {KEPT_DAYS} from '../activity/record.js'
import {readUsage} from '../activity/usage.js'
import {tokenStatus} from '../tokens/list.js'
import {auditOf} from './audit.js'
import type {Audit, AuditFacts} from './types.js'
import {DAY_MS} from './use-record.js'

/** Audits what {@link readAuditFacts} reads. @throws as that */
export async function auditTokens(ctx: AccessContext, options: AuditWindows): Promise<Audit> {
  return auditOf(await readAuditFacts(ctx, options))
}

export interface AuditWindows {
  /** A token that ends within this time is expiring. */
  expiringSeconds: number
  /** A token or right that was not used for this time is unused. */
  unusedSeconds: number
}

/**
 * Reads the service tokens of the account with its zones, or of one zone, their secrets on this machine, what they are allowed, and what they
 * used. What the API token may not read is left out, and the facts say so.
 *
 * @throws ApiError `permission` if it may not list the service tokens
 */
export async function readAuditFacts(ctx: AccessContext, options: AuditWindows): Promise<AuditFacts> {
  const api = await ctx.api()
  const [{rules: account, tokens, zones, unread, warnings}, entries] = await Promise.all([
    readWholeAccount(ctx, {allNeeded: false}),
    ctx.index.list(ctx.profile),
  ])
  const now = cloudflareNow(ctx, api)
  const stored = entries.filter(({accountId}) => accountId === api.accountId)
  const gone = await withoutToken(ctx, api, stored, tokens)
  const unusedMs = options.unusedSeconds * 1000
  const seconds = Math.min(options.unusedSeconds, (KEPT_DAYS * DAY_MS) / 1000)
  const usage = await readUsage(ctx, {seconds})
  return {
    now,
    accountId: api.accountId,
    expiringMs: options.expiringSeconds * 1000,
    unusedMs,
    account,
    unread,
    zones: {of: (id) => api.zoneId ?? zones.get(id)?.name, unread: warnings},
    tokens,
    stored,
    gone,
    usage,
    rights: rightsOf(account, tokens),
    // Rules of a zone may name tokens of the account, which are not read with --zone.
    traps: trapsOf(
      account,
      api.zoneId === undefined ? tokens.map((one) => ({...one, status: tokenStatus(one, now)})) : undefined,
    ),
    say: ctx,
  }
}

const LOOKING = 'Looking for service tokens of zones'

/** The secrets here whose token is neither the account's nor a zone's. */
export async function withoutToken(
  ctx: AccessContext,
  api: AccessApi,
  stored: readonly IndexEntry[],
  tokens: readonly ServiceToken[],
): Promise<AuditFacts['gone']> {
  if (api.zoneId !== undefined) return 'The secrets here may be of service tokens outside this zone.'
  let left = without(stored, tokens)
  if (left.length === 0) return []
  ctx.progress.step(LOOKING)
  try {
    await askEach(api, await api.listZones(), {
      doing: LOOKING,
      progress: ctx.progress,
      goesOn: () => left.length > 0,
      async ask({id}) {
        const own = await api.inZone(id).listServiceTokens()
        left = without(left, own)
      },
    })
  } catch (error) {
    if (!(error instanceof UserError) || error.kind !== 'permission') throw error
    return 'The secrets here may be of service tokens of zones, which the API token may not list.'
  }
  return left
}

function without(stored: readonly IndexEntry[], tokens: readonly ServiceToken[]): IndexEntry[] {
  const ids = new Set(tokens.map(({id}) => id))
  return stored.filter(({tokenId}) => !ids.has(tokenId))
}
