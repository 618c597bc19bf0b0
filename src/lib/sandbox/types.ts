import type {JsonObject} from '../core/json.js'
import type {Application, Group} from '../api/types.js'

/**
 * What `zt sandbox start --seed FILE` reads: plain API objects. Everything is optional. An application, group or service
 * token with a `zone_id` belongs to that zone and not to the account.
 */
export interface SandboxSeed {
  accounts?: JsonObject[]
  zones?: JsonObject[]
  apps?: JsonObject[]
  policies?: JsonObject[]
  groups?: JsonObject[]
  /** As the API lists them, with `client_secret`. */
  service_tokens?: JsonObject[]
  /**
   * API tokens beside the one that `start` prints:
   * `{id?, token, owner: 'user'|'account', status?: 'active'|'disabled'|'expired', expires_on?, permission_groups?: string[]}`.
   * Without `permission_groups` a token may do everything.
   */
  api_tokens?: JsonObject[]
  settings?: SandboxSettings
}

export interface SandboxSettings {
  strict_service_token_auth?: boolean
  /** Policy and token changes are seen by the edge this much later. */
  enforcement_delay_ms?: number
  /** False: the API answers 9999, as an account without Zero Trust does. */
  zero_trust_enabled?: boolean
  /** At most this many API requests in any five minutes; then 429 with retry-after. 0: no limit. */
  rate_limit?: number
  /** How a stream ends when what is behind the edge has ended. */
  connector_end?: ConnectorEnd
  /** True: GET /accounts answers 400/1001, as reported for account-owned API tokens. */
  hide_accounts?: boolean
}

/** A server behind a host. */
export interface Origin {
  address: string
  port: number
  /**
   * As a tunnel's configuration says it: to an HTTP service every request is passed, also one to upgrade; to one of TCP
   * (SSH and whatever else) leads an upgrade, as a stream. `either` where it was not said.
   */
  kind: 'http' | 'tcp' | 'either'
}

/**
 * What tells a client that its stream has ended. `none`: the connection's own end, as cloudflared's connector leaves it.
 * 1000, 1001: a close frame before it, as an edge may send that is polite or starts anew. 1006: TCP ends without a word.
 */
export type ConnectorEnd = 'none' | 1000 | 1001 | 1006

/** A running sandbox. `apiToken` is a throw-away token of the sandbox: it opens nothing else. */
export interface SandboxInfo {
  pid: number
  apiUrl: string
  apiToken: string
  accountId: string
  /** `127.0.0.1:PORT`. */
  edge: string
  caFile: string
  /** `127.0.0.1:PORT` of the SSH server that plays GitLab. */
  ssh: string
  knownHostsFile: string
  /** HOST=ADDRESS:PORT pairs given by --origin. */
  origins: Record<string, string>
  stateFile: string
  logFile: string
  startedAt: string
}

/** The state as the edge sees it: the API's state, `enforcement_delay_ms` late. */
export interface EdgeView {
  applications: readonly Application[]
  groups: ReadonlyMap<string, Group>
  connectorEnd: ConnectorEnd
  /** Whether the organisation is in strict service-token authentication. */
  strict: boolean
  /** The team's login host, e.g. `widgetcorp.cloudflareaccess.com`. */
  authDomain: string
  /** The token's UUID when the pair is right, the token enabled and not expired (or the previous secret is in its grace period). */
  authenticate(clientId: string, clientSecret: string): string | undefined
}

/** What the edge needs of the state; the API room of the sandbox implements it. */
export interface EdgeState {
  edgeView(): EdgeView
  /** Called at each successful authentication; sets `last_seen_at`. */
  recordUse(tokenId: string): void
}
