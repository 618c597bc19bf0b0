import type {Decision, Group, Rule} from '../api/types.js'
import {canonicalJson} from '../core/canonical-json.js'
import {circularGroups} from './cycles.js'
import {groupIdOf, namesToken, type Rules} from './references.js'
import {selectorNamed} from './selectors.js'

/** What must hold, or must not, before a rule admits whom it includes. */
export interface Condition {
  part: 'require' | 'exclude'
  rule: Rule
}

/** The ways by which rules reach a service token: each has all conditions on it, of the policy and of the groups. */
export interface Ways {
  ways: Condition[][]
  /** Whether they may reach it in ways that are not known: through a group or a selector that zt does not know. */
  more: boolean
}

/** More different ways, and deeper ones, than anyone makes; those beyond count as not known. */
const MOST = 64
const DEEPEST = 500

/** Selectors that include every service token. */
const EVERY_TOKEN = ['any_valid_service_token', 'everyone']
/** Those of them that are about tokens: a Require for everyone names none. */
const TOKENS = ['any_valid_service_token']

type Narrowed = Pick<Rules, 'include' | 'require' | 'exclude'>

/**
 * The ways by which a policy or Access group includes a service token: by its name, as any valid token, as everyone, or
 * through groups. One without conditions admits the token from everywhere. Where a Require names the token, what the
 * policy includes instead (an address, a country) is the condition.
 */
export function waysTo(tokenId: string, holder: Narrowed, groups: ReadonlyMap<string, Group>): Ways {
  return waysInto(holder, {tokenId, groups, depth: 0, known: new Map()})
}

interface Search {
  tokenId: string
  groups: ReadonlyMap<string, Group>
  /** Of the groups that were entered. */
  depth: number
  known: Map<string, Ways>
}

function waysInto(holder: Narrowed, search: Search): Ways {
  const required = holder.require.map((rule) => ({rule, ...waysOfRule(rule, search, TOKENS)}))
  const own: Condition[] = [
    // What the token always meets is no condition on it; whom a group includes may change.
    ...required
      .filter(
        ({rule, ways}) =>
          !Object.hasOwn(rule, 'everyone') && (Object.hasOwn(rule, 'group') || ways.length === 0),
      )
      .map(({rule}) => ({part: 'require' as const, rule})),
    ...holder.exclude.map((rule) => ({part: 'exclude' as const, rule})),
  ]
  const asked = required.some(({ways}) => ways.length > 0)
  const mayAsk = required.some(({more}) => more)
  const found = holder.include.map((rule): Ways => {
    const {ways, more} = waysOfRule(rule, search, EVERY_TOKEN)
    const instead = ways.length === 0 && !more && !Object.hasOwn(rule, 'service_token')
    if (!instead) return {ways, more}
    return {ways: asked ? [[{part: 'require', rule}]] : [], more: mayAsk}
  })
  const all = found.flatMap(({ways}) => ways.map((way) => [...own, ...way]))
  const different = [...new Map(all.map((way) => [keysOf(way).sort().join('\n'), way])).values()]
  return {
    ways: different.slice(0, MOST),
    more: different.length > MOST || found.some(({more}) => more),
  }
}

function waysOfRule(rule: Rule, search: Search, tokens: readonly string[]): Ways {
  const [selector = '', another] = Object.keys(rule)
  if (another !== undefined || selectorNamed(selector) === undefined) return {ways: [], more: true}
  if (namesToken(rule, search.tokenId) || tokens.includes(selector)) return {ways: [[]], more: false}
  const id = groupIdOf(rule)
  return id === undefined ? {ways: [], more: false} : waysOfGroup(id, search)
}

function waysOfGroup(id: string, search: Search): Ways {
  const group = search.groups.get(id)
  // What a group that includes itself admits is documented nowhere.
  if (!group || circularGroups(search.groups).has(id) || search.depth >= DEEPEST)
    return {ways: [], more: true}
  const known = search.known.get(id)
  if (known) return known
  const ways = waysInto(group, {...search, depth: search.depth + 1})
  search.known.set(id, ways)
  return ways
}

function keysOf(way: readonly Condition[]): string[] {
  return [...new Set(way.map(canonicalJson))]
}

/** A Service Auth policy that admits a token only under conditions. */
export interface Restriction<P> {
  policy: P
  /** Those of its widest way; undefined: it may admit the token, in ways that are not known. */
  conditions: Condition[] | undefined
}

/** A policy with an action. */
type Deciding = Narrowed & {decision: Decision}

/**
 * The restrictions of a token that another rule would go past: the Service Auth policies that admit it under conditions,
 * where the new rule would admit it in a way that no policy has, or under fewer conditions.
 */
export function restrictionsPast<P extends Deciding>(
  tokenId: string,
  added: Narrowed,
  policies: readonly P[],
  groups: ReadonlyMap<string, Group>,
): Restriction<P>[] {
  const found = policies
    .filter(({decision}) => decision === 'non_identity')
    .map((policy) => {
      const {ways, more} = waysTo(tokenId, policy, groups)
      return {policy, ways: ways.map(keysOf), more}
    })
  const covered = (way: Set<string>): boolean =>
    found.some(({ways}) => ways.some((old) => old.every((key) => way.has(key))))
  const wider = waysTo(tokenId, added, groups).ways.some((way) => !covered(new Set(keysOf(way))))
  if (!wider) return []
  return found.flatMap(({policy, ways, more}): Restriction<P>[] => {
    const [widest] = ways.sort((a, b) => a.length - b.length)
    if (widest === undefined) return more ? [{policy, conditions: undefined}] : []
    return [{policy, conditions: widest.map((key) => JSON.parse(key) as Condition)}]
  })
}
