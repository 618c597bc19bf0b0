import type {Judgement} from '../types.js'
import type {ListenAddress} from './listen.js'

/** What a forward tells while it runs. */
export interface ForwardEvents {
  /** A connection or request could not be served. Not told for each of many that fail alike. */
  onFailure(error: unknown): void
  /** Something about how a connection ended that is no failure. */
  onNote?(text: string): void
  /** Only the secret from before a rotation was accepted; until when it works (ISO 8601). */
  onlyPrevious?(until: string): void
  /** Why the edge said no: the text for the client, and whether Access is certain to have said it. */
  explain(judgement: Judgement, path: string): Promise<{text: string; certain: boolean}>
}

/** A listener that runs. */
export interface Forward {
  listen: ListenAddress
  /** How many connections (or requests, with HTTP) were taken so far. */
  served(): number
  /** Stops listening, closes what is open, and forces what does not end in time. */
  close(): Promise<void>
}

/** At once; more wait in the system's queue, or are told to come again. */
export const CONNECTION_LIMIT = 512
export const CLOSE_MS = 3000
