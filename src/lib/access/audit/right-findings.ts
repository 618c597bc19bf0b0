import type {Application, Group, Policy, Rule} from '../../api/types.js'
import {ztCommand} from '../../core/command-line.js'
import {allRules, groupsWithin, type Rules} from '../../policy/references.js'
import {hasServiceAuth} from '../applications/service-auth-401.js'
import {withoutToken} from '../rules/take-out.js'
import type {FindingKind} from './kinds.js'
import {inZone, policiesOf, referrer, tokenIdOf} from './naming.js'
import {byName, excludedGroups, type RightUses} from './right-uses.js'
import {compare, dateOf, finding, isIdle} from './token-findings.js'
import type {AuditFacts, Closed, Finding, NotChecked, Ref} from './types.js'
import type {UseRecord} from './use-record.js'

/** The kinds that need the record. */
const RIGHT_KINDS: FindingKind[] = ['unused-rule', 'unused-in-rule', 'unused-in-group']

/** The rights that were not used, with what takes each away. */
export function rightFindings(
  facts: AuditFacts,
  use: UseRecord,
  uses: RightUses,
): {findings: Finding[]; notChecked: NotChecked[]} {
  const why = use.incomplete ?? (facts.unread.length > 0 ? `${facts.unread.join('. ')}.` : undefined)
  if (why !== undefined) return {findings: [], notChecked: [{kinds: RIGHT_KINDS, why}]}
  const audit = new RightAudit(facts, use, uses)
  const findings = [...audit.rules(), ...audit.inRules(), ...audit.inGroups()]
  return {findings, notChecked: audit.notChecked()}
}

class RightAudit {
  readonly #facts: AuditFacts
  readonly #use: UseRecord
  readonly #uses: RightUses
  readonly #since: string
  readonly #app: (thing: Ref) => string | Ref
  readonly #token: (thing: Ref) => string | Ref
  readonly #group: (thing: Ref) => string | Ref
  /** Rules that are unused as a whole: application and policy. */
  readonly #unused = new Set<string>()

  constructor(facts: AuditFacts, use: UseRecord, uses: RightUses) {
    this.#facts = facts
    this.#use = use
    this.#uses = uses
    this.#since = dateOf(use.rightsSince)
    this.#app = referrer(facts.account.applications)
    this.#token = referrer(facts.tokens)
    this.#group = referrer(facts.account.groups)
  }

  /** Rules by which no token was let in to an application. */
  rules(): Finding[] {
    const found: Finding[] = []
    for (const {policy, applications} of this.#uses.rules.values())
      for (const application of applications) {
        if (policy.decision !== 'non_identity' || this.#uses.stateOfRule(application, policy) !== 'unused')
          continue
        if (!this.#uses.isForTokensOnly(policy)) {
          this.#uses.doubts.others.add(policy.name)
          continue
        }
        const isGeneral = this.#uses.isGeneral(application, policy)
        const named = [
          ...this.#uses.tokensBy(application, policy).keys(),
          ...(isGeneral ? this.#uses.dependingOn(application, policy) : []),
        ]
        const tokens = [...[...new Set(named)].sort(), ...(isGeneral ? [undefined] : [])]
        const closes = this.#uses.closes(tokens, application, {lost: new Set([policy.id])})
        if (!closes) continue
        this.#unused.add(`${application.id} ${policy.id}`)
        const why = `It let no service token into "${application.name}" since ${this.#since}.${this.#changed('rule', policy)} ${this.#effect(closes, [[application, policy]], tokens)}`
        const next = this.#removal(application, policy)
        found.push(
          finding('unused-rule', {rule: ref(policy), application: ref(application)}, why, {next, closes}),
        )
      }
    return found
  }

  /** Tokens that a rule names and never let in, where the rule itself was used. */
  inRules(): Finding[] {
    const found: Finding[] = []
    for (const {policy, applications} of this.#uses.rules.values()) {
      const [first] = applications
      const all = applications.map((app): [Application, Policy] => [app, policy])
      if (!first || policy.decision !== 'non_identity' || this.#areUnused(all)) continue
      found.push(...this.#withoutLast(policy, 'rule', this.#inRule(policy, first, all)))
    }
    return found
  }

  #inRule(policy: Policy, first: Application, all: readonly [Application, Policy][]): Finding[] {
    return this.#candidates(policy).flatMap((token) => {
      const having = all.filter(([app]) => this.#uses.tokensBy(app, policy).has(token.id))
      if (!this.#isUnused(token, having)) return []
      const closes = this.#closes(token, having, policy)
      if (!closes) return []
      const why = `The rule did not let it in since ${this.#since}.${this.#changed('rule', policy)} ${this.#effect(closes, having, [token.id])}`
      const words = [this.#app(first), this.#rule(first, policy), '--token', this.#token(token)]
      const next = this.#inZoneOf(first, token, 'app', 'remove-rule', ...words)
      const subject = {token: ref(token), rule: ref(policy), application: ref(first)}
      return [finding('unused-in-rule', subject, why, {next, closes: next.length > 0 ? closes : []})]
    })
  }

  /** Tokens in Access groups by which no rule let them in. */
  inGroups(): Finding[] {
    const {account} = this.#facts
    const excluded = excludedGroups([...policiesOf(account), ...account.groups], this.#uses.groups)
    return [...account.groups].sort(byName).flatMap((group) => {
      // Who leaves a group that something excludes may get in.
      if (excluded.has(group.id)) return []
      const policies = [...this.#uses.rulesWith(group.id)].sort(byName)
      if (policies.length === 0 || !this.#uses.isOld(group)) return []
      return this.#withoutLast(group, 'group', this.#inGroup(group, policies))
    })
  }

  #inGroup(group: Group, policies: readonly Policy[]): Finding[] {
    return this.#candidates(group).flatMap((token) => {
      const rights = policies.flatMap((policy) =>
        (this.#uses.rules.get(policy.id)?.applications ?? [])
          .filter((app) => this.#uses.tokensBy(app, policy).has(token.id))
          .map((app): [Application, Policy] => [app, policy]),
      )
      if (this.#areUnused(rights) || !this.#isUnused(token, rights)) return []
      if (this.#uses.isUnclearBy(token.id)) return []
      const closes = this.#closes(token, rights, group)
      if (!closes) return []
      const why = `No rule let it in by this group since ${this.#since}.${this.#changed('group', group)} ${this.#effect(closes, rights, [token.id])}`
      const words = [this.#group(group), this.#token(token)]
      const next = this.#inZoneOf(group, token, 'group', 'remove-token', ...words)
      const subject = {token: ref(token), group: ref(group)}
      return [finding('unused-in-group', subject, why, {next, closes: next.length > 0 ? closes : []})]
    })
  }

  /** What it closes if a token leaves a rule or an Access group; undefined: something that was used. */
  #closes(token: Ref, rights: readonly [Application, Policy][], left: Policy | Group): Closed[] | undefined {
    const isLost = rights.every(
      ([app, policy]) =>
        this.#uses.isForTokensOnly(policy) &&
        !this.#uses.isGeneral(app, policy) &&
        !this.#uses.hasOtherWay(token.id, policy, left.id),
    )
    const include = withoutToken(left.include, token.id).left
    const after = (app: Application): {after: Application; groups: ReadonlyMap<string, Group>} => {
      if ('decision' in left) return {after: withPolicy(app, {...left, include}), groups: this.#uses.groups}
      const groups = groupsWithin(app.policies.flatMap(allRules), this.#uses.groups)
      return {after: app, groups: groups.set(left.id, {...left, include})}
    }
    const closes: Closed[] = []
    for (const app of new Set(rights.map(([one]) => one))) {
      const lost = new Set(rights.flatMap(([one, {id}]) => (one === app ? [id] : [])))
      const closed = this.#uses.closes([token.id], app, isLost ? {lost} : after(app))
      if (!closed) return undefined
      closes.push(...closed)
    }
    return closes
  }

  #isUnused(token: Ref, rights: readonly [Application, Policy][]): boolean {
    const isUnused = ([app, rule]: [Application, Policy]): boolean =>
      !this.#use.usedRule(token.id, rule.id) && this.#uses.state(token.id, app, rule) === 'unused'
    return rights.length > 0 && rights.every(isUnused)
  }

  /** Cloudflare keeps no rule and no group that includes nothing: the command for the last entry would be refused. */
  #withoutLast({include}: {include: Rule[]}, what: 'rule' | 'group', found: Finding[]): Finding[] {
    const leaving = new Set(found.map(({subject}) => subject.token?.id))
    const last = found.at(-1)
    if (!last || include.some((rule) => !leaving.has(tokenIdOf(rule)))) return found
    const why = `${last.why} It is the last entry of the ${what}, which cannot be empty.`
    return [...found.slice(0, -1), {...last, why, next: [], closes: []}]
  }

  /** What was not judged although no use was seen. */
  notChecked(): NotChecked[] {
    const {uncovered, ageless, others, unclear} = this.#uses.doubts
    const said = (names: ReadonlySet<string>, say: (list: string) => string): string[] =>
      names.size === 0 ? [] : [say(some([...names].sort(compare)))]
    return [
      ...said(uncovered, (list) => `Cloudflare saw ${list} in use, and the record does not show where.`),
      ...said(ageless, (list) => `Cloudflare does not say when this was made: ${list}.`),
      ...said(
        others,
        (list) => `The record of service tokens does not show whom else these rules let in: ${list}.`,
      ),
      ...said(
        unclear,
        (list) =>
          `Service tokens were let into ${list} by rules that were removed since, or that the record does not name.`,
      ),
    ].map((why) => ({kinds: RIGHT_KINDS, why}))
  }

  /** The tokens that may leave a rule or group by a command: included by a rule of their own, and in use elsewhere. */
  #candidates({include, require, exclude}: Rules): Ref[] {
    const fixed = new Set([...require, ...exclude].map(tokenIdOf))
    const mixed = new Set(include.filter((rule) => Object.keys(rule).length > 1).map(tokenIdOf))
    return [...new Set(include.map(tokenIdOf))]
      .flatMap((id) => {
        const token = id === undefined || fixed.has(id) || mixed.has(id) ? undefined : this.#uses.token(id)
        return token && !isIdle(token, this.#facts, this.#use) ? [token] : []
      })
      .sort(byName)
  }

  #areUnused(rights: readonly [Application, Policy][]): boolean {
    return rights.every(([app, policy]) => this.#unused.has(`${app.id} ${policy.id}`))
  }

  /** A command on an object and a service token; none where they belong to different zones, as no command takes both. */
  #inZoneOf(thing: Ref, token: Ref, ...words: (string | Ref)[]): string[] {
    const {say, zones} = this.#facts
    const zone = zones.of(thing.id)
    return zone === zones.of(token.id) ? [ztCommand(say, ...words, ...inZone(zone))] : []
  }

  /** The commands that take a rule off an application. */
  #removal(application: Application, policy: Policy): string[] {
    const {say, zones} = this.#facts
    const zone = inZone(zones.of(application.id))
    const app = this.#app(application)
    const others = application.policies.filter(({id}) => id !== policy.id)
    const isInline = policy.reusable === false
    const mixes = !isInline && others.some(({reusable}) => reusable === false)
    return [
      ...(application.serviceAuth401Redirect && !hasServiceAuth(others)
        ? [ztCommand(say, 'app', 'set', app, '--no-service-auth-401', ...zone)]
        : []),
      ...(mixes ? [ztCommand(say, 'policy', 'make-reusable', app, '--all')] : []),
      ztCommand(say, 'app', 'remove-rule', app, this.#rule(application, policy), ...zone),
    ]
  }

  /** What a command can name a rule by. A name of digits could be a precedence. */
  #rule({policies}: Application, policy: Policy): string | Ref {
    return /^#?\d+$/.test(policy.name) ? policy.id : referrer(policies)(policy)
  }

  #changed(what: 'rule' | 'group', {raw}: Policy | Group): string {
    const changed = typeof raw['updated_at'] === 'string' ? Date.parse(raw['updated_at']) : NaN
    return changed > this.#use.rightsSince ? ` The ${what} was changed on ${dateOf(changed)}.` : ''
  }

  /** What the removal closes, or by what the tokens get in as well. */
  #effect(
    closes: readonly Closed[],
    rights: readonly [Application, Policy][],
    tokens: readonly (string | undefined)[],
  ): string {
    if (closes.length > 0) return `Removing it closes ${closedInWords(closes)}.`
    const [[application, removed] = []] = rights
    if (!application || !removed) return 'Removing it closes nothing.'
    const used = this.#use.rulesUsedAt(application.id)
    const others = application.policies
      .filter((one) => one.id !== removed.id)
      .filter((one) => this.#admits(application, one, tokens))
      .sort((a, b) => Number(used.has(b.id)) - Number(used.has(a.id)))
    const [also] = others
    if (!also) return 'Removing it closes nothing.'
    const how = used.has(also.id) ? 'was used' : 'was not used either'
    return `Removing it closes nothing: "${also.name}" gives the same right, and ${how}.`
  }

  #admits(application: Application, policy: Policy, tokens: readonly (string | undefined)[]): boolean {
    if (this.#uses.isGeneral(application, policy)) return true
    const admitted = this.#uses.tokensBy(application, policy)
    return tokens.some((id) => id !== undefined && admitted.has(id))
  }
}

function ref({id, name}: Ref): Ref {
  return {id, name}
}

function withPolicy(application: Application, changed: Policy): Application {
  const policies = application.policies.map((one) =>
    one.id === changed.id ? {...one, include: changed.include} : one,
  )
  return {...application, policies}
}

const NAMED = 3

/** The first names, and how many more there are. */
export function some(names: readonly string[]): string {
  const more = names.length - NAMED
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** `"GitLab" for ci and cd`. */
function closedInWords(closes: readonly Closed[]): string {
  const applications = [...new Set(closes.map(({application}) => `"${application.name}"`))]
  const tokens = [...new Set(closes.map(({token}) => (token ? `"${token.name}"` : 'every other token')))]
  return `${some(applications)} for ${some(tokens)}`
}
