import type {Application, Decision, Policy, Rule} from '../api/types.js'
import {canonicalJson} from '../core/canonical-json.js'
import {bySpecificity, covers, hostOf, plainDomain} from '../core/public-address.js'
import {
  areDisjoint,
  conditionsOf,
  Cover,
  Expansion,
  isAboutTokens,
  isLeaf,
  neverUnder,
  tokenIn,
  type Entry,
} from './included.js'
import {groupIdOf, groupsById, type AccountRules, type Rules} from './references.js'
import {nameLookup, ruleInWords, type RuleNames} from './rule-words.js'
import {wantsIdentity} from './selectors.js'

export type TrapId =
  /** Service tokens named under an action where they do not count, and not let in otherwise. */
  | 'token-under-allow'
  /** The same through an Access group. */
  | 'group-under-allow'
  /** The rule includes no one. */
  | 'empty-include'
  /** Its Require or Exclude leaves no one of whom it includes. */
  | 'never-holds'
  /** Every service token that it includes is disabled or expired. */
  | 'idle-tokens'
  /** Earlier rules decide on every request that it applies to. */
  | 'unreachable-rule'
  /** The same, because an earlier rule is for everyone. */
  | 'rule-after-everyone'
  /** Another rule admits the same service tokens under fewer conditions. */
  | 'condition-gone-past'
  /** A Block rule above a Service Auth or Bypass rule, which Access evaluates first. */
  | 'block-too-late'
  /** Service tokens that the application admits are not admitted by a more specific one. */
  | 'shadowed-by-path'
  /** Every service token of the account is admitted. */
  | 'any-valid-token'

/** A rule that does not do what it seems to do, at one application. */
export interface Trap {
  id: TrapId
  applicationId: string
  /** The rule; undefined where the application as a whole is meant. */
  policyId: string | undefined
  /** By what: another rule of the application, or for `shadowed-by-path` another application. */
  otherId: string | undefined
  /** The Access group that the rule names, where it is about one. */
  groupId: string | undefined
  /** The service tokens that it is about. */
  tokenIds: readonly string[]
  /** Sentences: what it does, and what it seems to do. */
  why: string
}

/** A service token of the account. */
export interface TrapToken {
  id: string
  name: string
  status: 'active' | 'disabled' | 'expired'
}

/** The actions under which a rule can name a service token without an effect on it. */
export const IDLE_ACTIONS: ReadonlyMap<Decision, string> = new Map([
  ['allow', 'Allow, which still requires a login'],
  ['bypass', 'Bypass, which ignores service tokens'],
  ['deny', 'Block, which does not keep service tokens out'],
])

/** A sentence names this many and counts the rest. */
const NAMED = 3

/**
 * The traps of an account, in the order of its applications and their rules. Linear in the size of the account.
 *
 * @param tokens undefined: could not be read, so that none counts as deleted
 */
export function trapsOf(account: AccountRules, tokens: readonly TrapToken[] | undefined): Trap[] {
  const finder = finderFor(account, tokens)
  const all = account.applications
    .filter(({type}) => type !== 'bookmark')
    .map((one) => readRules(one, finder))
  const above = nearestAbove(all)
  return all.flatMap((scene) => [
    ...scene.read.flatMap((rule) => trapsOfRule(scene, rule)),
    ...shadows(scene, above.get(scene)),
  ])
}

/** Whether a rule certainly applies to no request: one that would be added so is a trap, too. */
export function appliesToNothing(rule: Rules & Pick<Policy, 'decision'>, account: AccountRules): boolean {
  const policy = {...rule, id: '', name: ''} as Policy
  return readRule(policy, finderFor(account, undefined)).never !== undefined
}

function finderFor({groups}: AccountRules, tokens: readonly TrapToken[] | undefined): Finder {
  return {
    tokens: tokens && new Map(tokens.map((token) => [token.id, token])),
    words: {serviceToken: nameLookup(tokens ?? []), group: nameLookup(groups)},
    expansion: new Expansion(groupsById(groups)),
    read: new Map(),
  }
}

/** The traps that touch an application. */
export function trapsAt(applicationId: string, traps: readonly Trap[]): Trap[] {
  return traps.filter((trap) => trap.applicationId === applicationId || trap.otherId === applicationId)
}

interface Finder {
  tokens: ReadonlyMap<string, TrapToken> | undefined
  words: RuleNames
  expansion: Expansion
  /** By the text of a policy: an account's policy is on many applications. */
  read: Map<string, ReadRule>
}

/** A rule with what it includes. */
interface ReadRule {
  policy: Policy
  /** Every entry of its Include. */
  entries: readonly Entry[]
  /** Those that may hold for some request. */
  alive: readonly Entry[]
  conditions: readonly string[]
  /** Why it applies to no request; undefined: it may. */
  never: {id: 'empty-include' | 'never-holds'; why: string} | undefined
  /** What it certainly includes. */
  cover: () => Cover
  byKey: () => ReadonlyMap<string, readonly Entry[]>
}

interface Scene {
  application: Application
  /** In order of precedence. */
  read: readonly ReadRule[]
  /** Those that may apply, in the order in which Access evaluates them. */
  order: readonly ReadRule[]
  finder: Finder
}

function readRules(application: Application, finder: Finder): Scene {
  const read = application.policies.map((policy) => readRule(policy, finder))
  const known = read.filter(
    ({never, policy}) => !never && (isEarly(policy) || IDLE_ACTIONS.has(policy.decision)),
  )
  const order = [
    ...known.filter(({policy}) => isEarly(policy)),
    ...known.filter(({policy}) => !isEarly(policy)),
  ]
  return {application, read, order, finder}
}

function readRule(policy: Policy, finder: Finder): ReadRule {
  const {id, name, decision, include, require, exclude} = policy
  const key = JSON.stringify([id, name, decision, include, require, exclude])
  const known = finder.read.get(key)
  if (known) return known
  const entries = finder.expansion.of(include)
  const alive = entries.filter(({rule}) => neverUnder(decision, rule, finder.tokens) === undefined)
  const never = neverApplies(policy, {entries, alive}, finder)
  const conditions = conditionsOf(policy)
  const read = {policy, entries, alive, conditions, never, ...lazily(alive)}
  finder.read.set(key, read)
  return read
}

/** Bypass and Service Auth rules are evaluated first. */
function isEarly({decision}: Policy): boolean {
  return decision === 'bypass' || decision === 'non_identity'
}

/** What is needed only where an application has several rules. */
function lazily(alive: readonly Entry[]): Pick<ReadRule, 'cover' | 'byKey'> {
  let cover: Cover | undefined
  let byKey: Map<string, Entry[]> | undefined
  return {
    cover: () => (cover ??= new Cover(alive.filter(({conditions}) => conditions.length === 0))),
    byKey: () => {
      if (byKey) return byKey
      byKey = new Map()
      for (const entry of alive) byKey.set(entry.key, [...(byKey.get(entry.key) ?? []), entry])
      return byKey
    },
  }
}

function trapsOfRule(scene: Scene, rule: ReadRule): Trap[] {
  const idle = idleAction(scene, rule)
  const never = neverTraps(scene, rule, idle)
  if (rule.never) return [...idle, ...never]
  const past = goneBy(scene, rule)
  return [
    ...idle,
    ...idleTokens(scene, rule),
    ...past,
    ...(past.length > 0 ? [] : unreachable(scene, rule)),
    ...tooLate(scene, rule),
    ...anyToken(scene, rule),
  ]
}

function trap(
  {application}: Scene,
  id: TrapId,
  rule: ReadRule | undefined,
  more: Pick<Trap, 'why'> & Partial<Trap>,
): Trap {
  return {
    ...{id, applicationId: application.id, policyId: rule?.policy.id},
    ...{otherId: undefined, groupId: undefined, tokenIds: []},
    ...more,
  }
}

/** Service tokens that a rule names, itself or through groups, where they do not count and nothing else lets them in. */
function idleAction(scene: Scene, rule: ReadRule): Trap[] {
  const {policy, entries} = rule
  const action = IDLE_ACTIONS.get(policy.decision)
  if (action === undefined || !entries.some((entry) => isAboutTokens(entry.rule))) return []
  // Whom Block names gets in all the same; the others matter only while they do not get in.
  const lost = entries.filter(
    (entry) => isAboutTokens(entry.rule) && (policy.decision === 'deny' || !letIn(scene, entry)),
  )
  const byGroup = new Map<string | undefined, Entry[]>()
  for (const entry of lost) byGroup.set(entry.group, [...(byGroup.get(entry.group) ?? []), entry])
  return [...byGroup].map(([groupId, some]) => {
    const tokenIds = tokensIn(some)
    const whom = wordsFor(scene, some)
    const group = groupId === undefined ? undefined : `the Access group "${nameOfGroup(scene, groupId)}"`
    return trap(scene, groupId === undefined ? 'token-under-allow' : 'group-under-allow', rule, {
      groupId,
      tokenIds,
      why: `The rule "${policy.name}" names ${group === undefined ? whom : `${group}, which includes ${whom},`} under the action ${action}.`,
    })
  })
}

/** The service tokens that entries name, each once. */
function tokensIn(entries: readonly Entry[]): string[] {
  const named = entries.map(({rule}) => tokenIn(rule)).filter((one) => one !== undefined)
  return [...new Set(named)]
}

/** Whether a Service Auth rule may admit what an entry names, or a Bypass rule everyone. */
function letIn({read}: Scene, entry: Pick<Entry, 'rule' | 'key'>): boolean {
  return read.some(({policy, alive, never}) => {
    if (never) return false
    if (policy.decision === 'bypass') return alive.some(({rule}) => Object.hasOwn(rule, 'everyone'))
    if (policy.decision !== 'non_identity') return false
    return (
      alive.some((one) => one.key === entry.key || !isLeaf(one)) ||
      alive.some(({rule}) =>
        ['everyone', 'any_valid_service_token'].some((one) => Object.hasOwn(rule, one)),
      ) ||
      // A Require that names tokens admits them from whatever the rule includes.
      policy.require.some((rule) => isAboutTokens(rule) || groupIdOf(rule) !== undefined)
    )
  })
}

function neverTraps(scene: Scene, rule: ReadRule, idle: readonly Trap[]): Trap[] {
  const {never, entries} = rule
  // Said already: everything that it names are tokens under the wrong action.
  if (!never || (idle.length > 0 && entries.every((entry) => isAboutTokens(entry.rule)))) return []
  return [trap(scene, never.id, rule, {why: `The rule "${rule.policy.name}" ${never.why}.`})]
}

function neverApplies(
  {decision, include, require, exclude}: Policy,
  {entries, alive}: Pick<ReadRule, 'entries' | 'alive'>,
  finder: Finder,
): ReadRule['never'] {
  const {expansion, tokens, words} = finder
  if (alive.length === 0) {
    const [first] = entries
    const what =
      first === undefined
        ? include.length === 0
          ? 'it has no Include'
          : 'the Access groups that it includes are empty'
        : `${ruleInWords(first.rule, words)}: ${neverUnder(decision, first.rule, tokens) ?? ''}`
    return {id: 'empty-include', why: `includes no one (${what})`}
  }
  const holds = (why: string): ReadRule['never'] => ({
    id: 'never-holds',
    why: `applies to no request: ${why}`,
  })
  const required = require.map((rule) => ({rule, entries: expansion.of([rule])}))
  for (const {rule, entries: ways} of required) {
    if (ways.every((one) => neverUnder(decision, one.rule, tokens) !== undefined))
      return holds(`it requires ${ruleInWords(rule, words)}, which never holds under this action`)
    if (areDisjoint(ways, alive))
      return holds(`it requires ${ruleInWords(rule, words)}, and nothing that it includes meets that`)
    const other = required.find((one) => areDisjoint(ways, one.entries))
    if (other)
      return holds(
        `it requires ${ruleInWords(rule, words)} and ${ruleInWords(other.rule, words)}, which never hold together`,
      )
  }
  const excluded = new Cover(expansion.of(exclude).filter(({conditions}) => conditions.length === 0))
  if (exclude.length > 0 && alive.every((entry) => excluded.has(entry)))
    return holds('it excludes everything that it includes')
  return undefined
}

function idleTokens(scene: Scene, rule: ReadRule): Trap[] {
  const {policy, alive} = rule
  if (policy.decision !== 'non_identity') return []
  const named = [...new Set(alive.map((entry) => tokenIn(entry.rule)))]
  const states = named.map((id) => scene.finder.tokens?.get(id ?? '')?.status)
  if (!states.every((state) => state === 'disabled' || state === 'expired')) return []
  const tokenIds = named.filter((id) => id !== undefined)
  const how = [...new Set(states)].join(' or ')
  return [
    trap(scene, 'idle-tokens', rule, {
      tokenIds,
      why: `The rule "${policy.name}" opens nothing now: it includes only ${wordsFor(scene, alive)}, ${tokenIds.length === 1 ? 'which is' : 'which are'} ${how}.`,
    }),
  ]
}

/** Earlier rules that decide on every request that a rule applies to. */
function unreachable(scene: Scene, rule: ReadRule): Trap[] {
  const {order} = scene
  const key = rule.conditions.join('\n')
  const deciding = order
    .slice(0, order.indexOf(rule))
    .filter(({conditions}) => conditions.length === 0 || conditions.join('\n') === key)
  const all = deciding.find((one) => one.conditions.length === 0 && one.cover().everyone)
  if (all) {
    return [
      trap(scene, 'rule-after-everyone', rule, {
        otherId: all.policy.id,
        why: `Access never gets to the rule "${rule.policy.name}": the rule "${all.policy.name}" is evaluated first, and it is for everyone.`,
      }),
    ]
  }
  const by = rule.alive.map((entry) => deciding.find((one) => one.cover().has(entry)))
  const [first] = by
  if (!first || !by.every((one) => one !== undefined)) return []
  const names = quoted([...new Set(by)].map((one) => one?.policy.name ?? ''))
  return [
    trap(scene, 'unreachable-rule', rule, {
      otherId: first.policy.id,
      why: `The rule "${rule.policy.name}" never decides: ${names} ${new Set(by).size === 1 ? 'is' : 'are'} evaluated first and ${new Set(by).size === 1 ? 'applies' : 'apply'} to everything that it applies to.`,
    }),
  ]
}

/** Rules that admit what a Service Auth rule admits under conditions, under fewer of them. */
function goneBy(scene: Scene, rule: ReadRule): Trap[] {
  if (rule.policy.decision !== 'non_identity') return []
  const conditional = rule.alive.filter((entry) => rule.conditions.length + entry.conditions.length > 0)
  if (conditional.length === 0) return []
  return scene.order.flatMap((other): Trap[] => {
    if (other === rule || !isEarly(other.policy)) return []
    const gone = conditional.flatMap((entry) => {
      const own = conditionsOn(rule, entry, entry)
      const wider = covering(other, entry).find((one) => {
        const fewer = conditionsOn(other, one, entry)
        return fewer.size < own.size && [...fewer].every((condition) => own.has(condition))
      })
      if (!wider) return []
      const past = [...own].filter((condition) => !conditionsOn(other, wider, entry).has(condition))
      return [{entry, past}]
    })
    const [first] = gone
    if (!first) return []
    const entries = gone.map(({entry}) => entry)
    const tokenIds = tokensIn(entries)
    const conditions = first.past.map((one) => conditionInWords(one, scene.finder.words)).join(', ')
    return [
      trap(scene, 'condition-gone-past', rule, {
        otherId: other.policy.id,
        tokenIds,
        why: `The rule "${rule.policy.name}" admits ${wordsFor(scene, entries)} only under conditions (${conditions}), and the rule "${other.policy.name}" admits ${entries.length === 1 ? 'it' : 'them'} without these.`,
      }),
    ]
  })
}

/** The entries of a rule that include what an entry of another includes. */
function covering({byKey}: ReadRule, {rule, key}: Entry): readonly Entry[] {
  const wide = tokenIn(rule) === undefined ? [EVERYONE] : [EVERYONE, ANY_TOKEN]
  return [key, ...wide].flatMap((one) => byKey().get(one) ?? [])
}

const EVERYONE = '{"everyone":{}}'
const ANY_TOKEN = '{"any_valid_service_token":{}}'

/** The conditions under which an entry of a rule is admitted, without those that a request by `whom` always meets. */
function conditionsOn({conditions}: ReadRule, entry: Entry, whom: Entry): Set<string> {
  const met = new Set([EVERYONE, ANY_TOKEN, whom.key].map((one) => `require ${one}`))
  return new Set([...conditions, ...entry.conditions].filter((one) => !met.has(one)))
}

function conditionInWords(condition: string, words: RuleNames): string {
  const [part = ''] = condition.split(' ', 1)
  const rule = JSON.parse(condition.slice(part.length + 1)) as Rule
  return `${part === 'require' ? 'only' : 'not'} ${ruleInWords(rule, words)}`
}

/** A Block rule that keeps machines out, above rules that Access evaluates first. */
function tooLate(scene: Scene, rule: ReadRule): Trap[] {
  const {policy, alive} = rule
  if (policy.decision !== 'deny') return []
  // People are asked who they are only after Service Auth.
  const machines = alive.filter((entry) => isLeaf(entry) && !wantsIdentity(entry.rule))
  if (machines.length === 0) return []
  const {read} = scene
  const later = read.slice(read.indexOf(rule) + 1).filter((one) => {
    const excluded = new Set(one.policy.exclude.map(canonicalJson))
    return !one.never && isEarly(one.policy) && !machines.every(({key}) => excluded.has(key))
  })
  return later.map((other) =>
    trap(scene, 'block-too-late', rule, {
      otherId: other.policy.id,
      why: `The Block rule "${policy.name}" is above "${other.policy.name}" and does not keep out whom that admits: Access evaluates ${IDLE_ACTIONS.get(other.policy.decision) === undefined ? 'Service Auth' : 'Bypass'} rules first.`,
    }),
  )
}

function anyToken(scene: Scene, rule: ReadRule): Trap[] {
  const {policy, alive} = rule
  const wide = policy.decision === 'non_identity' && alive.find(({key}) => key === ANY_TOKEN)
  const {expansion} = scene.finder
  const namesSome = policy.require.some((one) =>
    expansion.of([one]).every((entry) => tokenIn(entry.rule) !== undefined),
  )
  if (!wide || namesSome) return []
  return [
    trap(scene, 'any-valid-token', rule, {
      groupId: wide.group,
      why: `The rule "${policy.name}" admits every service token of the account, also those that will be made for something else.`,
    }),
  ]
}

/** A domain of an application. */
interface Place {
  scene: Scene
  domain: string
}

/** For each application, those that would answer in its place if it did not exist. */
function nearestAbove(scenes: readonly Scene[]): ReadonlyMap<Scene, readonly Scene[]> {
  const places = scenes.flatMap((scene) =>
    [...new Set(scene.application.domains.map(plainDomain))].map((domain): Place => ({scene, domain})),
  )
  // Those without `*` by their text; the others by what follows the last label or segment with one.
  const plain = new Map<string, Place>()
  const patterns = new Map<string, Place[]>()
  for (const place of places) {
    const {domain} = place
    if (!domain.includes('*')) plain.set(domain, place)
    else {
      const fixed = hostOf(domain).replace(/^.*\*[^.]*\.?/s, '')
      patterns.set(fixed, [...(patterns.get(fixed) ?? []), place])
    }
  }
  const above = new Map<Scene, Scene[]>()
  for (const {scene, domain} of places) {
    const host = hostOf(domain)
    const path = domain.slice(host.length) || '/'
    const labels = host.split('.')
    const candidates = [
      ...parentsOf(domain, host).map((one) => plain.get(one)),
      ...labels.flatMap((_, at) => patterns.get(labels.slice(at).join('.')) ?? []),
    ].filter(
      (one) =>
        one !== undefined &&
        one.scene !== scene &&
        bySpecificity(one.domain, domain) < 0 &&
        covers(one.domain, host, path),
    ) as Place[]
    const [nearest] = candidates.sort((a, b) => bySpecificity(b.domain, a.domain))
    if (nearest && !above.get(scene)?.includes(nearest.scene))
      above.set(scene, [...(above.get(scene) ?? []), nearest.scene])
  }
  return above
}

/** `host/a`, `host` for `host/a/b`. */
function parentsOf(domain: string, host: string): string[] {
  const segments = domain.slice(host.length + 1).split('/')
  return segments.map((_, at) => [host, ...segments.slice(0, segments.length - 1 - at)].join('/'))
}

/** Service tokens that a less specific application admits, and this one does not. */
function shadows(scene: Scene, above: readonly Scene[] = []): Trap[] {
  return above.flatMap((wide): Trap[] => {
    const admitted = wide.order
      .filter(({policy}) => policy.decision === 'non_identity')
      .flatMap(({alive}) => alive.filter(({rule}) => isAboutTokens(rule)))
    const lost = [...new Map(admitted.map((entry) => [entry.key, entry])).values()].filter(
      (entry) => !letIn(scene, entry),
    )
    if (lost.length === 0) return []
    const [{application: narrow}, {application}] = [scene, wide]
    return [
      trap(wide, 'shadowed-by-path', undefined, {
        otherId: narrow.id,
        tokenIds: tokensIn(lost),
        why: `"${application.name}" (${application.domains[0] ?? ''}) admits ${wordsFor(scene, lost)}, and does not answer for ${narrow.domains[0] ?? ''}: "${narrow.name}" does, whose rules do not admit ${lost.length === 1 ? 'it' : 'them'}.`,
      }),
    ]
  })
}

function wordsFor({finder}: Scene, entries: readonly Entry[]): string {
  const different = [...new Map(entries.map((entry) => [entry.key, entry])).values()]
  const more = different.length - NAMED
  const named = different.slice(0, NAMED).map(({rule}) => {
    const id = tokenIn(rule)
    if (id === undefined) return ruleInWords(rule, finder.words)
    return `the service token "${finder.words.serviceToken(id) ?? id}"`
  })
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function quoted(names: readonly string[]): string {
  const more = names.length - NAMED
  return `${names.slice(0, NAMED).map((name) => `"${name}"`).join(', ')}${more > 0 ? ` and ${more} more` : ''}` // prettier-ignore
}

function nameOfGroup({finder}: Scene, id: string): string {
  return finder.words.group(id) ?? id
}
