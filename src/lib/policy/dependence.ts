import type {Application, Decision, Group, Policy, Rule} from '../api/types.js'
import {canonicalJson} from '../core/canonical-json.js'
import {circularGroups} from './cycles.js'
import {groupIdOf, type Rules} from './references.js'
import {combine} from './rules.js'

/**
 * On what it depends whether an application admits a client: what is left of its rules once it is known which service token
 * the client has. A text is one thing that is not known, such as a rule about an address.
 */
export type Dependence =
  boolean | string | {any: readonly Dependence[]} | {all: readonly Dependence[]} | {not: Dependence}

/** Deeper than anyone nests Access groups: one beyond is not known. */
const DEEPEST = 500
/** With more unknown things than this, not every combination of them is tried, and only the form is compared. */
const MOST = 10

const EARLY: ReadonlySet<Decision> = new Set<Decision>(['non_identity', 'bypass'])
const LATE: ReadonlySet<Decision> = new Set<Decision>(['allow', 'deny'])

/** What an account's rules depend on, for one client after the other. */
export class Dependences {
  readonly #circular: ReadonlySet<string>
  readonly #known = new Map<string, Dependence>()
  #depth = 0

  constructor(private readonly groups: ReadonlyMap<string, Group>) {
    this.#circular = circularGroups(groups)
  }

  /** @param tokenId undefined: the client has no service token */
  of({policies}: Pick<Application, 'policies'>, tokenId: string | undefined): Dependence {
    return any(policies.filter(({decision}) => !LATE.has(decision)).map((one) => this.#policy(one, tokenId)))
  }

  #policy(policy: Policy, tokenId: string | undefined): Dependence {
    const {id, decision, include, require, exclude} = policy
    // It may do anything to anyone.
    if (!EARLY.has(decision)) return canonicalJson({id, decision, include, require, exclude})
    return this.#combined(policy, decision, tokenId)
  }

  #combined({include, require, exclude}: Rules, decision: Decision, tokenId: string | undefined): Dependence {
    const of = (rule: Rule): Dependence => this.#rule(rule, decision, tokenId)
    return all([any(include.map(of)), ...require.map(of), not(any(exclude.map(of)))])
  }

  #rule(rule: Rule, decision: Decision, tokenId: string | undefined): Dependence {
    const id = Object.keys(rule).length === 1 ? groupIdOf(rule) : undefined
    if (id !== undefined) return this.#group(id, decision, tokenId)
    const request = {serviceTokenId: tokenId, ip: undefined, country: undefined}
    const scope = {decision, request, groups: new Map<string, Group>(), answers: new Map()}
    const {holds} = combine({include: [rule], require: [], exclude: []}, scope)
    return holds === 'unknown' ? canonicalJson(rule) : holds === 'yes'
  }

  #group(id: string, decision: Decision, tokenId: string | undefined): Dependence {
    const group = this.groups.get(id)
    if (!group || this.#circular.has(id) || this.#depth >= DEEPEST) return `group ${id}`
    const key = [decision, id, tokenId ?? '-'].join(' ')
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#depth += 1
    const found = this.#combined(group, decision, tokenId)
    this.#depth -= 1
    this.#known.set(key, found)
    return found
  }
}

function any(parts: readonly Dependence[]): Dependence {
  const different = simple(parts.filter((one) => one !== false))
  if (different.includes(true)) return true
  const [first = false, another] = different
  return another === undefined ? first : {any: different}
}

function all(parts: readonly Dependence[]): Dependence {
  const different = simple(parts.filter((one) => one !== true))
  if (different.includes(false)) return false
  const [first = true, another] = different
  return another === undefined ? first : {all: different}
}

function not(part: Dependence): Dependence {
  return typeof part === 'boolean' ? !part : {not: part}
}

function simple(parts: readonly Dependence[]): Dependence[] {
  return [...new Map(parts.map((one) => [canonicalJson(one), one])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one)
}

/**
 * In which direction a dependence changes: whether there may be requests that are admitted only afterwards, or only before.
 * Never says of a difference that there is none; that two unknown things exclude each other it does not know.
 */
export function changeOf(
  before: Dependence,
  after: Dependence,
  most = MOST,
): {opens: boolean; closes: boolean} {
  if (canonicalJson(before) === canonicalJson(after)) return {opens: false, closes: false}
  const names = [...new Set([...namesIn(before), ...namesIn(after)])]
  if (names.length > most) return {opens: !implies(after, before), closes: !implies(before, after)}
  const found = {opens: false, closes: false}
  for (const hold of everySet(names)) {
    const [was, is] = [holds(before, hold), holds(after, hold)]
    if (is && !was) found.opens = true
    if (was && !is) found.closes = true
  }
  return found
}

/** Whether all that one admits is admitted by the other, as far as their form shows it; false: perhaps not. */
function implies(one: Dependence, other: Dependence): boolean {
  if (one === false || other === true || sameDependence(one, other)) return true
  if (typeof one === 'object' && 'any' in one) return one.any.every((part) => implies(part, other))
  if (typeof other === 'object' && 'all' in other) return other.all.every((part) => implies(one, part))
  if (typeof one === 'object' && 'all' in one && one.all.some((part) => implies(part, other))) return true
  if (typeof other === 'object' && 'any' in other && other.any.some((part) => implies(one, part))) return true
  return isNot(one) && isNot(other) && implies(other.not, one.not)
}

function isNot(dependence: Dependence): dependence is {not: Dependence} {
  return typeof dependence === 'object' && 'not' in dependence
}

function sameDependence(one: Dependence, other: Dependence): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other
  return canonicalJson(one) === canonicalJson(other)
}

function* namesIn(dependence: Dependence): Generator<string> {
  if (typeof dependence === 'string') yield dependence
  else if (typeof dependence === 'object') for (const part of partsOf(dependence)) yield* namesIn(part)
}

function partsOf(dependence: Exclude<Dependence, boolean | string>): readonly Dependence[] {
  return 'not' in dependence ? [dependence.not] : 'any' in dependence ? dependence.any : dependence.all
}

function holds(dependence: Dependence, hold: ReadonlySet<string>): boolean {
  if (typeof dependence === 'boolean') return dependence
  if (typeof dependence === 'string') return hold.has(dependence)
  if ('not' in dependence) return !holds(dependence.not, hold)
  return 'any' in dependence
    ? dependence.any.some((one) => holds(one, hold))
    : dependence.all.every((one) => holds(one, hold))
}

function* everySet(names: readonly string[]): Generator<ReadonlySet<string>> {
  for (let bits = 0; bits < 2 ** names.length; bits++)
    yield new Set(names.filter((_, at) => (bits & (1 << at)) !== 0))
}
