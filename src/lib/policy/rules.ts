import {BlockList, isIP} from 'node:net'
import type {Decision, Group, Rule} from '../api/types.js'
import {isJsonObject, type JsonObject} from '../core/context.js'
import type {AccessRequest} from './types.js'

/** Whether a rule holds. `identity`: it could, for a person who logs in; never for a machine. */
export interface RuleMatch {
  holds: 'yes' | 'no' | 'identity'
  /** A clause without full stop, e.g. `the token is not "ci"`. */
  why: string
}

export interface RuleScope {
  decision: Decision
  request: AccessRequest
  groups: ReadonlyMap<string, Group>
}

type Selector = (body: JsonObject, scope: RuleScope, within: readonly string[]) => RuleMatch

const yes = (why: string): RuleMatch => ({holds: 'yes', why})
const no = (why: string): RuleMatch => ({holds: 'no', why})

/** What needs a person's login, a device or a certificate (Cloudflare's documentation on selectors). */
const IDENTITY = new Map<string, string>(
  Object.entries({
    email: 'an e-mail address',
    email_domain: 'an e-mail address of a domain',
    email_list: 'an e-mail address of a list',
    login_method: 'a login method',
    auth_method: 'an authentication method',
    auth_context: 'an authentication context',
    okta: 'an Okta group',
    saml: 'a SAML attribute',
    oidc: 'an OIDC claim',
    azureAD: 'an Entra group',
    azure: 'an Entra group',
    gsuite: 'a Google Workspace group',
    'github-organization': 'a GitHub organisation',
    certificate: 'a client certificate',
    common_name: 'a client certificate',
    device_posture: 'a device that passes a posture check',
    external_evaluation: 'an external evaluation',
    user_risk_score: 'a user risk score',
  }),
)

const SELECTORS: Record<string, Selector> = {
  everyone: () => yes('everyone is included'),
  service_token: (body, {decision, request}) => {
    if (decision !== 'non_identity') return no('a service token counts under the action Service Auth only')
    if (request.serviceTokenId === undefined) return no('no valid service token was sent')
    return body['token_id'] === request.serviceTokenId
      ? yes('it names this service token')
      : no('it names another service token')
  },
  any_valid_service_token: (_body, {decision, request}) => {
    if (decision !== 'non_identity') return no('a service token counts under the action Service Auth only')
    return request.serviceTokenId === undefined
      ? no('no valid service token was sent')
      : yes('it includes any valid service token')
  },
  linked_app_token: () => no('it wants a token of another application'),
  ip: (body, {request}) => {
    const range = String(body['ip'])
    if (request.ip === undefined) return no("the client's address is not known")
    return inRange(request.ip, range)
      ? yes(`${request.ip} is in ${range}`)
      : no(`${request.ip} is not in ${range}`)
  },
  ip_list: () => no('the addresses of an IP list are not known here'),
  geo: (body, {request}) => {
    const wanted = String(body['country_code'])
    if (request.country === undefined) return no("the client's country is not known")
    return request.country === wanted ? yes(`the country is ${wanted}`) : no(`the country is not ${wanted}`)
  },
  group: (body, scope, within) => {
    const id = String(body['id'])
    const group = scope.groups.get(id)
    if (!group) return no('its Access group does not exist')
    if (within.includes(id)) return no(`the Access group "${group.name}" includes itself`)
    const inner = [...within, id]
    const {holds, why} = combine(group, scope, inner)
    return {holds, why: `Access group "${group.name}": ${why}`}
  },
}

/** Include (any), Require (all) and Exclude (none) together, for a policy or an Access group. */
export function combine(
  {include, require, exclude}: Pick<Group, 'include' | 'require' | 'exclude'>,
  scope: RuleScope,
  within: readonly string[] = [],
): RuleMatch & {part: 'include' | 'require' | 'exclude'} {
  const included = best(include.map((rule) => matchRule(rule, scope, within)))
  if (included.holds === 'no') return {...included, part: 'include'}
  const excluding = exclude.map((rule) => matchRule(rule, scope, within)).find(({holds}) => holds === 'yes')
  if (excluding) return {...no(`it excludes: ${excluding.why}`), part: 'exclude'}
  const required = require.map((rule) => matchRule(rule, scope, within))
  const failing = required.find(({holds}) => holds === 'no')
  if (failing) return {...no(`it requires more: ${failing.why}`), part: 'require'}
  const needsLogin = required.find(({holds}) => holds === 'identity')
  if (included.holds === 'yes' && needsLogin) return {...needsLogin, part: 'require'}
  return {...included, part: 'include'}
}

function matchRule(rule: Rule, scope: RuleScope, within: readonly string[]): RuleMatch {
  const [name, value] = Object.entries(rule)[0] ?? ['nothing', undefined]
  const identity = IDENTITY.get(name)
  if (identity !== undefined)
    return {holds: 'identity', why: `it wants ${identity}, which a machine does not have`}
  const selector = Object.hasOwn(SELECTORS, name) ? SELECTORS[name] : undefined
  if (!selector) return no(`zt does not know the selector "${name.slice(0, 40)}"`)
  return selector(isJsonObject(value) ? value : {}, scope, within)
}

function best(matches: RuleMatch[]): RuleMatch {
  return (
    matches.find(({holds}) => holds === 'yes') ??
    matches.find(({holds}) => holds === 'identity') ??
    matches[0] ??
    no('it includes nobody')
  )
}

/** Whether an address is in a CIDR range (or is that address), of either IP version. */
function inRange(address: string, range: string): boolean {
  const [network = '', bits] = range.split('/')
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
  const most = family === 'ipv6' ? 128 : 32
  const prefix = bits === undefined ? most : Number(bits)
  if (isIP(network) === 0 || isIP(address) === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > most)
    return false
  const list = new BlockList()
  list.addSubnet(network, prefix, family)
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
