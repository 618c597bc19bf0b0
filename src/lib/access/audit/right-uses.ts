import type {Application, Group, Policy} from '../../api/types.js'
import {reachOf, type Reach} from '../../policy/reach.js'
import {groupIdOf, groupsById, rulesWithin, type Rules} from '../../policy/references.js'
import {tokenIdOf} from './naming.js'
import type {AuditFacts, Closed, Ref} from './types.js'
import type {UseRecord} from './use-record.js'

/** A right: a token gets into an application by one of its rules. `unknown`: nothing can be said of its use. */
export type RightState = 'used' | 'unused' | 'unknown'

/** One more valid token, which no rule names. */
const OTHER = ''
const RANK: Record<Reach, number> = {no: 0, conditional: 1, yes: 2}

/** The rights of an account's service tokens by application and rule, and what is known of their use. */
export class RightUses {
  readonly groups: ReadonlyMap<string, Group>
  /** The rules on applications, each once, with the applications that have it, in a fixed order. */
  readonly rules: ReadonlyMap<string, {policy: Policy; applications: Application[]}>
  /** Why rights that were not seen in use are not called unused: names. */
  readonly doubts = {uncovered: new Set<string>(), ageless: new Set<string>(), others: new Set<string>()}
  readonly #facts: AuditFacts
  readonly #use: UseRecord
  readonly #tokens: ReadonlyMap<string, AuditFacts['tokens'][number]>
  readonly #own = new Map<string, Set<string>>()
  readonly #general = new Map<string, 'any-token' | 'everyone'>()
  readonly #machinesOnly = new Map<string, boolean>()

  constructor(facts: AuditFacts, use: UseRecord) {
    this.#facts = facts
    this.#use = use
    this.groups = groupsById(facts.account.groups)
    this.#tokens = new Map(facts.tokens.map((token) => [token.id, token]))
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
        const key = keyOf(right.applicationId, right.policyId)
        const tokens = this.#own.get(key)
        if (tokens) tokens.add(tokenId)
        else this.#own.set(key, new Set([tokenId]))
      }
    for (const {applicationId, policyId, by} of facts.rights.every)
      if (by !== 'named') this.#general.set(keyOf(applicationId, policyId), by)
  }

  token(id: string): AuditFacts['tokens'][number] | undefined {
    return this.#tokens.get(id)
  }

  /** The tokens that a rule lets in to an application because it names them. */
  tokensBy({id}: Ref, policy: Ref): ReadonlySet<string> {
    return this.#own.get(keyOf(id, policy.id)) ?? NONE
  }

  /** Whether a rule lets in every valid token, or everyone. */
  generally({id}: Ref, policy: Ref): 'any-token' | 'everyone' | undefined {
    return this.#general.get(keyOf(id, policy.id))
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

  /** Whether a token used its right by a rule of an application. */
  state(tokenId: string, application: Application, policy: Policy): RightState {
    const used = this.#use.rulesUsed(tokenId, application.id)
    if (used.has(policy.id)) return 'used'
    if (isUnclear(used, application)) return 'unknown'
    const token = this.#tokens.get(tokenId)
    if (!token || this.#isOld(token.createdAt) !== true) return 'unknown'
    if (!this.#use.isCovered(token)) {
      this.doubts.uncovered.add(token.name)
      return 'unknown'
    }
    const isOld = this.isOld(policy) && this.isOld(application)
    return isOld ? 'unused' : 'unknown'
  }

  /** Whether any token used a rule of an application. */
  stateOfRule(application: Application, policy: Policy): RightState {
    const used = this.#use.rulesUsedAt(application.id)
    if (used.has(policy.id)) return 'used'
    if (isUnclear(used, application)) return 'unknown'
    const tokens = this.tokensBy(application, policy)
    const isGeneral = this.generally(application, policy) !== undefined
    if (!isGeneral && tokens.size === 0) return 'unknown'
    if (isGeneral)
      for (const token of this.#facts.tokens)
        if (!this.#use.isCovered(token)) {
          this.doubts.uncovered.add(token.name)
          return 'unknown'
        }
    for (const id of tokens) if (this.state(id, application, policy) !== 'unused') return 'unknown'
    return this.isOld(policy) && this.isOld(application) ? 'unused' : 'unknown'
  }

  /** Whether a rule, application or group has existed for as long as the record is looked at. */
  isOld({name, raw}: Policy | Application | Group): boolean {
    const made = raw['created_at']
    const isOld = this.#isOld(typeof made === 'string' ? made : undefined)
    if (isOld === undefined) this.doubts.ageless.add(name)
    return isOld === true
  }

  #isOld(createdAt: string | undefined): boolean | undefined {
    const created = Date.parse(createdAt ?? '')
    return isNaN(created) ? undefined : created <= this.#use.rightsSince
  }

  /**
   * What a change of one application's rules, or of the Access groups, closes for these tokens.
   *
   * @param tokenIds undefined among them: every token that no rule names
   * @returns undefined: it would close, or narrow, what one of them used
   */
  closes(
    tokenIds: Iterable<string | undefined>,
    before: Application,
    after: Application,
    groups: ReadonlyMap<string, Group> = this.groups,
  ): Closed[] | undefined {
    const application = {id: before.id, name: before.name}
    const closed: Closed[] = []
    const left = (id: string): Reach | undefined => {
      const reach = reachOf(id, after, groups)
      return RANK[reach] < RANK[reachOf(id, before, this.groups)] ? reach : undefined
    }
    for (const id of tokenIds) {
      const reach = left(id ?? OTHER)
      if (reach === undefined || reach === 'yes') continue
      const users = id === undefined ? this.#use.usersOf(before.id) : [id]
      for (const user of users)
        if (this.#use.rulesUsed(user, before.id).size > 0 && left(user) !== undefined) return undefined
      closed.push({token: id === undefined ? undefined : this.#ref(id), application, reach})
    }
    return closed
  }

  #ref(id: string): Ref {
    return {id, name: this.#tokens.get(id)?.name ?? id}
  }
}

const NONE: ReadonlySet<string> = new Set()

function keyOf(applicationId: string, policyId: string): string {
  return `${applicationId} ${policyId}`
}

/** The record names no rule, or one that the application no longer has. */
function isUnclear(used: ReadonlySet<string | undefined>, {policies}: Application): boolean {
  for (const id of used) if (!policies.some((policy) => policy.id === id)) return true
  return false
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
