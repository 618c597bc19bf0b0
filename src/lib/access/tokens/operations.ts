import {randomUUID} from 'node:crypto'
import type {AccessApi, ServiceToken, ServiceTokenChange} from '../../api/types.js'
import {ApiError, UserError} from '../../core/errors.js'
import {saveCredentials} from '../../secrets/credentials.js'
import type {Operation, Spooled} from '../../secrets/journal/journal.js'
import type {KeepingStoreKind, SecretStore} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {eventually, isGone, mayBeDone, notDeleted} from '../account/outcome.js'
import {nameLock, tokenLock} from './lock.js'

/** Cloudflare's limit for a service token's name. */
export const NAME_LIMIT = 350
/**
 * How long after a request without an answer the account may still not show what came of it. Changes take up to about
 * 85 seconds to be enforced (reported); a list is not known to lag longer.
 */
export const SETTLE_MS = 5 * 60_000
const READY_ATTEMPTS = 3

/** The name that a token has until its secret is safe: nobody else's can be taken for it. */
export function unfinishedName({id, name}: Operation): string {
  const suffix = `~zt-${id}`
  // Not through the middle of a character of two units.
  return name.slice(0, NAME_LIMIT - suffix.length).replace(/[\uD800-\uDBFF]$/, '') + suffix
}

/** True for a name that {@link unfinishedName} makes. */
export function isUnfinishedName(name: string): boolean {
  return /~zt-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name)
}

/** A new operation, not yet written. */
export function newOperation(
  ctx: AccessContext,
  api: AccessApi,
  options: Pick<Operation, 'kind' | 'name' | 'token'> & {store: SecretStore['kind']},
): Operation {
  return {
    id: randomUUID(),
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

/** What the lock of an operation is called. A rotation has the lock of its token, as every change of one has. */
export function lockOf({kind, accountId, name, token}: Operation): string {
  return kind === 'rotate' && token ? tokenLock(accountId, token.id) : nameLock(accountId, name)
}

/** Those of this profile that no living process is at. */
export async function interrupted(ctx: AccessContext): Promise<Operation[]> {
  const {operations} = await ctx.journal.list()
  const own = operations.filter(({profile}) => profile === ctx.profile)
  const held = await Promise.all(own.map((operation) => ctx.locks.isHeld(lockOf(operation))))
  return own.filter((_, at) => !held[at])
}

/**
 * Called with the lock held: an operation of the same kind on the same thing that is in the journal was interrupted.
 *
 * @throws UserError `conflict` / `OPERATION_PENDING`
 */
export async function refusePending(
  ctx: AccessContext,
  is: (operation: Operation) => boolean,
): Promise<void> {
  const {operations} = await ctx.journal.list()
  const pending = operations.find(
    // Of what was not sent, or has ended, only files are left: that stands against nothing.
    (operation) =>
      operation.profile === ctx.profile &&
      operation.sentAt !== undefined &&
      operation.endedAt === undefined &&
      is(operation),
  )
  if (!pending) return
  const what = pending.kind === 'create' ? 'Creating' : 'Rotating'
  throw new UserError({
    kind: 'conflict',
    code: 'OPERATION_PENDING',
    message: `${what} "${pending.name}" was interrupted earlier, and is not settled`,
    why: `It began at ${pending.startedAt}. Nothing was changed now.`,
    next: [ztCommand(ctx, 'token', 'recover')],
    details: {operation: pending.id},
  })
}

/** Puts a spooled secret into its store, and the index in step with it. */
export async function keep(
  ctx: AccessContext,
  store: SecretStore,
  {accountId, name}: Pick<Operation, 'accountId' | 'name'>,
  spooled: Spooled,
): Promise<void> {
  const {tokenId, clientId, clientSecret, previous} = spooled
  await saveCredentials(store, tokenId, {clientId, clientSecret, previous})
  await indexSecret(ctx, store, {accountId, name}, spooled)
}

/** Puts the index in step with a spooled secret that is in its store. */
export async function indexSecret(
  ctx: AccessContext,
  store: SecretStore,
  {accountId, name}: Pick<Operation, 'accountId' | 'name'>,
  {tokenId, clientId, expiresAt, previous}: Spooled,
): Promise<void> {
  await ctx.index.put({
    tokenId,
    clientId,
    name,
    profile: ctx.profile,
    accountId,
    store: store.kind as KeepingStoreKind,
    storedAt: nowText(ctx),
    expiresAt,
    previousUntil: previous?.until,
  })
}

/** Removes what is kept here of a token that is no more. */
export async function forget(ctx: AccessContext, store: SecretStore, tokenId: string): Promise<void> {
  await ctx.index.remove(ctx.profile, tokenId)
  await store.delete({kind: 'service-token', id: tokenId})
}

/** Gives a token its final name and lets it work. Sent again when no answer comes: the outcome is the same. */
export async function makeReady(
  ctx: AccessContext,
  api: AccessApi,
  id: string,
  name: string,
): Promise<ServiceToken> {
  return persistently(ctx, api, id, {name, enabled: true})
}

/**
 * A change of a token that may be sent again. It is done when the token says so: what Cloudflare tells of a token is read
 * back, whatever was answered.
 */
export async function persistently(
  ctx: AccessContext,
  api: AccessApi,
  id: string,
  change: ServiceTokenChange,
): Promise<ServiceToken> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answered = await api.updateServiceToken(id, change)
      return showsIn(change) ? await readChanged(ctx, api, id, change) : answered
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const look = showsIn(change) && mayBeDone(error)
      const seen = look ? await api.getServiceToken(id).catch(() => undefined) : undefined
      if (seen && shows(seen, change)) return seen
      const again = (error.kind === 'unreachable' || error.outcomeUnknown) && error.code !== 'RATE_LIMITED'
      if (!again || attempt === READY_ATTEMPTS) throw error
      await ctx.sleep(250 * 2 ** attempt)
    }
  }
}

/** @throws UserError `conflict` / `TOKEN_NOT_AS_EXPECTED` */
async function readChanged(
  ctx: AccessContext,
  api: AccessApi,
  id: string,
  change: ServiceTokenChange,
): Promise<ServiceToken> {
  const seen = await eventually(
    ctx,
    () => api.getServiceToken(id),
    (token) => shows(token, change),
  )
  if (shows(seen, change)) return seen
  throw new UserError({
    kind: 'conflict',
    code: 'TOKEN_NOT_AS_EXPECTED',
    message: `The service token "${seen.name}" is not as it should be now`,
    why: 'Cloudflare answered that it was changed, and shows it as it was.',
    next: [ztCommand(ctx, 'token', 'show', id)],
    details: {tokenId: id},
  })
}

/** Whether a change can be seen in the token at all: when the secret before ends, Cloudflare shows nowhere. */
function showsIn({name, enabled}: ServiceTokenChange): boolean {
  return name !== undefined || enabled !== undefined
}

function shows(token: ServiceToken, {name, enabled}: ServiceTokenChange): boolean {
  return (name === undefined || token.name === name) && (enabled === undefined || token.enabled === enabled)
}

/**
 * Deletes a token; one that is gone already is deleted. That it is gone is seen, whatever was answered.
 *
 * @throws UserError `conflict` / `NOT_DELETED`; ApiError
 */
export async function ensureDeleted(ctx: AccessContext, api: AccessApi, id: string): Promise<void> {
  let failure: ApiError | undefined
  try {
    await api.deleteServiceToken(id)
  } catch (error) {
    if (!mayBeDone(error)) throw error
    failure = error
  }
  const look = (): Promise<boolean> => isAbsent(api, id)
  // Where it was refused, one look is enough: nothing is on its way.
  const patient = failure === undefined || failure.outcomeUnknown
  const gone = await (patient ? eventually(ctx, look, (absent) => absent) : look()).catch(
    (error: unknown) => {
      throw failure ?? error
    },
  )
  if (!gone)
    throw failure && !isGone(failure)
      ? failure
      : notDeleted('The service token', [ztCommand(ctx, 'token', 'show', id)])
}

/** Whether the account has no such token: it is neither found nor listed. */
export async function isAbsent(api: AccessApi, id: string): Promise<boolean> {
  if (await readToken(api, id)) return false
  return !(await api.listServiceTokens()).some((token) => token.id === id)
}

/** Undefined: the API says that there is none. */
export async function readToken(api: AccessApi, id: string): Promise<ServiceToken | undefined> {
  try {
    return await api.getServiceToken(id)
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** A request that something on the way sent twice made two tokens of the unfinished name; nobody has the others' secrets. */
export async function deleteTwins(
  ctx: AccessContext,
  api: AccessApi,
  operation: Operation,
  id: string,
  tokens: readonly ServiceToken[],
): Promise<void> {
  const name = unfinishedName(operation)
  for (const twin of tokens) if (twin.name === name && twin.id !== id) await ensureDeleted(ctx, api, twin.id)
}

/** What an error says, in one line: for the `why` of another. */
export function said(error: unknown): string {
  if (error instanceof UserError) return `${error.message}. ${error.why ?? ''}`.trim()
  // What is in an unexpected error is not known: it may be a secret.
  const code = (error as {code?: unknown} | null)?.code
  return `Something unexpected happened (${typeof code === 'string' ? code : 'an error of another kind'}).`
}
