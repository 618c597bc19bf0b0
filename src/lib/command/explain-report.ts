import type {AccessContext} from '../access/account/context.js'
import {explainRefusal} from '../access/explain/explain.js'
import {UserError} from '../core/errors.js'
import type {ProxyReport} from '../tunnel/types.js'

/** What the proxy could not say itself: it has no API token, and knows only what the edge answered. */
export async function explainReport(access: AccessContext, report: ProxyReport): Promise<UserError> {
  const {code, message, why, next, refusal, host, tokenId, clientId} = report
  if (!refusal) return new UserError({kind: 'unreachable', code, message, why, next})
  const explained = await explainRefusal(access, {host, tokenId, clientId, refusal})
  const ray = refusal.ray === undefined ? '' : ` (CF-RAY ${refusal.ray})`
  return new UserError({kind: 'refused', code, message, why: explained.why + ray, next: explained.next})
}
