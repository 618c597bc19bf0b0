import {ApiError, UserError} from '../../core/errors.js'

/**
 * Whether a change that failed like this may still have been made. Even a refusal does not rule it out: a gateway may
 * send a request twice and pass on the second answer, or answer in place of the API. Only reading the object tells.
 */
export function mayBeDone(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.outcomeUnknown || error.status !== undefined)
}

/** Pauses before looking again: a change may show late, in lists and on other servers. */
const LOOK_AGAIN_MS = [0, 250, 500, 1000, 2000]

/**
 * Looks a few times until it sees what is expected.
 *
 * @returns what it saw last
 */
export async function eventually<T>(
  ctx: {sleep: (milliseconds: number) => Promise<void>},
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

/** Whether the API says that an object does not exist: a 404 without a Cloudflare code comes from a server on the way. */
export function isGone(error: unknown): boolean {
  const {status = 0, apiCodes = []} = error instanceof ApiError && error.code === 'NOT_FOUND' ? error : {}
  return status >= 400 && apiCodes.length > 0
}

/** The error if the API confirmed a deletion and still shows the object. */
export function notDeleted(what: string, next: string[]): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'NOT_DELETED',
    message: `${what} still exists`,
    why: 'Cloudflare confirmed the deletion but still shows it.',
    next,
  })
}
