import type {Application, Policy, PolicyBody, Rule, ServiceToken} from '../../api/types.js'
import {canonicalJson, sameJson} from '../../core/canonical-json.js'
import {UserError} from '../../core/errors.js'
import type {AccessContext} from '../account/context.js'
import {inlineTarget, linkChanges, readForEdit, type ApplicationToEdit} from '../edit/application.js'
import type {AppliedEdit} from '../edit/apply.js'
import {createChange, type Change} from '../edit/change.js'
import {placeRule, type Place, type Placement} from '../edit/precedence.js'
import {newId} from '../edit/object.js'
import {planBinding, type PlannedBinding} from '../account/host-bindings.js'
import {applyPlanned} from '../edit/planned.js'
import {findApplication, requireMeant} from '../account/resolve.js'
import type {RuleInput} from './wanted.js'
import {placeWanted, renumberedNotes, type WantedPlace} from './place.js'
import {
  findLeftover,
  readServiceAuthRules,
  ruleName,
  SERVICE_AUTH,
  serviceAuthBody,
  warningsAboutTokens,
  whomInWords,
  type ServiceAuthRules,
} from './service-auth.js'

/** A policy in the order of an application, for showing. */
export interface PolicySummary {
  /** Undefined for one that would be made. */
  id: string | undefined
  name: string
  decision: string
  precedence: number
  reusable: boolean | undefined
}

/** What is to be added, as a person says it. */
export interface AddRuleOptions extends WantedPlace {
  /** By name, id, domain, host or URL. */
  application: string
  rules: RuleInput
  /** Undefined: by whom it means. */
  ruleName?: string | undefined
}

export interface AddRulePlan {
  /** None: everybody is admitted already. */
  changes: Change[]
  application: {id: string; name: string; domains: string[]}
  /** `reusable`: an account's policy is attached. `inline`: made inside the application (legacy). `none`: nothing is needed. */
  how: 'reusable' | 'inline' | 'none'
  /** The rule that is added. Its id is known when the policy is there already. */
  rule: {id: string | undefined; name: string; precedence: number} | undefined
  alreadyThere: ServiceToken[]
  added: ServiceToken[]
  /** Whom else the rule means: Access groups, any token. In words. */
  alsoThere: string[]
  alsoAdded: string[]
  before: PolicySummary[]
  after: PolicySummary[]
  binding: PlannedBinding
  warnings: string[]
  /** Which other rules get another precedence: whole sentences without full stop. */
  notes: string[]
}

/** Kinds of application whose policies cannot hold a Service Auth rule (Cloudflare's API reference). */
const WITHOUT_SERVICE_AUTH = new Set([
  'bookmark',
  'infrastructure',
  'app_launcher',
  'warp',
  'biso',
  'dash_sso',
])

/**
 * How service tokens are let into an application by a Service Auth rule, with nothing else of it changed. Whom a rule of
 * the same conditions admits already is left alone. Changes nothing yet.
 *
 * @throws UserError `not-found`, `ambiguous`, `usage`; `conflict` / `MIXED_POLICIES`, `NO_SERVICE_AUTH_HERE`
 */
export async function planAddRule(ctx: AccessContext, options: AddRuleOptions): Promise<AddRulePlan> {
  const api = await ctx.api()
  ctx.progress.step('Reading the application and the service tokens')
  const [applications, rules] = await Promise.all([
    api.listApplications(),
    readServiceAuthRules(ctx, api, options.rules),
  ])
  const {application: found, note} = findApplication(ctx, options.application, applications)
  const app = await readForEdit(api, found.id)
  const {application, policies} = app
  requireMeant(ctx, 'app', found, options.application, application)
  refuseOtherKinds(application)

  const missing = rules.include.filter((rule) => !isThere(rule, rules, policies))
  const tokenOf = ({id}: ServiceToken): Rule => ({service_token: {token_id: id}})
  const isMissing = (rule: Rule): boolean => missing.some((one) => sameJson(one, rule))
  const others = rules.include.filter((rule) => !Object.hasOwn(rule, 'service_token'))
  const before = policies.map((policy, at) => summary(policy, app.links[at]?.precedence ?? at + 1))
  const plan: AddRulePlan = {
    changes: [],
    application: {id: application.id, name: application.name, domains: application.domains},
    how: 'none',
    rule: undefined,
    alreadyThere: rules.tokens.filter((token) => !isMissing(tokenOf(token))),
    added: rules.tokens.filter((token) => isMissing(tokenOf(token))),
    alsoThere: whomInWords(
      rules,
      others.filter((rule) => !isMissing(rule)),
    ),
    alsoAdded: whomInWords(rules, others.filter(isMissing)),
    before,
    after: before,
    binding: await planBinding(ctx, application, rules.tokens, rules.reached),
    warnings: [
      ...rules.warnings,
      ...warningsAboutTokens(ctx, rules.tokens, policies),
      ...admittedAnyway(missing, rules, policies),
    ],
    notes: note === undefined ? [] : [note.replace(/\.$/, '')],
  }
  plan.warnings.push(...plan.binding.warnings)
  if (missing.length === 0) return plan
  const body = serviceAuthBody(ruleName(options.ruleName, whomInWords(rules, missing)), {
    ...rules,
    include: missing,
  })
  return {
    ...plan,
    ...(await place(
      ctx,
      app,
      body,
      placeWanted(ctx, {...application, policies: [...policies]}, options),
      before,
      plan.notes,
    )),
  }
}

/** Makes the changes, and binds the hosts. */
export function applyAddRule(
  ctx: AccessContext,
  {changes, binding}: Pick<AddRulePlan, 'changes' | 'binding'>,
  command: string,
): Promise<AppliedEdit> {
  return applyPlanned(ctx, {changes, notes: [], bindings: [binding]}, command)
}

/** The policy is made first: an application takes one that is there. An inline one lives inside, and comes last. */
async function place(
  ctx: AccessContext,
  app: ApplicationToEdit,
  body: PolicyBody,
  wanted: Place,
  before: readonly PolicySummary[],
  notes: readonly string[],
): Promise<Pick<AddRulePlan, 'changes' | 'how' | 'rule' | 'after' | 'notes'>> {
  const api = await ctx.api()
  // In a zone all policies live inside applications.
  const inline = app.kind === 'inline' || app.kind === 'mixed' || api.zoneId !== undefined
  const leftover = inline ? undefined : await findLeftover(api, body)
  const id = leftover?.id ?? newId(1)
  const placed = placeRule(app.links, id, wanted)
  const {precedence} = placed
  const target = {kind: 'policy' as const, id, name: body.name}
  const changes = inline
    ? [
        ...(placed.renumbered.length > 0 ? linkChanges(app, placed.links) : []),
        createChange(inlineTarget(app, target), {...body, precedence}),
      ]
    : [...(leftover ? [] : [createChange(target, {...body})]), ...linkChanges(app, placed.links)]
  const added: PolicySummary = {
    id: leftover?.id,
    name: body.name,
    decision: SERVICE_AUTH,
    precedence,
    reusable: !inline,
  }
  return {
    changes,
    how: inline ? 'inline' : 'reusable',
    rule: {id: leftover?.id, name: body.name, precedence},
    after: inOrder([...before, added], placed),
    notes: [...notes, ...renumberedNotes(app.policies, placed)],
  }
}

function inOrder(all: readonly PolicySummary[], {links}: Placement): PolicySummary[] {
  const numbers = new Map(links.map(({id, precedence}) => [id, precedence]))
  return all
    .map((one) => {
      const precedence = one.id === undefined ? undefined : numbers.get(one.id)
      return precedence === undefined || precedence === one.precedence ? one : {...one, precedence}
    })
    .sort((a, b) => a.precedence - b.precedence)
}

/** Whether a Service Auth policy includes just this under just these conditions. */
function isThere(rule: Rule, {require, exclude}: ServiceAuthRules, policies: readonly Policy[]): boolean {
  return policies.some(
    (policy) =>
      policy.decision === SERVICE_AUTH &&
      policy.include.some((one) => sameJson(one, rule)) &&
      sameRules(policy.require, require) &&
      sameRules(policy.exclude, exclude),
  )
}

function sameRules(a: readonly Rule[], b: readonly Rule[]): boolean {
  const inOneOrder = (rules: readonly Rule[]): string[] => rules.map(canonicalJson).sort()
  return sameJson(inOneOrder(a), inOneOrder(b))
}

/** Conditions keep nobody out whom another rule admits without them. */
function admittedAnyway(
  missing: readonly Rule[],
  rules: ServiceAuthRules,
  policies: readonly Policy[],
): string[] {
  if (rules.require.length + rules.exclude.length === 0) return []
  const free: ServiceAuthRules = {...rules, require: [], exclude: []}
  const admitted = missing.filter((rule) => isThere(rule, free, policies))
  return whomInWords(rules, admitted).map(
    (whom) => `Another rule admits ${whom} without these conditions: they keep nobody out until it is gone`,
  )
}

/** @throws UserError `usage` / `NO_SERVICE_AUTH_HERE` for kinds of application that machines do not reach with a token */
export function refuseOtherKinds({name, type}: Application): void {
  if (!WITHOUT_SERVICE_AUTH.has(type)) return
  throw new UserError({
    kind: 'usage',
    code: 'NO_SERVICE_AUTH_HERE',
    message: `"${name}" cannot have a Service Auth rule`,
    why: `It is an application of the kind ${type}, which machines do not reach with a service token.`,
  })
}

function summary({id, name, decision, reusable}: Policy, precedence: number): PolicySummary {
  return {id, name, decision, precedence, reusable}
}
