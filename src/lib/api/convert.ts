import {isJsonObject, type JsonObject} from '../core/json.js'
import type {Application, Decision, Group, Policy, Rule, ServiceToken} from './types.js'

/** A service token from the API's object. Unknown fields are dropped, because a token is never sent back whole. */
export function toServiceToken(answer: JsonObject): ServiceToken {
  const raw = withId(answer)
  return {
    id: text(raw['id']) ?? '',
    clientId: text(raw['client_id']) ?? '',
    name: text(raw['name']) ?? '',
    duration: text(raw['duration']) ?? '8760h',
    // Tokens from before this field existed are enabled.
    enabled: raw['enabled'] !== false,
    expiresAt: text(raw['expires_at']),
    createdAt: text(raw['created_at']),
    updatedAt: text(raw['updated_at']),
    lastSeenAt: text(raw['last_seen_at']),
    secretVersion:
      typeof raw['client_secret_version'] === 'number' ? raw['client_secret_version'] : undefined,
  }
}

export function toPolicy(answer: JsonObject): Policy {
  const raw = withId(answer)
  return {
    id: text(raw['id']) ?? '',
    name: text(raw['name']) ?? '',
    decision: (text(raw['decision']) ?? 'deny') as Decision,
    include: rules(raw['include']),
    exclude: rules(raw['exclude']),
    require: rules(raw['require']),
    precedence: typeof raw['precedence'] === 'number' ? raw['precedence'] : undefined,
    reusable: typeof raw['reusable'] === 'boolean' ? raw['reusable'] : undefined,
    raw,
  }
}

export function toApplication(answer: JsonObject): Application {
  const raw = withId(answer)
  const domain = text(raw['domain'])
  const listed = Array.isArray(raw['policies']) ? raw['policies'].filter(isJsonObject).map(toPolicy) : []
  return {
    id: text(raw['id']) ?? '',
    name: text(raw['name']) ?? domain ?? '',
    type: text(raw['type']) ?? '',
    domain,
    domains: [...new Set([domain, ...publicDestinations(raw)].filter((d) => d !== undefined))],
    serviceAuth401Redirect: raw['service_auth_401_redirect'] === true,
    policies: byPrecedence(listed),
    raw,
  }
}

export function toGroup(answer: JsonObject): Group {
  const raw = withId(answer)
  return {
    id: text(raw['id']) ?? '',
    name: text(raw['name']) ?? '',
    include: rules(raw['include']),
    exclude: rules(raw['exclude']),
    require: rules(raw['require']),
    raw,
  }
}

/** Ascending precedence; policies without one come last, in their order. */
export function byPrecedence(policies: readonly Policy[]): Policy[] {
  return [...policies].sort(
    (a, b) => (a.precedence ?? Number.MAX_SAFE_INTEGER) - (b.precedence ?? Number.MAX_SAFE_INTEGER),
  )
}

/** `destinations` supersedes `self_hosted_domains` (Cloudflare's API reference); private destinations are no hosts. */
function publicDestinations(raw: JsonObject): string[] {
  const destinations = raw['destinations']
  if (Array.isArray(destinations) && destinations.length > 0) {
    return destinations
      .filter(isJsonObject)
      .filter((d) => (d['type'] ?? 'public') === 'public')
      .map((d) => text(d['uri']))
      .filter((uri) => uri !== undefined)
  }
  const domains = raw['self_hosted_domains']
  return Array.isArray(domains) ? domains.filter((d): d is string => typeof d === 'string') : []
}

/** `uid` is an older name of `id`, which some answers have instead of it or beside it. */
function withId(raw: JsonObject): JsonObject {
  const {id, uid} = raw
  return text(id) === undefined && text(uid) !== undefined ? {...raw, id: uid} : raw
}

function rules(value: unknown): Rule[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
