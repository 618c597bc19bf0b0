import type {Rule} from '../api/types.js'
import {isJsonObject, type JsonObject} from '../core/json.js'

/** The names of objects in rules, by their IDs. Undefined: unknown; the ID is shown then. */
export interface RuleNames {
  serviceToken(id: string): string | undefined
  group(id: string): string | undefined
}

/** Looks up names among objects by their IDs. */
export function nameLookup(all: readonly {id: string; name: string}[]): (id: string) => string | undefined {
  const byId = new Map(all.map(({id, name}) => [id, name]))
  return (id) => byId.get(id)
}

/** A selector in the dashboard's words, and the field of its body that has the value. */
const SELECTORS: Record<string, [words: string, field?: string]> = {
  everyone: ['everyone'],
  any_valid_service_token: ['any valid service token'],
  certificate: ['a client certificate'],
  email: ['e-mail', 'email'],
  email_domain: ['e-mails of', 'domain'],
  email_list: ['e-mail list', 'id'],
  ip: ['IP', 'ip'],
  ip_list: ['IP list', 'id'],
  geo: ['country', 'country_code'],
  common_name: ['certificate', 'common_name'],
  login_method: ['login method', 'id'],
  auth_method: ['authentication method', 'auth_method'],
  linked_app_token: ['token of the application', 'app_uid'],
  device_posture: ['device posture', 'integration_uid'],
}

/** A rule in words: `service token gitlab-admin`, `country DE`. One that zt does not know comes as JSON. */
export function ruleInWords(rule: Rule, names: RuleNames): string {
  const [[selector, value] = ['', undefined], another] = Object.entries(rule)
  const body: JsonObject = isJsonObject(value) ? value : {}
  if (another) return JSON.stringify(rule)
  if (selector === 'service_token') {
    const id = String(body['token_id'])
    return `service token ${names.serviceToken(id) ?? id}`
  }
  if (selector === 'group') {
    const id = String(body['id'])
    return `Access group ${names.group(id) ?? id}`
  }
  const known = Object.hasOwn(SELECTORS, selector) ? SELECTORS[selector] : undefined
  if (!known) return JSON.stringify(rule)
  const [words, field] = known
  if (field === undefined) return words
  const said = body[field]
  return typeof said === 'string' ? `${words} ${said}` : JSON.stringify(rule)
}
