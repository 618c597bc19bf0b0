import {randomBytes} from 'node:crypto'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {settingOf, type SandboxSettings} from '../settings.js'
import {invalid, Refused} from './answer.js'

/** Every type of application (Cloudflare's API reference). */
const TYPES = new Set([
  ...['self_hosted', 'saas', 'ssh', 'vnc', 'app_launcher', 'warp', 'biso', 'bookmark', 'dash_sso'],
  ...['infrastructure', 'rdp', 'mcp', 'mcp_portal', 'proxy_endpoint'],
])
/** The types that a browser reaches by a host name of their own. */
const HOSTED = ['self_hosted', 'ssh', 'vnc', 'rdp', 'mcp_portal']

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
const objects = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : [])
const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === ''

/** Checks the fields of an application that do not depend on other objects. `domain` is filled in if it follows. */
export function checkFields(fields: JsonObject): void {
  if (typeof fields['type'] !== 'string' || !TYPES.has(fields['type']))
    throw invalid('app type is missing or invalid')
  checkDomain(fields)
  checkCors(fields)
}

/** `domain` is one of the listed ones; the first public one if it is omitted (Terraform provider, plan_modifiers.go). */
function checkDomain(fields: JsonObject): void {
  const {destinations, self_hosted_domains: listed, type} = fields
  const places = objects(destinations)
  const field = places.length > 0 ? 'destinations' : 'self_hosted_domains'
  const hosts = places.length > 0 ? places.flatMap(placesOf) : texts(listed)
  if (typeof fields['domain'] !== 'string') {
    const [first] = places.length > 0 ? publicUris(places) : hosts
    if (first !== undefined) fields['domain'] = first
    else if (type === 'self_hosted' && hosts.length === 0) throw invalid('domain is required')
  } else if (hosts.length > 0 && !hosts.includes(fields['domain'])) {
    throw invalid(`domain not included in ${field}`)
  }
  const oauth = fields['oauth_configuration']
  if (isJsonObject(oauth) && oauth['enabled'] === true && String(fields['domain']).includes('/'))
    throw invalid('domain can not have a path if oauth is configured')
}

function publicUris(places: readonly JsonObject[]): string[] {
  return places
    .filter((one) => (one['type'] ?? 'public') === 'public')
    .map((one) => one['uri'])
    .filter((uri) => typeof uri === 'string')
}

function placesOf({uri, hostname, cidr}: JsonObject): string[] {
  return [uri, hostname, cidr].filter((one) => typeof one === 'string')
}

/** 12057 is reported; the words after the code are not known. */
function checkCors(fields: JsonObject): void {
  const cors = fields['cors_headers']
  if (!isJsonObject(cors)) return
  if (fields['options_preflight_bypass'] === true)
    throw invalid('options_preflight_bypass cannot be set with cors_headers')
  const allows = (what: string): boolean =>
    cors[`allow_all_${what}`] === true || texts(cors[`allowed_${what}`]).length > 0
  if (allows('origins') && !allows('methods'))
    throw new Refused(400, 12057, 'access.api.error.invalid_cors_headers: methods are required with origins')
}

/** The fields that a SCIM configuration must have, by its scheme (Cloudflare's API reference). */
const SCHEMES: Record<string, readonly string[]> = {
  httpbasic: ['user', 'password'],
  oauthbearertoken: ['token'],
  oauth2: ['client_id', 'client_secret', 'authorization_url', 'token_url'],
  access_service_token: ['client_id', 'client_secret'],
}
const SECRETS = new Set(['password', 'token', 'client_secret'])
const MASK = '**********'

/**
 * Puts the secrets that an application must have into its fields, as the settings say.
 *
 * @param old the application before; undefined if it is being created
 */
export function takeSecrets(
  fields: JsonObject,
  old: JsonObject | undefined,
  settings: SandboxSettings,
): void {
  const before = schemesOf(old ?? {})
  for (const scheme of schemesOf(fields)) {
    const stored = before.find((one) => one['scheme'] === scheme['scheme'])
    for (const field of SCHEMES[String(scheme['scheme'])] ?? []) {
      if (!isEmpty(scheme[field])) continue
      const what = stored && SECRETS.has(field) ? settingOf(settings, 'missing_secret') : 'refuse'
      if (what === 'refuse') throw invalid(`${field} is a required field`)
      if (what === 'keep') scheme[field] = stored?.[field]
    }
  }
  const saas = fields['saas_app']
  if (!isJsonObject(saas) || saas['auth_type'] !== 'oidc') return
  // The server makes both, and shows the secret once (Terraform provider, normalizations.go).
  const had = isJsonObject(old?.['saas_app']) ? old['saas_app'] : undefined
  const erase = had !== undefined && settingOf(settings, 'missing_secret') === 'erase'
  for (const field of ['client_id', 'client_secret'])
    if (isEmpty(saas[field]) && !(erase && field === 'client_secret'))
      saas[field] = had?.[field] ?? randomBytes(32).toString('hex')
}

/** An application as an answer shows it: without its secrets, as the setting says. The given one is not changed. */
export function withoutSecrets(app: JsonObject, settings: SandboxSettings): JsonObject {
  const how = settingOf(settings, 'hidden_secrets')
  if (how === 'show' || (app['scim_config'] === undefined && app['saas_app'] === undefined)) return app
  const shown = structuredClone(app)
  const saas = shown['saas_app']
  for (const holder of [...schemesOf(shown), ...(isJsonObject(saas) ? [saas] : [])])
    for (const field of SECRETS)
      if (holder[field] === undefined) continue
      else if (how === 'mask') holder[field] = MASK
      else Reflect.deleteProperty(holder, field)
  return shown
}

/** Whether an application's SCIM configuration uses a service token: it names the client ID. */
export function provisionsWith(app: JsonObject, clientId: unknown): boolean {
  return schemesOf(app).some(
    (one) => one['scheme'] === 'access_service_token' && one['client_id'] === clientId,
  )
}

/** The authentication of a SCIM configuration: an object, or a list of them. */
function schemesOf(app: JsonObject): JsonObject[] {
  const scim = app['scim_config']
  const authentication = isJsonObject(scim) ? scim['authentication'] : undefined
  return isJsonObject(authentication) ? [authentication] : objects(authentication)
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
  ['allowed_idps', [], [...TYPES]],
  ['tags', [], [...TYPES]],
]
/** Lists whose order has no meaning (sets in the Terraform provider; it says of the tags that the API sorts them). */
const SETS = ['tags', 'allowed_idps', 'self_hosted_domains']

/** Fills in and sorts as the API does. */
export function withDefaults(fields: JsonObject): void {
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
