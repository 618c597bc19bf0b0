import type {Application} from '../api/types.js'
import {findApplication} from './application-match.js'
import type {Reach} from './reach.js'
import type {AccountRules} from './references.js'
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
  /** After the change. */
  reach: Reach
}

/** What a change of an account's rules means for its service tokens. */
export interface OpenedAndClosed {
  /** Applications that admit them, or do so under fewer conditions. */
  opens: ReachedPlace[]
  /** Applications that no longer admit them, or only under conditions. */
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
  const [was, is] = [new AccountReach(before, tokens), new AccountReach(after, tokens)]
  const result: OpenedAndClosed = {opens: [], closes: []}
  const compare = (old: Application | undefined, now: Application | undefined, address?: string): void => {
    const application = now ?? old
    if (application)
      differences(was.into(old), is.into(now), {application, address: address ?? application.domain}, result)
  }
  const known = new Map(before.applications.map((one) => [one.id, one]))
  for (const now of after.applications) {
    const old = known.get(now.id)
    known.delete(now.id)
    // One without an address, such as a SaaS application, is only itself.
    if (old || now.domains.length === 0) compare(old, now)
  }
  for (const old of known.values()) if (old.domains.length === 0) compare(old, undefined)
  for (const address of movedAddresses(before, after)) {
    const at = sampleOf(address)
    const [old, now] = [before, after].map(({applications}) => findApplication(at, applications)?.application)
    if (old?.id !== now?.id) compare(old, now, address)
  }
  return result
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
  /** Of the tokens that its rules treat in a way of their own. */
  own: ReadonlyMap<string, Reach>
}

const CLOSED: Entrance = {everyone: 'no', anyToken: 'no', own: new Map()}
const RANK: Record<Reach, number> = {no: 0, conditional: 1, yes: 2}

class AccountReach {
  readonly #admitted: ReadonlyMap<string, Admitted>
  readonly #except: Rights['except']
  /** By the policy's ID: the tokens for which it is excepted. */
  readonly #excepted = new Map<string, string[]>()

  constructor(account: AccountRules, tokens: readonly {id: string}[]) {
    const rights = rightsOf(account, tokens)
    this.#admitted = byApplication(rights)
    this.#except = rights.except
    for (const [token, policies] of rights.except)
      for (const policy of policies)
        this.#excepted.set(policy, [...(this.#excepted.get(policy) ?? []), token])
  }

  into(application: Application | undefined): Entrance {
    const admitted = this.#admitted.get(application?.id ?? '')
    if (!admitted) return CLOSED
    const {named, every} = admitted
    const best = (of: readonly {reach: Reach}[]): Reach => of.map(({reach}) => reach).reduce(wider, 'no')
    const own = new Map<string, Reach>()
    for (const {policyId} of every)
      for (const token of this.#excepted.get(policyId) ?? [])
        if (!own.has(token))
          own.set(token, best(every.filter((one) => !this.#isExcepted(token, one.policyId))))
    const anyToken = best(every)
    for (const {tokenId, right} of named) own.set(tokenId, wider(own.get(tokenId) ?? anyToken, right.reach))
    return {everyone: best(every.filter(({by}) => by === 'everyone')), anyToken, own}
  }

  #isExcepted(token: string, policy: string): boolean {
    return this.#except.get(token)?.has(policy) === true
  }
}

function wider(a: Reach, b: Reach): Reach {
  return RANK[a] >= RANK[b] ? a : b
}

function differences(
  was: Entrance,
  is: Entrance,
  place: Pick<ReachedPlace, 'application' | 'address'>,
  {opens, closes}: OpenedAndClosed,
): void {
  const add = (old: Reach, reach: Reach, who: ReachedPlace['who'], tokens: string[]): void => {
    if (old !== reach) (RANK[reach] > RANK[old] ? opens : closes).push({...place, who, tokens, reach})
  }
  add(was.everyone, is.everyone, 'everyone', [])
  // What holds for everyone holds for every token.
  const same = was.everyone === was.anyToken && is.everyone === is.anyToken
  if (!same) add(was.anyToken, is.anyToken, 'any-token', [])
  const named = new Map<string, {old: Reach; now: Reach; tokens: string[]}>()
  for (const token of new Set([...was.own.keys(), ...is.own.keys()])) {
    const [old, now] = [was.own.get(token) ?? was.anyToken, is.own.get(token) ?? is.anyToken]
    if (old === was.anyToken && now === is.anyToken) continue
    const group = named.get(`${old} ${now}`) ?? {old, now, tokens: []}
    group.tokens.push(token)
    named.set(`${old} ${now}`, group)
  }
  for (const {old, now, tokens} of named.values()) add(old, now, 'named', tokens)
}
