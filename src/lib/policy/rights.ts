import type {Application, Decision, Group, Policy, Rule} from '../api/types.js'
import {isJsonObject} from '../core/json.js'
import type {Condition} from './conditions.js'
import {circularGroups} from './cycles.js'
import {evaluate} from './evaluate.js'
import {groupIdOf, groupsById, type AccountRules, type Rules} from './references.js'
import {combine} from './rules.js'

/** A way by which the rules let service tokens into an application: one Service Auth or Bypass policy. */
export interface Right {
  applicationId: string
  policyId: string
  /** `named`: the rules name the token; `any-token`: any valid token; `everyone`: also a client without credentials, unless an Exclude names a group that tokens are excluded from. */
  by: 'named' | 'any-token' | 'everyone'
  /** The Access groups in between, outermost first: IDs. Empty for a direct rule. */
  through: readonly string[]
  /** Whether the policy admits it from everywhere, or depending on where the request comes from. */
  reach: 'yes' | 'conditional'
  /**
   * What must hold, or must not, in its widest way. Empty for `yes`, and for a policy with an action that zt does not know.
   */
  conditions: readonly Condition[]
}

/**
 * What a whole account's rules let service tokens into, without a row for each pair of token and application. What a token
 * opens is what `rightsOfToken` returns: its own rights, and the general ones that are not excepted for it.
 */
export interface Rights {
  /** By the token's ID: where the rules treat this token in a way of its own, as a rule by its name. */
  named: ReadonlyMap<string, readonly Right[]>
  /** What lets in every valid token, or everyone. */
  every: readonly Right[]
  /**
   * By the token's ID: the policies whose rights in `every` are not this token's. They exclude it, or `named` has its own
   * right by that policy.
   */
  except: ReadonlyMap<string, ReadonlySet<string>>
}

/** How a policy or Access group includes a client, in its widest way. No conditions: from everywhere. */
interface Way extends Pick<Right, 'by' | 'reach' | 'conditions'> {
  through: Nesting | undefined
}

/** The Access groups on the way, outermost first: a list that shares its tail, because groups may be nested deeply. */
interface Nesting {
  id: string
  inner: Nesting | undefined
  depth: number
}

/** What some rules say of each token: one answer for those that they name, and one for all others. Undefined: not included. */
interface Answers {
  general: Way | undefined
  own: ReadonlyMap<string, Way | undefined>
}

const DIRECT: Way = {by: 'named', through: undefined, reach: 'yes', conditions: []}
const NO_ONE: Answers = {general: undefined, own: new Map()}
const UNKNOWN: Way = {by: 'everyone', through: undefined, reach: 'conditional', conditions: []}

/** A valid token that no rule names. */
const OTHER = ''

/**
 * The rights of service tokens in an account. Each policy and Access group is read once, with the answers for all tokens
 * that it names, so the work grows with the rules and with the rights that there are, and not with tokens times
 * applications. The rights of a token reach an application exactly as `reachOf` says (test/policy/rights.test.ts).
 *
 * @param tokens only these get rights of their own
 */
export function rightsOf({groups, applications}: AccountRules, tokens: readonly {id: string}[]): Rights {
  const account = new Reading(groups, new Set(tokens.map(({id}) => id)))
  const every: Right[] = []
  const named = new Map<string, Right[]>()
  const except = new Map<string, Set<string>>()
  for (const application of applications) {
    for (const policy of application.policies) {
      const {general, own} = account.policy(policy)
      if (general) every.push(rightBy(application.id, policy.id, general))
      // Tokens that are included in the same way share the right.
      const rights = new Map<Way, Right>()
      for (const [token, way] of own) {
        if (general) added(except, token, newSet).add(policy.id)
        if (!way) continue
        let right = rights.get(way)
        if (!right) rights.set(way, (right = rightBy(application.id, policy.id, way)))
        added(named, token, newList).push(right)
      }
    }
    every.push(...account.unknownActions(application))
  }
  return {named, every, except}
}

const newSet = (): Set<string> => new Set()
const newList = (): Right[] => []

function rightBy(applicationId: string, policyId: string, way: Way): Right {
  const {by, reach, conditions} = way
  return {applicationId, policyId, by, through: namesThrough(way), reach, conditions}
}

const throughs = new WeakMap<Way, readonly string[]>()

/** One list for each way, whatever it leads to. */
function namesThrough(way: Way): readonly string[] {
  const known = throughs.get(way)
  if (known) return known
  const through: string[] = []
  for (let at = way.through; at; at = at.inner) through.push(at.id)
  throughs.set(way, through)
  return through
}

/** All rights of one token: its own, then those that every token has. */
export function rightsOfToken({named, every, except}: Rights, tokenId: string): Right[] {
  const without = except.get(tokenId)
  return [
    ...(named.get(tokenId) ?? []),
    ...(without ? every.filter(({policyId}) => !without.has(policyId)) : every),
  ]
}

/** Who gets into an application. */
export interface Admitted {
  /** Tokens with rights of their own. */
  named: {tokenId: string; right: Right}[]
  /** What lets in every token but those that are excepted. */
  every: Right[]
}

/** The inverse of {@link Rights}: by the application's ID. An application that no token opens is missing. */
export function byApplication({named, every}: Rights): Map<string, Admitted> {
  const all = new Map<string, Admitted>()
  const of = (id: string): Admitted => added(all, id, () => ({named: [], every: []}))
  for (const right of every) of(right.applicationId).every.push(right)
  for (const [tokenId, rights] of named)
    for (const right of rights) of(right.applicationId).named.push({tokenId, right})
  return all
}

const KNOWN = new Set<Decision>(['allow', 'deny', 'non_identity', 'bypass'])

/** The actions that admit a machine. Access evaluates them first, so that no other policy keeps out whom they admit. */
function isEarly(decision: Decision): boolean {
  return decision === 'non_identity' || decision === 'bypass'
}

/** The answers of an account's groups and policies, each group's once for each action. */
class Reading {
  readonly #groups: ReadonlyMap<string, Group>
  readonly #tokens: ReadonlySet<string>
  readonly #order: readonly Group[]
  readonly #answers = new Map<Decision, ReadonlyMap<string, Answers>>()
  /** By the rules of a policy: an account's policy is on many applications. */
  readonly #ofPolicies = new Map<string, Answers>()

  constructor(groups: readonly Group[], tokens: ReadonlySet<string>) {
    this.#groups = groupsById(groups)
    this.#tokens = tokens
    this.#order = innermostFirst(this.#groups)
  }

  /** What a policy says of tokens, with those of which it says something else than of the others. */
  policy(policy: Policy): Answers {
    if (!isEarly(policy.decision)) return NO_ONE
    const key = keyOf(policy)
    const known = this.#ofPolicies.get(key)
    if (known) return known
    const answers = this.#ofPolicy(policy)
    this.#ofPolicies.set(key, answers)
    return answers
  }

  #ofPolicy(policy: Policy): Answers {
    const {general, own} = this.#combined(policy, policy.decision, this.#ofGroups(policy.decision))
    return {
      general,
      own: new Map([...own].filter(([token, way]) => this.#tokens.has(token) && !sameWay(way, general))),
    }
  }

  /** Policies with an action that zt does not know, if they are evaluated at all: they may do anything to anyone. */
  unknownActions({id, name, policies}: Application): Right[] {
    if (policies.every(({decision}) => KNOWN.has(decision))) return []
    const request = {serviceTokenId: OTHER, ip: undefined, country: undefined}
    const late = policies.filter(({decision}) => !isEarly(decision))
    return evaluate({application: {name, policies: late}, groups: this.#groups, request})
      .trace.filter(({decision, outcome}) => !KNOWN.has(decision) && outcome === 'unknown')
      .map(({policyId}) => rightBy(id, policyId, UNKNOWN))
  }

  /** By the group's ID, for whoever names it. */
  #ofGroups(decision: Decision): ReadonlyMap<string, Answers> {
    const known = this.#answers.get(decision)
    if (known) return known
    const answers = new Map<string, Answers>()
    for (const group of this.#order)
      answers.set(group.id, throughGroup(group.id, this.#combined(group, decision, answers)))
    this.#answers.set(decision, answers)
    return answers
  }

  /** Include (any), Exclude (none) and Require (all), as `combine` has them, for all tokens at once. */
  #combined(holder: Rules, decision: Decision, groups: ReadonlyMap<string, Answers>): Answers {
    const answersTo = (rule: Rule): Answers => this.#ofRule(rule, decision, groups)
    const included = widest(holder.include.map(answersTo))
    const limits: Limit[] = (['exclude', 'require'] as const).flatMap((part) =>
      holder[part].map((rule) => ({part, rule, ...answersTo(rule)})),
    )
    if (limits.length === 0) return included
    const allowed = within(limits)
    const of = (token: string): Way | undefined =>
      limited(
        included.own.has(token) ? included.own.get(token) : included.general,
        allowed.own.get(token) ?? allowed.general,
      )
    const own = new Map<string, Way | undefined>()
    for (const token of [...included.own.keys(), ...allowed.own.keys()])
      if (!own.has(token)) own.set(token, of(token))
    return {general: limited(included.general, allowed.general), own}
  }

  #ofRule(rule: Rule, decision: Decision, groups: ReadonlyMap<string, Answers>): Answers {
    const token = onlyTokenOf(rule)
    if (token !== undefined && decision === 'non_identity')
      return {general: undefined, own: new Map([[token, DIRECT]])}
    const group = groups.get(onlyGroupOf(rule) ?? '')
    if (group) return group
    const {holds} = combine(
      {include: [rule], require: [], exclude: []},
      {
        decision,
        request: {serviceTokenId: OTHER, ip: undefined, country: undefined},
        groups: new Map(),
        answers: new Map(),
      },
    )
    const by = Object.hasOwn(rule, 'any_valid_service_token') ? 'any-token' : 'everyone'
    if (holds === 'yes') return {general: {...DIRECT, by}, own: new Map()}
    if (holds !== 'unknown') return NO_ONE
    return {general: {...UNKNOWN, conditions: [{part: 'require', rule}]}, own: new Map()}
  }
}

function keyOf({decision, include, require, exclude}: Policy): string {
  return JSON.stringify([decision, include, require, exclude])
}

/** The groups in an order in which nested ones come first. Those that include themselves are missing. */
function innermostFirst(groups: ReadonlyMap<string, Group>): Group[] {
  const circular = circularGroups(groups)
  const followed = [...groups.values()].filter(({id}) => !circular.has(id))
  const outer = new Map<string, Group[]>()
  const left = new Map<string, number>()
  for (const group of followed) {
    const inner = new Set(allGroups(group).filter((id) => groups.has(id) && !circular.has(id)))
    left.set(group.id, inner.size)
    for (const id of inner) added(outer, id, () => []).push(group)
  }
  const order = followed.filter(({id}) => left.get(id) === 0)
  for (const {id} of order) {
    for (const next of outer.get(id) ?? []) {
      const missing = (left.get(next.id) ?? 0) - 1
      left.set(next.id, missing)
      if (missing === 0) order.push(next)
    }
  }
  return order
}

/** The groups that rules name, where nothing else is in the rule. */
function allGroups({include, require, exclude}: Rules): string[] {
  return [include, require, exclude].flat().flatMap((rule) => onlyGroupOf(rule) ?? [])
}

function onlyGroupOf(rule: Rule): string | undefined {
  return Object.keys(rule).length === 1 ? groupIdOf(rule) : undefined
}

function onlyTokenOf(rule: Rule): string | undefined {
  const body = rule['service_token']
  const id = Object.keys(rule).length === 1 && isJsonObject(body) ? body['token_id'] : undefined
  return typeof id === 'string' ? id : undefined
}

/** Any of several answers: for each token the widest. */
function widest(all: readonly Answers[]): Answers {
  const [first = NO_ONE, another] = all
  if (!another) return first
  const general = all.map((one) => one.general).reduce(wider, undefined)
  // For a token that one of them names, the others say what they say in general.
  const generals = all.filter((one) => one.general)
  const own = new Map<string, Way | undefined>()
  for (const answers of all) {
    for (const [token, way] of answers.own) {
      const before = own.has(token)
        ? own.get(token)
        : generals.map((one) => (one.own.has(token) ? undefined : one.general)).reduce(wider, undefined)
      own.set(token, wider(before, way))
    }
  }
  return {general, own}
}

/** The way with fewer conditions; of two that are alike, the one that says more of whom it is about. */
function wider(a: Way | undefined, b: Way | undefined): Way | undefined {
  if (!a || !b) return a ?? b
  return compare(a, b) <= 0 ? a : b
}

function compare(a: Way, b: Way): number {
  return (
    Number(a.reach === 'conditional') - Number(b.reach === 'conditional') ||
    a.conditions.length - b.conditions.length ||
    PREFERRED.indexOf(a.by) - PREFERRED.indexOf(b.by) ||
    (a.through?.depth ?? 0) - (b.through?.depth ?? 0)
  )
}

const PREFERRED: readonly Right['by'][] = ['named', 'everyone', 'any-token']

/** From the narrowest: where an Include for everyone and a Require for a token meet, the token counts. */
const NARROWEST: readonly Right['by'][] = ['named', 'any-token', 'everyone']

/** An Exclude or Require, and whom it is about. */
interface Limit extends Answers {
  part: 'exclude' | 'require'
  rule: Rule
}

/** What limits leave: `no` keeps the token out. `by` is the narrowest that a Require asks for. */
type Allowed = Pick<Way, 'by' | 'conditions'> | 'no'

/** What all limits together leave of each token. */
function within(limits: readonly Limit[]): {general: Allowed; own: ReadonlyMap<string, Allowed>} {
  const general = allowedBy(limits, ({general: way}) => way)
  const own = new Map<string, Allowed>()
  // An Exclude by name decides alone: there may be many.
  const byName = ({part, rule}: Limit): boolean => part === 'exclude' && onlyTokenOf(rule) !== undefined
  for (const limit of limits.filter(byName)) for (const token of limit.own.keys()) own.set(token, 'no')
  const others = limits.filter((limit) => !byName(limit))
  for (const limit of others)
    for (const token of limit.own.keys())
      if (!own.has(token))
        own.set(
          token,
          allowedBy(others, (one) => (one.own.has(token) ? one.own.get(token) : one.general)),
        )
  return {general, own}
}

function allowedBy(limits: readonly Limit[], of: (limit: Limit) => Way | undefined): Allowed {
  const conditions: Condition[] = []
  let by: Right['by'] = 'everyone'
  for (const limit of limits) {
    const {part, rule} = limit
    const way = of(limit)
    if (part === 'exclude' ? way?.reach === 'yes' : !way) return 'no'
    if (way?.reach === 'conditional') conditions.push({part, rule})
    if (part === 'require' && way) by = narrower(by, way.by)
  }
  return {by, conditions}
}

function narrower(a: Right['by'], b: Right['by']): Right['by'] {
  return NARROWEST.indexOf(a) < NARROWEST.indexOf(b) ? a : b
}

function limited(way: Way | undefined, allowed: Allowed): Way | undefined {
  if (!way || allowed === 'no') return undefined
  if (allowed.by === 'everyone' && allowed.conditions.length === 0) return way
  const conditions = [...allowed.conditions, ...way.conditions]
  const reach = allowed.conditions.length > 0 ? 'conditional' : way.reach
  return {by: narrower(way.by, allowed.by), through: way.through, reach, conditions}
}

/** The answers of a group, for whoever names it. */
function throughGroup(id: string, {general, own}: Answers): Answers {
  const outer = new Map<Way, Way>()
  const from = (way: Way | undefined): Way | undefined =>
    way &&
    added(outer, way, () => ({
      ...way,
      through: {id, inner: way.through, depth: (way.through?.depth ?? 0) + 1},
    }))
  return {general: from(general), own: new Map([...own].map(([token, way]) => [token, from(way)]))}
}

function sameWay(a: Way | undefined, b: Way | undefined): boolean {
  if (!a || !b) return a === b
  const {conditions} = b
  return (
    compare(a, b) === 0 &&
    a.conditions.every(({part, rule}, at) => conditions[at]?.part === part && conditions[at].rule === rule)
  )
}

function added<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
