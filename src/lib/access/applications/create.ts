import type {AccessApi, Application, PolicyBody} from '../../api/types.js'
import type {JsonObject} from '../../core/json.js'
import {ApiError, UserError} from '../../core/errors.js'
import {sameAddress} from '../../core/public-address.js'
import {checkDomain, checkSession} from './input.js'
import {kindOf} from './kinds.js'
import {ztCommand} from '../../core/command-line.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'
import type {AppliedEdit} from '../edit/apply.js'
import {createChange, replaceChange, type Change} from '../edit/change.js'
import {restated} from '../edit/errors.js'
import {newId, type ObjectRef, type PolicyLink} from '../edit/object.js'
import {NO_BINDING, planBinding, type PlannedBinding} from '../account/host-bindings.js'
import {applyPlanned, type PlannedEdit} from '../edit/planned.js'
import {checkName, type RuleInput} from '../rules/input.js'
import {
  findLeftover,
  idleWarning,
  readServiceAuthRules,
  ruleName,
  serviceAuthBody,
  whomInWords,
} from '../rules/service-auth.js'

/** What to create, as a person says it. */
export interface CreateApplicationOptions {
  name: string
  /** Hosts, optionally with a path, and `*` where Access allows it; the first is the primary one. */
  domains: readonly string[]
  /** Whom a Service Auth rule is to admit; undefined: no rule. */
  rules?: RuleInput | undefined
  ruleName?: string | undefined
  /** A Go duration, or days (`30d`). */
  sessionDuration?: string | undefined
  /** Whether machines that are not admitted get 401 instead of a redirect to a login. */
  serviceAuth401?: boolean | undefined
}

export interface CreateApplicationPlan extends PlannedEdit {
  /** Identifies the created application in `AppliedEdit.ids`. */
  newId: string
  application: {name: string; type: string; domains: string[]}
  rule: {name: string} | undefined
  /** Whom the rule admits, in words. */
  admitted: string[]
  binding: PlannedBinding
  warnings: string[]
}

const TYPE = 'self_hosted'
const POLICY = newId(1)
const APPLICATION = newId(2)

/**
 * How to create a self-hosted application. With a rule, its policy is created first and attached at once, so that the
 * application never exists without it; `service_auth_401_redirect` is set last, because it is refused before. Changes
 * nothing yet.
 *
 * @throws UserError `usage` / `BAD_NAME`, `BAD_DOMAIN`, `BAD_DURATION`, `NEEDS_SERVICE_AUTH`; `conflict` / `DOMAIN_TAKEN`;
 *   of `readServiceAuthRules`
 */
export async function planCreateApplication(
  ctx: AccessContext,
  options: CreateApplicationOptions,
): Promise<CreateApplicationPlan> {
  const name = checkName(options.name, 'an application')
  const domains = [...new Set(options.domains.map(checkDomain))]
  const sessionDuration =
    options.sessionDuration === undefined ? undefined : checkSession(options.sessionDuration)
  if (options.serviceAuth401 === true && !options.rules) throw needsServiceAuth()
  const api = await ctx.api()
  ctx.progress.step('Reading the applications')
  const [applications, rules] = await Promise.all([
    api.listApplications(),
    options.rules && readServiceAuthRules(ctx, api, options.rules),
  ])
  const answering = applications.filter(({type}) => kindOf(type).protects)
  for (const domain of domains) refuseTaken(ctx, domain, answering)

  const now = cloudflareNow(ctx, api)
  const warnings = [
    ...(rules ? [...rules.warnings, ...rules.tokens.flatMap((token) => idleWarning(token, now))] : []),
    ...twinWarning(name, applications),
  ]
  const target: ObjectRef = {kind: 'application', id: APPLICATION, name}
  const fields: JsonObject = {
    name,
    type: TYPE,
    domain: domains[0],
    ...(domains.length > 1 && {destinations: domains.map((uri) => ({type: 'public', uri}))}),
    ...(sessionDuration !== undefined && {session_duration: sessionDuration}),
    ...(options.serviceAuth401 === true && {service_auth_401_redirect: false}),
  }
  const plan = {newId: APPLICATION, application: {name, type: TYPE, domains}, warnings, notes: []}
  if (!rules) {
    const changes = [createChange(target, fields)]
    return {...plan, changes, rule: undefined, admitted: [], binding: NO_BINDING}
  }
  const admitted = whomInWords(rules, rules.include)
  const body = serviceAuthBody(ruleName(options.ruleName, admitted), rules)
  const binding = await planBinding(ctx, {domains, type: TYPE}, rules.tokens, rules.reached)
  warnings.push(...binding.warnings)
  const changes = await withRule(api, target, fields, body, options.serviceAuth401 ?? false)
  return {...plan, changes, rule: {name: body.name}, admitted, binding}
}

async function withRule(
  api: AccessApi,
  target: ObjectRef,
  fields: JsonObject,
  body: PolicyBody,
  serviceAuth401: boolean,
): Promise<Change[]> {
  const leftover = await findLeftover(api, body)
  const id = leftover?.id ?? POLICY
  const first: PolicyLink[] = [{id, precedence: 1}]
  const then = serviceAuth401
    ? replaceChange(target, {...fields, policies: first}, {service_auth_401_redirect: true})
    : []
  if (api.zoneId !== undefined) {
    // A zone has no policies to share, so the policy is created inside the application.
    const inside: ObjectRef = {
      kind: 'inline-policy',
      id,
      name: body.name,
      application: {id: target.id, name: target.name},
    }
    return [createChange(target, fields), createChange(inside, {...body, precedence: 1}), ...then]
  }
  const policy = createChange({kind: 'policy', id, name: body.name}, {...body})
  return [...(leftover ? [] : [policy]), createChange(target, {...fields, policies: first}), ...then]
}

/**
 * Makes the changes and binds the hosts.
 *
 * @throws UserError `conflict` / `DOMAIN_TAKEN`, `usage` / `DOMAIN_OUTSIDE_ZONES`; of `applyChanges`
 */
export async function applyCreateApplication(
  ctx: AccessContext,
  plan: Pick<CreateApplicationPlan, 'changes' | 'application' | 'binding'>,
  command: string,
): Promise<AppliedEdit> {
  try {
    return await applyPlanned(ctx, plan, command)
  } catch (error) {
    throw await explained(ctx, plan.application.domains, error)
  }
}

/** What Cloudflare's codes mean here (third-party observations): 11010 the domain is taken, 12130 it is in no zone. */
async function explained(ctx: AccessContext, domains: readonly string[], error: unknown): Promise<unknown> {
  if (!(error instanceof ApiError)) return error
  const api = await ctx.api()
  if (error.apiCodes.includes(11010)) {
    const applications = await api.listApplications().catch(() => [])
    for (const domain of domains) refuseTaken(ctx, domain, applications)
    return restated(error, {why: [`Another application has the domain ${domains.join(' or ')}.`]})
  }
  // Any invalid request has this code; without words of Cloudflare's, it may be about the domain.
  const said = error.whyLines.find((line) => line.startsWith('Cloudflare says'))
  if (
    !error.apiCodes.includes(12130) ||
    (said !== undefined && !/\b(domain|zone|host ?name)s?\b/i.test(said))
  )
    return error
  const names = await zoneNames(api).catch(() => undefined)
  const outside = names && outsideOf(names, domains)
  if (outside?.length === 0) return error
  if (!names || !outside)
    return restated(error, {why: ['If this is about the domain: it must belong to a zone of the account.']})
  return outsideZones(outside, names, {
    why: error.whyLines,
    details: error.details,
    cause: error,
  })
}

/**
 * Checks before a change that Access would take a new application for these domains. Says nothing where the API token may
 * not list zones, or sees none.
 *
 * @throws UserError `usage` / `DOMAIN_OUTSIDE_ZONES`
 */
export async function requireInZones(ctx: AccessContext, domains: readonly string[]): Promise<void> {
  const names = await zoneNames(await ctx.api()).catch((error: unknown) => {
    if (error instanceof ApiError && error.kind === 'permission') return []
    throw error
  })
  const outside = names.length === 0 ? [] : outsideOf(names, domains)
  if (outside.length > 0) throw outsideZones(outside, names, {why: ['Nothing was changed.']})
}

/** Of the zones in which the API makes applications. */
async function zoneNames(api: AccessApi): Promise<string[]> {
  const zones = await api.listZones()
  return zones.filter(({id}) => api.zoneId === undefined || id === api.zoneId).map(({name}) => name)
}

function outsideOf(zones: readonly string[], domains: readonly string[]): string[] {
  return domains.map(hostPart).filter((host) => !zones.some((zone) => isWithin(host, zone)))
}

function outsideZones(
  outside: readonly string[],
  zones: readonly string[],
  {why, details = {}, cause}: {why: readonly string[]; details?: JsonObject; cause?: unknown},
): UserError {
  return new UserError({
    kind: 'usage',
    code: 'DOMAIN_OUTSIDE_ZONES',
    message: `${outside.join(', ')} ${outside.length === 1 ? 'is' : 'are'} in no zone of the account`,
    why: [
      ...why,
      zones.length === 0
        ? 'The API token can see no zones of the account.'
        : `The API token can see these zones: ${zones.join(', ')}.`,
    ],
    next: ['Name a host in one of these zones'],
    details: {...details, zones},
    cause,
  })
}

function isWithin(host: string, zone: string): boolean {
  return host === zone || host.endsWith(`.${zone}`)
}

function hostPart(domain: string): string {
  return domain.split('/')[0] ?? ''
}

function refuseTaken(ctx: AccessContext, domain: string, applications: readonly Application[]): void {
  const holder = applications.find(({domains}) => domains.some((one) => sameAddress(one, domain)))
  if (!holder) return
  throw new UserError({
    kind: 'conflict',
    code: 'DOMAIN_TAKEN',
    message: `The application "${holder.name}" already has the domain ${domain}`,
    why: 'Two applications cannot have the same domain. Nothing was changed.',
    next: [
      ztCommand(ctx, 'app', 'show', domain),
      `To admit a token: ${ztCommand(ctx, 'app', 'add-rule', domain, '--service-auth')}`,
    ],
    details: {applicationId: holder.id},
  })
}

/** The API accepts several applications of the same name; commands then need the ID. */
function twinWarning(name: string, applications: readonly Application[]): string[] {
  const twin = applications.some((one) => one.name.toLowerCase() === name.toLowerCase())
  return twin ? [`There is already an application "${name}": commands will need the ID of either`] : []
}

function needsServiceAuth(): UserError {
  return new UserError({
    kind: 'usage',
    code: 'NEEDS_SERVICE_AUTH',
    message: 'Cannot answer 401 to machines without a Service Auth rule',
    why: 'Cloudflare refuses service_auth_401_redirect without one.',
    next: ['Also give --service-auth and --token NAME'],
  })
}
