import type {Group, Rule} from '../api/types.js'
import {isJsonObject} from '../core/json.js'
import {circularGroups} from './cycles.js'
import {allRules, groupIdOf, type RulePart, type Rules} from './references.js'
import {no, selectorNamed, unknown, yes, type RuleMatch, type RuleScope} from './selectors.js'
import type {UnknownFact} from './types.js'

/** More words, and more unknown facts, than anyone reads. */
const MOST_WORDS = 20_000
const MOST_FACTS = 50

/**
 * Include (any), Require (all) and Exclude (none) together, for a policy or an Access group, in three-valued logic: an
 * answer other than `unknown` stays the same whatever the unknown facts are.
 */
export function combine(rules: Rules, scope: RuleScope): RuleMatch & {part: RulePart} {
  const match = (rule: Rule): RuleMatch => matchRule(rule, scope)
  const included = any(rules.include.map(match))
  if (included.holds === 'no') return {...included, part: 'include'}
  const excluded = any(rules.exclude.map(match))
  if (excluded.holds === 'yes') return {...no(`it excludes: ${excluded.why}`), part: 'exclude'}
  const required = all(rules.require.map(match))
  if (required.holds === 'no') return {...no(`a requirement is not met: ${required.why}`), part: 'require'}
  const facts = factsOf([required, excluded, included])
  const open = (why: string, part: RulePart): RuleMatch & {part: RulePart} => ({
    ...unknown(why, ...facts),
    part,
  })
  if (required.holds === 'unknown') return open(`a requirement may not be met: ${required.why}`, 'require')
  if (excluded.holds === 'unknown') return open(`it may exclude the client: ${excluded.why}`, 'exclude')
  if (included.holds === 'unknown') return open(included.why, 'include')
  // Everyone except some people: only a login shows who is excluded.
  if (included.holds === 'yes' && required.holds === 'identity') return {...required, part: 'require'}
  if (included.holds === 'yes' && excluded.holds === 'identity') return {...excluded, part: 'exclude'}
  return {...included, part: 'include'}
}

function matchRule(rule: Rule, scope: RuleScope): RuleMatch {
  const [[name, value] = ['nothing', undefined], another] = Object.entries(rule)
  if (another)
    return unknown('one of its rules has several selectors, which zt cannot evaluate', {fact: 'selector'})
  const group = groupIdOf(rule)
  if (group !== undefined) return matchGroup(group, scope)
  const {identity, holds} = selectorNamed(name) ?? {}
  const body = isJsonObject(value) ? value : {}
  if (holds) return holds(body, scope)
  if (!identity) {
    const known = name.slice(0, 40)
    return unknown(`zt does not know the selector "${known}"`, {fact: 'selector', of: known})
  }
  const why = `it requires ${identity.needs}, which a machine does not have`
  const {person} = scope.request
  // Bypass and Service Auth never ask for a login.
  if (scope.decision !== 'allow' && scope.decision !== 'deny')
    return no(person ? `it requires ${identity.needs}, and its action asks no one to log in` : why)
  return person ? identity.holds(body, person, scope) : {holds: 'identity', why, facts: []}
}

/**
 * Whether an Access group holds. The groups inside come first: a loop and not a recursion, because accounts may nest groups
 * deeper than the stack goes.
 */
function matchGroup(id: string, scope: RuleScope): RuleMatch {
  const {groups, answers} = scope
  const circular = circularGroups(groups)
  const open = (one: string): Group | undefined =>
    answers.has(one) || circular.has(one) ? undefined : groups.get(one)
  const left = [id]
  for (let at = left.at(-1); at !== undefined; at = left.at(-1)) {
    const group = open(at)
    const inside =
      group &&
      allRules(group)
        .map(groupIdOf)
        .filter((one) => one !== undefined && open(one))
    if (inside && inside.length > 0) {
      for (const one of inside) left.push(one ?? '')
      continue
    }
    if (group) answers.set(at, named(group, combine(group, scope)))
    left.pop()
  }
  const group = groups.get(id)
  if (!group) return unknown('zt does not know its Access group', {fact: 'access-group', of: id})
  // What Access does then is documented nowhere.
  if (circular.has(id))
    return unknown(`the Access group "${group.name}" includes itself`, {fact: 'group-cycle', of: id})
  return answers.get(id) ?? unknown('zt does not know its Access group', {fact: 'access-group', of: id})
}

function named({name}: Group, {holds, why, facts}: RuleMatch): RuleMatch {
  const short = why.length > MOST_WORDS ? `...${why.slice(-MOST_WORDS / 2)}` : why
  return {holds, why: `Access group "${name}": ${short}`, facts}
}

/** The first match that decides, in this order of answers. */
function deciding(
  matches: readonly RuleMatch[],
  order: readonly RuleMatch['holds'][],
): RuleMatch | undefined {
  for (const answer of order) {
    const found = matches.find(({holds}) => holds === answer)
    if (found) return answer === 'unknown' ? {...found, facts: factsOf(matches)} : found
  }
  return undefined
}

/** What the unknown ones among them depend on. */
export function factsOf(matches: readonly {facts: readonly UnknownFact[]}[]): UnknownFact[] {
  const different = new Map<string, UnknownFact>()
  for (const {facts} of matches)
    for (const fact of facts)
      if (different.size < MOST_FACTS) different.set(`${fact.fact} ${fact.of ?? ''}`, fact)
  return [...different.values()]
}

function any(matches: readonly RuleMatch[]): RuleMatch {
  return deciding(matches, ['yes', 'unknown', 'identity', 'no']) ?? no('it includes no one')
}

function all(matches: readonly RuleMatch[]): RuleMatch {
  return deciding(matches, ['no', 'unknown', 'identity', 'yes']) ?? yes('it requires nothing')
}
