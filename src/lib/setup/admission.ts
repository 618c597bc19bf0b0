import type {AccessContext} from '../access/account/context.js'
import {NO_BINDING} from '../access/account/host-bindings.js'
import {applyCreateApplication, planCreateApplication} from '../access/applications/create.js'
import type {AppliedEdit} from '../access/edit/apply.js'
import {withIds, type Change} from '../access/edit/change.js'
import {makeEdit} from '../access/edit/make.js'
import {applyPlanned} from '../access/edit/planned.js'
import {reachOfEdit, type EditReach} from '../access/edit/reach.js'
import {explainApplication, type ExplainedApplication} from '../access/explain/application.js'
import {planAddRule} from '../access/rules/add.js'
import type {ServiceToken} from '../api/types.js'
import {shellQuote} from '../core/command-line.js'
import {ztCommand} from '../core/command-line.js'
import {UserError} from '../core/errors.js'
import {NEW_TOKEN} from './token.js'

/** How a token gets into the application of a host: by a new rule, or by a new application with its rule. */
export interface AdmissionPlan {
  /** Empty: it is admitted already. */
  changes: readonly Change[]
  notes: string[]
  warnings: string[]
  reach: EditReach | undefined
  /** The new rule. */
  rule: string | undefined
}

export interface AdmissionWish {
  host: string
  /** Undefined: `name` is that of a new application. */
  application: {id: string | undefined; name: string}
  token: ServiceToken
  /** What it opens takes requests of its own. */
  withReach: boolean
}

/**
 * The application that answers for a host; undefined if there is none.
 *
 * @throws UserError as `explainApplication`; `usage` / `OBJECT_OF_ZONE`
 */
export async function applicationOf(
  ctx: AccessContext,
  host: string,
): Promise<ExplainedApplication | undefined> {
  try {
    const found = await explainApplication(ctx, {wanted: host, onlyByAddress: true})
    if (found.zone !== undefined) throw ofZone(ctx, host, found)
    return found
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    if (error.code === 'APPLICATION_NOT_FOUND') return undefined
    throw error.code === 'APPLICATION_AMBIGUOUS' ? ambiguous(ctx, error) : error
  }
}

/** A command of an application takes its ID; this one is about the host. */
function ambiguous(ctx: AccessContext, error: UserError): UserError {
  const candidates = error.details['candidates'] as {id: string}[]
  return error.with({
    why: [...error.whyLines, 'zt cannot tell which of them Access asks. Nothing was changed.'],
    next: candidates.map(({id}) => ztCommand(ctx, 'app', 'show', id)),
  })
}

/** Its rules and service tokens are of the zone, too. */
function ofZone(ctx: AccessContext, host: string, {application, zone = ''}: ExplainedApplication): UserError {
  return new UserError({
    kind: 'usage',
    code: 'OBJECT_OF_ZONE',
    message: `The application of ${host}, "${application.name}", belongs to the zone ${zone} and not to the account`,
    why: 'What is set up for it belongs to the zone, too. Nothing was changed.',
    next: [`${ctx.commandLine ?? ztCommand(ctx, 'setup', host)} --zone ${shellQuote(zone)}`],
    details: {applicationId: application.id, zone},
  })
}

/** @throws UserError of `planAddRule` and `planCreateApplication` */
export async function planAdmission(
  ctx: AccessContext,
  {host, application: {id, name}, token, withReach}: AdmissionWish,
): Promise<AdmissionPlan> {
  const known = token.id === NEW_TOKEN ? withToken(ctx, token) : ctx
  const rules = {include: {service_token: [token.id]}, require: {}, exclude: {}}
  const plan =
    id === undefined
      ? await planCreateApplication(known, {name, domains: [host], rules})
      : await planAddRule(known, {application: id, rules})
  const {changes, notes, binding} = plan
  return {
    ...{changes, notes, rule: plan.rule?.name},
    // Hosts are bound by a step of their own.
    warnings: plan.warnings.filter((one) => !binding.warnings.includes(one)),
    reach: withReach ? await reachOfEdit(known, changes) : undefined,
  }
}

/**
 * Makes the admission that was planned, or does nothing if the token is admitted by now.
 *
 * @param shown with a token that did not exist yet
 * @throws UserError as `makeEdit`
 */
export async function admit(
  ctx: AccessContext,
  wish: AdmissionWish,
  shown: AdmissionPlan,
  command: string,
): Promise<AppliedEdit> {
  const {host, application, token} = wish
  const agreed = {...shown, changes: withIds(shown.changes, new Map([[NEW_TOKEN, token.id]]))}
  const {applied} = await makeEdit(ctx, () => stillMissing(ctx, wish), {
    shown: agreed,
    planned: () => undefined,
    apply: ({changes}) => {
      if (application.id !== undefined) return applyPlanned(ctx, {changes}, command)
      const created = {name: application.name, type: 'self_hosted', domains: [host]}
      return applyCreateApplication(ctx, {changes, application: created, binding: NO_BINDING}, command)
    },
  })
  return applied
}

/** What is missing by now: another zt may have created the application since the plan, with its rule. */
async function stillMissing(ctx: AccessContext, wish: AdmissionWish): Promise<AdmissionPlan> {
  const app = wish.application.id === undefined ? await applicationOf(ctx, wish.host) : undefined
  const tokens = (await app?.admission())?.tokens ?? []
  const isThere = tokens.some(({token: {id}, admitted}) => id === wish.token.id && admitted === 'yes')
  if (!isThere) return planAdmission(ctx, wish)
  return {changes: [], notes: [], warnings: [], reach: undefined, rule: undefined}
}

/** The same account with a token that is about to be created. */
export function withToken(ctx: AccessContext, token: ServiceToken): AccessContext {
  const api: AccessContext['api'] = async () => {
    const own = await ctx.api()
    return {...own, listServiceTokens: async (query) => [...(await own.listServiceTokens(query)), token]}
  }
  return {...ctx, api}
}
