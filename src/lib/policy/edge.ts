import type {Application, Group, Policy, ServiceToken} from '../api/types.js'
import type {AccessRequest, PolicyTrace, UnknownFact} from './types.js'

/** What of an account and its organisation decides at the edge. */
export interface EdgeAccount {
  applications: readonly Application[]
  groups: ReadonlyMap<string, Group>
  /** Strict service token authentication (`strict_service_token_auth`); undefined: unknown. */
  strict: boolean | undefined
  /**
   * What a client that nothing admits gets from an application without an Allow policy, where no login helps: sources
   * contradict each other. Undefined: either.
   */
  withoutAllow: 'login' | 'forbidden' | undefined
}

/** How a client presents a service token. `both`: in the standard headers and in the application's own. */
export type Presentation = 'headers' | 'single-header' | 'both' | 'incomplete' | 'duplicate'

export interface Credentials {
  presented: Presentation
  /** The token that they name; undefined: none of the account. */
  tokenId: string | undefined
  /** Whether the edge accepts them; undefined: unknown. */
  accepted: boolean | undefined
}

/** A cross-origin request that a browser sends first ("CORS-preflight request" in the Fetch standard). */
export interface Preflight {
  origin: string
  method: string
  headers: readonly string[]
}

/** One HTTP request to a protected host. */
export interface EdgeRequest {
  host: string
  path: string
  /** Undefined: it carries no service token. */
  credentials: Credentials | undefined
  /** Where it comes from, and who logs in. */
  client: Omit<AccessRequest, 'serviceTokenId'>
  /** Whether it has a valid session of this application (`CF_Authorization`); undefined: unknown. */
  session: boolean | undefined
  /** Whether Access takes the client for a browser, by what it sends; undefined: unknown. */
  browser: boolean | undefined
  /** Whether it has `X-Requested-With: XMLHttpRequest`. */
  xhr?: boolean | undefined
  /** Whether its method is OPTIONS. */
  options?: boolean | undefined
  preflight?: Preflight | undefined
}

/**
 * `allow`: admitted, by a service token, a session or a login. `login`: Access asks the client to log in. `bypass`: Access
 * lets everyone through there. `unknown`: it depends on what is not known.
 */
export type EdgeVerdict = 'allow' | 'deny' | 'login' | 'bypass' | 'unknown'

/** Why the edge answers so. */
export type EdgeReason =
  | 'no-application'
  | 'public-path'
  | 'options-bypass'
  | 'preflight-answered'
  | 'preflight-refused'
  | 'credentials-refused'
  | 'service-auth'
  | 'bypass'
  | 'person'
  | 'session'
  | 'not-authorised'
  | 'blocked'
  | 'denied'
  | 'login-method'
  | 'service-auth-401'
  | 'no-allow'
  | 'xhr'
  | 'managed-oauth'
  | 'login-page'

/** One answer that the known facts leave possible. */
export interface PossibleAnswer {
  verdict: Exclude<EdgeVerdict, 'unknown'>
  reason: EdgeReason
  /** The HTTP status; undefined: the service's own. */
  status: number | undefined
}

export interface EdgeAnswer {
  verdict: EdgeVerdict
  /** Undefined: no application covers the address. */
  application: Application | undefined
  /** The policy that decided, if one did. */
  policy: Policy | undefined
  /** Each policy's part; empty if the policies were not asked. */
  trail: PolicyTrace[]
  /** All that are possible; one if the answer is certain to the status. Empty: no application. */
  possible: PossibleAnswer[]
  /** What would decide it; empty if the verdict is certain. */
  undecided: UnknownFact[]
}

/** What is known of the secret that a client sends with a token's client ID. */
export type SentSecret = 'current' | 'previous' | 'wrong' | undefined

/** What the edge answers to a request. */
export declare function edgeAnswer(account: EdgeAccount, request: EdgeRequest): EdgeAnswer

/**
 * Whether the edge accepts a token with a secret.
 *
 * @param previousUntil when the previous secret stops working (ISO 8601); undefined: unknown
 * @param now milliseconds since 1970, by Cloudflare's clock
 */
export declare function acceptsToken(
  token: Pick<ServiceToken, 'enabled' | 'expiresAt'>,
  secret: SentSecret,
  when: {now: number; previousUntil?: string | undefined},
): boolean | undefined
