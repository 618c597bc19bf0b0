import {isDeepStrictEqual} from 'node:util'
import type {AccessApi, Application, Policy, PolicyBody, ServiceToken} from '../api/types.js'
import {ApiError, UserError} from '../core/errors.js'
import {hostOf} from '../policy/application-match.js'
import {serviceAuthPoliciesNaming} from '../policy/references.js'
import type {AccessContext} from './context.js'
import {resolveApplication, resolveToken} from './resolve.js'
import {linksOf, replacePolicyLinks, verifyPolicyLinks} from './safe-edit.js'
import {tokenStatus} from './tokens.js'

/** A policy in the order of an application, for showing. */
export interface PolicySummary {
  /** Undefined for one that would be made. */
  id: string | undefined
  name: string
  decision: string
  precedence: number
  reusable: boolean | undefined
}

export interface AddRuleResult {
  changed: boolean
  dryRun: boolean
  application: {id: string; name: string; domains: string[]}
  /** `reusable`: an account's policy was attached. `inline`: made inside the application (legacy). `none`: nothing was needed. */
  how: 'reusable' | 'inline' | 'none'
  rule: {id: string | undefined; name: string; precedence: number} | undefined
  alreadyThere: ServiceToken[]
  added: ServiceToken[]
  before: PolicySummary[]
  after: PolicySummary[]
  /** Hosts that this profile now opens with a token. */
  bound: {host: string; token: string; replaced: boolean}[]
  warnings: string[]
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
const RULE_NAME_LIMIT = 250

/**
 * Lets service tokens into an application by a Service Auth rule, and changes nothing else of it. Tokens that a rule
 * admits already are left alone. The application's hosts are then bound to the first token whose secret is here.
 *
 * @throws UserError `not-found`, `ambiguous`, `usage`; `conflict` / `APPLICATION_CHANGED` when somebody edits it meanwhile
 */
export async function addServiceAuthRule(
  ctx: AccessContext,
  options: {application: string; tokens: string[]; ruleName?: string | undefined; dryRun?: boolean},
): Promise<AddRuleResult> {
  const dryRun = options.dryRun ?? false
  const api = await ctx.api()
  ctx.progress.step('Reading the application and the service tokens')
  const [applications, allTokens] = await Promise.all([api.listApplications(), api.listServiceTokens()])
  const {id} = resolveApplication(ctx, options.application, applications)
  const tokens = [...new Set(options.tokens.map((wanted) => resolveToken(ctx, wanted, allTokens)))]
  const [application, policies] = await Promise.all([api.getApplication(id), api.listApplicationPolicies(id)])
  refuseOtherKinds(application)

  const warnings = warningsAbout(ctx, tokens, policies)
  const isThere = (token: ServiceToken): boolean =>
    serviceAuthPoliciesNaming(token.id, policies).some(({narrowed}) => !narrowed)
  const added = tokens.filter((token) => !isThere(token))
  const before = policies.map(summary)
  const result: AddRuleResult = {
    changed: false,
    dryRun,
    application: {id, name: application.name, domains: application.domains},
    how: 'none',
    rule: undefined,
    alreadyThere: tokens.filter(isThere),
    added,
    before,
    after: before,
    bound: [],
    warnings,
  }
  if (added.length > 0) {
    const inline = await hasInlinePolicies(api, policies)
    const precedence = Math.max(0, ...policies.map((policy) => policy.precedence ?? 0)) + 1
    const body: PolicyBody = {
      name: ruleName(options.ruleName, added),
      decision: 'non_identity',
      include: added.map((token) => ({service_token: {token_id: token.id}})),
      exclude: [],
      require: [],
    }
    result.how = inline ? 'inline' : 'reusable'
    if (!dryRun) {
      ctx.progress.step('Adding the rule')
      const made = inline
        ? await api.createApplicationPolicy(id, {...body, precedence})
        : await attachReusable(ctx, api, application, policies, body, precedence)
      result.rule = {id: made.id, name: made.name, precedence}
      result.changed = true
    } else {
      result.rule = {id: undefined, name: body.name, precedence}
    }
    const {rule} = result
    result.after = [...before, {...rule, decision: 'non_identity', reusable: !inline}]
  }
  result.bound = await bindHosts(ctx, application, tokens, dryRun)
  if (result.bound.length === 0) warnings.push(...notBound(ctx, application, tokens))
  return result
}

/** The bindings follow the rule: `zt ssh HOST` then knows which credentials to use, and may send them there. */
async function bindHosts(
  ctx: AccessContext,
  application: Application,
  tokens: readonly ServiceToken[],
  dryRun: boolean,
): Promise<AddRuleResult['bound']> {
  const stored = new Set((await ctx.index.list(ctx.profile)).map(({tokenId}) => tokenId))
  const token = tokens.find(({id}) => stored.has(id))
  if (!token) return []
  const hosts = [...new Set(application.domains.map((domain) => hostOf(domain).toLowerCase()))]
  const existing = await ctx.index.bindings(ctx.profile)
  const bound: AddRuleResult['bound'] = []
  for (const host of hosts) {
    const previous = existing.find((binding) => binding.host === host)
    if (previous?.tokenId !== token.id && !dryRun) {
      const boundAt = new Date(ctx.clock.now()).toISOString()
      await ctx.index.bind({profile: ctx.profile, host, tokenId: token.id, boundAt})
    }
    bound.push({host, token: token.name, replaced: previous !== undefined && previous.tokenId !== token.id})
  }
  return bound
}

function notBound(ctx: AccessContext, application: Application, tokens: readonly ServiceToken[]): string[] {
  if (application.domains.length === 0) return []
  const names = tokens.map(({name}) => `"${name}"`).join(', ')
  return [
    `No host was bound: the secret of ${names} is not in a store of profile ${ctx.profile} on this machine`,
  ]
}

/**
 * Makes the account's policy and puts it behind the others. The application goes back exactly as it came, with
 * `policies` as references; it is read again just before, and afterwards to see that it is as it should be.
 */
async function attachReusable(
  ctx: AccessContext,
  api: AccessApi,
  application: Application,
  policies: readonly Policy[],
  body: PolicyBody,
  precedence: number,
): Promise<Policy> {
  const {policy, ours} = await findOrCreate(api, body)
  const before = {application, policies}
  const links = [...linksOf(policies), {id: policy.id, precedence}]
  try {
    await replacePolicyLinks(ctx, api, before, links)
  } catch (error) {
    const unknown = error instanceof ApiError && error.outcomeUnknown
    if (ours && !unknown) await api.deletePolicy(policy.id).catch(() => undefined)
    throw error
  }
  await verifyPolicyLinks(ctx, api, before, links, `The rule was added to "${application.name}"`)
  return policy
}

/** A policy that an interrupted run left behind, exactly like this one and attached nowhere, is used again. */
async function findOrCreate(api: AccessApi, body: PolicyBody): Promise<{policy: Policy; ours: boolean}> {
  const left = (await api.listPolicies()).find(
    (policy) =>
      policy.name === body.name &&
      policy.decision === body.decision &&
      policy.raw['app_count'] === 0 &&
      isDeepStrictEqual(policy.include, body.include) &&
      policy.require.length === 0 &&
      policy.exclude.length === 0,
  )
  return left ? {policy: left, ours: false} : {policy: await api.createPolicy(body), ours: true}
}

/** Reusable and inline policies exclude each other on one application. */
async function hasInlinePolicies(api: AccessApi, policies: readonly Policy[]): Promise<boolean> {
  if (policies.some(({reusable}) => reusable === false)) return true
  if (policies.every(({reusable}) => reusable === true)) return false
  // The answer does not say which kind they are: those of the account can be read there.
  const accountPolicies = new Set((await api.listPolicies()).map(idOf))
  return policies.some(({id}) => !accountPolicies.has(id))
}

function warningsAbout(
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

function ruleName(wanted: string | undefined, tokens: readonly ServiceToken[]): string {
  if (wanted === undefined) {
    const name = `Service Auth: ${tokens.map(({name: one}) => one).join(', ')}`
    return name.length <= RULE_NAME_LIMIT ? name : `${name.slice(0, RULE_NAME_LIMIT - 1)}…`
  }
  const name = wanted.trim()
  if (name !== '' && name.length <= RULE_NAME_LIMIT && !/\p{Cc}/u.test(name)) return name
  throw new UserError({
    kind: 'usage',
    code: 'BAD_RULE_NAME',
    message: 'This cannot be the name of a rule',
    why: `A name has 1 to ${RULE_NAME_LIMIT} characters, and no control characters.`,
  })
}

function summary(policy: Policy, at: number): PolicySummary {
  return {
    id: policy.id,
    name: policy.name,
    decision: policy.decision,
    precedence: policy.precedence ?? at + 1,
    reusable: policy.reusable,
  }
}

function idOf({id}: {id: string}): string {
  return id
}
