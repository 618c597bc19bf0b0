import {randomBytes} from 'node:crypto'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {settingOf, type SandboxSettings} from '../settings.js'
import {invalid, Refused} from './answer.js'
import {objects, publicUris, texts, TYPES} from './defaults.js'

const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === ''

/** Checks the fields of an application that do not depend on other objects. `domain` is filled in if it follows. */
export function checkFields(fields: JsonObject): void {
  if (typeof fields['type'] !== 'string' || !TYPES.includes(fields['type']))
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
