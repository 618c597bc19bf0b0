import type {UserError} from '../../core/errors.js'
import type {RefusedError} from '../failure/refusal.js'
import type {HostForward, RequestFacts} from '../types.js'

/** What happens while a forward runs. */
export interface ForwardEvents {
  /** A connection or request could not be served. */
  onFailure(error: unknown): void
  /** How a connection ended, where that is worth a note but is not a failure. */
  onNote?(text: string): void
  /** Access accepted only the previous secret; `until`: the end of its grace period (ISO 8601). */
  onlyPrevious?(until: string): void
  /** Why the edge refused a request, as far as the account tells. */
  explain(error: RefusedError, sent: RequestFacts): Promise<UserError>
  /** Resolves once all failures so far are shown. */
  settled?(): Promise<void>
}

/** A running listener. */
export type Forward = Pick<HostForward, 'listen' | 'served' | 'close'>

/** Connections at once; more are closed, and for TCP reset. */
export const CONNECTION_LIMIT = 512
export const CLOSE_MS = 3000
