import type {Decision, Group, Rule} from '../api/types.js'
import {isJsonObject, type JsonObject} from '../core/json.js'
import {addressInBlock} from './address.js'
import type {RulePart} from './references.js'
import type {AccessRequest} from './types.js'

/**
 * Whether a rule holds. `identity`: it may hold for a person who logs in, and never for a machine. `unknown`: it holds for
 * some requests, and what decides is not known of this one; any of the others may be true.
 */
export interface RuleMatch {
  holds: 'yes' | 'no' | 'identity' | 'unknown'
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
  /** What the dashboard calls it. */
  words: string
  /** The field of its body with its value, a text or a list of texts; shown after the words. */
  field?: string
  /** A second field, and what is shown between the two. */
  then?: [joint: string, field: string]
  /** The rule means something without the field. */
  optional?: boolean
  /** What the ID in that field belongs to. */
  names?: 'serviceToken' | 'group'
  /** What a client must have for it: a login or a device (Cloudflare's documentation on selectors). */
  identity?: string
  holds?: Holds
}

const yes = (why: string): RuleMatch => ({holds: 'yes', why})
const no = (why: string): RuleMatch => ({holds: 'no', why})
const unknown = (why: string): RuleMatch => ({holds: 'unknown', why})

const certificate: Holds = (_body, {request}) =>
  request.certificate === undefined
    ? unknown('it requires a client certificate, and zt does not know whether the client has one')
    : no('it requires a client certificate, which zt does not send')

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
        return unknown(`it is for addresses in ${range}, and zt does not know the client's address`)
      return addressInBlock(request.ip, range)
        ? yes(`${request.ip} is in ${range}`)
        : no(`${request.ip} is not in ${range}`)
    },
  },
  ip_list: {
    words: 'IP list',
    field: 'id',
    holds: () => unknown('zt does not know the addresses of the IP list'),
  },
  geo: {
    words: 'country',
    field: 'country_code',
    holds: (body, {request}) => {
      const wanted = String(body['country_code'])
      if (request.country === undefined)
        return unknown(`it is for the country ${wanted}, and zt does not know the client's country`)
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
      if (!group) return unknown('zt does not know its Access group')
      if (within.length >= DEEPEST) return unknown('its Access groups are nested too deeply')
      // What Access does then is documented nowhere.
      if (within.includes(id)) return unknown(`the Access group "${group.name}" includes itself`)
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
  auth_context: {
    words: 'authentication context',
    field: 'ac_id',
    identity: 'an authentication context',
  },
  okta: {words: 'Okta group', field: 'name', identity: 'an Okta group'},
  saml: {
    words: 'SAML attribute',
    field: 'attribute_name',
    then: [' = ', 'attribute_value'],
    identity: 'a SAML attribute',
  },
  oidc: {
    words: 'OIDC claim',
    field: 'claim_name',
    then: [' = ', 'claim_value'],
    identity: 'an OIDC claim',
  },
  azureAD: {words: 'Entra group', field: 'id', identity: 'an Entra group'},
  azure: {words: 'Entra group', field: 'id', identity: 'an Entra group'},
  cloudflare_account_member: {
    words: 'member of the Cloudflare account',
    field: 'account_id',
    optional: true,
    identity: 'a member of a Cloudflare account',
  },
  gsuite: {words: 'Google Workspace group', field: 'email', identity: 'a Google Workspace group'},
  'github-organization': {
    words: 'GitHub organisation',
    field: 'name',
    then: [' team ', 'team'],
    identity: 'a GitHub organisation',
  },
  certificate: {words: 'a client certificate', holds: certificate},
  common_name: {words: 'certificate', field: 'common_name', holds: certificate},
  device_posture: {
    words: 'device posture',
    field: 'integration_uid',
    identity: 'a device that passes a posture check',
  },
  external_evaluation: {
    words: 'external evaluation by',
    field: 'evaluate_url',
    identity: 'an external evaluation',
  },
  user_risk_score: {words: 'user risk score', field: 'user_risk_score', identity: 'a user risk score'},
}

/** @returns undefined for a selector that zt does not know */
export function selectorNamed(name: string): Selector | undefined {
  return Object.hasOwn(SELECTORS, name) ? SELECTORS[name] : undefined
}

/**
 * Include (any), Require (all) and Exclude (none) together, for a policy or an Access group, in three-valued logic: an
 * answer other than `unknown` stays the same whatever the unknown facts are.
 */
export function combine(
  {include, require, exclude}: Pick<Group, 'include' | 'require' | 'exclude'>,
  scope: RuleScope,
  within: readonly string[] = [],
): RuleMatch & {part: RulePart} {
  const included = any(include.map((rule) => matchRule(rule, scope, within)))
  if (included.holds === 'no') return {...included, part: 'include'}
  const excluded = any(exclude.map((rule) => matchRule(rule, scope, within)))
  if (excluded.holds === 'yes') return {...no(`it excludes: ${excluded.why}`), part: 'exclude'}
  const required = all(require.map((rule) => matchRule(rule, scope, within)))
  if (required.holds === 'no') return {...no(`a requirement is not met: ${required.why}`), part: 'require'}
  if (required.holds === 'unknown')
    return {...unknown(`a requirement may not be met: ${required.why}`), part: 'require'}
  if (excluded.holds === 'unknown')
    return {...unknown(`it may exclude the client: ${excluded.why}`), part: 'exclude'}
  if (included.holds === 'unknown') return {...included, part: 'include'}
  // Everyone except some people: only a login shows who is excluded.
  if (included.holds === 'yes' && required.holds === 'identity') return {...required, part: 'require'}
  if (included.holds === 'yes' && excluded.holds === 'identity') return {...excluded, part: 'exclude'}
  return {...included, part: 'include'}
}

/** Whether a rule is about a person's identity, which takes a login or a device. */
export function wantsIdentity(rule: Rule): boolean {
  return Object.keys(rule).some((name) => selectorNamed(name)?.identity !== undefined)
}

function matchRule(rule: Rule, scope: RuleScope, within: readonly string[]): RuleMatch {
  const [[name, value] = ['nothing', undefined], another] = Object.entries(rule)
  if (another) return unknown('one of its rules has several selectors, which zt cannot evaluate')
  const {identity, holds} = selectorNamed(name) ?? {}
  if (identity !== undefined) {
    // Bypass and Service Auth never ask for a login.
    const asked = scope.decision === 'allow' || scope.decision === 'deny'
    return {holds: asked ? 'identity' : 'no', why: `it requires ${identity}, which a machine does not have`}
  }
  if (!holds) return unknown(`zt does not know the selector "${name.slice(0, 40)}"`)
  return holds(isJsonObject(value) ? value : {}, scope, within)
}

/** The first match that decides, in this order of answers. */
function deciding(
  matches: readonly RuleMatch[],
  order: readonly RuleMatch['holds'][],
): RuleMatch | undefined {
  for (const answer of order) {
    const found = matches.find(({holds}) => holds === answer)
    if (found) return found
  }
  return undefined
}

function any(matches: readonly RuleMatch[]): RuleMatch {
  return deciding(matches, ['yes', 'unknown', 'identity', 'no']) ?? no('it includes no one')
}

function all(matches: readonly RuleMatch[]): RuleMatch {
  return deciding(matches, ['no', 'unknown', 'identity', 'yes']) ?? yes('it requires nothing')
}
