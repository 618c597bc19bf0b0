import type {Application, Group, Policy} from '../../api/types.js'
import {canonicalJson} from '../../core/canonical-json.js'
import {conditionsOf} from '../../policy/included.js'
import {reachOf, type Reach} from '../../policy/reach.js'
import type {Right} from '../../policy/rights.js'
import {groupIdOf, groupsById, rulesWithin, type Rules} from '../../policy/references.js'
import {tokenIdOf} from './naming.js'
import type {AuditFacts, Closed, Ref} from './types.js'
import type {UseRecord} from './use-record.js'

/** A right: a token gets into an application by one of its rules. `unknown`: nothing can be said of its use. */
export type RightState = 'used' | 'unused' | 'unknown'

interface Includes {
  groups: Map<string, string[]>
  rules: Map<string, Policy[]>
  groupsOf: Map<string, string[]>
}

/** One more valid token, which no rule names. */
const OTHER = ''
const RANK: Record<Reach, number> = {no: 0, conditional: 1, yes: 2}

/** The rights of an account's service tokens by application and rule, and what is known of their use. */
export class RightUses {
  readonly groups: ReadonlyMap<string, Group>
  /** The rules on applications, each once, with the applications that have it, in a fixed order. */
  readonly rules: ReadonlyMap<string, {policy: Policy; applications: Application[]}>
  /** Why rights that were not seen in use are not called unused: names. */
  readonly doubts = {
    uncovered: new Set<string>(),
    ageless: new Set<string>(),
    others: new Set<string>(),
    /** Applications. */
    unclear: new Set<string>(),
  }
  readonly #facts: AuditFacts
  readonly #use: UseRecord
  readonly #tokens: ReadonlyMap<string, AuditFacts['tokens'][number]>
  /** Of the applications. */
  readonly #names: ReadonlyMap<string, string>
  /** By application, rule and token: of the tokens that the rule names. */
  readonly #own = new Map<string, Map<string, Map<string, Right>>>()
  /** By application: what lets in others than the tokens that are named. */
  readonly #general = new Map<string, Right[]>()
  /** By rule: the tokens that are not let in by it as every other is. */
  readonly #exceptedFrom = new Map<string, string[]>()
  readonly #rulesWith = new Map<string, ReadonlySet<Policy>>()
  readonly #tokenStates = new Map<string, 'unused' | 'unknown'>()
  /** Whether a rule, application or group is old enough. */
  readonly #old = new Map<object, boolean>()
  #uncovered: {token: Ref | undefined} | undefined
  #including: Includes | undefined
  readonly #machinesOnly = new Map<string, boolean>()

  constructor(facts: AuditFacts, use: UseRecord) {
    this.#facts = facts
    this.#use = use
    this.groups = groupsById(facts.account.groups)
    this.#tokens = new Map(facts.tokens.map((token) => [token.id, token]))
    this.#names = new Map(facts.account.applications.map(({id, name}) => [id, name]))
    const rules = new Map<string, {policy: Policy; applications: Application[]}>()
    for (const application of [...facts.account.applications].sort(byName))
      for (const policy of application.policies) {
        const known = rules.get(policy.id)
        if (known) known.applications.push(application)
        else rules.set(policy.id, {policy, applications: [application]})
      }
    this.rules = rules
    for (const [tokenId, rights] of facts.rights.named)
      for (const right of rights) {
        const at = inside(this.#own, right.applicationId)
        inside(at, right.policyId).set(tokenId, right)
      }
    for (const [tokenId, policies] of facts.rights.except)
      for (const policyId of policies) pushed(this.#exceptedFrom, policyId, tokenId)
    for (const right of facts.rights.every) pushed(this.#general, right.applicationId, right)
  }

  token(id: string): AuditFacts['tokens'][number] | undefined {
    return this.#tokens.get(id)
  }

  /** The tokens that a rule lets in to an application because it names them. */
  tokensBy({id}: Ref, policy: Ref): Pick<ReadonlyMap<string, unknown>, 'has' | 'keys' | 'size'> {
    return this.#own.get(id)?.get(policy.id) ?? NO_RIGHTS
  }

  /** Whether a rule lets in every valid token, or everyone. */
  isGeneral({id}: Ref, policy: Ref): boolean {
    return this.#general.get(id)?.some(({policyId}) => policyId === policy.id) ?? false
  }

  /**
   * The tokens to which a rule for every token may give more than to others: another such rule of the application treats
   * them in a way of its own, or excludes them.
   */
  dependingOn({id}: Ref, policy: Ref): string[] {
    const others = (this.#general.get(id) ?? []).filter(({policyId}) => policyId !== policy.id)
    const tokens = new Set(others.flatMap(({policyId}) => this.#exceptedFrom.get(policyId) ?? []))
    return [...tokens].filter((token) => this.#facts.rights.except.get(token)?.has(policy.id) !== true)
  }

  /** Whether only service tokens can satisfy the Include of a rule: the record of tokens then shows all of its use. */
  isForTokensOnly(policy: Policy): boolean {
    const known = this.#machinesOnly.get(policy.id)
    if (known !== undefined) return known
    const only = [...rulesWithin(policy.include, this.groups)].every(({rule}) => {
      const group = groupIdOf(rule)
      if (Object.keys(rule).length !== 1) return false
      if (group !== undefined) return this.groups.has(group)
      return tokenIdOf(rule) !== undefined || Object.hasOwn(rule, 'any_valid_service_token')
    })
    this.#machinesOnly.set(policy.id, only)
    return only
  }

  /** The Service Auth rules that include an Access group, also through others. */
  rulesWith(groupId: string): ReadonlySet<Policy> {
    this.#including ??= this.#readIncludes()
    const {groups, rules} = this.#including
    const known = this.#rulesWith.get(groupId)
    if (known) return known
    const above = new Set([groupId])
    for (const id of above) for (const outer of groups.get(id) ?? []) above.add(outer)
    const found = new Set([...above].flatMap((id) => rules.get(id) ?? []))
    this.#rulesWith.set(groupId, found)
    return found
  }

  /** Whether a rule includes a token by its name or by an Access group, without the rule or group of this ID. */
  hasOtherWay(tokenId: string, policy: Policy, leftId: string): boolean {
    this.#including ??= this.#readIncludes()
    const direct = policy.id !== leftId && policy.include.some((rule) => tokenIdOf(rule) === tokenId)
    const groups = this.#including.groupsOf.get(tokenId) ?? []
    return direct || groups.some((id) => id !== leftId && this.rulesWith(id).has(policy))
  }

  /** What is in the Include of groups and rules: by group the groups and rules that have it, by token its groups. */
  #readIncludes(): Includes {
    const includes: Includes = {groups: new Map(), rules: new Map(), groupsOf: new Map()}
    for (const {id, include} of this.groups.values())
      for (const rule of include) {
        const [inner, token] = [groupIdOf(rule), tokenIdOf(rule)]
        if (inner !== undefined) pushed(includes.groups, inner, id)
        if (token !== undefined) pushed(includes.groupsOf, token, id)
      }
    for (const {policy} of this.rules.values())
      for (const rule of policy.decision === 'non_identity' ? policy.include : []) {
        const group = groupIdOf(rule)
        if (group !== undefined) pushed(includes.rules, group, policy)
      }
    return includes
  }

  /** Whether a token used its right by a rule of an application. */
  state(tokenId: string, application: Application, policy: Policy): RightState {
    const used = this.#use.rulesUsed(tokenId, application.id)
    if (used.has(policy.id)) return 'used'
    if (this.#isUnclear(used, application)) return 'unknown'
    if (this.#tokenState(tokenId) === 'unknown') return 'unknown'
    const isOld = this.isOld(policy) && this.isOld(application)
    return isOld ? 'unused' : 'unknown'
  }

  /** Whether the rights of a token that were not seen in use are unused. */
  #tokenState(id: string): 'unused' | 'unknown' {
    const known = this.#tokenStates.get(id)
    if (known) return known
    const token = this.#tokens.get(id)
    const isOld = token !== undefined && this.#isOld(token.createdAt) === true
    const isCovered = isOld && this.#use.isCovered(token)
    if (isOld && !isCovered) this.doubts.uncovered.add(token.name)
    const state = isCovered ? 'unused' : 'unknown'
    this.#tokenStates.set(id, state)
    return state
  }

  /** Whether the record names no rule, or one that the application no longer has. */
  #isUnclear(used: ReadonlySet<string | undefined>, {name, policies}: Application): boolean {
    for (const id of used)
      if (!policies.some((policy) => policy.id === id)) {
        this.doubts.unclear.add(name)
        return true
      }
    return false
  }

  /** Whether rules let a token in that are on no application now: nothing says which Access group they included. */
  isUnclearBy(tokenId: string): boolean {
    const unclear = [...this.#use.usesOf(tokenId)].filter(([, used]) =>
      [...used].some((id) => id === undefined || !this.rules.has(id)),
    )
    for (const [id] of unclear) this.doubts.unclear.add(this.#names.get(id) ?? id)
    return unclear.length > 0
  }

  /** Whether any token used a rule of an application. */
  stateOfRule(application: Application, policy: Policy): RightState {
    const used = this.#use.rulesUsedAt(application.id)
    if (used.has(policy.id)) return 'used'
    if (this.#isUnclear(used, application)) return 'unknown'
    const tokens = this.tokensBy(application, policy)
    const isGeneral = this.isGeneral(application, policy)
    if (!isGeneral && tokens.size === 0) return 'unknown'
    if (isGeneral) {
      const uncovered = this.#firstUncovered()
      if (uncovered !== undefined) {
        this.doubts.uncovered.add(uncovered.name)
        return 'unknown'
      }
    }
    for (const id of tokens.keys()) if (this.state(id, application, policy) !== 'unused') return 'unknown'
    return this.isOld(policy) && this.isOld(application) ? 'unused' : 'unknown'
  }

  /** Some token of which the record lacks what Cloudflare saw. */
  #firstUncovered(): Ref | undefined {
    this.#uncovered ??= {token: this.#facts.tokens.find((token) => !this.#use.isCovered(token))}
    return this.#uncovered.token
  }

  /** Whether a rule, application or group has existed for as long as the record is looked at. */
  isOld(thing: Policy | Application | Group): boolean {
    const known = this.#old.get(thing)
    if (known !== undefined) return known
    const {name, raw} = thing
    const made = raw['created_at']
    const isOld = this.#isOld(typeof made === 'string' ? made : undefined)
    if (isOld === undefined) this.doubts.ageless.add(name)
    this.#old.set(thing, isOld === true)
    return isOld === true
  }

  #isOld(createdAt: string | undefined): boolean | undefined {
    const created = Date.parse(createdAt ?? '')
    return isNaN(created) ? undefined : created <= this.#use.rightsSince
  }

  /**
   * What it closes for these tokens if rules of an application no longer let them in, or if the rules or the Access groups
   * change.
   *
   * @param tokenIds undefined among them: every token that no rule names
   * @returns undefined: it would close, or narrow, what one of them used
   */
  closes(
    tokenIds: readonly (string | undefined)[],
    before: Application,
    change: {lost: ReadonlySet<string>} | {after: Application; groups: ReadonlyMap<string, Group>},
  ): Closed[] | undefined {
    const application = {id: before.id, name: before.name}
    const left = (id: string | undefined): Closed['reach'] | undefined => {
      const reach =
        'lost' in change
          ? this.#reach(id, before.id, change.lost)
          : reachOf(id ?? OTHER, change.after, change.groups)
      const had = this.#reach(id, before.id)
      if (reach === 'yes' || RANK[reach] > RANK[had] || had === 'no') return undefined
      return reach === had && !this.#narrows(id, before.id, change) ? undefined : reach
    }
    const closed: Closed[] = []
    for (const id of tokenIds) {
      const reach = left(id)
      if (reach === undefined) continue
      const users = id === undefined ? this.#use.usersOf(before.id) : [id]
      for (const user of users)
        if (this.#use.rulesUsed(user, before.id).size > 0 && left(user) !== undefined) return undefined
      closed.push({token: id === undefined ? undefined : this.#ref(id), application, reach})
    }
    return closed
  }

  /** Whether a token gets into an application, by the rights that are left to it. */
  #reach(id: string | undefined, applicationId: string, lost: ReadonlySet<string> = NONE): Reach {
    let widest: Reach = 'no'
    if (id !== undefined)
      for (const [policyId, tokens] of this.#own.get(applicationId) ?? NO_RULES) {
        const right = lost.has(policyId) ? undefined : tokens.get(id)
        if (right?.reach === 'yes') return 'yes'
        if (right) widest = 'conditional'
      }
    const excepted = this.#facts.rights.except.get(id ?? OTHER)
    for (const {policyId, reach} of this.#general.get(applicationId) ?? []) {
      if (lost.has(policyId) || excepted?.has(policyId) === true) continue
      if (reach === 'yes') return 'yes'
      widest = 'conditional'
    }
    return widest
  }

  /** Whether a token that gets in under conditions would get in under fewer of them. */
  #narrows(
    id: string | undefined,
    applicationId: string,
    change: Parameters<RightUses['closes']>[2],
  ): boolean {
    if (!('lost' in change)) return true
    const rights = this.#rightsAt(id, applicationId)
    const left = rights.filter(({policyId}) => !change.lost.has(policyId))
    // Whoever meets the conditions of the rule that is lost meets those of one that is left.
    const isCovered = ({policyId}: Right): boolean => {
      const policy = this.rules.get(policyId)?.policy
      const met = new Set(policy && conditionsOf(policy))
      return left.some(
        ({conditions}) =>
          conditions.length > 0 &&
          conditions.every(({part, rule}) => met.has(`${part} ${canonicalJson(rule)}`)),
      )
    }
    return !rights.every((right) => !change.lost.has(right.policyId) || isCovered(right))
  }

  /** The ways of a token into an application. */
  #rightsAt(id: string | undefined, applicationId: string): Right[] {
    const own = id === undefined ? [] : [...(this.#own.get(applicationId) ?? NO_RULES).values()]
    const excepted = this.#facts.rights.except.get(id ?? OTHER)
    return [
      ...own.flatMap((tokens) => tokens.get(id ?? OTHER) ?? []),
      ...(this.#general.get(applicationId) ?? []).filter(({policyId}) => excepted?.has(policyId) !== true),
    ]
  }

  #ref(id: string): Ref {
    return {id, name: this.#tokens.get(id)?.name ?? id}
  }
}

const NONE: ReadonlySet<string> = new Set()
const NO_RIGHTS: ReadonlyMap<string, Right> = new Map()
const NO_RULES: ReadonlyMap<string, ReadonlyMap<string, Right>> = new Map()

function inside<T>(maps: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const known = maps.get(key)
  if (known) return known
  const made = new Map<string, T>()
  maps.set(key, made)
  return made
}

function pushed<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}

export function byName(a: Ref, b: Ref): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** The Access groups that an Exclude names, also inside others: who leaves them may get in. */
export function excludedGroups(
  holders: readonly Rules[],
  groups: ReadonlyMap<string, Group>,
): ReadonlySet<string> {
  const excluded = new Set<string>()
  for (const {exclude} of holders)
    for (const {rule} of rulesWithin(exclude, groups, ['include', 'require', 'exclude'])) {
      const id = groupIdOf(rule)
      if (id !== undefined) excluded.add(id)
    }
  return excluded
}
