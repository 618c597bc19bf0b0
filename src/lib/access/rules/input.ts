import type {AccessApi, Decision, Group, Rule, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {fullBlock} from '../../policy/address.js'
import {groupIdOf, groupsById, rulesWithin, type RulePart, type Rules} from '../../policy/references.js'
import {wantsIdentity} from '../../policy/selectors.js'
import {actionName} from './action-name.js'
import type {AccessContext} from '../account/context.js'
import {resolveGroup, resolveToken} from '../account/resolve.js'

/** What the flags for one part ask for, as typed: values by selector. A flag without a value gives one empty string. */
export type AskedPart = Readonly<Record<string, readonly string[]>>

/** A rule as a person asks for it. */
export type RuleInput = Readonly<Record<RulePart, AskedPart>>

/** The requested rules, with the objects that they name. */
export interface ReadRules extends Rules {
  /** The service tokens that Include names. */
  tokens: ServiceToken[]
  /** The Access groups that Include names. */
  groups: Group[]
}

/** What names in rules can refer to. */
export interface Nameable {
  tokens: readonly ServiceToken[]
  groups: readonly Group[]
}

type SelectorFlag = [name: string, description: string]

/** A selector that flags can ask for. */
interface AskableSelector {
  /** Its name in the API. */
  selector: string
  /** What its flags take, e.g. `CIDR`; undefined: nothing. */
  value?: string
  /** What a shell offers for the value at TAB. */
  completes?: 'token' | 'group'
  /** Machines can have it, so `zt app add-rule` and `zt app create` can include it. */
  machines?: true
  include: SelectorFlag
  require?: SelectorFlag
  exclude?: SelectorFlag
  /** The flag of `zt group create`, with the help of `include`. */
  member?: string
  /** What a request has exactly one of (plural, for the error): a rule that requires two of them never holds. */
  onlyOne?: string
  /**
   * The rule's body for one value.
   *
   * @throws UserError `usage`, `not-found` or `ambiguous`
   */
  read: (text: string, ctx: AccessContext, known: Nameable) => JsonObject
}

/** Every selector that flags can ask for, in the order in which rules are sent. policy/rules.ts says when each holds. */
export const ASKABLE: readonly AskableSelector[] = [
  {
    selector: 'service_token',
    value: 'NAME',
    completes: 'token',
    machines: true,
    include: ['token', 'service token: name, ID or client ID'],
    member: 'token',
    read: (text, ctx, {tokens}) => ({token_id: resolveToken(ctx, text, tokens).id}),
  },
  {
    selector: 'any_valid_service_token',
    machines: true,
    include: ['any-token', 'any valid service token of the account'],
    read: () => ({}),
  },
  {
    selector: 'group',
    value: 'NAME',
    completes: 'group',
    machines: true,
    include: ['group', 'Access group: name or ID'],
    require: ['require-group', 'only members of this Access group'],
    exclude: ['exclude-group', 'no members of this Access group'],
    member: 'group',
    read: (text, ctx, {groups}) => ({id: resolveGroup(ctx, text, groups).id}),
  },
  {
    selector: 'everyone',
    include: ['everyone', 'everyone'],
    read: () => ({}),
  },
  {
    selector: 'email',
    value: 'ADDRESS',
    include: ['email', 'person, for --action allow or block'],
    read: (text) => ({email: checkEmail(text)}),
  },
  {
    selector: 'email_domain',
    value: 'DOMAIN',
    include: ['email-domain', 'everyone with an email address in this domain'],
    read: (text) => ({domain: checkEmailDomain(text)}),
  },
  {
    selector: 'ip',
    value: 'CIDR',
    include: ['include-ip', 'IP address or range'],
    require: ['require-ip', 'only from this IP address or range'],
    exclude: ['exclude-ip', 'not from this IP address or range'],
    member: 'ip',
    onlyOne: 'address blocks',
    read: (text) => ({ip: checkBlock(text)}),
  },
  {
    selector: 'geo',
    value: 'CC',
    include: ['include-country', 'country, by its two-letter code'],
    require: ['require-country', 'only from this country'],
    exclude: ['exclude-country', 'not from this country'],
    member: 'country',
    onlyOne: 'countries',
    read: (text) => ({country_code: checkCountry(text)}),
  },
]

/** Whether the input uses a selector in any part. */
function asks(input: RuleInput, selector: string): boolean {
  return Object.values(input).some((part) => (part[selector] ?? []).length > 0)
}

/** Lists what the names in the input can refer to; what it does not name is not listed. */
export async function readNameable(api: AccessApi, input: RuleInput): Promise<Nameable> {
  const [tokens, groups] = await Promise.all([
    asks(input, 'service_token') ? api.listServiceTokens() : [],
    asks(input, 'group') ? api.listGroups() : [],
  ])
  return {tokens, groups}
}

/**
 * The rules that a person asks for, without duplicates.
 *
 * @throws UserError `not-found`, `ambiguous` for a name; `usage` / `BAD_CIDR`, `BAD_COUNTRY`, `BAD_EMAIL`,
 *   `BAD_EMAIL_DOMAIN`, `NEVER_HOLDS`
 */
export function readRules(ctx: AccessContext, input: RuleInput, known: Nameable): ReadRules {
  const read = (part: RulePart): Rule[] =>
    ASKABLE.flatMap(({selector, read: bodyOf, onlyOne, member}) => {
      const rules = (input[part][selector] ?? []).map((text): Rule => ({
        [selector]: bodyOf(text, ctx, known),
      }))
      const once = [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()]
      if (part === 'require' && onlyOne !== undefined && once.length > 1)
        throw neverHolds(onlyOne, `--${member ?? selector}`)
      return once
    })
  const include = read('include')
  return {
    include,
    require: read('require'),
    exclude: read('exclude'),
    tokens: namedIn(include, 'service_token', 'token_id', known.tokens),
    groups: namedIn(include, 'group', 'id', known.groups),
  }
}

/** What rules with a selector name, in their order. */
function namedIn<T extends {id: string}>(
  rules: readonly Rule[],
  selector: string,
  field: string,
  all: readonly T[],
): T[] {
  return rules.flatMap((rule) => {
    const body = rule[selector]
    return isJsonObject(body) ? all.filter(({id}) => id === body[field]) : []
  })
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

/**
 * One IP address.
 *
 * @throws UserError `usage` / `BAD_ADDRESS`
 */
export function checkAddress(text: string): string {
  const address = text.trim()
  if (!address.includes('/') && fullBlock(address) !== undefined) return address
  throw new UserError({
    kind: 'usage',
    code: 'BAD_ADDRESS',
    message: `"${text.slice(0, 60)}" is not an IP address`,
    why: 'A client connects from one address: 203.0.113.7 or 2001:db8::7.',
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
export function checkCountry(text: string): string {
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

export function checkEmail(
  text: string,
  next = ['For all addresses of a domain: --email-domain example.com'],
): string {
  const email = text.trim()
  if (/^[^\s@\p{Cc}]{1,64}@[^\s@.\p{Cc}]+(\.[^\s@.\p{Cc}]+)+$/u.test(email)) return email
  throw new UserError({
    kind: 'usage',
    code: 'BAD_EMAIL',
    message: `"${text.slice(0, 60)}" is not an email address`,
    next,
  })
}

function checkEmailDomain(text: string): string {
  const domain = text.trim().replace(/^@/, '').toLowerCase()
  if (/^[^\s@./:\p{Cc}]+(\.[^\s@./:\p{Cc}]+)+$/u.test(domain)) return domain
  throw new UserError({
    kind: 'usage',
    code: 'BAD_EMAIL_DOMAIN',
    message: `"${text.slice(0, 60)}" is not an email domain`,
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
 * Whom rules under an action admit or exclude, perhaps unintentionally: sentences without full stop.
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

/** A probably unintended effect: anyone gets in. */
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

export const POLICY_NAME_LIMIT = 250

/**
 * A name for a policy, a rule or an Access group, trimmed.
 *
 * @param what e.g. `a policy`
 * @throws UserError `usage` / `BAD_NAME`, or another code
 */
export function checkName(text: string, what: string, code = 'BAD_NAME'): string {
  const name = text.trim()
  if (name !== '' && name.length <= POLICY_NAME_LIMIT && !/\p{Cc}/u.test(name)) return name
  throw new UserError({
    kind: 'usage',
    code,
    message: `Not a valid name for ${what}`,
    why: `A name has 1 to ${POLICY_NAME_LIMIT} characters and no control characters.`,
  })
}
