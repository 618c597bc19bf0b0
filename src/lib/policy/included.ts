import type {Decision, Group, Rule} from '../api/types.js'
import {canonicalJson} from '../core/canonical-json.js'
import {isJsonObject} from '../core/json.js'
import {addressInBlock} from './address.js'
import {circularGroups} from './cycles.js'
import {groupIdOf, type Rules} from './references.js'
import {wantsIdentity} from './selectors.js'

/** One thing that rules include, once Access groups are replaced by what they include. */
export interface Entry {
  rule: Rule
  /** The rule as one text. */
  key: string
  /** What else must hold, or must not, by the groups in between: one text each. */
  conditions: readonly string[]
  /** The outermost group in between, by ID. */
  group: string | undefined
}

/** More than anyone includes, and deeper than anyone nests groups: a group beyond stays as it is, and counts as not known. */
const MOST = 20_000
const DEEPEST = 500

/**
 * What rules include, with Access groups replaced by what they include. A group that is not known, includes itself or is
 * too large stays as it is. Remembers each group, so that an account is read in linear time.
 */
export class Expansion {
  readonly #known = new Map<string, readonly Entry[]>()
  readonly #circular: ReadonlySet<string>
  #depth = 0

  constructor(private readonly groups: ReadonlyMap<string, Group>) {
    this.#circular = circularGroups(groups)
  }

  of(include: readonly Rule[]): Entry[] {
    return include.flatMap((rule): Entry[] => {
      const id = groupIdOf(rule)
      const inside = id === undefined ? undefined : this.#inside(id)
      if (!inside) return [{rule, key: canonicalJson(rule), conditions: [], group: id}]
      return inside.map((entry) => ({...entry, group: id}))
    })
  }

  #inside(id: string): readonly Entry[] | undefined {
    const group = this.groups.get(id)
    const known = this.#known.get(id)
    if (known) return known
    if (!group || this.#circular.has(id) || this.#depth >= DEEPEST) return undefined
    this.#depth += 1
    const own = conditionsOf(group)
    const inside = this.of(group.include).map((entry) =>
      own.length === 0 ? entry : {...entry, conditions: [...own, ...entry.conditions]},
    )
    this.#depth -= 1
    if (inside.length > MOST) return undefined
    this.#known.set(id, inside)
    return inside
  }
}

/** What must hold, or must not, of a policy or group: one text each, in order. */
export function conditionsOf({require, exclude}: Pick<Rules, 'require' | 'exclude'>): string[] {
  return [
    ...require.map((rule) => `require ${canonicalJson(rule)}`),
    ...exclude.map((rule) => `exclude ${canonicalJson(rule)}`),
  ].sort()
}

/** Whether it is known what a rule means: what several selectors in one mean is not. */
function isPlain(rule: Rule): boolean {
  return Object.keys(rule).length === 1
}

/** Whether it is known what an entry includes. */
export function isLeaf({rule}: Entry): boolean {
  return isPlain(rule) && groupIdOf(rule) === undefined
}

/** The service token that a rule names. */
export function tokenIn(rule: Rule): string | undefined {
  return textIn(rule, 'service_token', 'token_id')
}

/** Whether a rule is about service tokens. */
export function isAboutTokens(rule: Rule): boolean {
  return isPlain(rule) && ['service_token', 'any_valid_service_token'].some((one) => Object.hasOwn(rule, one))
}

/** Why a rule holds for no request under an action: a clause; undefined: it may hold for some. */
export function neverUnder(
  decision: Decision,
  rule: Rule,
  knownTokens: ReadonlyMap<string, unknown> | undefined,
): string | undefined {
  if (!isPlain(rule)) return undefined
  const early = decision === 'non_identity' || decision === 'bypass'
  if (early && wantsIdentity(rule)) return 'it is about people, and no one logs in under this action'
  if (!isAboutTokens(rule)) return undefined
  if (decision !== 'non_identity') return 'service tokens count only under Service Auth'
  const id = tokenIn(rule)
  if (id === undefined || !knownTokens || knownTokens.has(id)) return undefined
  return 'the account does not have the service token that it names'
}

/** What a list of rules, any of which is enough, certainly includes. */
export class Cover {
  readonly everyone: boolean
  readonly #anyToken: boolean
  readonly #keys: ReadonlySet<string>
  readonly #blocks: readonly string[]
  readonly #domains: ReadonlySet<string>

  /** @param entries without conditions */
  constructor(entries: readonly Entry[]) {
    const has = (selector: string): boolean =>
      entries.some(({rule}) => isPlain(rule) && Object.hasOwn(rule, selector))
    this.everyone = has('everyone')
    this.#anyToken = has('any_valid_service_token')
    this.#keys = new Set(entries.map(({key}) => key))
    this.#blocks = textsIn(entries, 'ip', 'ip').slice(0, MOST_BLOCKS)
    this.#domains = new Set(textsIn(entries, 'email_domain', 'domain').map((one) => one.toLowerCase()))
  }

  /** Whether whatever an entry includes is included. */
  has({rule, key}: Pick<Entry, 'rule' | 'key'>): boolean {
    if (this.everyone || this.#keys.has(key)) return true
    if (tokenIn(rule) !== undefined) return this.#anyToken
    const [email, block] = [textIn(rule, 'email', 'email'), textIn(rule, 'ip', 'ip')]
    if (email !== undefined) return this.#domains.has(email.replace(/^.*@/s, '').toLowerCase())
    return block !== undefined && this.#blocks.some((one) => isWithin(block, one))
  }
}

/** Blocks that are compared with each other; two lists of more are not. */
const MOST_BLOCKS = 64

/**
 * Whether two lists of rules never hold for the same request: both name service tokens, countries or addresses only, and
 * none in common.
 */
export function areDisjoint(a: readonly Entry[], b: readonly Entry[]): boolean {
  for (const [selector, field] of ONE_OF_EACH) {
    const [ours, theirs] = [textsIn(a, selector, field), textsIn(b, selector, field)]
    if (ours.length !== a.length || theirs.length !== b.length || a.length * b.length === 0) continue
    if (selector === 'ip')
      return (
        Math.max(a.length, b.length) <= MOST_BLOCKS &&
        ours.every((one) => theirs.every((other) => !isWithin(one, other) && !isWithin(other, one)))
      )
    const common = new Set(theirs.map((one) => one.toUpperCase()))
    return !ours.some((one) => common.has(one.toUpperCase()))
  }
  return false
}

/** What a request has one of. */
const ONE_OF_EACH = [
  ['service_token', 'token_id'],
  ['geo', 'country_code'],
  ['ip', 'ip'],
] as const

/** Whether a block of addresses lies within another. */
function isWithin(block: string, outer: string): boolean {
  const [network = '', prefix] = block.split('/')
  const [, outerPrefix] = outer.split('/')
  const bits = network.includes(':') ? 128 : 32
  return Number(prefix ?? bits) >= Number(outerPrefix ?? bits) && addressInBlock(network, outer)
}

function textIn(rule: Rule, selector: string, field: string): string | undefined {
  const body = isPlain(rule) ? rule[selector] : undefined
  const value = isJsonObject(body) ? body[field] : undefined
  return typeof value === 'string' ? value : undefined
}

function textsIn(entries: readonly Entry[], selector: string, field: string): string[] {
  return entries.map(({rule}) => textIn(rule, selector, field)).filter((one) => one !== undefined)
}
