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
   * API tokens beside the one that `start` prints: `{id?, token, owner: 'user'|'account', status?:
   * 'active'|'disabled'|'expired', expires_on?, permission_groups?: string[]}`. Without `permission_groups` a token has
   * all permissions.
   */
  api_tokens?: JsonObject[]
  settings?: SandboxSettings
}

export interface SandboxSettings {
  strict_service_token_auth?: boolean
  /** The edge sees changes of policies and tokens this much later. */
  enforcement_delay_ms?: number
  /** False: the API answers 9999, as an account without Zero Trust does. */
  zero_trust_enabled?: boolean
  /** At most this many API requests in any five minutes; beyond that, 429 with Retry-After. 0: no limit. */
  rate_limit?: number
  /** How a stream ends when the origin has ended. */
  connector_end?: ConnectorEnd
  /** True: GET /accounts answers 400/1001, as reported for account-owned API tokens. */
  hide_accounts?: boolean
  /** The country of clients by their address: `{"127.0.0.2/32": "DE"}`. The longest block that contains it counts. */
  country_of?: Record<string, string>
  /**
   * What a request that no rule admits gets from an application without an Allow policy, where no login helps: the
   * login page, or 403. Operators report both.
   */
  without_allow?: 'login' | 'forbidden'
}

/** A server behind a host. */
export interface Origin {
  address: string
  port: number
  /**
   * As in a tunnel's configuration: an HTTP service gets every request, upgrades included; a TCP service (SSH or any
   * other) gets the stream of an upgrade. `either` if none was given.
   */
  kind: 'http' | 'tcp' | 'either'
}

/**
 * How the client learns that its stream has ended. `none`: only by the end of the connection, as with cloudflared's
 * connector. 1000, 1001: by a close frame, as from an edge that closes normally or restarts. 1006: TCP ends without
 * close_notify.
 */
export type ConnectorEnd = 'none' | 1000 | 1001 | 1006

/** A running sandbox. `apiToken` is valid only for this sandbox. */
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
  /** Milliseconds since 1970. */
  now: number
  applications: readonly Application[]
  groups: ReadonlyMap<string, Group>
  connectorEnd: ConnectorEnd
  /** Countries by CIDR block. */
  countryOf: Readonly<Record<string, string>>
  /** See {@link SandboxSettings}. */
  withoutAllow: 'login' | 'forbidden'
  /** Whether the organisation has strict service-token authentication enabled. */
  strict: boolean
  /** Signs what only Access reads: base64. */
  cookieKey: string
  /** The team's login host, e.g. `widgetcorp.cloudflareaccess.com`. */
  authDomain: string
  /**
   * The token's UUID if the token is enabled and not expired, and both credentials are right (a previous secret counts
   * during its grace period).
   */
  authenticate(clientId: string, clientSecret: string): string | undefined
}

/** What the edge needs from the state; the sandbox's API implements it. */
export interface EdgeState {
  edgeView(): EdgeView
  /** Called at each successful authentication; sets `last_seen_at`. */
  recordUse(tokenId: string): void
}
