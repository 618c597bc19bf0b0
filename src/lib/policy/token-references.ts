import type {Application, Decision, Group, Policy, Rule} from '../api/types.js'
import {isJsonObject} from '../core/json.js'
import {namesGroup, namesToken} from './references.js'

export type RulePart = 'include' | 'require' | 'exclude'
const PARTS: readonly RulePart[] = ['include', 'require', 'exclude']

/** A place that names a service token or an Access group. */
export interface TokenReference {
  /** `reusable`: an account's policy. `inline`: a policy inside one application (legacy). `group`: an Access group. */
  kind: 'reusable' | 'inline' | 'group'
  id: string
  name: string
  /** Undefined for a group. */
  decision: Decision | undefined
  part: RulePart
  /** The Access groups between, by name, the outermost first; empty where it is named by itself. */
  through: string[]
  /** Where that policy is; an inline one has exactly one. */
  applications: {id: string; name: string}[]
}

/** What an account has that could name something. Every application with all of its policies. */
export interface AccountRules {
  policies: readonly Policy[]
  groups: readonly Group[]
  applications: readonly Application[]
}

/** Everything that names a token, in every part, by itself or through Access groups; what names it by itself first. */
export function tokenReferences(tokenId: string, account: AccountRules): TokenReference[] {
  return referencesOf(account, (rule) => namesToken(rule, tokenId))
}

/** Everything that names an Access group, in every part, by itself or through other groups; what names it by itself first. */
export function groupReferences(groupId: string, account: AccountRules): TokenReference[] {
  return referencesOf(account, (rule) => namesGroup(rule, groupId)).filter(({id}) => id !== groupId)
}

function referencesOf(
  {policies, groups, applications}: AccountRules,
  names: (rule: Rule) => boolean,
): TokenReference[] {
  const holders = [
    ...policies.map((policy) => ({
      kind: 'reusable' as const,
      holder: policy,
      decision: policy.decision,
      applications: applications.filter((app) => app.policies.some(({id}) => id === policy.id)),
    })),
    ...inlinePolicies(policies, applications).map(({application, policy}) => ({
      kind: 'inline' as const,
      holder: policy,
      decision: policy.decision,
      applications: [application],
    })),
    ...groups.map((group) => ({
      kind: 'group' as const,
      holder: group,
      decision: undefined,
      applications: [],
    })),
  ]
  const byId = new Map(groups.map((group) => [group.id, group]))
  const found = holders.flatMap(({kind, holder, decision, applications: at}) =>
    PARTS.flatMap((part) =>
      pathsTo(names, holder[part], byId).map((through): TokenReference => ({
        kind,
        id: holder.id,
        name: holder.name,
        decision,
        part,
        through,
        applications: at.map(({id, name}) => ({id, name})),
      })),
    ),
  )
  return [...found.filter(isDirect), ...found.filter((one) => !isDirect(one))]
}

/** Whether it names the thing itself: what stands against deleting that. */
export function isDirect({through}: TokenReference): boolean {
  return through.length === 0
}

/** The policies that live inside applications; the account's list has the others. */
export function inlinePolicies(
  policies: readonly Policy[],
  applications: readonly Application[],
): {application: Application; policy: Policy}[] {
  const shared = new Set(policies.map(({id}) => id))
  return applications.flatMap((application) =>
    application.policies.filter(({id}) => !shared.has(id)).map((policy) => ({application, policy})),
  )
}

/** At most one direct way and one through each group that the rules name. */
function pathsTo(
  names: (rule: Rule) => boolean,
  rules: readonly Rule[],
  groups: ReadonlyMap<string, Group>,
): string[][] {
  const direct = rules.some(names) ? [[]] : []
  const outer = [...new Set(groupIds(rules))].flatMap((id) => {
    const way = wayThrough(id, names, groups)
    return way ? [way] : []
  })
  return [...direct, ...outer]
}

/** A way from a group to what is named, in whichever parts; undefined: there is none. */
function wayThrough(
  groupId: string,
  names: (rule: Rule) => boolean,
  groups: ReadonlyMap<string, Group>,
): string[] | undefined {
  interface Step {
    name: string
    from: Step | undefined
  }
  const seen = new Set<string>()
  const left: {id: string; from: Step | undefined}[] = [{id: groupId, from: undefined}]
  for (let next = left.pop(); next; next = left.pop()) {
    const {id, from} = next
    const group = groups.get(id)
    if (!group || seen.has(id)) continue
    seen.add(id)
    const step: Step = {name: group.name, from}
    const rules = PARTS.flatMap((part) => group[part])
    if (rules.some(names)) {
      const way: string[] = []
      for (let back: Step | undefined = step; back; back = back.from) way.push(back.name)
      return way.reverse()
    }
    // The first is looked into first.
    for (const inner of groupIds(rules).reverse()) left.push({id: inner, from: step})
  }
  return undefined
}

function groupIds(rules: readonly Rule[]): string[] {
  return rules.flatMap((rule) => (isJsonObject(rule['group']) ? [String(rule['group']['id'])] : []))
}
