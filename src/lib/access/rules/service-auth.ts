import type {AccessApi, Decision, Policy, PolicyBody, Rule, ServiceToken} from '../../api/types.js'
import {sameJson} from '../../core/canonical-json.js'
import {UserError} from '../../core/errors.js'
import {ruleInWords, type RuleNames} from '../../policy/rule-words.js'
import {groupHolding, namesToken, serviceAuthPoliciesNaming} from '../../policy/references.js'
import type {AccessContext} from '../account/context.js'
import {checkRules, readNameable, readRules, type Nameable, type ReadRules, type RuleInput} from './wanted.js'
import {tokenStatus} from '../tokens/list.js'

/** What a Service Auth rule is to mean, with all that its names stand for. */
export interface ServiceAuthRules extends ReadRules {
  /** Service tokens that are admitted without being named: they are in an Access group, or any will do. */
  reached: ServiceToken[]
  known: Nameable
  warnings: string[]
}

/** The action that the dashboard calls Service Auth. */
export const SERVICE_AUTH: Decision = 'non_identity'
const NAME_LIMIT = 250

/**
 * Reads whom a Service Auth rule is to mean.
 *
 * @throws UserError of `readRules` and `checkRules`
 */
export async function readServiceAuthRules(
  ctx: AccessContext,
  api: AccessApi,
  input: RuleInput,
): Promise<ServiceAuthRules> {
  const named = await readNameable(api, input)
  const rules = readRules(ctx, input, named)
  const warnings = checkRules(SERVICE_AUTH, rules, named.groups)
  // Whom a group or "any token" lets in decides which hosts can be bound, and nothing else.
  const anyToken = input.include['any_valid_service_token'] !== undefined
  const wide = rules.groups.length > 0 || anyToken
  const tokens =
    rules.tokens.length === 0 && wide ? await api.listServiceTokens().catch(noneOf) : named.tokens
  const byId = new Map(named.groups.map((group) => [group.id, group]))
  const reached = tokens.filter(
    (token) =>
      !rules.tokens.includes(token) &&
      (anyToken || groupHolding(token.id, rules.include, byId) !== undefined),
  )
  return {...rules, reached, known: {...named, tokens}, warnings}
}

/** For a courtesy, where the API token may not list what it needs. */
function noneOf(error: unknown): [] {
  if (error instanceof UserError && error.kind === 'permission') return []
  throw error
}

/** Whom these rules mean, for people: a service token by its name alone. */
export function whomInWords({known}: ServiceAuthRules, include: readonly Rule[]): string[] {
  const lookup = (all: readonly {id: string; name: string}[]): ((id: string) => string | undefined) => {
    const byId = new Map(all.map(({id, name}) => [id, name]))
    return (id) => byId.get(id)
  }
  const names: RuleNames = {serviceToken: lookup(known.tokens), group: lookup(known.groups)}
  return include.map((rule) => {
    const token = known.tokens.find(({id}) => namesToken(rule, id))
    return token?.name ?? ruleInWords(rule, names)
  })
}

/** A Service Auth policy as the API takes it. */
export function serviceAuthBody(name: string, {include, exclude, require}: ReadRules): PolicyBody {
  return {name, decision: SERVICE_AUTH, include, exclude, require}
}

/** Tokens that will not open anything, or are named under other conditions already. */
export function warningsAboutTokens(
  ctx: AccessContext,
  tokens: readonly ServiceToken[],
  policies: readonly Policy[],
): string[] {
  const warnings: string[] = []
  for (const token of tokens) {
    const status = tokenStatus(token, ctx.clock.now())
    if (status !== 'active')
      warnings.push(`Service token "${token.name}" is ${status}: it opens nothing until that is mended`)
    for (const {policy, narrowed} of serviceAuthPoliciesNaming(token.id, policies)) {
      if (narrowed)
        warnings.push(`The rule "${policy.name}" names "${token.name}" already, under further conditions`)
    }
  }
  return warnings
}

/**
 * The name of a rule: as it was given, or by whom it means.
 *
 * @param whom in words, for a rule without a name of its own
 * @throws UserError `usage` / `BAD_RULE_NAME`
 */
export function ruleName(wanted: string | undefined, whom: readonly string[]): string {
  if (wanted === undefined) {
    const name = `Service Auth: ${whom.join(', ')}`
    // Never half a character: the API would give another one back.
    return name.length <= NAME_LIMIT
      ? name
      : `${name.slice(0, NAME_LIMIT - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
  }
  const name = wanted.trim()
  if (name !== '' && name.length <= NAME_LIMIT && !/\p{Cc}/u.test(name)) return name
  throw new UserError({
    kind: 'usage',
    code: 'BAD_RULE_NAME',
    message: 'This cannot be the name of a rule',
    why: `A name has 1 to ${NAME_LIMIT} characters, and no control characters.`,
  })
}

/** A policy that an interrupted run left behind: exactly like this one, and attached nowhere. It can be used again. */
export async function findLeftover(api: AccessApi, body: PolicyBody): Promise<Policy | undefined> {
  if (api.zoneId !== undefined) return undefined
  return (await api.listPolicies()).find(
    (policy) =>
      policy.name === body.name &&
      policy.decision === body.decision &&
      policy.raw['app_count'] === 0 &&
      sameJson(policy.include, body.include) &&
      sameJson(policy.require, body.require ?? []) &&
      sameJson(policy.exclude, body.exclude ?? []),
  )
}
