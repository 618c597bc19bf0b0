import {ApiError, UserError} from '../../core/errors.js'
import type {AccessContext} from './context.js'

/**
 * Whether a change that failed so may have been made all the same. What was answered at all may have been done: a gateway
 * sends a request twice and passes on the second refusal, or answers in the API's place. Only a look tells.
 */
export function mayBeDone(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.outcomeUnknown || error.status !== undefined)
}

/** Pauses before it is looked again: what was changed may show late, in lists and on other servers. */
const LOOK_AGAIN_MS = [0, 250, 500, 1000, 2000]

/**
 * Looks until it is as expected, a few times.
 *
 * @returns what was seen last
 */
export async function eventually<T>(
  ctx: Pick<AccessContext, 'sleep'>,
  look: () => Promise<T>,
  isExpected: (seen: T) => boolean,
): Promise<T> {
  let seen: T | undefined
  for (const pause of LOOK_AGAIN_MS) {
    if (pause > 0) await ctx.sleep(pause)
    seen = await look()
    if (isExpected(seen)) break
  }
  return seen as T
}

/** The API says of an object that it does not exist. A 404 without a code of Cloudflare's comes from something on the way. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'NOT_FOUND' && (error.status ?? 0) >= 400
}

/** A deletion that was answered with yes, and that a look does not show. */
export function notDeleted(what: string, next: string[]): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'NOT_DELETED',
    message: `${what} is still there`,
    why: 'Cloudflare answered that it was deleted, and shows it all the same.',
    next,
  })
}
