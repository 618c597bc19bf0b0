import type {Decision, Group, Rule} from '../api/types.js'
import type {JsonObject} from '../core/json.js'
import {addressInBlock} from './address.js'
import type {AccessRequest, Person, UnknownFact} from './types.js'

/**
 * Whether a rule holds. `identity`: it may hold for a person who logs in, and never for a machine. `unknown`: it holds for
 * some requests, and what decides is not known of this one; any of the others may be true.
 */
export interface RuleMatch {
  holds: 'yes' | 'no' | 'identity' | 'unknown'
  /** A clause without full stop, e.g. `the token is not "ci"`. */
  why: string
  /** What an `unknown` depends on; otherwise empty. */
  facts: readonly UnknownFact[]
}

export interface RuleScope {
  decision: Decision
  request: AccessRequest
  groups: ReadonlyMap<string, Group>
  /** Answers for groups by ID: a group that is named often is evaluated once. */
  answers: Map<string, RuleMatch>
}

/** A kind of rule. Exactly one of `identity` and `holds` is there; an Access group has neither. */
export interface Selector {
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
  /** What only a login shows ("Identity-based selector" in Cloudflare's documentation on selectors). */
  identity?: {
    /** What a person must have, e.g. `an Okta group`. */
    needs: string
    holds: (body: JsonObject, person: Person, scope: RuleScope) => RuleMatch
  }
  holds?: (body: JsonObject, scope: RuleScope) => RuleMatch
}

export const yes = (why: string): RuleMatch => ({holds: 'yes', why, facts: []})
export const no = (why: string): RuleMatch => ({holds: 'no', why, facts: []})
export const unknown = (why: string, ...facts: UnknownFact[]): RuleMatch => ({holds: 'unknown', why, facts})

/**
 * Whether a complete list has an entry.
 *
 * @param words what it has or has not, e.g. `the IP list abc`
 * @param list undefined: unknown
 */
function listed<T>(
  words: string,
  fact: UnknownFact,
  {list, has}: {list: readonly T[] | undefined; has: (one: T) => boolean},
): RuleMatch {
  if (list === undefined)
    return unknown(`it requires ${words}, and zt does not know whether the client has it`, fact)
  return list.some(has) ? yes(`the client has ${words}`) : no(`the client does not have ${words}`)
}

const NO_CERTIFICATE = 'it requires a client certificate, and zt does not know'

/** @param name the common name that is asked for; undefined: any */
function certificateMatch(name: unknown, {request: {certificate}}: RuleScope): RuleMatch {
  const fact: UnknownFact = {fact: 'certificate'}
  if (certificate === undefined) return unknown(`${NO_CERTIFICATE} whether the client has one`, fact)
  if (certificate === false) return no('it requires a client certificate, which zt does not send')
  if (name === undefined) return yes('the client presents a certificate')
  if (certificate === true) return unknown(`${NO_CERTIFICATE} the name in that of the client`, fact)
  return certificate.commonName === name
    ? yes(`the client presents the certificate of ${certificate.commonName}`)
    : no(`the client presents the certificate of ${certificate.commonName}`)
}

const inList: NonNullable<Selector['holds']> = (body, {request: {lists}}) => {
  const id = String(body['id'])
  return listed(`a place in the list ${id}`, {fact: 'list', of: id}, {list: lists, has: (one) => one === id})
}

/** Service tokens count only under Service Auth (Cloudflare's documentation on selectors). */
const withToken =
  (holds: (token: string, body: JsonObject) => RuleMatch): NonNullable<Selector['holds']> =>
  (body, {decision, request: {serviceTokenId}}) => {
    if (decision !== 'non_identity') return no('service tokens count only under the action Service Auth')
    return serviceTokenId === undefined ? no('no valid service token was sent') : holds(serviceTokenId, body)
  }

/** A group of an identity provider, by the field that names it. */
const identityGroup = (words: string, needs: string, field: string): Selector => ({
  words,
  field,
  identity: {
    needs,
    holds: (body, {groups}) =>
      inGroup(`the ${words} ${String(body[field])}`, body, groups, String(body[field])),
  },
})

function inGroup(
  words: string,
  body: JsonObject,
  groups: Person['groups'],
  name: string,
  below?: string,
): RuleMatch {
  return listed(
    words,
    {fact: 'groups', of: providerOf(body)},
    {
      list: groups,
      has: (one) =>
        ofProvider(one, body) && (one.name === name || (below !== undefined && one.name.startsWith(below))),
    },
  )
}

function providerOf(body: JsonObject): string | undefined {
  const {identity_provider_id: provider} = body
  return typeof provider === 'string' ? provider : undefined
}

function ofProvider({provider}: {provider?: string | undefined}, body: JsonObject): boolean {
  return provider === undefined || provider === (providerOf(body) ?? provider)
}

/** An attribute or claim with a value. */
const claim = (
  words: string,
  needs: string,
  [name, value]: [name: string, value: string],
  [fact, claims]: ['saml' | 'oidc', (person: Person) => Person['samlAttributes']],
): Selector => ({
  words,
  field: name,
  then: [' = ', value],
  identity: {
    needs,
    holds: (body, person) =>
      listed(
        `the ${words} ${String(body[name])} = ${String(body[value])}`,
        {fact, of: providerOf(body)},
        {
          list: claims(person),
          has: (one) => ofProvider(one, body) && one.name === body[name] && one.value === body[value],
        },
      ),
  },
})

/** Every selector of the API that zt knows. */
const SELECTORS: Record<string, Selector> = {
  everyone: {words: 'everyone', holds: () => yes('everyone is included')},
  service_token: {
    words: 'service token',
    field: 'token_id',
    names: 'serviceToken',
    holds: withToken((token, body) =>
      body['token_id'] === token ? yes('it names this service token') : no('it names another service token'),
    ),
  },
  any_valid_service_token: {
    words: 'any valid service token',
    holds: withToken(() => yes('it includes any valid service token')),
  },
  linked_app_token: {
    words: 'token of the application',
    field: 'app_uid',
    holds: (body, {decision, request: {linkedApplications = []}}) => {
      if (!linkedApplications.some((one) => one === body['app_uid']))
        return no('it requires a token of another application')
      if (decision === 'non_identity') return yes('the client forwards a token of the application')
      // Its documentation says Service Auth only, the API reference Bypass too.
      return decision === 'bypass'
        ? unknown('whether the token of an application counts under Bypass is not certain', {
            fact: 'selector',
            of: 'linked_app_token',
          })
        : no('tokens of applications count only under the action Service Auth')
    },
  },
  ip: {
    words: 'IP',
    field: 'ip',
    holds: (body, {request}) => {
      const range = String(body['ip'])
      if (request.ip === undefined)
        return unknown(`it is for addresses in ${range}, and zt does not know the client's address`, {
          fact: 'ip',
        })
      return addressInBlock(request.ip, range)
        ? yes(`${request.ip} is in ${range}`)
        : no(`${request.ip} is not in ${range}`)
    },
  },
  ip_list: {
    words: 'IP list',
    field: 'id',
    holds: (body, scope) =>
      scope.request.lists === undefined
        ? unknown('zt does not know the addresses of the IP list', {fact: 'list', of: String(body['id'])})
        : inList(body, scope),
  },
  geo: {
    words: 'country',
    field: 'country_code',
    holds: (body, {request}) => {
      const wanted = String(body['country_code'])
      if (request.country === undefined)
        return unknown(`it is for the country ${wanted}, and zt does not know the client's country`, {
          fact: 'country',
        })
      return request.country.toUpperCase() === wanted.toUpperCase()
        ? yes(`the country is ${wanted}`)
        : no(`the country is not ${wanted}`)
    },
  },
  group: {words: 'Access group', field: 'id', names: 'group'},
  email: {
    words: 'email',
    field: 'email',
    identity: {
      needs: 'an email address',
      holds: (body, {email}) => {
        const wanted = String(body['email'])
        if (email === undefined)
          return unknown(`it is for ${wanted}, and zt does not know the email address`, {fact: 'email'})
        return sameText(email, wanted)
          ? yes(`the email address is ${wanted}`)
          : no(`the email address is not ${wanted}`)
      },
    },
  },
  email_domain: {
    words: 'emails of',
    field: 'domain',
    identity: {
      needs: 'an email address of a domain',
      holds: (body, {email}) => {
        const domain = String(body['domain']).replace(/^@/, '')
        if (email === undefined)
          return unknown(`it is for emails of ${domain}, and zt does not know the email address`, {
            fact: 'email',
          })
        return sameText(email.slice(email.lastIndexOf('@') + 1), domain)
          ? yes(`the email address ends in @${domain}`)
          : no(`the email address does not end in @${domain}`)
      },
    },
  },
  email_list: {
    words: 'email list',
    field: 'id',
    identity: {
      needs: 'an email address of a list',
      holds: (body, _person, scope) => inList(body, scope),
    },
  },
  login_method: {
    words: 'login method',
    field: 'id',
    identity: {
      needs: 'a login method',
      holds: (body, {loginMethod}) =>
        listed(
          `the login method ${String(body['id'])}`,
          {fact: 'login-method'},
          {list: loginMethod === undefined ? undefined : [loginMethod], has: (one) => one === body['id']},
        ),
    },
  },
  auth_method: {
    words: 'authentication method',
    field: 'auth_method',
    identity: {
      needs: 'an authentication method',
      holds: (body, {authMethods}) =>
        listed(
          `the authentication method ${String(body['auth_method'])}`,
          {fact: 'auth-methods'},
          {list: authMethods, has: (one) => one === body['auth_method']},
        ),
    },
  },
  auth_context: {
    words: 'authentication context',
    field: 'ac_id',
    identity: {
      needs: 'an authentication context',
      holds: (body, {authContexts}) =>
        listed(
          `the authentication context ${String(body['ac_id'])}`,
          {fact: 'auth-contexts'},
          {list: authContexts, has: (one) => one === body['ac_id']},
        ),
    },
  },
  okta: identityGroup('Okta group', 'an Okta group', 'name'),
  saml: claim(
    'SAML attribute',
    'a SAML attribute',
    ['attribute_name', 'attribute_value'],
    ['saml', ({samlAttributes}) => samlAttributes],
  ),
  oidc: claim(
    'OIDC claim',
    'an OIDC claim',
    ['claim_name', 'claim_value'],
    ['oidc', ({oidcClaims}) => oidcClaims],
  ),
  azureAD: identityGroup('Entra group', 'an Entra group', 'id'),
  azure: identityGroup('Entra group', 'an Entra group', 'id'),
  cloudflare_account_member: {
    words: 'member of the Cloudflare account',
    field: 'account_id',
    optional: true,
    identity: {
      needs: 'a member of a Cloudflare account',
      holds: ({account_id: account}, {accounts}) => {
        const fact: UnknownFact = {fact: 'accounts'}
        // Which account it is without an ID is not documented.
        if (typeof account !== 'string' && accounts?.length !== 0)
          return unknown(
            'it requires a member of a Cloudflare account, and does not say of which',
            ...(accounts ? [] : [fact]),
            {fact: 'selector', of: 'cloudflare_account_member'},
          )
        return listed(
          `a membership of the Cloudflare account${typeof account === 'string' ? ` ${account}` : ''}`,
          fact,
          {list: accounts, has: (one) => one === account},
        )
      },
    },
  },
  gsuite: identityGroup('Google Workspace group', 'a Google Workspace group', 'email'),
  'github-organization': {
    words: 'GitHub organisation',
    field: 'name',
    then: [' team ', 'team'],
    identity: {
      needs: 'a GitHub organisation',
      holds: (body, {groups}) => {
        const organisation = String(body['name'])
        const {team} = body
        // A member of a team is one of its organisation.
        return typeof team === 'string'
          ? inGroup(`the GitHub team ${organisation}/${team}`, body, groups, `${organisation}/${team}`)
          : inGroup(`the GitHub organisation ${organisation}`, body, groups, organisation, `${organisation}/`)
      },
    },
  },
  certificate: {words: 'a client certificate', holds: (_body, scope) => certificateMatch(undefined, scope)},
  common_name: {
    words: 'certificate',
    field: 'common_name',
    holds: (body, scope) => certificateMatch(String(body['common_name']), scope),
  },
  // Not identity-based: it counts under Bypass and Service Auth too (Cloudflare's documentation on selectors, and on
  // Bypass policies with posture checks).
  device_posture: {
    words: 'device posture',
    field: 'integration_uid',
    holds: (body, {request: {posture}}) => {
      const id = String(body['integration_uid'])
      return listed(
        `a device that passes the posture check ${id}`,
        {fact: 'posture', of: id},
        {list: posture, has: (one) => one === id},
      )
    },
  },
  external_evaluation: {
    words: 'external evaluation by',
    field: 'evaluate_url',
    identity: {
      needs: 'an external evaluation',
      holds: (body, {evaluations}) => {
        const url = String(body['evaluate_url'])
        return listed(
          `the consent of ${url}`,
          {fact: 'evaluation', of: url},
          {list: evaluations, has: (one) => one === url},
        )
      },
    },
  },
  user_risk_score: {
    words: 'user risk score',
    field: 'user_risk_score',
    identity: {
      needs: 'a user risk score',
      // A list of levels to match (the API reference); the dashboard, which asks for a threshold, makes that list.
      holds: (body, {risk}) => {
        const levels = [body['user_risk_score']].flat().map(String)
        return listed(
          `the user risk score ${levels.join(' or ')}`,
          {fact: 'risk'},
          {list: risk === undefined ? undefined : [risk], has: (one) => levels.includes(one)},
        )
      },
    },
  },
}

function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

/** @returns undefined for a selector that zt does not know */
export function selectorNamed(name: string): Selector | undefined {
  return Object.hasOwn(SELECTORS, name) ? SELECTORS[name] : undefined
}

/** Whether a rule is about a person's identity, which takes a login. */
export function wantsIdentity(rule: Rule): boolean {
  return Object.keys(rule).some((name) => selectorNamed(name)?.identity !== undefined)
}
