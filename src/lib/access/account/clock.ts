import type {AccessApi} from '../../api/types.js'
import type {AccessContext} from './context.js'

/** The time by Cloudflare's clock, once the API has answered: this machine's may be wrong. Milliseconds since 1970. */
export function cloudflareNow(
  {clock}: Pick<AccessContext, 'clock'>,
  api: Pick<AccessApi, 'clockAhead'>,
): number {
  return clock.now() + (api.clockAhead() ?? 0)
}
