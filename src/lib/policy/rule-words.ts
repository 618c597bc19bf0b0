import type {Rule} from '../api/types.js'
import {isJsonObject, type JsonObject} from '../core/context.js'

/** What the ids in rules are called; an id that is missing is shown as it is. */
export interface RuleNames {
  serviceTokens: ReadonlyMap<string, string>
  groups: ReadonlyMap<string, string>
}

type Words = (body: JsonObject, names: RuleNames) => string

const text = (value: unknown): string => (typeof value === 'string' ? value : '?')

/** Selectors whose whole body is said by one of its fields. */
const BY_FIELD: Record<string, [words: string, field: string]> = {
  email: ['e-mail', 'email'],
  email_domain: ['e-mail domain', 'domain'],
  email_list: ['e-mail list', 'id'],
  ip: ['IP', 'ip'],
  ip_list: ['IP list', 'id'],
  geo: ['country', 'country_code'],
  login_method: ['login method', 'id'],
  auth_method: ['authentication method', 'auth_method'],
  auth_context: ['authentication context', 'id'],
  azureAD: ['Entra group', 'id'],
  okta: ['Okta group', 'name'],
  gsuite: ['Google Workspace group', 'email'],
  'github-organization': ['GitHub organisation', 'name'],
  saml: ['SAML attribute', 'attribute_name'],
  oidc: ['OIDC claim', 'claim_name'],
  common_name: ['certificate of', 'common_name'],
  device_posture: ['device posture', 'integration_uid'],
  external_evaluation: ['external evaluation', 'evaluate_url'],
  linked_app_token: ['token of application', 'app_uid'],
}

const SELECTORS: Record<string, Words> = {
  everyone: () => 'everyone',
  certificate: () => 'any valid certificate',
  any_valid_service_token: () => 'any service token',
  service_token: (body, {serviceTokens}) => {
    const id = text(body['token_id'])
    return `service token ${serviceTokens.get(id) ?? id}`
  },
  group: (body, {groups}) => {
    const id = text(body['id'])
    return `Access group ${groups.get(id) ?? id}`
  },
}

/** A rule as people say it: `service token ci`, `country DE`. One that zt does not know is called as the API calls it. */
export function ruleInWords(rule: Rule, names: RuleNames): string {
  const [name = '', value] = Object.entries(rule)[0] ?? []
  const body = isJsonObject(value) ? value : {}
  const known = Object.hasOwn(SELECTORS, name) ? SELECTORS[name] : undefined
  if (known) return known(body, names)
  const [words, field] = (Object.hasOwn(BY_FIELD, name) ? BY_FIELD[name] : undefined) ?? [undefined, '']
  return words === undefined ? name.slice(0, 40) : `${words} ${text(body[field])}`
}
