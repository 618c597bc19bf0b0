import type {Decision, Group, Rule} from '../api/types.js'
import {isJsonObject, type JsonObject} from '../core/json.js'
import {addressInBlock} from './address.js'
import type {AccessRequest} from './types.js'

/** Whether a rule holds. `identity`: it may hold for a person who logs in, and never for a machine. */
export interface RuleMatch {
  holds: 'yes' | 'no' | 'identity'
  /** A clause without full stop, e.g. `the token is not "ci"`. */
  why: string
}

export interface RuleScope {
  decision: Decision
  request: AccessRequest
  groups: ReadonlyMap<string, Group>
  /** Answers for groups by ID, while one policy is evaluated: a group that is named often is evaluated once. */
  answers: Map<string, RuleMatch>
}

/** Deeper than anyone nests groups; each level adds to the sentence that says why. */
const DEEPEST = 500

type Selector = (body: JsonObject, scope: RuleScope, within: readonly string[]) => RuleMatch

const yes = (why: string): RuleMatch => ({holds: 'yes', why})
const no = (why: string): RuleMatch => ({holds: 'no', why})

/** Selectors that need a person's login, a device or a certificate (Cloudflare's documentation on selectors). */
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
    cloudflare_account_member: 'a member of a Cloudflare account',
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
    if (decision !== 'non_identity') return no('service tokens count only under the action Service Auth')
    if (request.serviceTokenId === undefined) return no('no valid service token was sent')
    return body['token_id'] === request.serviceTokenId
      ? yes('it names this service token')
      : no('it names another service token')
  },
  any_valid_service_token: (_body, {decision, request}) => {
    if (decision !== 'non_identity') return no('service tokens count only under the action Service Auth')
    return request.serviceTokenId === undefined
      ? no('no valid service token was sent')
      : yes('it includes any valid service token')
  },
  linked_app_token: () => no('it requires a token of another application'),
  ip: (body, {request}) => {
    const range = String(body['ip'])
    if (request.ip === undefined)
      return no(`it is for addresses in ${range}, and zt does not know the client's address`)
    return addressInBlock(request.ip, range)
      ? yes(`${request.ip} is in ${range}`)
      : no(`${request.ip} is not in ${range}`)
  },
  ip_list: () => no('zt does not know the addresses of the IP list'),
  geo: (body, {request}) => {
    const wanted = String(body['country_code'])
    if (request.country === undefined)
      return no(`it is for the country ${wanted}, and zt does not know the client's country`)
    return request.country.toUpperCase() === wanted.toUpperCase()
      ? yes(`the country is ${wanted}`)
      : no(`the country is not ${wanted}`)
  },
  group: (body, scope, within) => {
    const id = String(body['id'])
    const group = scope.groups.get(id)
    if (!group) return no('its Access group does not exist')
    if (within.length >= DEEPEST) return no('its Access groups are nested too deeply')
    if (within.includes(id)) return no(`the Access group "${group.name}" includes itself`)
    const known = scope.answers.get(id)
    if (known !== undefined) return known
    const {holds, why} = combine(group, scope, [...within, id])
    const answer = {holds, why: `Access group "${group.name}": ${why}`}
    scope.answers.set(id, answer)
    return answer
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
  const excluded = best(exclude.map((rule) => matchRule(rule, scope, within)))
  if (excluded.holds === 'yes') return {...no(`it excludes: ${excluded.why}`), part: 'exclude'}
  const required = require.map((rule) => matchRule(rule, scope, within))
  const failing = required.find(({holds}) => holds === 'no')
  if (failing) return {...no(`a requirement is not met: ${failing.why}`), part: 'require'}
  const needsLogin = required.find(({holds}) => holds === 'identity')
  if (included.holds === 'yes' && needsLogin) return {...needsLogin, part: 'require'}
  // Everyone except some people: only a login shows who is excluded.
  if (included.holds === 'yes' && excluded.holds === 'identity') return {...excluded, part: 'exclude'}
  return {...included, part: 'include'}
}

/** Whether a rule is about a person's identity, which takes a login, a device or a certificate. */
export function wantsIdentity(rule: Rule): boolean {
  return Object.keys(rule).some((selector) => IDENTITY.has(selector))
}

function matchRule(rule: Rule, scope: RuleScope, within: readonly string[]): RuleMatch {
  const [[name, value] = ['nothing', undefined], another] = Object.entries(rule)
  if (another) return no('one of its rules has several selectors, which zt cannot evaluate')
  const identity = IDENTITY.get(name)
  if (identity !== undefined) {
    // Bypass and Service Auth never ask for a login.
    const asked = scope.decision === 'allow' || scope.decision === 'deny'
    return {holds: asked ? 'identity' : 'no', why: `it requires ${identity}, which a machine does not have`}
  }
  const selector = Object.hasOwn(SELECTORS, name) ? SELECTORS[name] : undefined
  if (!selector) return no(`zt does not know the selector "${name.slice(0, 40)}"`)
  return selector(isJsonObject(value) ? value : {}, scope, within)
}

function best(matches: RuleMatch[]): RuleMatch {
  return (
    matches.find(({holds}) => holds === 'yes') ??
    matches.find(({holds}) => holds === 'identity') ??
    matches[0] ??
    no('it includes no one')
  )
}
