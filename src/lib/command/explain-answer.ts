import {explainRefusal, type Explanation} from '../access/explain/explain.js'
import type {AccessContext} from '../access/account/context.js'
import {UserError} from '../core/errors.js'
import type {Judgement, Refusal} from '../tunnel/types.js'

export interface RefusedCall {
  host: string
  path?: string | undefined
  tokenId: string
  clientId: string
  judgement: Judgement
}

/** A refusal, and whether it is certain that it is one: by the answer, or by the rules and the token's state. */
export interface ExplainedRefusal {
  error: UserError
  certain: boolean
}

/** Why Access said no to an HTTP request, for people. Asks the API; never throws. */
export async function explainAnswer(ctx: AccessContext, call: RefusedCall): Promise<ExplainedRefusal> {
  const {host, judgement, ...request} = call
  const {by, refusal} = judgement
  const explained = await explainRefusal(ctx, {host, refusal, ...request})
  const certain = by !== 'unknown' || accountsForIt(explained)
  const why = [
    explained.why,
    certain ? '' : "Or the answer is the service's own, which looks the same.",
    refusal.ray === undefined ? '' : `(CF-RAY ${refusal.ray})`,
  ]
  const error = new UserError({
    kind: 'refused',
    code: 'ACCESS_REFUSED',
    message: certain
      ? saidNo(host, refusal)
      : `${host} answers ${refusal.status}: Access refused the service token, or the service behind it said no`,
    why: why.filter((part) => part !== '').join(' '),
    next: explained.next,
    details: {host, status: refusal.status, reason: refusal.reason, ray: refusal.ray},
  })
  return {error, certain}
}

function saidNo(host: string, {reason, status}: Refusal): string {
  return reason === 'challenged'
    ? `A bot or firewall rule of the zone stands before ${host} (${status})`
    : `Access refused the service token for ${host} (${reason === 'login' ? 'it wants a login' : status})`
}

function accountsForIt({evaluation, tokenProblem}: Explanation): boolean {
  return tokenProblem !== undefined || (evaluation !== undefined && !evaluation.admitted)
}
