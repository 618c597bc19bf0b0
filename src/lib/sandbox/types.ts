import type {JsonObject} from '../core/json.js'
import type {Application, Group} from '../api/types.js'
import type {AccessEvent} from './record.js'
import type {SandboxSettings} from './settings.js'

export type {SandboxSettings}

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

/** How the client learns that its stream has ended; settings.ts says what each means. */
export type ConnectorEnd = NonNullable<SandboxSettings['connector_end']>

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
  /** When the sessions of an application were last ended, by its ID: milliseconds since 1970. */
  sessionsEnded: Readonly<Record<string, number>>
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

/** The same with a record of what the edge decides. */
export interface RecordingState extends EdgeState {
  recordEvent(event: AccessEvent): void
}
