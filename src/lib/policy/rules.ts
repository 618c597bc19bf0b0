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

type Holds = (body: JsonObject, scope: RuleScope, within: readonly string[]) => RuleMatch

/** A kind of rule. Exactly one of `identity` and `holds` is there. */
interface Selector {
  /** What the dashboard calls it. Without: zt shows the rule as JSON. */
  words?: string
  /** The field of its body with its value; shown after the words. */
  field?: string
  /** What the ID in that field belongs to. */
  names?: 'serviceToken' | 'group'
  /** What a client must have for it: a login, a device or a certificate (Cloudflare's documentation on selectors). */
  identity?: string
  holds?: Holds
}

const yes = (why: string): RuleMatch => ({holds: 'yes', why})
const no = (why: string): RuleMatch => ({holds: 'no', why})

/** Every selector of the API that zt knows. */
const SELECTORS: Record<string, Selector> = {
  everyone: {words: 'everyone', holds: () => yes('everyone is included')},
  service_token: {
    words: 'service token',
    field: 'token_id',
    names: 'serviceToken',
    holds: (body, {decision, request}) => {
      if (decision !== 'non_identity') return no('service tokens count only under the action Service Auth')
      if (request.serviceTokenId === undefined) return no('no valid service token was sent')
      return body['token_id'] === request.serviceTokenId
        ? yes('it names this service token')
        : no('it names another service token')
    },
  },
  any_valid_service_token: {
    words: 'any valid service token',
    holds: (_body, {decision, request}) => {
      if (decision !== 'non_identity') return no('service tokens count only under the action Service Auth')
      return request.serviceTokenId === undefined
        ? no('no valid service token was sent')
        : yes('it includes any valid service token')
    },
  },
  linked_app_token: {
    words: 'token of the application',
    field: 'app_uid',
    holds: () => no('it requires a token of another application'),
  },
  ip: {
    words: 'IP',
    field: 'ip',
    holds: (body, {request}) => {
      const range = String(body['ip'])
      if (request.ip === undefined)
        return no(`it is for addresses in ${range}, and zt does not know the client's address`)
      return addressInBlock(request.ip, range)
        ? yes(`${request.ip} is in ${range}`)
        : no(`${request.ip} is not in ${range}`)
    },
  },
  ip_list: {words: 'IP list', field: 'id', holds: () => no('zt does not know the addresses of the IP list')},
  geo: {
    words: 'country',
    field: 'country_code',
    holds: (body, {request}) => {
      const wanted = String(body['country_code'])
      if (request.country === undefined)
        return no(`it is for the country ${wanted}, and zt does not know the client's country`)
      return request.country.toUpperCase() === wanted.toUpperCase()
        ? yes(`the country is ${wanted}`)
        : no(`the country is not ${wanted}`)
    },
  },
  group: {
    words: 'Access group',
    field: 'id',
    names: 'group',
    holds: (body, scope, within) => {
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
  },
  email: {words: 'email', field: 'email', identity: 'an email address'},
  email_domain: {words: 'emails of', field: 'domain', identity: 'an email address of a domain'},
  email_list: {words: 'email list', field: 'id', identity: 'an email address of a list'},
  login_method: {words: 'login method', field: 'id', identity: 'a login method'},
  auth_method: {words: 'authentication method', field: 'auth_method', identity: 'an authentication method'},
  auth_context: {identity: 'an authentication context'},
  okta: {identity: 'an Okta group'},
  saml: {identity: 'a SAML attribute'},
  oidc: {identity: 'an OIDC claim'},
  azureAD: {identity: 'an Entra group'},
  azure: {identity: 'an Entra group'},
  cloudflare_account_member: {identity: 'a member of a Cloudflare account'},
  gsuite: {identity: 'a Google Workspace group'},
  'github-organization': {identity: 'a GitHub organisation'},
  certificate: {words: 'a client certificate', identity: 'a client certificate'},
  common_name: {words: 'certificate', field: 'common_name', identity: 'a client certificate'},
  device_posture: {
    words: 'device posture',
    field: 'integration_uid',
    identity: 'a device that passes a posture check',
  },
  external_evaluation: {identity: 'an external evaluation'},
  user_risk_score: {identity: 'a user risk score'},
}

/** @returns undefined for a selector that zt does not know */
export function selectorNamed(name: string): Selector | undefined {
  return Object.hasOwn(SELECTORS, name) ? SELECTORS[name] : undefined
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
  return Object.keys(rule).some((name) => selectorNamed(name)?.identity !== undefined)
}

function matchRule(rule: Rule, scope: RuleScope, within: readonly string[]): RuleMatch {
  const [[name, value] = ['nothing', undefined], another] = Object.entries(rule)
  if (another) return no('one of its rules has several selectors, which zt cannot evaluate')
  const {identity, holds} = selectorNamed(name) ?? {}
  if (identity !== undefined) {
    // Bypass and Service Auth never ask for a login.
    const asked = scope.decision === 'allow' || scope.decision === 'deny'
    return {holds: asked ? 'identity' : 'no', why: `it requires ${identity}, which a machine does not have`}
  }
  if (!holds) return no(`zt does not know the selector "${name.slice(0, 40)}"`)
  return holds(isJsonObject(value) ? value : {}, scope, within)
}

function best(matches: RuleMatch[]): RuleMatch {
  return (
    matches.find(({holds}) => holds === 'yes') ??
    matches.find(({holds}) => holds === 'identity') ??
    matches[0] ??
    no('it includes no one')
  )
}
