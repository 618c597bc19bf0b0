import type {AccessApi, Decision, Group, Rule, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {fullBlock} from '../../policy/address.js'
import {groupIdOf, groupsById, rulesWithin, type Rules} from '../../policy/references.js'
import {wantsIdentity} from '../../policy/rules.js'
import {actionName} from './action-name.js'
import type {AccessContext} from '../account/context.js'
import {resolveGroup, resolveToken} from '../account/resolve.js'

/** What narrows a rule, as a person says it. */
export interface NarrowingInput {
  /** Addresses or blocks in CIDR notation. */
  ips: readonly string[]
  /** ISO 3166 alpha-2. */
  countries: readonly string[]
  /** By name or ID. */
  groups: readonly string[]
}

/** Whom a rule admits, as a person says it: names, addresses, countries. */
export interface RuleInput {
  /** By name, ID or client ID. */
  tokens: readonly string[]
  groups: readonly string[]
  anyToken: boolean
  everyone: boolean
  emails: readonly string[]
  emailDomains: readonly string[]
  ips: readonly string[]
  countries: readonly string[]
  require: NarrowingInput
  exclude: NarrowingInput
}

/** Rules as asked for, with the objects that they name. */
export interface ReadRules extends Rules {
  /** The service tokens that Include names. */
  tokens: ServiceToken[]
  /** The Access groups that Include names. */
  groups: Group[]
}

/** The objects that names in rules may mean. */
export interface Nameable {
  tokens: readonly ServiceToken[]
  groups: readonly Group[]
}

/** Lists the objects that the names in the input may mean. A list that no name needs is not read. */
export async function readNameable(api: AccessApi, input: RuleInput): Promise<Nameable> {
  const groups = [...input.groups, ...input.require.groups, ...input.exclude.groups]
  const [tokenList, groupList] = await Promise.all([
    input.tokens.length > 0 ? api.listServiceTokens() : [],
    groups.length > 0 ? api.listGroups() : [],
  ])
  return {tokens: tokenList, groups: groupList}
}

/**
 * The rules that a person asks for, without duplicates.
 *
 * @throws UserError `not-found`, `ambiguous` for a name; `usage` / `BAD_CIDR`, `BAD_COUNTRY`, `BAD_EMAIL`,
 *   `BAD_EMAIL_DOMAIN`, `NEVER_HOLDS`
 */
export function readRules(ctx: AccessContext, input: RuleInput, known: Nameable): ReadRules {
  const tokens = [...new Set(input.tokens.map((wanted) => resolveToken(ctx, wanted, known.tokens)))]
  const groups = findGroups(ctx, input.groups, known)
  const include = [
    ...tokens.map(({id}): Rule => ({service_token: {token_id: id}})),
    ...(input.anyToken ? [{any_valid_service_token: {}}] : []),
    ...groups.map(groupRule),
    ...(input.everyone ? [{everyone: {}}] : []),
    ...unique(input.emails.map(checkEmail)).map((email): Rule => ({email: {email}})),
    ...unique(input.emailDomains.map(checkEmailDomain)).map((domain): Rule => ({email_domain: {domain}})),
    ...placeRules(input.ips, input.countries),
  ]
  if (unique(input.require.countries.map(checkCountry)).length > 1) throw neverHolds('countries', '--country')
  if (unique(input.require.ips.map(checkBlock)).length > 1) throw neverHolds('address blocks', '--ip')
  return {include, require: narrowing(ctx, input.require, known), exclude: narrowing(ctx, input.exclude, known), tokens, groups} // prettier-ignore
}

function narrowing(ctx: AccessContext, {ips, countries, groups}: NarrowingInput, known: Nameable): Rule[] {
  return [...placeRules(ips, countries), ...findGroups(ctx, groups, known).map(groupRule)]
}

/** Rules about where a request comes from. */
function placeRules(ips: readonly string[], countries: readonly string[]): Rule[] {
  return [
    ...unique(ips.map(checkBlock)).map((ip): Rule => ({ip: {ip}})),
    ...unique(countries.map(checkCountry)).map((country): Rule => ({geo: {country_code: country}})),
  ]
}

function findGroups(ctx: AccessContext, wanted: readonly string[], {groups}: Nameable): Group[] {
  return [...new Set(wanted.map((one) => resolveGroup(ctx, one, groups)))]
}

function groupRule({id}: Group): Rule {
  return {group: {id}}
}

/** All requirements must hold at once, and no request comes from two of these. */
function neverHolds(what: string, flag: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'NEVER_HOLDS',
    message: `A rule cannot require several ${what}`,
    why: 'All requirements must hold at once, so the rule would admit no one. An Access group matches any one of several.',
    next: [`zt group create NAME ${flag} ONE ${flag} OTHER`, 'Require that group: --require-group NAME'],
  })
}

/**
 * An address or block with its prefix length, as the API has it.
 *
 * @throws UserError `usage` / `BAD_CIDR`
 */
function checkBlock(text: string): string {
  const block = fullBlock(text.trim())
  if (block !== undefined) return block
  throw new UserError({
    kind: 'usage',
    code: 'BAD_CIDR',
    message: `"${text.slice(0, 60)}" is not an IP address or address block`,
    why: 'Address blocks are written in CIDR notation: 203.0.113.0/24 or 2001:db8::/32; a single address as 203.0.113.7.',
  })
}

const COUNTRIES = new Intl.DisplayNames(['en'], {type: 'region', fallback: 'none'})
/** Unicode has names for these, but ISO 3166-1 has no such countries. */
const NO_COUNTRY = new Set('AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ'.split(' '))

/**
 * A country as the API has it.
 *
 * @returns ISO 3166 alpha-2, in capitals
 * @throws UserError `usage` / `BAD_COUNTRY`
 */
function checkCountry(text: string): string {
  const code = text.trim().toUpperCase()
  const two = /^[A-Z]{2}$/.test(code)
  const name = two && !NO_COUNTRY.has(code) ? COUNTRIES.of(code) : undefined
  // UK is another name for GB, and DD no longer exists.
  const present = two ? new Intl.Locale(`und-${code}`).region : undefined
  if (name !== undefined && present === code) return code
  throw new UserError({
    kind: 'usage',
    code: 'BAD_COUNTRY',
    message: `"${text.slice(0, 60)}" is not a country code`,
    why: 'Countries are given by their two-letter ISO 3166 code: DE, GB or US.',
    next: name !== undefined && present !== undefined ? [`Did you mean "${present}"?`] : [],
  })
}

function checkEmail(text: string): string {
  const email = text.trim()
  if (/^[^\s@\p{Cc}]{1,64}@[^\s@.\p{Cc}]+(\.[^\s@.\p{Cc}]+)+$/u.test(email)) return email
  throw new UserError({
    kind: 'usage',
    code: 'BAD_EMAIL',
    message: `"${text.slice(0, 60)}" is not an e-mail address`,
    next: ['For all addresses of a domain: --email-domain example.com'],
  })
}

function checkEmailDomain(text: string): string {
  const domain = text.trim().replace(/^@/, '').toLowerCase()
  if (/^[^\s@./:\p{Cc}]+(\.[^\s@./:\p{Cc}]+)+$/u.test(domain)) return domain
  throw new UserError({
    kind: 'usage',
    code: 'BAD_EMAIL_DOMAIN',
    message: `"${text.slice(0, 60)}" is not an e-mail domain`,
    why: 'Give the part after the @, such as example.com.',
  })
}

/**
 * Checks that rules can work under an action, as Cloudflare documents its selectors.
 *
 * @param groups all of the account, if the rules name any
 * @returns warnings, as {@link rulesWarnings}
 * @throws UserError `usage` / `NO_INCLUDE`, `TOKEN_NEEDS_SERVICE_AUTH`, `LOGIN_NEEDS_ALLOW`
 */
export function checkRules(
  decision: Decision,
  {include, require, exclude}: Rules,
  groups: readonly Group[],
): string[] {
  const all = [...include, ...require, ...exclude]
  const action = actionName(decision)
  if (include.length === 0) {
    throw new UserError({
      kind: 'usage',
      code: 'NO_INCLUDE',
      message: 'The rule includes no one',
      why: 'A rule must include something: a service token, an Access group, addresses or a country. Require and Exclude only narrow that.',
      next: ['Give --token NAME, --group NAME or --any-token'],
    })
  }
  if (decision !== 'non_identity' && all.some(isTokenRule)) {
    throw new UserError({
      kind: 'usage',
      code: 'TOKEN_NEEDS_SERVICE_AUTH',
      message: `A rule with the action ${action} cannot name a service token`,
      why: 'Service tokens count only under Service Auth; under Allow the edge still asks for a login.',
      next: ['Give --action service-auth, or omit --action'],
    })
  }
  if (!asksForLogin(decision) && all.some(wantsIdentity)) {
    throw new UserError({
      kind: 'usage',
      code: 'LOGIN_NEEDS_ALLOW',
      message: `A rule with the action ${action} cannot name a person`,
      why: `${action} asks no one to log in, so the edge does not know who it is.`,
      next: ['Give --action allow or --action block'],
    })
  }
  return rulesWarnings(decision, {include, require, exclude}, groups)
}

/**
 * Whom rules under an action admit that may not be meant, and whom they do not: sentences without full stop.
 *
 * @param groups all of the account, if the rules name any
 */
export function rulesWarnings(
  decision: Decision,
  {include, require}: Rules,
  groups: readonly Group[],
): string[] {
  const idle = decision !== 'non_identity' && include.some(isTokenRule)
  return [
    ...openDoors(decision, {include, require}),
    ...(idle
      ? [`It names service tokens, which count only under Service Auth: ${actionName(decision)} ignores them`]
      : []),
    ...groupsOfNoUse(decision, include, groups),
  ]
}

/** What a person may not have meant: that anyone gets in. */
function openDoors(decision: Decision, {include, require}: Omit<Rules, 'exclude'>): string[] {
  if (decision === 'deny' || !include.some(isEverybody)) return []
  if (decision === 'allow') return ['Allow with everyone: anyone who can log in gets in']
  const narrowed = require.length > 0 ? ', if they meet its requirements' : ''
  return [`${actionName(decision)} with everyone: anyone gets in without credentials${narrowed}`]
}

function isEverybody(rule: Rule): boolean {
  const {ip} = (rule['ip'] ?? {}) as {ip?: unknown}
  return rule['everyone'] !== undefined || (typeof ip === 'string' && /\/0$/.test(ip))
}

/** An Access group counts under every action, but its members may not. */
function groupsOfNoUse(decision: Decision, include: readonly Rule[], groups: readonly Group[]): string[] {
  const byId = groupsById(groups)
  return include.flatMap((rule) => {
    const group = byId.get(groupIdOf(rule) ?? '')
    if (!group) return []
    const inside = Array.from(rulesWithin([rule], byId), (found) => found.rule)
    const tokens = decision !== 'non_identity' && inside.some(isTokenRule)
    const people = !asksForLogin(decision) && inside.some(wantsIdentity)
    return [
      ...(tokens
        ? [`The Access group "${group.name}" includes service tokens, which count only under Service Auth: ${actionName(decision)} ignores them`] // prettier-ignore
        : []),
      ...(people
        ? [`The Access group "${group.name}" includes people, who are not asked to log in under ${actionName(decision)}: it ignores them`] // prettier-ignore
        : []),
    ]
  })
}

function isTokenRule(rule: Rule): boolean {
  return rule['service_token'] !== undefined || rule['any_valid_service_token'] !== undefined
}

/** Bypass and Service Auth never do. */
function asksForLogin(decision: Decision): boolean {
  return decision === 'allow' || decision === 'deny'
}

export const NAME_LIMIT = 250

/**
 * A name for a policy, a rule or an Access group, trimmed.
 *
 * @param what e.g. `a policy`
 * @throws UserError `usage` / `BAD_NAME`, or another code
 */
export function checkName(text: string, what: string, code = 'BAD_NAME'): string {
  const name = text.trim()
  if (name !== '' && name.length <= NAME_LIMIT && !/\p{Cc}/u.test(name)) return name
  throw new UserError({
    kind: 'usage',
    code,
    message: `Not a valid name for ${what}`,
    why: `A name has 1 to ${NAME_LIMIT} characters and no control characters.`,
  })
}

function unique<T>(all: readonly T[]): T[] {
  return [...new Set(all)]
}
