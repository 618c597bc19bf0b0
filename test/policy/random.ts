import fc from 'fast-check'
import type {Decision, Group, Policy, Rule} from '../../src/lib/api/types.js'
import type {EdgeAccount, EdgeRequest} from '../../src/lib/policy/edge.js'
import {groupsById} from '../../src/lib/policy/references.js'
import type {AccessRequest, Person} from '../../src/lib/policy/types.js'
import {
  OTHER_TOKEN,
  TOKEN,
  anyToken,
  application,
  byGroup,
  byToken,
  everyone,
  group,
  policy,
  type Rules,
} from './fixtures.js'

/** What depends on where a request comes from, and on who makes it. */
const OF_REQUESTS: Rule[] = [
  ...['10.0.0.0/8', '192.0.2.0/24'].map((ip) => ({ip: {ip}})),
  ...['DE', 'US'].map((code) => ({geo: {country_code: code}})),
  {certificate: {}},
  {common_name: {common_name: 'robot'}},
  {device_posture: {integration_uid: 'disk'}},
  {ip_list: {id: 'l1'}},
  {linked_app_token: {app_uid: 'a'}},
]
const OF_PERSONS: Rule[] = [
  {email: {email: 'ann@example.com'}},
  {email_domain: {domain: 'example.com'}},
  {email_list: {id: 'l1'}},
  {okta: {name: 'ops', identity_provider_id: 'okta'}},
  {'github-organization': {name: 'acme', team: 'dev', identity_provider_id: 'github'}},
  {login_method: {id: 'otp'}},
  {auth_method: {auth_method: 'mfa'}},
  {auth_context: {id: 'x', ac_id: 'c1', identity_provider_id: 'entra'}},
  {saml: {attribute_name: 'role', attribute_value: 'dev', identity_provider_id: 'saml'}},
  {oidc: {claim_name: 'role', claim_value: 'dev', identity_provider_id: 'oidc'}},
  {external_evaluation: {evaluate_url: 'https://e.example'}},
  {user_risk_score: {user_risk_score: ['low', 'medium']}},
  {cloudflare_account_member: {account_id: 'a1'}},
  {cloudflare_account_member: {}},
]

export const rule: fc.Arbitrary<Rule> = fc.oneof(
  fc.constantFrom<Rule>(byToken(), byToken(OTHER_TOKEN), anyToken, everyone),
  fc.constantFrom(...OF_REQUESTS),
  fc.constantFrom(...OF_PERSONS),
  fc.constantFrom('g0', 'g1', 'g2').map(byGroup),
)
/** Includes that hold, in most cases. */
const wide: fc.Arbitrary<Rule> = fc.oneof(rule, fc.constantFrom<Rule>(everyone, anyToken, byToken()))

export const ruleSet: fc.Arbitrary<Required<Omit<Rules, 'precedence'>>> = fc.record({
  include: fc.array(wide, {maxLength: 3}),
  exclude: fc.array(rule, {maxLength: 1}),
  require: fc.array(wide, {maxLength: 2}),
})
export const decision = fc.constantFrom<Decision>('allow', 'deny', 'non_identity', 'bypass')

export const policies: fc.Arbitrary<Policy[]> = fc
  .array(fc.tuple(decision, ruleSet, fc.boolean()), {maxLength: 5})
  .map((list) =>
    list.map(([action, rules, approval], at) => ({
      ...policy(`P${at}`, action, rules),
      raw: approval ? {approval_required: true} : {},
    })),
  )
/** Some of them name themselves, and some of what they name is missing. */
export const groups: fc.Arbitrary<ReadonlyMap<string, Group>> = fc
  .array(ruleSet, {maxLength: 3})
  .map((list) => groupsById(list.map((rules, at) => group(`g${at}`, rules))))

const some = <T>(...values: T[]): fc.Arbitrary<T[]> => fc.subarray(values)

/** With every fact given. */
const person: fc.Arbitrary<Required<Person>> = fc.record({
  email: fc.constantFrom('ann@example.com', 'bob@example.org'),
  groups: some({name: 'ops'}, {name: 'acme/dev', provider: 'github'}, {name: 'ops', provider: 'other'}),
  samlAttributes: some({name: 'role', value: 'dev'}),
  oidcClaims: some({name: 'role', value: 'dev'}),
  loginMethod: fc.constantFrom('otp', 'okta'),
  authMethods: some('mfa', 'pwd'),
  authContexts: some('c1'),
  accounts: some('a1', 'a2'),
  evaluations: some('https://e.example'),
  risk: fc.constantFrom('low' as const, 'high' as const, 'unscored' as const),
  approved: fc.boolean(),
})
const client: fc.Arbitrary<Required<Omit<AccessRequest, 'serviceTokenId' | 'person'>>> = fc.record({
  ip: fc.constantFrom('10.1.2.3', '192.0.2.1', '2001:db8::1'),
  country: fc.constantFrom('DE', 'US'),
  certificate: fc.constantFrom(false, {commonName: 'robot'}, {commonName: 'x'}),
  posture: some('disk', 'firewall'),
  lists: some('l1', 'l2'),
  linkedApplications: some('a'),
})

/** The same facts without some of them. What a client presents is always known. */
export function less<T extends object>(whole: T, known: readonly boolean[]): Partial<T> {
  return Object.fromEntries(
    Object.entries(whole).filter(([name], at) => name === 'linkedApplications' || known[at] === true),
  ) as Partial<T>
}
export const which: fc.Arbitrary<boolean[]> = fc.array(fc.boolean(), {minLength: 11, maxLength: 11})

/** A request of which everything is known, and the same of which less is. */
export const requests: fc.Arbitrary<{whole: AccessRequest; partly: AccessRequest}> = fc
  .record({
    token: fc.constantFrom(undefined, TOKEN, OTHER_TOKEN),
    client,
    person: fc.option(person, {nil: undefined}),
    known: which,
    knownOfPerson: which,
  })
  .map(({token, client: from, person: who, known, knownOfPerson}) => ({
    whole: {serviceTokenId: token, ...from, person: who},
    partly: {
      ...{serviceTokenId: token, ip: undefined, country: undefined, ...less(from, known)},
      person: who && less(who, knownOfPerson),
    },
  }))

/** An account and a request of which everything is known. */
export interface EdgeCase {
  account: EdgeAccount
  request: EdgeRequest
}
const SETTINGS = [
  {},
  {oauth_configuration: {enabled: true}},
  {options_preflight_bypass: true},
  {cors_headers: {allow_all_origins: true, allowed_methods: ['GET']}},
  {allowed_idps: ['otp', 'okta']},
]
export const edgeCases: fc.Arbitrary<EdgeCase> = fc
  .record({
    policies,
    groups,
    raw: fc.constantFrom(...SETTINGS),
    redirect: fc.boolean(),
    strict: fc.boolean(),
    withoutAllow: fc.constantFrom('login' as const, 'forbidden' as const),
    credentials: fc.option(
      fc.record({
        presented: fc.constantFrom('headers' as const, 'single-header' as const, 'both' as const),
        tokenId: fc.constantFrom(TOKEN, OTHER_TOKEN),
        accepted: fc.boolean(),
      }),
      {nil: undefined},
    ),
    client,
    person: fc.option(person, {nil: undefined}),
    session: fc.boolean(),
    browser: fc.boolean(),
    xhr: fc.boolean(),
    preflight: fc.constantFrom(undefined, {origin: 'https://o.example', method: 'GET', headers: []}),
  })
  .map(({policies: list, groups: byId, raw, redirect, strict, withoutAllow, ...rest}) => ({
    account: {
      applications: [
        {...application('app', ['app.example.com'], list), raw, serviceAuth401Redirect: redirect},
      ],
      ...{groups: byId, strict, withoutAllow, unmatched: {blocked: true, exceptIn: []}},
    },
    request: {
      ...{host: 'app.example.com', path: '/', credentials: rest.credentials},
      client: {...rest.client, person: rest.person},
      ...{session: rest.session, browser: rest.browser, xhr: rest.xhr},
      ...{preflight: rest.preflight, options: rest.preflight !== undefined},
    },
  }))
