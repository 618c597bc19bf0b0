import type {AccessContext} from '../access/account/context.js'
import {explainRefusal} from '../access/explain/explain.js'
import {UserError} from '../core/errors.js'
import type {Refusal} from '../tunnel/types.js'

export interface FailedConnection {
  host: string
  tokenId: string | undefined
  clientId: string | undefined
  failure: UserError
  /** How the edge said no; undefined when it was not the edge. */
  refusal: Refusal | undefined
}

/** The same failure with why Access said no, as far as the API tells. */
export async function explainedFailure(
  ctx: AccessContext,
  {failure, refusal, ...request}: FailedConnection,
): Promise<UserError> {
  if (!refusal) return failure
  const {why, next, application} = await explainRefusal(ctx, {...request, refusal})
  const {kind, code, message, details} = failure
  return new UserError({
    kind,
    code,
    message,
    why: refusal.ray === undefined ? why : `${why} (CF-RAY ${refusal.ray})`,
    next,
    details: {...details, ...(application && {application})},
  })
}
