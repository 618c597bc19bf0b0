import type {JsonObject} from '../core/json.js'

/** Which program carries the bytes, as `--client` takes it; `auto` is the one built in. */
export const TUNNEL_CLIENTS = ['auto', 'builtin', 'cloudflared'] as const
export type TunnelClient = (typeof TUNNEL_CLIENTS)[number]

/** Where and how to reach the edge for a host. */
export interface EdgeAddress {
  /** The public host name; also SNI and Host header. */
  host: string
  /** `HOST:PORT` to connect to instead of `host:443`. */
  connectTo: string | undefined
  /** PEM file of a CA trusted besides the system's. */
  caFile: string | undefined
  /** `HOST[:PORT]` behind the connector, for a tunnel that lets the client choose (Cf-Access-Jump-Destination). */
  destination?: string | undefined
}

/** How the edge said no, read from its answer before the upgrade. */
export interface Refusal {
  status: number
  /**
   * `login`: sent to the login page, so no Service Auth rule admitted the token (or the token is not valid).
   * `unauthenticated`: 401. `forbidden`: 403. `rate-limited`: 429. `origin-down`: 502, 503, 504, 530.
   * `challenged`: a bot or firewall rule of the zone wants a browser to prove itself, before Access is asked.
   * `redirect`: another redirect. `other`: none of these.
   */
  reason:
    | 'login'
    | 'unauthenticated'
    | 'forbidden'
    | 'challenged'
    | 'rate-limited'
    | 'origin-down'
    | 'redirect'
    | 'other'
  /** CF-RAY of the answer. */
  ray: string | undefined
  /** Where a redirect points, without its query (which may carry tokens). */
  location: string | undefined
}

/** An HTTP answer that may be a refusal. */
export interface Judgement {
  /**
   * Who said no. `access`: certainly. `zone`: a rule of the zone, before Access. `unknown`: Access or the service behind
   * it, which the answer does not tell. `nobody`: the service answered, or Access let the request in.
   */
  by: 'access' | 'zone' | 'unknown' | 'nobody'
  refusal: Refusal
}

/** What `zt ssh proxy` leaves for `zt ssh` (a 0600 file named by ZT_SSH_REPORT) when it could not connect. No secrets. */
export interface ProxyReport {
  version: 1
  host: string
  tokenId: string | undefined
  clientId: string | undefined
  /** Stable code, e.g. `ACCESS_REFUSED`, `EDGE_UNREACHABLE`. */
  code: string
  message: string
  why: readonly string[]
  next: string[]
  refusal: Refusal | undefined
}

/** A connection that was open with a token when that was switched off. */
export interface ClosedConnection {
  carries: 'ssh' | 'forward'
  host: string
  /** The process that carries it. */
  pid: number
  profile: string
  /** ISO 8601. */
  openedAt: string
  /** `kept`: as it was wished. `would-end`: this was a dry run. `left`: it could not be ended, or must not be. */
  outcome: 'ended' | 'kept' | 'would-end' | 'left'
  /** Why it was left. */
  why?: string | undefined
}

export interface ClosedConnections {
  connections: ClosedConnection[]
  /** Why it is not known which are open. */
  unknown?: string | undefined
}

/** One thing that `zt ssh check` looks at, in the order in which a connection needs them. */
export interface CheckStep {
  /**
   * `proxy` is the network's, and a step only where there is one: then `dns` and `tcp` are about it. `edge` is its answer
   * to the WebSocket upgrade with the credentials, `ssh` the banner from behind the tunnel.
   */
  step: 'dns' | 'tcp' | 'proxy' | 'tls' | 'edge' | 'ssh'
  /** `skipped`: does not apply to this connection. `not-tried`: an earlier step failed. */
  state: 'ok' | 'failed' | 'skipped' | 'not-tried'
  /** Milliseconds that it took; undefined when it was not done. */
  ms: number | undefined
  /** For people, one line of plain text. */
  detail: string
  /** The same and more for scripts; no secrets. */
  facts: JsonObject
}

/** One line elsewhere in an ssh configuration that says something about a host which our block says too. */
export interface OtherSetting {
  /** 1-based. */
  line: number
  /** The Host line that it stands under; undefined: it stands before all of them. */
  section: string | undefined
  keyword: string
}

/** What a change of an ssh configuration does, or did. */
export interface SshConfigOutcome {
  /** As it was named. */
  file: string
  action: 'add' | 'update' | 'remove' | 'none'
  /** Somebody has changed our block by hand. */
  edited: boolean
  /** Unified; empty when nothing changes. */
  diff: string
  warnings: string[]
  /** Other lines of the file about the host; our block comes before those below a Host line. */
  others: OtherSetting[]
}
