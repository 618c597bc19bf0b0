import type {JsonObject} from '../core/json.js'
import type {Secret} from '../core/secret.js'

/** One rule of a policy or group as the API writes it, e.g. `{service_token: {token_id}}`, `{group: {id}}`. */
export type Rule = JsonObject

/** `non_identity` is what the dashboard calls "Service Auth", `deny` what it calls "Block". */
export type Decision = 'allow' | 'deny' | 'non_identity' | 'bypass'

export interface Account {
  id: string
  name: string
}

/** A domain that Cloudflare serves for an account. */
export interface Zone {
  id: string
  name: string
  /** Undefined if the answer does not say. */
  account: Account | undefined
}

/** A service token without its secret. Times are ISO 8601. */
export interface ServiceToken {
  /** UUID. Rules name a token by this. */
  id: string
  /** Ends in `.access`; what is sent as CF-Access-Client-Id. Not the `id`. */
  clientId: string
  name: string
  /** A Go duration, or `forever`. */
  duration: string
  enabled: boolean
  expiresAt: string | undefined
  createdAt: string | undefined
  updatedAt: string | undefined
  /** Missing if the API does not say, or the token was never used. */
  lastSeenAt: string | undefined
  /** Counts the secrets; missing if the API does not say. */
  secretVersion: number | undefined
}

/** The answer to create, which shows the secret this one time. */
export interface NewServiceToken {
  token: ServiceToken
  clientSecret: Secret
}

export interface Policy {
  id: string
  name: string
  decision: Decision
  include: Rule[]
  exclude: Rule[]
  require: Rule[]
  /** Position on an application; undefined for an account's policy outside applications. */
  precedence: number | undefined
  /**
   * True: an account policy that applications share. False: lives inside one application (legacy). Undefined: unknown.
   */
  reusable: boolean | undefined
  /** The object as the API returned it. */
  raw: JsonObject
}

export interface Application {
  id: string
  name: string
  /** `self_hosted`, `ssh`, `saas`, … */
  type: string
  /** The primary host name and path; undefined for types that have none. */
  domain: string | undefined
  /** Every public host name and path of this application, the primary first, without duplicates. */
  domains: string[]
  serviceAuth401Redirect: boolean
  /** In order of precedence. */
  policies: Policy[]
  /** The object as the API returned it: an edit changes a copy and sends all of it back. */
  raw: JsonObject
}

export interface Group {
  id: string
  name: string
  include: Rule[]
  exclude: Rule[]
  require: Rule[]
  raw: JsonObject
}

/** Part of a list, in the API's order. */
export interface Page<T> {
  items: T[]
  /** How many there are in total, if the API says so. */
  total: number | undefined
}

/** Which part of a list to fetch. */
export interface ListLimit {
  /** The most objects to return. */
  limit?: number | undefined
}

/** Filters, which the API applies. */
export interface ListQuery extends ListLimit {
  /** Part of the name or of another field that the API searches. */
  search?: string | undefined
  name?: string | undefined
}

export interface ApplicationQuery extends ListQuery {
  domain?: string | undefined
  /** True: `name` and `domain` must match exactly (Cloudflare's API reference). */
  exact?: boolean | undefined
}

/** The current wait that Cloudflare asked for. */
export interface Pause {
  /** In total. */
  seconds: number
  /** Remaining; 0: over. */
  left: number
  why: string
  /** True: the person knows how long the whole run takes. */
  known?: boolean | undefined
}

/** A run that needs more requests than the API's limit has room for. */
export interface Plan {
  /** About so many are still to come. */
  requests: number
  /** About how long they take, if zt waits. */
  seconds: number
  limit: {requests: number; seconds: number}
  /** False: zt was set not to wait. */
  waits: boolean
}

/** An API token as the verify endpoints describe it. */
export interface ApiTokenStatus {
  id: string
  status: 'active' | 'disabled' | 'expired'
  /** Which verify endpoint knows it: that for users' tokens, or that for account-owned ones. */
  owner: 'user' | 'account'
  expiresOn: string | undefined
  /** When it begins to be valid (ISO 8601), if it has such a time. */
  notBefore?: string | undefined
}

/** Whether an API token has a permission group. */
export interface PermissionState {
  /** As the dashboard names it, e.g. `Access: Service Tokens Write`. */
  group: string
  /** A Read group is also `yes` if the Write group of its kind allows reading. */
  state: 'yes' | 'no' | 'unknown'
  /** Why it is unknown, as a sentence. */
  why?: string | undefined
}

/** Which of Access's recorded requests to count, in one query: at most a week, and not older than 90 days. */
export interface AccessEventsQuery {
  /**
   * `rights`: by day, token, application, rule and outcome; `places`: also by address and country; `requests`: each with
   * its time and CF-RAY.
   */
  by: 'rights' | 'places' | 'requests'
  /** Milliseconds since 1970, by the server's clock; whole seconds count. */
  since: number
  /** Excluded. */
  until: number
  /** Left out: those of every service token. */
  tokenId?: string | undefined
  /** A CF-RAY without the data centre; whoever sent the request. */
  ray?: string | undefined
}

/** Requests that Access decided alike. What the record does not say is undefined. */
export interface AccessEvent {
  tokenId: string | undefined
  applicationId: string | undefined
  /** The rule that let it in. */
  policyId: string | undefined
  allowed: boolean
  /** ISO 8601: the time of a request, otherwise the day (UTC). */
  at: string
  address: string | undefined
  /** Two letters. */
  country: string | undefined
  ray: string | undefined
  /** `nonidentity`: a service token, or Bypass. */
  identityProvider: string | undefined
  /** An estimate where the record has samples. */
  count: number
}

/** The newest first. */
export interface AccessEvents {
  events: AccessEvent[]
  /** There are as many as one query may return, so some may be missing. */
  full: boolean
}

export interface ServiceTokenChange {
  name?: string
  enabled?: boolean
  duration?: string
  /** Until when the previous secret works (ISO 8601); a past time ends it, a later one extends it. */
  previous_client_secret_expires_at?: string
}

export interface PolicyBody {
  name: string
  decision: Decision
  include: Rule[]
  exclude?: Rule[]
  require?: Rule[]
  precedence?: number
}

/**
 * Cloudflare's Access API for one account or one of its zones, in zt's terms. Every method may throw `ApiError`. `list…`
 * fetches everything; the iterables fetch each page on demand. Nothing here prints, prompts or knows where secrets are
 * kept.
 */
export interface AccessApi {
  /** Undefined until a login finds it. */
  readonly accountId: string | undefined
  /** Undefined: the objects are the account's. */
  readonly zoneId?: string | undefined

  /**
   * How far the server's clock is ahead of this machine's, in milliseconds, by the Date of its last answer (whole
   * seconds); undefined before the first answer.
   */
  clockAhead(): number | undefined
  /**
   * Announces requests that are known to come, so that they are paced if the limit has no room for them. Missing if nothing is
   * paced.
   *
   * @returns sets how many are left; 0 at the end
   */
  expecting?(): (left: number) => void

  /** Asks `/user/tokens/verify`; if that does not know the token and there is an account, `/accounts/{id}/tokens/verify`. */
  verifyToken(): Promise<ApiTokenStatus>
  /** The accounts that the API token sees; empty if it may not list them. */
  listAccounts(): Promise<Account[]>

  /**
   * Which permission groups the API token has, by requests that change nothing (see probe.ts). Call it after {@link
   * AccessApi.verifyToken} has accepted the token.
   *
   * @param groups only these, and those of the same kinds
   */
  probePermissions(groups?: readonly string[]): Promise<PermissionState[]>

  serviceTokens(query?: ListQuery): AsyncIterable<Page<ServiceToken>>
  listServiceTokens(query?: {name?: string}): Promise<ServiceToken[]>
  /** @throws ApiError `not-found` */
  getServiceToken(id: string): Promise<ServiceToken>
  /** Never retried: there is no idempotency key, and each attempt would make a token. `outcomeUnknown` marks a lost answer. */
  createServiceToken(params: {name: string; duration?: string; enabled?: boolean}): Promise<NewServiceToken>
  /** A partial update: omitted fields stay. A duration counts from now. Idempotent, so it may be sent again. */
  updateServiceToken(id: string, change: ServiceTokenChange): Promise<ServiceToken>
  /**
   * Makes a new secret. Never retried: each attempt would make another secret and end the oldest at once.
   *
   * @param previousUntil until when the current secret keeps working (ISO 8601, the server's time)
   */
  rotateServiceToken(id: string, previousUntil: string): Promise<NewServiceToken>
  /** Extends by a year; the secret stays. */
  refreshServiceToken(id: string): Promise<ServiceToken>
  /** @throws ApiError `conflict` with code 12139 while a policy or group names it; `not-found` */
  deleteServiceToken(id: string): Promise<void>

  applications(query?: ApplicationQuery): AsyncIterable<Page<Application>>
  listApplications(): Promise<Application[]>
  getApplication(id: string): Promise<Application>
  /** Never retried. @throws ApiError `conflict` with code 11010 when another application has the domain */
  createApplication(body: JsonObject): Promise<Application>
  /** Deletes its own (legacy) policies too; the account's policies stay. */
  deleteApplication(id: string): Promise<void>
  /** PUT: replaces the whole application with `body`. */
  replaceApplication(id: string, body: JsonObject): Promise<Application>
  /** Both kinds of policy, in order of precedence. */
  listApplicationPolicies(applicationId: string): Promise<Policy[]>
  /** A policy inside this application (legacy). */
  createApplicationPolicy(applicationId: string, body: PolicyBody): Promise<Policy>
  /** PUT of a policy inside an application (legacy). */
  replaceApplicationPolicy(applicationId: string, policyId: string, body: JsonObject): Promise<Policy>
  /** Deletes a policy inside an application (legacy). */
  deleteApplicationPolicy(applicationId: string, policyId: string): Promise<void>
  /** Moves a policy out of its application (legacy) to the account's policies; it keeps its ID and stays attached. */
  makePolicyReusable(applicationId: string, policyId: string): Promise<Policy>

  /** The account's policies, which applications share. @throws UserError `usage` / `ZONE_HAS_NO_POLICIES` */
  policies(query?: ListLimit): AsyncIterable<Page<Policy>>
  listPolicies(): Promise<Policy[]>
  getPolicy(id: string): Promise<Policy>
  createPolicy(body: PolicyBody): Promise<Policy>
  /** PUT: replaces an account's policy with `body`. */
  replacePolicy(id: string, body: JsonObject): Promise<Policy>
  deletePolicy(id: string): Promise<void>

  groups(query?: ListQuery): AsyncIterable<Page<Group>>
  listGroups(): Promise<Group[]>
  /** @throws ApiError `not-found` */
  getGroup(id: string): Promise<Group>
  /** Never retried. */
  createGroup(body: JsonObject): Promise<Group>
  /** @throws ApiError `conflict` while a policy or group names it */
  deleteGroup(id: string): Promise<void>
  /** PUT: replaces an Access group with `body`. */
  replaceGroup(id: string, body: JsonObject): Promise<Group>
  /** The organisation's settings, e.g. `auth_domain`, `strict_service_token_auth`. */
  getOrganization(): Promise<JsonObject>
  /**
   * What Access recorded of requests: an estimate from samples, which may lag by minutes. The record is the account's, also
   * where this API is a zone's.
   *
   * @throws ApiError `permission`; `api` / `ANALYTICS_NOT_AVAILABLE`, or `ANALYTICS_RANGE` if the query asks for more than
   *   Cloudflare returns (`details.oldestSeconds`: too old)
   */
  accessEvents(query: AccessEventsQuery): Promise<AccessEvents>
  /** The same API for the Access objects of a zone. */
  inZone(zoneId: string): AccessApi
  /** The account's zones, or the one of that name. */
  listZones(query?: {name?: string}): Promise<Zone[]>
}
