import type {Application, Policy, PolicyBody, Rule, ServiceToken} from '../../api/types.js'
import {sameJson} from '../../core/canonical-json.js'
import {UserError} from '../../core/errors.js'
import {kindOf, serviceAuthDoubt, takesServiceTokens} from '../applications/kinds.js'
import {sameRules} from '../../policy/references.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'
import {planBinding, type PlannedBinding} from '../account/host-bindings.js'
import {inlineTarget, linkChanges, openForEdit, type ApplicationToEdit} from '../edit/application.js'
import {createChange} from '../edit/change.js'
import {nameOf, newId} from '../edit/object.js'
import type {PlannedEdit} from '../edit/planned.js'
import type {RuleInput} from './input.js'
import {pastWarnings, type NewRule} from './past.js'
import {placeRule, renumberedNotes, resolvePlace, type Place, type Placement} from './precedence.js'
import {
  findLeftover,
  idleWarning,
  readServiceAuthRules,
  ruleName,
  SERVICE_AUTH,
  serviceAuthBody,
  whomInWords,
  type ServiceAuthRules,
} from './service-auth.js'

/** A policy in the order of an application, for showing. */
export interface PolicySummary {
  /** Undefined for a policy that would be created. */
  id: string | undefined
  name: string
  decision: string
  precedence: number
  reusable: boolean | undefined
}

/** What to add, as a person says it. */
export interface AddRuleOptions extends Place {
  /** By name, ID, domain, host or URL. */
  application: string
  rules: RuleInput
  /** Undefined: named after whom it admits. */
  ruleName?: string | undefined
}

/** Without changes if everyone is admitted already. */
export interface AddRulePlan extends PlannedEdit {
  application: {id: string; name: string; type: string; domains: string[]}
  /** `reusable`: attaches an account's policy. `inline`: creates one inside the application (legacy). `none`: not needed. */
  how: 'reusable' | 'inline' | 'none'
  /** The rule that is added. Its ID is known if the policy exists already. */
  rule: {id: string | undefined; name: string; precedence: number} | undefined
  alreadyThere: ServiceToken[]
  added: ServiceToken[]
  /** Who else the rule admits, in words: Access groups, any token. */
  alsoThere: string[]
  alsoAdded: string[]
  before: PolicySummary[]
  after: PolicySummary[]
  binding: PlannedBinding
  warnings: string[]
}

/**
 * How to let service tokens into an application by a Service Auth rule, leaving the rest of it alone. Whoever a rule with
 * the same conditions admits already is left out. Changes nothing yet.
 *
 * @throws UserError `not-found`, `ambiguous`; `usage`, e.g. `NO_SERVICE_AUTH_HERE`; `conflict` / `MIXED_POLICIES`
 */
export async function planAddRule(ctx: AccessContext, options: AddRuleOptions): Promise<AddRulePlan> {
  const api = await ctx.api()
  ctx.progress.step('Reading the application and the service tokens')
  const [applications, rules] = await Promise.all([
    api.listApplications(),
    readServiceAuthRules(ctx, api, options.rules),
  ])
  const {app, notes} = await openForEdit(ctx, api, options.application, applications)
  const {application, policies} = app
  const doubts = checkType(application)
  const now = cloudflareNow(ctx, api)

  const missing = rules.include.filter((rule) => !isThere(rule, rules, policies))
  const isMissing = (rule: Rule): boolean => missing.some((one) => sameJson(one, rule))
  const tokenIsMissing = ({id}: ServiceToken): boolean => isMissing({service_token: {token_id: id}})
  const others = rules.include.filter((rule) => !Object.hasOwn(rule, 'service_token'))
  const before = policies.map(({id, name, decision, reusable}, at) => ({
    id,
    name,
    decision,
    precedence: app.links[at]?.precedence ?? at + 1,
    reusable,
  }))
  const added: NewRule = {
    rules: {...rules, include: missing},
    tokens: [...rules.tokens, ...rules.reached],
    groups: rules.known.groups,
  }
  const past = missing.length === 0 ? [] : await pastWarnings(api, added, policies)
  const binding = await planBinding(ctx, application, rules.tokens, rules.reached)
  const plan: AddRulePlan = {
    changes: [],
    application: {...nameOf(application), type: application.type, domains: application.domains},
    how: 'none',
    rule: undefined,
    alreadyThere: rules.tokens.filter((token) => !tokenIsMissing(token)),
    added: rules.tokens.filter(tokenIsMissing),
    alsoThere: whomInWords(
      rules,
      others.filter((rule) => !isMissing(rule)),
    ),
    alsoAdded: whomInWords(rules, others.filter(isMissing)),
    before,
    after: before,
    binding,
    warnings: [
      ...doubts,
      ...rules.warnings,
      ...rules.tokens.flatMap((token) => idleWarning(token, now)),
      ...past,
      ...admittedAnyway(missing, rules, policies),
      ...binding.warnings,
    ],
    notes,
  }
  if (missing.length === 0) return plan
  const name = ruleName(options.ruleName, whomInWords(rules, missing))
  const body = serviceAuthBody(name, {...rules, include: missing})
  return {...plan, ...(await place(ctx, app, body, options, plan))}
}

/** The policy is created first, then attached; an inline one is created inside the application, after it has room. */
async function place(
  ctx: AccessContext,
  app: ApplicationToEdit,
  body: PolicyBody,
  wanted: Place,
  {before, notes}: AddRulePlan,
): Promise<Pick<AddRulePlan, 'changes' | 'how' | 'rule' | 'after' | 'notes'>> {
  const api = await ctx.api()
  // In a zone all policies live inside applications.
  const inline = app.kind === 'inline' || app.kind === 'mixed' || api.zoneId !== undefined
  const leftover = inline ? undefined : await findLeftover(api, body)
  const id = leftover?.id ?? newId(1)
  const at = resolvePlace(ctx, {...app.application, policies: app.policies}, wanted)
  const placed = placeRule(app.links, id, at)
  const {precedence} = placed
  const target = {kind: 'policy' as const, id, name: body.name}
  const changes = inline
    ? [
        ...(placed.renumbered.length > 0 ? linkChanges(app, placed.links) : []),
        createChange(inlineTarget(app, target), {...body, precedence}),
      ]
    : [...(leftover ? [] : [createChange(target, {...body})]), ...linkChanges(app, placed.links)]
  const rule = {id: leftover?.id, name: body.name, precedence}
  return {
    changes,
    how: inline ? 'inline' : 'reusable',
    rule,
    after: inOrder([...before, {...rule, decision: SERVICE_AUTH, reusable: !inline}], placed),
    notes: [...notes, ...renumberedNotes(app.policies, placed)],
  }
}

function inOrder(all: readonly PolicySummary[], {links}: Placement): PolicySummary[] {
  const numbers = new Map(links.map(({id, precedence}) => [id, precedence]))
  return all
    .map((one) => ({...one, precedence: numbers.get(one.id ?? '') ?? one.precedence}))
    .sort((a, b) => a.precedence - b.precedence)
}

/** Whether a Service Auth policy includes exactly this under exactly these conditions. */
function isThere(
  rule: Rule,
  {require, exclude}: Pick<ServiceAuthRules, 'require' | 'exclude'>,
  policies: readonly Policy[],
): boolean {
  return policies.some(
    (policy) =>
      policy.decision === SERVICE_AUTH &&
      policy.include.some((one) => sameJson(one, rule)) &&
      sameRules(policy.require, require) &&
      sameRules(policy.exclude, exclude),
  )
}

/** Conditions do not keep out anyone whom another rule admits without them. */
function admittedAnyway(
  missing: readonly Rule[],
  rules: ServiceAuthRules,
  policies: readonly Policy[],
): string[] {
  if (rules.require.length + rules.exclude.length === 0) return []
  const admitted = missing.filter((rule) => isThere(rule, {require: [], exclude: []}, policies))
  return whomInWords(rules, admitted).map(
    (whom) => `Another rule admits ${whom} without these conditions, so they have no effect while it exists`,
  )
}

/**
 * What to say before a Service Auth rule is put on an application: nothing where its type admits machines.
 *
 * @throws UserError `usage` / `NO_SERVICE_AUTH_HERE` for types of application that service tokens do not open
 */
export function checkType({name, type}: Application): string[] {
  const doubt = serviceAuthDoubt({name, type})
  if (takesServiceTokens(type)) return doubt === undefined ? [] : [doubt]
  throw new UserError({
    kind: 'usage',
    code: 'NO_SERVICE_AUTH_HERE',
    message: `"${name}" cannot have a Service Auth rule`,
    why: `${kindOf(type).why ?? ''}.`,
  })
}
