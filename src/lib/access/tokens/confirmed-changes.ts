import type {AccessApi, ServiceToken, ServiceTokenChange} from '../../api/types.js'
import {ApiError, interrupted, UserError} from '../../core/errors.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {restated} from '../edit/errors.js'
import {eventually, isGone, mayBeDone, notDeleted} from '../account/outcome.js'

const ATTEMPTS = 3

/** Runs what the same command completes, or shows, if a signal interrupts it: then that is said. */
export function repeatable<T>(
  ctx: Pick<AccessContext, 'interruptible'>,
  left: {why: string; next: string[]},
  run: () => Promise<T>,
): Promise<T> {
  return ctx.interruptible((inner) => inner ?? interrupted(left), run)
}

/**
 * Changes a token, and sends the change again when no answer comes: the outcome is the same. The change counts as made
 * when the token shows it, whatever the answer was.
 *
 * @throws UserError `conflict` / `TOKEN_NOT_AS_EXPECTED`; ApiError
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
      return isVisible(change) ? await readChanged(ctx, api, id, change) : answered
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const look = isVisible(change) && mayBeDone(error)
      const seen = look ? await api.getServiceToken(id).catch(() => undefined) : undefined
      if (seen && shows(seen, change)) return seen
      const again = (error.kind === 'unreachable' || error.outcomeUnknown) && error.code !== 'RATE_LIMITED'
      if (!again || attempt === ATTEMPTS) throw error
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
    message: `The service token "${seen.name}" does not show the change`,
    why: 'Cloudflare answered that the change was made, but still shows the token as it was.',
    next: [ztCommand(ctx, 'token', 'show', id)],
    details: {tokenId: id},
  })
}

/** Whether the token shows such a change at all: Cloudflare does not show when the previous secret ends. */
function isVisible({name, enabled}: ServiceTokenChange): boolean {
  return name !== undefined || enabled !== undefined
}

function shows(token: ServiceToken, {name, enabled}: ServiceTokenChange): boolean {
  return (name === undefined || token.name === name) && (enabled === undefined || token.enabled === enabled)
}

/**
 * Deletes a token, and checks that it is gone, whatever the answer was. A token that was gone before counts as deleted.
 *
 * @throws UserError `conflict` / `NOT_DELETED`; ApiError, with `outcomeUnknown` if the token may be gone
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
  // After a refusal one look is enough: no request is on its way.
  const patient = failure === undefined || failure.outcomeUnknown
  const gone = await (patient ? eventually(ctx, look, (absent) => absent) : look()).catch(
    (error: unknown) => {
      throw failure ?? unchecked(error)
    },
  )
  if (!gone)
    throw failure && !isGone(failure)
      ? failure
      : notDeleted('The service token', [ztCommand(ctx, 'token', 'show', id)])
}

/** A deletion was confirmed, and the token cannot be read any more. */
function unchecked(error: unknown): unknown {
  return restated(error, {
    why: ['Cloudflare confirmed the deletion, but zt could not check it.'],
    outcomeUnknown: true,
  })
}

/** Whether the account has no such token: it is neither found nor listed. */
export async function isAbsent(api: AccessApi, id: string): Promise<boolean> {
  if (await readToken(api, id)) return false
  return isUnlisted(api, id)
}

export async function isUnlisted(api: AccessApi, id: string): Promise<boolean> {
  return !(await api.listServiceTokens()).some((token) => token.id === id)
}

/** Undefined when the API says that there is no such token. */
export async function readToken(api: AccessApi, id: string): Promise<ServiceToken | undefined> {
  try {
    return await api.getServiceToken(id)
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}
