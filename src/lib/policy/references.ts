import type {Application, Decision, Group, Policy, Rule} from '../api/types.js'
import {canonicalJson, sameJson} from '../core/canonical-json.js'
import {isJsonObject, type JsonObject} from '../core/json.js'

/** Any of Include, all of Require, none of Exclude: what a policy and an Access group both have. */
export interface Rules {
  include: Rule[]
  require: Rule[]
  exclude: Rule[]
}

export type RulePart = keyof Rules
export const PARTS: readonly RulePart[] = ['include', 'require', 'exclude']

/** A place that names a service token or an Access group. */
export interface Reference {
  /**
   * `reusable`: an account's policy. `inline`: a policy inside one application (legacy). `group`: an Access group. `scim`:
   * an application whose SCIM provisioning authenticates with the token.
   */
  kind: 'reusable' | 'inline' | 'group' | 'scim'
  id: string
  name: string
  /** Undefined for a group and for SCIM. */
  decision: Decision | undefined
  /** Undefined for SCIM, which has no rules. */
  part: RulePart | undefined
  /** The Access groups in between, by name, outermost first; empty for a direct reference. */
  through: string[]
  /** The applications that have the policy or the SCIM configuration; an inline policy has exactly one. */
  applications: {id: string; name: string}[]
}

/** Everything in an account that can name something. Each application has all of its policies. */
export interface AccountRules {
  policies: readonly Policy[]
  groups: readonly Group[]
  applications: readonly Application[]
}

/** All references to a service token, direct ones first. Rules name it by its ID, SCIM by its client ID. */
export function tokenReferences(
  {id, clientId}: {id: string; clientId: string},
  account: AccountRules,
): Reference[] {
  return [
    ...account.applications
      .filter(({raw}) => scimTokens(raw).includes(clientId))
      .map((application): Reference => {
        const {id: appId, name} = application
        const nowhere = {decision: undefined, part: undefined, through: []}
        return {kind: 'scim', id: appId, name, ...nowhere, applications: [{id: appId, name}]}
      }),
    ...referencesTo(account, (rule) => namesToken(rule, id)),
  ]
}

/**
 * The client IDs of the service tokens with which an application's SCIM provisioning authenticates: the scheme
 * `access_service_token`, alone or in a list of schemes (Cloudflare's API reference).
 */
export function scimTokens(application: JsonObject): string[] {
  const config = application['scim_config']
  const given = isJsonObject(config) ? config['authentication'] : undefined
  return [given]
    .flat()
    .filter(isJsonObject)
    .filter(({scheme}) => scheme === 'access_service_token')
    .map((one) => one['client_id'])
    .filter((clientId) => typeof clientId === 'string')
}

/** All references to an Access group, direct ones first. */
export function groupReferences(groupId: string, account: AccountRules): Reference[] {
  return referencesTo(account, (rule) => groupIdOf(rule) === groupId).filter(({id}) => id !== groupId)
}

/** Whether no Access group is in between. */
export function isDirect({through}: Reference): boolean {
  return through.length === 0
}

/** The policies that live inside an application; the others are in the account's list. */
export function inlinePolicies(
  policies: readonly Policy[],
  applications: readonly Application[],
): {application: Application; policy: Policy}[] {
  const shared = new Set(policies.map(({id}) => id))
  return applications.flatMap((application) =>
    application.policies.filter(({id}) => !shared.has(id)).map((policy) => ({application, policy})),
  )
}

export function groupsById(groups: readonly Group[]): ReadonlyMap<string, Group> {
  return new Map(groups.map((group) => [group.id, group]))
}

/** All rules of a policy or group. */
export function allRules(holder: Rules): Rule[] {
  return PARTS.flatMap((part) => holder[part])
}

/** Whether two lists have the same rules; their order means nothing. */
export function sameRules(a: readonly Rule[], b: readonly Rule[]): boolean {
  const sorted = (rules: readonly Rule[]): string[] => rules.map(canonicalJson).sort()
  return sameJson(sorted(a), sorted(b))
}

/** Whether two policies or groups have the same rules in each part. */
export function sameMeaning(a: Rules, b: Rules): boolean {
  return PARTS.every((part) => sameRules(a[part], b[part]))
}

/** Whether a rule is `{service_token: {token_id}}` for this token. */
export function namesToken(rule: Rule, tokenId: string): boolean {
  const body = rule['service_token']
  return isJsonObject(body) && body['token_id'] === tokenId
}

/** The id in `{group: {id}}`; undefined for any other rule. */
export function groupIdOf(rule: Rule): string | undefined {
  const body = rule['group']
  return isJsonObject(body) ? String(body['id']) : undefined
}

/** Of the Access groups in these rules, the first that includes a token, directly or through a group inside. */
export function groupHolding(
  tokenId: string,
  rules: readonly Rule[],
  groups: ReadonlyMap<string, Group>,
): Group | undefined {
  const holder = rules.find(
    (rule) => groupIdOf(rule) !== undefined && find([rule], groups, (one) => namesToken(one, tokenId)),
  )
  return holder && groups.get(groupIdOf(holder) ?? '')
}

/**
 * Whether a policy could let a token in without a login. Anything that depends on where the request comes from, or that
 * zt does not know, counts as yes.
 */
export function mayAdmit(
  tokenId: string,
  policies: readonly Policy[],
  groups: ReadonlyMap<string, Group>,
): boolean {
  const mayHold = (rule: Rule): boolean => {
    if (isJsonObject(rule['service_token'])) return namesToken(rule, tokenId)
    const group = groupIdOf(rule)
    return group === undefined || !groups.has(group)
  }
  return policies
    .filter(({decision}) => decision === 'non_identity' || decision === 'bypass')
    .some(({include}) => find(include, groups, mayHold))
}

/** The way into nested groups, innermost first. */
interface Nesting {
  group: Group
  outer: Nesting | undefined
}

/**
 * These rules, and those of the Access groups that they name, however deeply nested. Each group is entered once. A loop
 * and not a recursion: accounts may nest groups deeper than the stack goes.
 *
 * @param parts of the groups
 */
export function* rulesWithin(
  rules: readonly Rule[],
  groups: ReadonlyMap<string, Group>,
  parts: readonly RulePart[] = ['include'],
): Generator<{rule: Rule; inside: Nesting | undefined}> {
  const entered = new Set<string>()
  const left: {rules: readonly Rule[]; inside: Nesting | undefined}[] = [{rules, inside: undefined}]
  for (let next = left.pop(); next; next = left.pop()) {
    const nested: Nesting[] = []
    for (const rule of next.rules) {
      yield {rule, inside: next.inside}
      const id = groupIdOf(rule) ?? ''
      const group = entered.has(id) ? undefined : groups.get(id)
      entered.add(id)
      if (group) nested.push({group, outer: next.inside})
    }
    for (const inside of nested.reverse())
      left.push({rules: parts.flatMap((part) => inside.group[part]), inside})
  }
}

/** The Access groups that these rules name, and those inside them, by ID. */
export function groupsWithin(rules: readonly Rule[], groups: ReadonlyMap<string, Group>): Map<string, Group> {
  const found = new Map<string, Group>()
  for (const {rule} of rulesWithin(rules, groups, PARTS)) {
    const group = groups.get(groupIdOf(rule) ?? '')
    if (group) found.set(group.id, group)
  }
  return found
}

function find(
  rules: readonly Rule[],
  groups: ReadonlyMap<string, Group>,
  matches: (rule: Rule) => boolean,
  parts?: readonly RulePart[],
): {inside: Nesting | undefined} | undefined {
  for (const found of rulesWithin(rules, groups, parts)) if (matches(found.rule)) return found
  return undefined
}

/** The one walk over an account: every place whose rules match, itself or through groups. */
function referencesTo(
  {policies, groups, applications}: AccountRules,
  matches: (rule: Rule) => boolean,
): Reference[] {
  const holders: {kind: Reference['kind']; holder: Policy | Group; on: readonly Application[]}[] = [
    ...policies.map((holder) => ({
      kind: 'reusable' as const,
      holder,
      on: applications.filter((app) => app.policies.some(({id}) => id === holder.id)),
    })),
    ...inlinePolicies(policies, applications).map(({application, policy}) => ({
      kind: 'inline' as const,
      holder: policy,
      on: [application],
    })),
    ...groups.map((holder) => ({kind: 'group' as const, holder, on: []})),
  ]
  const byId = groupsById(groups)
  const found = holders.flatMap(({kind, holder, on}) =>
    PARTS.flatMap((part) =>
      waysTo(matches, holder[part], byId).map((through): Reference => ({
        kind,
        id: holder.id,
        name: holder.name,
        decision: 'decision' in holder ? holder.decision : undefined,
        part,
        through,
        applications: on.map(({id, name}) => ({id, name})),
      })),
    ),
  )
  return [...found.filter(isDirect), ...found.filter((one) => !isDirect(one))]
}

/** At most one direct way, and one through each group that the rules name. */
function waysTo(
  matches: (rule: Rule) => boolean,
  rules: readonly Rule[],
  groups: ReadonlyMap<string, Group>,
): string[][] {
  const named = new Map(rules.map((rule) => [groupIdOf(rule), rule]))
  const through = [...named.values()].flatMap((rule) => {
    const group = groups.get(groupIdOf(rule) ?? '')
    const found = group && find(allRules(group), groups, matches, PARTS)
    if (!found) return []
    const way: string[] = []
    for (let at = found.inside; at; at = at.outer) way.push(at.group.name)
    return [[group.name, ...way.reverse()]]
  })
  return [...(rules.some(matches) ? [[]] : []), ...through]
}
