import type {JsonObject} from '../core/json.js'

/** The program that carries the bytes, as in `--client`; `auto` is the built-in one. */
export const TUNNEL_CLIENTS = ['auto', 'builtin', 'cloudflared'] as const
export type TunnelClient = (typeof TUNNEL_CLIENTS)[number]

/** How to reach the edge for a host. */
export interface EdgeAddress {
  /** The public host name; also the SNI and the Host header. */
  host: string
  /** `HOST:PORT` to connect to instead of `host:443`. */
  connectTo: string | undefined
  /** PEM file of a CA to trust in addition to the system's. */
  caFile: string | undefined
  /** `HOST[:PORT]` behind the connector, where the tunnel lets the client choose (Cf-Access-Jump-Destination). */
  destination?: string | undefined
  /** Further headers of the request that opens a tunnel, each `NAME: VALUE` (carrier/header-line.ts). */
  headers?: readonly string[] | undefined
}

/** What of a request decides beside the credentials. */
export interface RequestFacts {
  /** As it was sent; undefined: the root. */
  path?: string | undefined
  /** Whether it carried a `CF_Authorization` cookie too. */
  cookie?: boolean | undefined
  /** Whether it had `X-Requested-With: XMLHttpRequest`. */
  xhr?: boolean | undefined
  /** Whether the client may have presented a certificate. */
  certificate?: boolean | undefined
}

/** How the edge answered a request that carried credentials. */
export interface EdgeAnswer {
  /**
   * Who answered. `access`: Access, certainly. `zone`: a rule of the zone, before Access. `unknown`: Access or the service
   * behind it; the answer does not say. `service`: Access let the request in, or was not asked.
   */
  by: 'access' | 'zone' | 'unknown' | 'service'
  status: number
  /**
   * `login`: a redirect to the login page, so no Service Auth rule admitted the token (or the token is not valid).
   * `unauthenticated`: 401. `forbidden`: 403. `rate-limited`: 429. `origin-down`: 502, 503, 504, 530.
   * `challenged`: a bot or firewall rule of the zone sent a challenge for browsers. `redirect`: another redirect.
   * `other`: none of these.
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
  /** The CF-RAY header. */
  ray?: string | undefined
  /** Where a redirect points, without its query (which may carry tokens). */
  location?: string | undefined
  /**
   * What the redirect to the login page says of the credentials; undefined: nothing that can be read. zt cannot verify it,
   * and `not-accepted` is also seen where no Service Auth rule names a valid token (readAnswer).
   */
  credentials?: 'accepted' | 'not-accepted' | undefined
}

/** A connection that was open with a token when the token was disabled or revoked. */
export interface ClosedConnection {
  carries: 'ssh' | 'forward'
  host: string
  /** The process that carries it. */
  pid: number
  profile: string
  /** ISO 8601. */
  openedAt: string
  /** `kept`: on request. `would-end`: this was a dry run. `left`: zt could not or must not end it. */
  outcome: 'ended' | 'kept' | 'would-end' | 'left'
  /** Why it is still open. */
  why?: string | undefined
}

export interface ClosedConnections {
  connections: ClosedConnection[]
  /** Why zt does not know which connections are open. */
  unknown?: string | undefined
}

/** One step of `zt ssh check`, in the order in which a connection needs them. */
export interface CheckStep {
  /**
   * `proxy` is the network's, a step only where there is one: `dns` and `tcp` are then about it. `edge` is the edge's answer
   * to the WebSocket upgrade with the credentials, `ssh` the banner of the server behind the tunnel.
   */
  step: 'dns' | 'tcp' | 'proxy' | 'tls' | 'edge' | 'ssh'
  /** `skipped`: this connection does not need it. `not-tried`: an earlier step failed. */
  state: 'ok' | 'failed' | 'skipped' | 'not-tried'
  /** How long it took, milliseconds; undefined if it was not done. */
  ms: number | undefined
  /** For people, one line of plain text. */
  detail: string
  /** The same and more, for scripts; no secrets. */
  facts: JsonObject
}

/** A line elsewhere in an ssh configuration that sets something for a host that zt's block sets too. */
export interface OtherSetting {
  /** 1-based. */
  line: number
  /** The Host line that it is under; undefined: it comes before all of them. */
  section: string | undefined
  keyword: string
}

/** How ssh reaches a host: through zt, through cloudflared, by another command or host, or by itself. */
export type SshRoute = 'zt' | 'cloudflared' | 'other' | 'direct'

/** A name in an ssh configuration that leads to a host, with the first line that has it. */
export interface LeadingAlias {
  name: string
  file: string
  /** 1-based. */
  line: number
  route: SshRoute
}

/** A line of a person's own section about a name for which zt writes a block. */
export interface TakenLine {
  file: string
  /** 1-based. */
  line: number
  /** Without secrets. */
  text: string
  /** `replaced`: zt's block sets the same, and comes first. */
  effect: 'kept' | 'replaced'
}

/** What a change of an ssh configuration does or did. */
export interface SshConfigOutcome {
  /** As it was given. */
  file: string
  action: 'add' | 'update' | 'remove' | 'none'
  /** zt's block was changed by hand. */
  edited: boolean
  /** Unified; empty when nothing changes. */
  diff: string
  warnings: string[]
  /** Other lines of the file about the host; zt's block comes before those below a Host line. */
  others: OtherSetting[]
  /** The person's own lines, if the block is for an alias. */
  taken: TakenLine[]
  /** Other names that lead to the host, and how ssh reaches it by them after the change. */
  aliases: LeadingAlias[]
}

/** A TCP address. */
export interface ListenAddress {
  /** An IP address, without brackets. */
  address: string
  /** 0: any free port. */
  port: number
}

/** Where a forward listens. */
export type Listening = ListenAddress | {socket: string}

/** What is shown of a listener of `zt forward`. */
export interface ForwardListener {
  host: string
  /** As `--listen` takes it: `127.0.0.1:5432`, `unix:PATH`. */
  place: string
  /** What a browser opens; undefined for TCP. */
  url: string | undefined
}

/** A forward that this process runs. */
export interface HostForward extends ForwardListener {
  token: {id: string; name: string}
  listen: Listening
  /** How many connections (or requests, with HTTP) were accepted so far. */
  served(): number
  /** Stops listening, closes open connections, and destroys those that do not end in time. */
  close(): Promise<void>
}

/** A forward that a process of this user runs on this machine. */
export interface RunningForward extends Omit<ForwardListener, 'url'> {
  http: boolean
  token: {id: string; name: string}
  profile: string
  pid: number
  /** ISO 8601. */
  since: string
  /** The file with its events, if it runs in the background. */
  log: string | undefined
}

/** A command line of zt's own that does what one of `cloudflared access` says. */
export interface ZtLine {
  command: 'ssh:proxy' | 'forward' | 'curl' | 'ssh:config'
  /** What follows the command. */
  words: string[]
  /** Those of them that are options of zt, not of cloudflared. */
  own: string[]
  /** To say at the start. */
  notes: string[]
}

/** A ProxyCommand of an ssh configuration that moves between cloudflared and zt. */
export interface AdoptedLine {
  file: string
  /** 1-based, before the change. */
  line: number
  /** The line that begins its section. */
  section: string | undefined
  /** The line as it is and as it will be, without secrets. */
  before: string
  after: string
}

/** A ProxyCommand that stays as it is. */
export interface LeftLine {
  file: string
  /** 1-based. */
  line: number
  section: string | undefined
  /** Why: a sentence without full stop. */
  why: string
  next: readonly string[]
}

/** What `zt ssh config --adopt` does or did. */
export interface AdoptionOutcome {
  file: string
  adopted: AdoptedLine[]
  left: LeftLine[]
  /** The change of all files, for people; empty if nothing changes. */
  diff: string
  warnings: string[]
}

/** What zt wrote into one file of an ssh configuration with a profile. */
export interface WrittenWithProfile {
  file: string
  /** Hosts of its blocks. */
  blocks: string[]
  /** The names of the sections whose ProxyCommand it adopted. */
  adopted: string[]
}
