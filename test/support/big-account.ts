import type {Application, Decision, Group, Policy, Rule, ServiceToken} from '../../src/lib/api/types.js'
import type {AccountRules} from '../../src/lib/policy/references.js'

/** How many objects of each kind. */
export interface Sizes {
  applications: number
  policies: number
  groups: number
  tokens: number
}

/** A fifth of the largest account that is measured (bench/access.mjs). */
const LARGEST: Sizes = {applications: 2000, policies: 1000, groups: 500, tokens: 1000}

/** By the remainder of its number, what a policy's rules are. */
const KINDS: readonly {decision: Decision; rules: (at: number, of: Sizes) => Partial<Pick<Group, 'include' | 'require' | 'exclude'>>}[] = [
  {decision: 'non_identity', rules: (at, of) => ({include: [token(at, of), token(at * 7 + 3, of)]})},
  {decision: 'non_identity', rules: (at, of) => ({include: [groupRule(at, of)], require: [{geo: {country_code: 'DE'}}]})},
  {decision: 'allow', rules: (at, of) => ({include: [{email_domain: {domain: 'widgetcorp.tech'}}, token(at, of)]})},
  {decision: 'non_identity', rules: (at, of) => ({include: [groupRule(at * 3, of), token(at, of)], exclude: [token(at + 1, of)]})},
  {decision: 'allow', rules: (at, of) => ({include: [groupRule(at, of)], require: [{login_method: {id: 'idp'}}]})},
  {decision: 'non_identity', rules: (at, of) => ({include: [{ip: {ip: `10.${at % 250}.0.0/16`}}], require: [token(at, of)]})},
  {decision: 'deny', rules: () => ({include: [{geo: {country_code: 'KP'}}]})},
  {decision: 'allow', rules: () => ({include: [{everyone: {}}]})},
] // prettier-ignore

/** These policies let in any token, or everyone. */
const ANY_TOKEN = 97
const EVERYONE = 193

/**
 * An account of this size, the same one whenever it is asked for: each application has two or three policies, each group
 * ten tokens and, three levels deep, another group. One policy in a hundred lets in any token, one in two hundred everyone.
 */
export function bigAccount(sizes: Sizes = LARGEST): AccountRules & {tokens: ServiceToken[]} {
  const policies = many(sizes.policies, (at) => policyAt(at, sizes))
  const groups = many(sizes.groups, (at): Group => {
    const include = [
      ...many(10, (each) => token(at * 13 + each * 31, sizes)),
      ...(at % 4 === 0 ? [] : [{group: {id: id('group', at - 1)}}]),
    ]
    const rules = {include, require: [], exclude: at % 10 === 0 ? [token(at, sizes)] : []}
    const own = {id: id('group', at), name: `Machines of team ${at}`, ...rules}
    return {...own, raw: own}
  })
  const applications = many(sizes.applications, (at): Application => {
    const domain = `service-${at}.widgetcorp.tech`
    const own = many(2 + (at % 2), (each) => policies[(at + each * 211) % policies.length]).filter(
      (one) => one !== undefined,
    )
    return {
      id: id('application', at),
      name: `Service ${at}`,
      type: 'self_hosted',
      domain,
      domains: at % 5 === 0 ? [domain, `alias-${at}.widgetcorp.tech/api`] : [domain],
      serviceAuth401Redirect: at % 3 === 0,
      policies: own.map((one, place) => ({...one, precedence: place + 1})),
      raw: {id: id('application', at), name: `Service ${at}`, type: 'self_hosted', domain},
    }
  })
  return {policies, groups, applications, tokens: many(sizes.tokens, tokenAt)}
}

function policyAt(at: number, sizes: Sizes): Policy {
  const kind = KINDS[at % KINDS.length] ?? {decision: 'allow' as const, rules: () => ({})}
  const any = at % ANY_TOKEN === 1
  const decision: Decision = at % EVERYONE === 2 ? 'bypass' : any ? 'non_identity' : kind.decision
  const rules =
    at % EVERYONE === 2
      ? {include: [{everyone: {}}]}
      : any
        ? {include: [{any_valid_service_token: {}}], exclude: [token(at, sizes)]}
        : kind.rules(at, sizes)
  const own = {
    id: id('policy', at),
    name: `Policy of service ${at}`,
    decision,
    ...{include: [], require: [], exclude: [], ...rules},
  }
  return {...own, precedence: undefined, reusable: true, raw: {...own, reusable: true}}
}

function tokenAt(at: number): ServiceToken {
  const day = new Date(Date.UTC(2026, 0, 1) + (at % 300) * 86_400_000).toISOString()
  return {
    id: id('token', at),
    clientId: `${at.toString(16).padStart(32, '0')}.access`,
    name: `machine-${at}`,
    duration: '8760h',
    enabled: at % 50 !== 7,
    expiresAt: new Date(Date.UTC(2026, 6, 1) + (at % 700) * 86_400_000).toISOString(),
    createdAt: day,
    updatedAt: day,
    lastSeenAt: at % 3 === 0 ? undefined : day,
    secretVersion: 1,
  }
}

const PREFIXES = {token: '1', group: '2', policy: '3', application: '4'}

/** A UUID. */
function id(kind: keyof typeof PREFIXES, at: number): string {
  return `${PREFIXES[kind]}0000000-0000-4000-8000-${at.toString(16).padStart(12, '0')}`
}

function token(at: number, {tokens}: Sizes): Rule {
  return {service_token: {token_id: id('token', at % tokens)}}
}

function groupRule(at: number, {groups}: Sizes): Rule {
  return {group: {id: id('group', at % groups)}}
}

function many<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({length: count}, (_, at) => make(at))
}
