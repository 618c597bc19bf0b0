import {isJsonObject, type JsonObject} from '../../core/json.js'
import {scimTokens} from '../../policy/references.js'

/** What decides about a policy's matches beside its rules, as far as it is set. */
export interface PolicyDetails {
  /** A Go duration. */
  sessionDuration?: string | undefined
  approval?: Approval | undefined
  purposeJustification?: {required: boolean; prompt?: string | undefined} | undefined
  /** Whether a match gets only an isolated browser. */
  isolationRequired?: boolean | undefined
  mfa?: Mfa | undefined
  ssh?: {usernames: string[]; emailAlias?: boolean | undefined} | undefined
  /** The formats that may be copied in each direction. */
  rdpClipboard?: {toRemote: string[]; fromRemote: string[]} | undefined
}

interface Approval {
  required: boolean
  groups: {approvals: number; emails?: string[] | undefined; emailListId?: string | undefined}[]
}

interface Mfa {
  disabled?: boolean | undefined
  authenticators?: string[] | undefined
  sessionDuration?: string | undefined
}

/** What decides about requests to an application beside its policies, as far as it is set. */
export interface ApplicationDetails {
  /** The audience tag, which its tokens carry. */
  audience?: string | undefined
  sessionDuration?: string | undefined
  destinations?: Destination[] | undefined
  /** What an infrastructure or RDP application covers. */
  targets?: Target[] | undefined
  /** The IDs of the identity providers that it offers; not set: all. */
  identityProviders?: string[] | undefined
  /** Whether a login goes to the only identity provider without asking. */
  autoRedirect?: boolean | undefined
  /** Whether a WARP session counts as a login. */
  warpLogin?: boolean | undefined
  managedOauth?: boolean | undefined
  /** The one header that may carry a service token's credentials. */
  tokenHeader?: string | undefined
  /** Whether OPTIONS requests go to the service without Access. */
  optionsBypass?: boolean | undefined
  cors?: Cors | undefined
  cookie?: Cookie | undefined
  mfa?: Mfa | undefined
  scim?: Scim | undefined
  /** Where people go who are denied. */
  denyUrl?: string | undefined
  /** Where requests go that rules without an identity deny. */
  nonIdentityDenyUrl?: string | undefined
}

export interface Destination {
  /** As the API calls it: `public`, `private`, `worker`, … */
  type: string
  uri?: string | undefined
  hostname?: string | undefined
  cidr?: string | undefined
  portRange?: string | undefined
  protocol?: string | undefined
  vnetId?: string | undefined
  workerId?: string | undefined
  mcpServerId?: string | undefined
  /** Paths that anyone may open without Access. */
  publicPaths?: string[] | undefined
}

export interface Target {
  protocol?: string | undefined
  port?: number | undefined
  /** Each `hostname NAME` or `tag KEY:VALUE`. */
  include: string[]
  require: string[]
  exclude: string[]
}

interface Cors {
  /** `*`: any. */
  origins?: string[] | undefined
  methods?: string[] | undefined
  headers?: string[] | undefined
  credentials?: boolean | undefined
  maxAgeSeconds?: number | undefined
}

interface Cookie {
  httpOnly?: boolean | undefined
  sameSite?: string | undefined
  /** Whether a second cookie binds it to the browser. */
  binding?: boolean | undefined
  /** Whether it counts for the application's path only. */
  onlyPath?: boolean | undefined
}

interface Scim {
  enabled?: boolean | undefined
  remoteUri?: string | undefined
  /** The client IDs of the service tokens with which it authenticates. */
  serviceTokens?: string[] | undefined
}

/** Reads an application as the API returned it; a value of another type counts as not set. */
export function applicationDetails(raw: JsonObject): ApplicationDetails {
  const oauth = raw['oauth_configuration']
  return compact({
    audience: text(raw['aud']),
    sessionDuration: text(raw['session_duration']),
    destinations: some(objects(raw['destinations']).map(destination)),
    targets: some(objects(raw['target_criteria']).map(target)),
    identityProviders: some(texts(raw['allowed_idps'])),
    autoRedirect: flag(raw['auto_redirect_to_identity']),
    warpLogin: flag(raw['allow_authenticate_via_warp']),
    // The API reference: on unless it says otherwise.
    managedOauth: isJsonObject(oauth) ? oauth['enabled'] !== false : undefined,
    tokenHeader: text(raw['read_service_tokens_from_header']),
    optionsBypass: flag(raw['options_preflight_bypass']),
    cors: cors(raw['cors_headers']),
    cookie: compactOrNothing({
      httpOnly: flag(raw['http_only_cookie_attribute']),
      sameSite: text(raw['same_site_cookie_attribute']),
      binding: flag(raw['enable_binding_cookie']),
      onlyPath: flag(raw['path_cookie_attribute']),
    }),
    mfa: mfa(raw['mfa_config']),
    scim: scim(raw),
    denyUrl: text(raw['custom_deny_url']),
    nonIdentityDenyUrl: text(raw['custom_non_identity_deny_url']),
  })
}

/** Reads a policy as the API returned it; a value of another type counts as not set. */
export function policyDetails(raw: JsonObject): PolicyDetails {
  const groups = objects(raw['approval_groups']).map((one) =>
    compact({
      approvals: count(one['approvals_needed']) ?? 0,
      emails: some(texts(one['email_addresses'])),
      emailListId: text(one['email_list_uuid']),
    }),
  )
  const required = flag(raw['approval_required'])
  const purpose = flag(raw['purpose_justification_required'])
  const prompt = text(raw['purpose_justification_prompt'])
  const connection = isJsonObject(raw['connection_rules']) ? raw['connection_rules'] : {}
  const {ssh, rdp} = connection
  return compact({
    sessionDuration: text(raw['session_duration']),
    approval:
      required === undefined && groups.length === 0 ? undefined : {required: required ?? false, groups},
    purposeJustification:
      purpose === undefined && prompt === undefined
        ? undefined
        : compact({required: purpose ?? false, prompt}),
    isolationRequired: flag(raw['isolation_required']),
    mfa: mfa(raw['mfa_config']),
    ssh: isJsonObject(ssh)
      ? compact({usernames: texts(ssh['usernames']), emailAlias: flag(ssh['allow_email_alias'])})
      : undefined,
    rdpClipboard: isJsonObject(rdp)
      ? {
          toRemote: texts(rdp['allowed_clipboard_local_to_remote_formats']),
          fromRemote: texts(rdp['allowed_clipboard_remote_to_local_formats']),
        }
      : undefined,
  })
}

function destination(raw: JsonObject): Destination {
  const publicPaths = objects(raw['overrides'])
    .filter(({behavior}) => behavior === 'public')
    .map((one) => text(one['path_pattern']))
    .filter((one) => one !== undefined)
  return compact({
    type: text(raw['type']) ?? 'public',
    uri: text(raw['uri']),
    hostname: text(raw['hostname']),
    cidr: text(raw['cidr']),
    portRange: text(raw['port_range']),
    protocol: text(raw['l4_protocol']),
    vnetId: text(raw['vnet_id']),
    workerId: text(raw['worker_id']),
    mcpServerId: text(raw['mcp_server_id']),
    publicPaths: some(publicPaths),
  })
}

function target(raw: JsonObject): Target {
  const part = (name: string): string[] => {
    const {target_attributes: attributes, tags} = isJsonObject(raw[name]) ? raw[name] : {}
    return [...named(attributes, ' '), ...named(tags, ':', 'tag ')]
  }
  return compact({
    protocol: text(raw['protocol']),
    port: count(raw['port']),
    // Deprecated, in place of `include`.
    include: [...named(raw['target_attributes'], ' '), ...part('include')],
    require: part('require'),
    exclude: part('exclude'),
  })
}

/** `{hostname: ['a', 'b']}` as `hostname a`, `hostname b`. */
function named(map: unknown, joint: string, lead = ''): string[] {
  if (!isJsonObject(map)) return []
  return Object.entries(map).flatMap(([name, values]) =>
    texts(values).map((value) => `${lead}${name}${joint}${value}`),
  )
}

function cors(raw: unknown): Cors | undefined {
  if (!isJsonObject(raw)) return undefined
  const allowed = (what: string): string[] | undefined =>
    raw[`allow_all_${what}`] === true ? ['*'] : some(texts(raw[`allowed_${what}`]))
  return compactOrNothing({
    origins: allowed('origins'),
    methods: allowed('methods'),
    headers: allowed('headers'),
    credentials: flag(raw['allow_credentials']),
    maxAgeSeconds: count(raw['max_age']),
  })
}

function mfa(raw: unknown): Mfa | undefined {
  if (!isJsonObject(raw)) return undefined
  return compactOrNothing({
    disabled: flag(raw['mfa_disabled']),
    authenticators: some(texts(raw['allowed_authenticators'])),
    sessionDuration: text(raw['session_duration']),
  })
}

function scim(raw: JsonObject): Scim | undefined {
  const config = raw['scim_config']
  if (!isJsonObject(config)) return undefined
  return compactOrNothing({
    enabled: flag(config['enabled']),
    remoteUri: withoutCredentials(text(config['remote_uri'])),
    serviceTokens: some(scimTokens(raw)),
  })
}

/** A URL without a user, password or query, any of which may be a secret. */
function withoutCredentials(url: string | undefined): string | undefined {
  const {origin, pathname} = (url !== undefined && URL.parse(url)) || {}
  return origin === undefined || origin === 'null' ? undefined : `${origin}${pathname ?? ''}`
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function flag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

function some<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined
}

/** Without the fields that are not set. */
function compact<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

function compactOrNothing<T extends object>(fields: T): T | undefined {
  const left = compact(fields)
  return Object.keys(left).length > 0 ? left : undefined
}
