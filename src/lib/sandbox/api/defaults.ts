import {canonicalJson} from '../../core/canonical-json.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'

/** Every type of application (Cloudflare's API reference). */
export const TYPES = [
  ...['self_hosted', 'saas', 'ssh', 'vnc', 'app_launcher', 'warp', 'biso', 'bookmark', 'dash_sso'],
  ...['infrastructure', 'rdp', 'mcp', 'mcp_portal', 'proxy_endpoint'],
]
/** The types that a browser reaches by a host name of their own. */
const HOSTED = ['self_hosted', 'ssh', 'vnc', 'rdp', 'mcp_portal']

export const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
export const objects = (value: unknown): JsonObject[] =>
  Array.isArray(value) ? value.filter(isJsonObject) : []

/** The hosts and paths of an application's public destinations. */
export function publicUris(places: readonly JsonObject[]): string[] {
  return texts(places.filter((one) => (one['type'] ?? 'public') === 'public').map((one) => one['uri']))
}

/** What the API fills in, by types (Terraform provider, plan_modifiers.go; terraform-provider-cloudflare#5181). */
const DEFAULTS: readonly [field: string, value: unknown, types: readonly string[]][] = [
  [
    'session_duration',
    '24h',
    [...HOSTED, 'saas', 'dash_sso', 'app_launcher', 'warp', 'mcp', 'proxy_endpoint'],
  ],
  ['http_only_cookie_attribute', true, [...HOSTED, 'mcp']],
  ['app_launcher_visible', true, ['self_hosted', 'ssh', 'vnc', 'rdp', 'saas', 'bookmark']],
  ['auto_redirect_to_identity', false, HOSTED],
  ['enable_binding_cookie', false, HOSTED],
  ['options_preflight_bypass', false, HOSTED],
  ['allowed_idps', [], TYPES],
  ['tags', [], TYPES],
]
/** Lists whose order has no meaning (sets in the Terraform provider; it says of the tags that the API sorts them). */
const SETS = ['tags', 'allowed_idps', 'self_hosted_domains']

/** Fills in an application's fields and sorts them as the API does. */
export function fillApplication(fields: JsonObject): void {
  const type = String(fields['type'])
  for (const [field, value, types] of DEFAULTS)
    if (types.includes(type)) fields[field] ??= structuredClone(value)
  if (HOSTED.includes(type)) fillDestinations(fields)
  for (const field of SETS) if (Array.isArray(fields[field])) fields[field] = texts(fields[field]).sort()
}

/** The API ties `domain`, `self_hosted_domains` and `destinations` together. */
function fillDestinations(fields: JsonObject): void {
  const places = objects(fields['destinations'])
  const listed = texts(fields['self_hosted_domains'])
  if (places.length > 0) {
    fields['destinations'] = places.map((one) => ({...one, type: one['type'] ?? 'public'}))
    fields['self_hosted_domains'] = publicUris(places)
    return
  }
  const hosts = listed.length > 0 ? listed : texts([fields['domain']])
  fields['self_hosted_domains'] = hosts
  fields['destinations'] = hosts.map((uri) => ({type: 'public', uri}))
}

/** The same for a policy: the Terraform provider takes an omitted flag for false, and the rules for sets. */
export function fillPolicy(policy: JsonObject): void {
  for (const flag of ['approval_required', 'isolation_required', 'purpose_justification_required'])
    policy[flag] ??= false
  fillRules(policy)
}

/** The rules of a policy or an Access group, which are sets in the Terraform provider. */
export function fillRules(object: JsonObject): void {
  for (const part of ['include', 'require', 'exclude'])
    object[part] = [...objects(object[part])].sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1))
}
