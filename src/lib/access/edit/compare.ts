import {canonicalJson} from '../../core/canonical-json.js'
import {goDurationSeconds} from '../../core/duration.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import type {ObjectKind} from './object.js'
import {isMaskOf} from './withheld.js'

/** What of a field's value says nothing, because the server may change it without an edit. */
interface Field {
  /** Values that mean the same as none: a default that the server fills in or leaves out. */
  unset?: readonly unknown[]
  /** The order of the list means nothing. */
  set?: true
  /** A Go duration, which can be written in several ways. */
  duration?: true
  /** ISO 8601, with or without fractions of a second. */
  time?: true
  /** `text`: the value in another form. */
  as?: (value: unknown) => unknown
  /** Set by the server alone, for example at each change or by changes of other objects. */
  ignored?: true
  /** Set by the server alone, once: it may be missing, and never changes. */
  once?: true
  /** Where there was no value, a write may bring one that the server chooses. */
  filled?: true
}

const OFF: Field = {unset: [false]}
const ON: Field = {unset: [true]}
const SET: Field = {unset: [[]], set: true}
const LIST: Field = {unset: [[]]}
const SESSION: Field = {unset: ['24h'], duration: true}

/** Of every object (Cloudflare's API reference). `uid` is an older name of `id`. */
const EVERY: Record<string, Field> = {
  updated_at: {ignored: true},
  app_count: {ignored: true},
  created_at: {once: true, time: true},
  id: {once: true},
  uid: {once: true},
  aud: {once: true},
  account_id: {once: true},
  reusable: {once: true},
}

/** The rules of a part are combined by OR, AND or NOT, so their order means nothing. */
const RULES: Record<string, Field> = {
  include: {...SET, as: rulesInForm},
  exclude: {...SET, as: rulesInForm},
  require: {...SET, as: rulesInForm},
}

const MFA: Record<string, Field> = {
  'mfa_config.allowed_authenticators': SET,
  'mfa_config.mfa_disabled': OFF,
}

const POLICY: Record<string, Field> = {
  ...EVERY,
  ...RULES,
  ...MFA,
  session_duration: SESSION,
  approval_groups: LIST,
  approval_required: OFF,
  purpose_justification_required: OFF,
  isolation_required: OFF,
  'connection_rules.ssh.allow_email_alias': OFF,
  'connection_rules.rdp.allowed_clipboard_local_to_remote_formats': SET,
  'connection_rules.rdp.allowed_clipboard_remote_to_local_formats': SET,
}

/**
 * The fields whose values the server fills in, leaves out or puts in another order, by kind of object and path. From the
 * normalisations, schemas and plan modifiers of Cloudflare's Terraform provider (5.22: zero_trust_access_application,
 * zero_trust_access_policy, zero_trust_access_group), and from the API reference. `null` means the same as no value in
 * every field; apart from that, a field that is not here is compared as it is.
 */
const FIELDS: Record<ObjectKind, Record<string, Field>> = {
  policy: POLICY,
  'inline-policy': POLICY,
  group: {...EVERY, ...RULES, is_default: {unset: [false, []]}},
  application: {
    ...EVERY,
    ...MFA,
    session_duration: SESSION,
    domain: {filled: true},
    allowed_idps: {...SET, filled: true},
    tags: SET,
    custom_pages: LIST,
    destinations: {...SET, as: destinationsInForm},
    self_hosted_domains: SET,
    service_auth_401_redirect: OFF,
    enable_binding_cookie: OFF,
    options_preflight_bypass: OFF,
    auto_redirect_to_identity: OFF,
    skip_interstitial: OFF,
    allow_iframe: OFF,
    path_cookie_attribute: OFF,
    skip_app_launcher_login_page: OFF,
    allow_authenticate_via_warp: OFF,
    http_only_cookie_attribute: ON,
    app_launcher_visible: ON,
    'cors_headers.allow_credentials': OFF,
    'cors_headers.allowed_headers': SET,
    'cors_headers.allowed_methods': SET,
    'cors_headers.allowed_origins': SET,
    'oauth_configuration.enabled': ON,
    'oauth_configuration.dynamic_client_registration': {unset: [{}]},
    'oauth_configuration.dynamic_client_registration.enabled': ON,
    'oauth_configuration.dynamic_client_registration.allow_any_on_localhost': ON,
    'oauth_configuration.dynamic_client_registration.allow_any_on_loopback': ON,
    'oauth_configuration.dynamic_client_registration.allowed_uris': SET,
    'saas_app.auth_type': {unset: ['saml']},
    'saas_app.access_token_lifetime': {unset: ['5m'], duration: true},
    'saas_app.allow_pkce_without_client_secret': OFF,
    'saas_app.sp_entity_id': {unset: ['']},
    'saas_app.consumer_service_url': {unset: ['']},
    'saas_app.idp_entity_id': {filled: true},
    'saas_app.sso_endpoint': {filled: true},
    'saas_app.public_key': {filled: true},
    'saas_app.client_id': {filled: true},
    'saas_app.name_id_format': {filled: true},
  },
}

/** Whether two values of a field mean the same; that is so as well if only their order or a default differs. */
export function sameField(kind: ObjectKind, field: string, one: unknown, other: unknown): boolean {
  return differingFields(kind, {[field]: one}, {[field]: other}).length === 0
}

/**
 * The names of the fields in which two states of an object differ in meaning, sorted. What the server sets, fills in or
 * puts in another order is no difference, nor is a secret that it hides in one of them.
 *
 * @param written true: zt wrote the object between these states, so the server may have filled in fields
 */
export function differingFields(
  kind: ObjectKind,
  before: JsonObject,
  after: JsonObject,
  {written = false} = {},
): string[] {
  const fields = FIELDS[kind]
  const [had, has] = [meaning(kind, before), meaning(kind, after)]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => {
      const facts = fields[field] ?? {}
      if (facts.ignored) return false
      const [one, other] = [had[field], has[field]]
      if (facts.once && (one === undefined || other === undefined)) return false
      return canonicalJson(one) !== canonicalJson(written ? unfilled(kind, field, one, other) : other)
    })
    .sort()
}

/** Whether a policy of the account is as this body would make one: its rules, and every setting that has a meaning. */
export function isLikePolicy(body: JsonObject, {raw}: {raw: JsonObject}): boolean {
  // Where it is on an application belongs to that.
  return differingFields('policy', body, {...raw, precedence: undefined}).length === 0
}

/** A field's value in the form in which equal ones are equal; undefined if it says the same as no value. */
export function meaningOf(kind: ObjectKind, field: string, value: unknown): unknown {
  return meaning(kind, {[field]: value})[field]
}

function meaning(kind: ObjectKind, state: JsonObject): JsonObject {
  const whole = kind === 'application' ? withAddresses(state) : state
  const plain = inForm(FIELDS[kind], '', '', whole)
  return isJsonObject(plain) ? plain : {}
}

function inForm(fields: Record<string, Field>, path: string, key: string, value: unknown): unknown {
  if (value === null || value === undefined || isMaskOf(key, value)) return undefined
  const facts = fields[path] ?? {}
  let form: unknown = value
  if (facts.as) form = facts.as(value)
  else if (Array.isArray(value)) form = value.map((one) => inForm(fields, `${path}[]`, key, one) ?? null)
  else if (isJsonObject(value)) {
    const inner = Object.entries(value).map(([name, one]): [string, unknown] => [
      name,
      inForm(fields, path === '' ? name : `${path}.${name}`, name, one),
    ])
    form = Object.fromEntries(inner.filter(([, one]) => one !== undefined))
  }
  if (facts.set && Array.isArray(form)) form = form.map((one: unknown) => canonicalJson(one)).sort()
  if (facts.unset?.some((one) => canonicalJson(one) === canonicalJson(form))) return undefined
  if (facts.duration && typeof form === 'string') {
    const seconds = goDurationSeconds(form)
    const isDefault = facts.unset?.some((one) => goDurationSeconds(String(one)) === seconds)
    return seconds === undefined ? form : isDefault ? undefined : seconds
  }
  if (facts.time && typeof form === 'string') {
    const at = Date.parse(form)
    return Number.isNaN(at) ? form : at
  }
  return form
}

/** The value after a write, without what the server chose where there was no value. */
function unfilled(kind: ObjectKind, path: string, before: unknown, after: unknown): unknown {
  if (before === undefined && FIELDS[kind][path]?.filled) return undefined
  if (!isJsonObject(before) || !isJsonObject(after)) return after
  const inner = Object.entries(after).map(([name, one]): [string, unknown] => [
    name,
    unfilled(kind, `${path}.${name}`, before[name], one),
  ])
  return Object.fromEntries(inner.filter(([, one]) => one !== undefined))
}

/**
 * An application with all three fields of its addresses. They are tied together: the server derives from one of them
 * those that are missing (the provider's `modifyPlanForDomains`).
 */
function withAddresses(state: JsonObject): JsonObject {
  const {domain, destinations, self_hosted_domains: hosts} = state
  const isThere = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0
  const own = typeof domain === 'string' && domain !== '' ? [domain] : []
  const derived = isThere(hosts) ? hosts : own
  const reached = isThere(destinations)
    ? destinations.filter(isJsonObject).flatMap(({type = 'public', uri}) => (type === 'public' ? [uri] : []))
    : derived
  return {
    ...state,
    ...(derived.length + reached.length > 0 && {
      destinations: isThere(destinations) ? destinations : derived.map((uri) => ({type: 'public', uri})),
      self_hosted_domains: isThere(hosts) ? hosts : reached,
    }),
  }
}

/** A destination without a type is public; a single address is one of /32 or /128 (the provider's schema). */
function destinationsInForm(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.map((one: unknown) => {
    if (!isJsonObject(one)) return one
    const {type = 'public', cidr, ...rest} = withoutNulls(one)
    return {type, ...rest, ...(cidr !== undefined && {cidr: asRange(cidr)})}
  })
}

/** Rules without selectors that say nothing, which the API may add: `common_name: {common_name: null}`. */
function rulesInForm(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.map((rule: unknown) => {
    if (!isJsonObject(rule)) return rule
    const said = Object.entries(withoutNulls(rule)).flatMap(([selector, one]): [string, unknown][] => {
      if (!isJsonObject(one)) return [[selector, one]]
      const inner = withoutNulls(one)
      if (Object.keys(inner).length === 0 && Object.keys(one).length > 0) return []
      return [[selector, selector === 'ip' ? {...inner, ip: asRange(inner['ip'])} : inner]]
    })
    return Object.fromEntries(said)
  })
}

function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== null && value !== undefined),
  )
}

function asRange(address: unknown): unknown {
  if (typeof address !== 'string' || address.includes('/')) return address
  return address.includes(':') ? `${address}/128` : `${address}/32`
}
