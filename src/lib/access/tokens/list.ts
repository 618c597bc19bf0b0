import type {AccessApi, ListQuery, Page, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import {ztCommand} from '../../core/command-line.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'
import {withProgress} from '../account/listing.js'
import {isUnfinishedName, TOKEN_NAME_LIMIT} from './journal-entries.js'
import {resolveToken} from '../account/resolve.js'

/**
 * A valid name for a service token, trimmed. The prompts use it too.
 *
 * @param usage the command line to suggest
 * @throws UserError `usage` / `BAD_TOKEN_NAME`
 */
export function checkTokenName(text: string, usage = 'zt token create NAME'): string {
  const name = text.trim()
  const bad = (message: string, why: string): UserError =>
    new UserError({kind: 'usage', code: 'BAD_TOKEN_NAME', message, why, next: [usage]})
  if (name === '') throw bad('The name is empty', 'Commands refer to a service token by its name.')
  if (name.length > TOKEN_NAME_LIMIT) {
    throw bad(
      `The name is too long: ${name.length} characters`,
      `Cloudflare accepts at most ${TOKEN_NAME_LIMIT}.`,
    )
  }
  if (/\p{Cc}/u.test(name)) {
    throw bad('The name has control characters', 'They are hard to type, and a terminal would act on them.')
  }
  if (isUnfinishedName(name)) {
    throw bad(
      'The name has an ending that zt uses itself',
      'A name that ends in ~zt- and a UUID marks an unfinished token, which zt token recover finds by it.',
    )
  }
  return name
}

/** Another token has that name. */
export function nameTaken(ctx: AccessContext, taken: ServiceToken): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'TOKEN_NAME_TAKEN',
    message: `There is already a service token called "${taken.name}"`,
    why: `Its ID is ${taken.id}. Cloudflare would accept a second one, but they would be hard to tell apart.`,
    next: [ztCommand(ctx, 'token', 'show', taken.id), 'Choose another name'],
    details: {tokenId: taken.id},
  })
}

/** A service token and what this machine knows about it. */
export interface KnownToken {
  token: ServiceToken
  /** Which store of this machine has its secret; undefined: none. */
  store: IndexEntry['store'] | undefined
  /** When the previous secret ends (ISO 8601), as far as this machine knows. */
  previousUntil: string | undefined
  /** Cloudflare's number of the secret that this machine has, as far as it is known. */
  storedVersion: number | undefined
  /** Whether it came from a person: the number was then the current one, and it may be another secret. */
  imported: boolean
  /** Hosts for which this profile uses it. */
  hosts: string[]
  status: 'active' | 'disabled' | 'expired'
}

/** Which service tokens are listed; all that is given must hold. The API does not know these filters. */
export interface TokenFilter {
  expired?: boolean | undefined
  /** Those that end within this many seconds, and have not ended yet. */
  expiringSeconds?: number | undefined
  disabled?: boolean | undefined
  /** Those that Cloudflare has never seen. */
  unused?: boolean | undefined
}

/** The service tokens of the account or zone, page by page in the API's order. */
export async function* streamServiceTokens(
  ctx: AccessContext,
  {limit, ...query}: ListQuery = {},
  filter: TokenFilter = {},
): AsyncGenerator<Page<KnownToken>> {
  const api = await ctx.api()
  const known = await knowledge(ctx, api)
  const now = (): number => cloudflareNow(ctx, api)
  const all = Object.values(filter).every((wanted) => wanted === undefined || wanted === false)
  const pages = withProgress(
    ctx,
    'Listing the service tokens',
    api.serviceTokens(all ? {...query, limit} : query),
  )
  let left = limit ?? Infinity
  for await (const {items, total} of pages) {
    if (all) yield {items: items.map(known), total}
    else {
      const wanted = items
        .map(known)
        .filter((one) => matches(one, filter, now()))
        .slice(0, left)
      left -= wanted.length
      yield {items: wanted, total: undefined}
      if (left === 0) return
    }
  }
}

function matches({token, status}: KnownToken, filter: TokenFilter, now: number): boolean {
  const {expired, expiringSeconds, disabled, unused} = filter
  const left = token.expiresAt === undefined ? Infinity : Date.parse(token.expiresAt) - now
  return (
    (expired !== true || left <= 0) &&
    (expiringSeconds === undefined || (left > 0 && left <= expiringSeconds * 1000)) &&
    (disabled !== true || status === 'disabled') &&
    (unused !== true || token.lastSeenAt === undefined)
  )
}

/** All service tokens of the account or zone, by name. */
export async function listServiceTokens(ctx: AccessContext): Promise<KnownToken[]> {
  const api = await ctx.api()
  ctx.progress.step('Listing the service tokens')
  const [tokens, known] = await Promise.all([api.listServiceTokens(), knowledge(ctx, api)])
  return tokens.map(known).sort((a, b) => a.token.name.localeCompare(b.token.name))
}

/** One service token, by name, ID or client ID. */
export async function showServiceToken(ctx: AccessContext, wanted: string): Promise<KnownToken> {
  const api = await ctx.api()
  ctx.progress.step('Reading the service token')
  const [tokens, known] = await Promise.all([api.listServiceTokens(), knowledge(ctx, api)])
  return known(resolveToken(ctx, wanted, tokens))
}

/** Reads what this machine knows about the service tokens of the profile, to be asked once the API has answered. */
export async function knowledge(
  ctx: AccessContext,
  api: Pick<AccessApi, 'clockAhead'>,
): Promise<(token: ServiceToken) => KnownToken> {
  const [entries, bindings] = await Promise.all([
    ctx.index.list(ctx.profile),
    ctx.index.bindings(ctx.profile),
  ])
  const entryOf = new Map(entries.map((entry) => [entry.tokenId, entry]))
  return (token) => {
    const now = cloudflareNow(ctx, api)
    const entry = entryOf.get(token.id)
    const until = entry?.previousUntil
    return {
      token,
      store: entry?.store,
      previousUntil: until !== undefined && Date.parse(until) > now ? until : undefined,
      storedVersion: entry?.secretVersion,
      imported: entry?.imported ?? false,
      hosts: bindings.filter(({tokenId}) => tokenId === token.id).map(({host}) => host),
      status: tokenStatus(token, now),
    }
  }
}

/** Whether a token can open anything now. */
export function tokenStatus(token: ServiceToken, now: number): KnownToken['status'] {
  if (!token.enabled) return 'disabled'
  return token.expiresAt !== undefined && Date.parse(token.expiresAt) <= now ? 'expired' : 'active'
}
