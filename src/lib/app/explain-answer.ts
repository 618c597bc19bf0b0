import {explainRefusal, type Explanation} from '../access/explain.js'
import type {AccessContext} from '../access/context.js'
import {UserError} from '../core/errors.js'
import type {Refusal} from '../tunnel/types.js'

export interface RefusedCall {
  host: string
  path?: string | undefined
  tokenId: string
  clientId: string
  refusal: Refusal
}

/** A refusal, and whether the rules and the token's state alone account for it. */
export interface ExplainedRefusal {
  error: UserError
  certain: boolean
}

/** Why Access said no to an HTTP request, for people. Asks the API; never throws. */
export async function explainAnswer(ctx: AccessContext, call: RefusedCall): Promise<ExplainedRefusal> {
  const {host, refusal} = call
  const explained = await explainRefusal(ctx, call)
  const certain = accountsForIt(explained) || refusal.reason === 'login'
  const why = [
    explained.why,
    certain ? '' : "Or the answer is the service's own, which looks the same.",
    refusal.ray === undefined ? '' : `(CF-RAY ${refusal.ray})`,
  ]
  const error = new UserError({
    kind: 'refused',
    code: 'ACCESS_REFUSED',
    message: certain
      ? `Access refused the service token for ${host} (${refusal.reason === 'login' ? 'it wants a login' : refusal.status})`
      : `${host} answers ${refusal.status}: Access refused the service token, or the service behind it said no`,
    why: why.filter((part) => part !== '').join(' '),
    next: explained.next,
    details: {host, status: refusal.status, reason: refusal.reason, ray: refusal.ray},
  })
  return {error, certain}
}

function accountsForIt({evaluation, tokenProblem}: Explanation): boolean {
  return tokenProblem !== undefined || (evaluation !== undefined && !evaluation.admitted)
}
