import type {Application, Group, Rule} from '../api/types.js'
import {canonicalJson, sameJson} from '../core/canonical-json.js'
import {findApplication} from './application-match.js'
import {changeOf, Dependences, type Dependence} from './dependence.js'
import type {Reach} from './reach.js'
import {allRules, groupIdOf, groupsById, rulesWithin, type AccountRules, type Rules} from './references.js'
import {tokenIn} from './included.js'
import {byApplication, rightsOf, type Admitted, type Rights} from './rights.js'

/** Service tokens that get into an application, or no longer do. */
export interface ReachedPlace {
  application: Pick<Application, 'id' | 'name'>
  /** The address that changes hands, or the application's primary domain; undefined: it has none. */
  address: string | undefined
  /** `everyone`: also a client without credentials. `any-token`: every service token that `tokens` of others do not name. */
  who: 'named' | 'any-token' | 'everyone'
  /** The IDs, if they are named. */
  tokens: string[]
  before: Reach
  /** After the change. If both are `conditional`, the conditions are others. */
  reach: Reach
}

/** What a change of an account's rules means for its service tokens. */
export interface OpenedAndClosed {
  /** Applications that admit them, or do so under fewer or other conditions. */
  opens: ReachedPlace[]
  /** Applications that no longer admit them, or only under more or other conditions. */
  closes: ReachedPlace[]
}

/**
 * Compares who gets in before and after a change, without a row for each pair of token and application. An address that
 * another application answers for afterwards counts by itself: where an application is created, deleted or moved.
 *
 * @param tokens those of the account
 */
export function openedAndClosed(
  before: AccountRules,
  after: AccountRules,
  tokens: readonly {id: string}[],
): OpenedAndClosed {
  const result: OpenedAndClosed = {opens: [], closes: []}
  const touchedAt = touchedBy(before, after)
  const known = new Map(before.applications.map((one) => [one.id, one]))
  const kept = after.applications.flatMap((now) => {
    const old = known.get(now.id)
    const touched = old && touchedAt(old, now)
    return old && touched ? [{old, now, touched}] : []
  })
  const has = new Set(after.applications.map(({id}) => id))
  const moved = movedAddresses(before, after)
  // One without an address, such as a SaaS application, is only itself.
  const made = after.applications.filter(({id, domains}) => !known.has(id) && domains.length === 0)
  const gone = before.applications.filter(({id, domains}) => !has.has(id) && domains.length === 0)
  const anywhere = moved.size + made.length + gone.length > 0
  // What it makes no difference to need not be read.
  const where = new Set(kept.map(({now}) => now.id))
  const whom = anywhere ? 'all' : kept.map(({touched}) => touched).reduce(together, undefined)
  const some = whom === 'all' ? tokens : tokens.filter(({id}) => whom?.has(id))
  const [was, is] = [before, after].map((account) => {
    const applications = account.applications.filter(({id}) => anywhere || where.has(id))
    return new AccountReach({...account, applications}, some)
  }) as [AccountReach, AccountReach]
  const compare = (old: Application | undefined, now: Application | undefined, touched: Touches, address?: string): void => {
    const application = now ?? old
    const place = application && {application, address: address ?? application.domain}
    if (place) differences(was.into(old), is.into(now), {place, touched}, result)
  }
  for (const {old, now, touched} of kept) compare(old, now, touched)
  for (const now of made) compare(undefined, now, 'all')
  for (const old of gone) compare(old, undefined, 'all')
  for (const address of moved) {
    const at = sampleOf(address)
    const [old, now] = [before, after].map(({applications}) => findApplication(at, applications)?.application)
    if (old?.id !== now?.id) compare(old, now, 'all', address)
  }
  return result
} // prettier-ignore

/** Which tokens a change may make a difference to; `all`: and clients without one. Undefined: none. */
type Touched = Touches | undefined
type Touches = ReadonlySet<string> | 'all'

/** What a change may make a difference to, at one application. */
function touchedBy(
  before: AccountRules,
  after: AccountRules,
): (old: Application, now: Application) => Touched {
  const [had, has] = [groupsById(before.groups), groupsById(after.groups)]
  const changed = new Map<string, Touched>()
  for (const id of new Set([...had.keys(), ...has.keys()])) {
    const touched = had.get(id) === has.get(id) ? undefined : touchedIn(had.get(id), has.get(id))
    if (touched) changed.set(id, touched)
  }
  return (old, now) => {
    const policies = new Map(old.policies.map((one) => [one.id, one]))
    const same = sameJson([...policies.keys()], [...new Set(now.policies.map(({id}) => id))])
    const own = same ? now.policies.map((one) => touchedIn(policies.get(one.id), one)) : ['all' as const]
    // A group that did not change, and that names one that did, leads to that one.
    const inside =
      changed.size === 0 ? [] : rulesIn(now, has).map((rule) => changed.get(groupIdOf(rule) ?? ''))
    return [...own, ...inside].reduce(together, undefined)
  }
}

function together(a: Touched, b: Touched): Touched {
  if (!a || !b || a === b) return a ?? b
  return a === 'all' || b === 'all' ? 'all' : new Set([...a, ...b])
}

type Deciding = Rules & {decision?: string}

function touchedIn(old: Deciding | undefined, now: Deciding | undefined): Touched {
  if (!old || !now || old.decision !== now.decision || !sameJson(old.require, now.require)) return 'all'
  const [had, has] = [old, now].map(
    ({include, exclude}) => new Map([include, exclude].flatMap((rules, part) => rules.map((rule) => [canonicalJson([part, rule]), rule]))),
  )
  const others = (these: ReadonlyMap<string, Rule> = new Map(), those: ReadonlyMap<string, Rule> = new Map()): Rule[] =>
    [...these].filter(([key]) => !those.has(key)).map(([, rule]) => rule)
  const tokens = [...others(had, has), ...others(has, had)].map(tokenIn)
  if (tokens.length === 0) return undefined
  const named = tokens.filter((one) => one !== undefined)
  return named.length === tokens.length ? new Set(named) : 'all'
} // prettier-ignore

/** All rules of an application, with those of the Access groups that they name. */
function rulesIn({policies}: Application, groups: ReadonlyMap<string, Group>): Rule[] {
  const within = rulesWithin(policies.flatMap(allRules), groups, ['include', 'require', 'exclude'])
  return [...within].map(({rule}) => rule)
}

/** The domains that an application has only before or only afterwards. */
function movedAddresses(before: AccountRules, after: AccountRules): Set<string> {
  const of = ({applications}: AccountRules): Map<string, string> =>
    new Map(
      applications
        .filter(({type}) => type !== 'bookmark')
        .flatMap(({id, domains}) => domains.map((domain) => [`${domain} ${id}`, domain])),
    )
  const [had, has] = [of(before), of(after)]
  return new Set([
    ...[...had].flatMap(([key, domain]) => (has.has(key) ? [] : [domain])),
    ...[...has].flatMap(([key, domain]) => (had.has(key) ? [] : [domain])),
  ])
}

/** An address that a domain covers: one without a name of its own in place of each wildcard. */
function sampleOf(domain: string): {host: string; path: string} {
  const [host = '', ...path] = domain.replaceAll('*', 'zt-any').split('/')
  return {host, path: `/${path.join('/')}`}
}

/** Who gets into one application. */
interface Entrance {
  everyone: Reach
  anyToken: Reach
  /** Of the tokens that its rules name. */
  own: ReadonlyMap<string, Reach>
  /** On what it depends for a client with this token; undefined: without one. */
  dependence: (token: string | undefined) => Dependence
}

const CLOSED: Entrance = {everyone: 'no', anyToken: 'no', own: new Map(), dependence: () => false}
/** A valid token that no rule names. */
const OTHER = ''
const RANK: Record<Reach, number> = {no: 0, conditional: 1, yes: 2}

class AccountReach {
  readonly #admitted: ReadonlyMap<string, Admitted>
  readonly #except: Rights['except']
  /** By the policy's ID: the tokens for which it is excepted. */
  readonly #excepted = new Map<string, string[]>()
  readonly #groups: ReadonlyMap<string, Group>
  readonly #dependences: Dependences
  readonly #tokens: ReadonlySet<string>

  constructor(account: AccountRules, tokens: readonly {id: string}[]) {
    this.#groups = groupsById(account.groups)
    this.#dependences = new Dependences(this.#groups)
    this.#tokens = new Set(tokens.map(({id}) => id))
    const rights = rightsOf(account, tokens)
    this.#admitted = byApplication(rights)
    this.#except = rights.except
    for (const [token, policies] of rights.except)
      for (const policy of policies)
        this.#excepted.set(policy, [...(this.#excepted.get(policy) ?? []), token])
  }

  into(application: Application | undefined): Entrance {
    const admitted = this.#admitted.get(application?.id ?? '')
    if (!application || !admitted) return CLOSED
    const {named, every} = admitted
    const best = (of: readonly {reach: Reach}[]): Reach => of.map(({reach}) => reach).reduce(wider, 'no')
    const own = new Map<string, Reach>()
    for (const {policyId} of every)
      for (const token of this.#excepted.get(policyId) ?? [])
        if (!own.has(token))
          own.set(token, best(every.filter((one) => !this.#isExcepted(token, one.policyId))))
    const anyToken = best(every)
    // Those that are named get in as every token does, or perhaps under other conditions.
    for (const rule of rulesIn(application, this.#groups)) {
      const token = tokenIn(rule)
      if (token !== undefined && this.#tokens.has(token) && !own.has(token)) own.set(token, anyToken)
    }
    for (const {tokenId, right} of named) own.set(tokenId, wider(own.get(tokenId) ?? anyToken, right.reach))
    return {
      ...{everyone: best(every.filter(({by}) => by === 'everyone')), anyToken, own},
      dependence: (token) => this.#dependences.of(application, token),
    }
  }

  #isExcepted(token: string, policy: string): boolean {
    return this.#except.get(token)?.has(policy) === true
  }
}

function wider(a: Reach, b: Reach): Reach {
  return RANK[a] >= RANK[b] ? a : b
}

/** How it changes for a client whether it gets in. */
interface Shift {
  old: Reach
  now: Reach
  opens: boolean
  closes: boolean
}

function differences(
  was: Entrance,
  is: Entrance,
  {place, touched}: {place: Pick<ReachedPlace, 'application' | 'address'>; touched: Touches},
  {opens, closes}: OpenedAndClosed,
): void {
  const shift = (old: Reach, now: Reach, token: string | undefined): Shift => {
    const conditions =
      old === 'conditional' && now === 'conditional'
        ? changeOf(was.dependence(token), is.dependence(token))
        : {opens: RANK[now] > RANK[old], closes: RANK[now] < RANK[old]}
    return {old, now, ...conditions}
  }
  const add = ({old, now, ...directions}: Shift, who: ReachedPlace['who'], tokens: string[]): void => {
    const row = {...place, who, tokens, before: old, reach: now}
    if (directions.opens) opens.push(row)
    if (directions.closes) closes.push(row)
  }
  const everyone = shift(was.everyone, is.everyone, undefined)
  add(everyone, 'everyone', [])
  // What holds for everyone holds for every token.
  const anyToken = shift(was.anyToken, is.anyToken, OTHER)
  if (textOf(anyToken) !== textOf(everyone)) add(anyToken, 'any-token', [])
  const named = new Map<string, {shift: Shift; tokens: string[]}>()
  for (const token of new Set([...was.own.keys(), ...is.own.keys()])) {
    if (touched !== 'all' && !touched.has(token)) continue
    const own = shift(was.own.get(token) ?? was.anyToken, is.own.get(token) ?? is.anyToken, token)
    if (textOf(own) === textOf(anyToken)) continue
    const group = named.get(textOf(own)) ?? {shift: own, tokens: []}
    group.tokens.push(token)
    named.set(textOf(own), group)
  }
  for (const {shift: own, tokens} of named.values()) add(own, 'named', tokens)
}

function textOf({old, now, opens, closes}: Shift): string {
  return [old, now, opens, closes].join(' ')
}
