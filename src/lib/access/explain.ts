import type {Application, Group, ServiceToken} from '../api/types.js'
import {UserError} from '../core/errors.js'
import {applicationFor} from '../policy/application-match.js'
import {evaluate} from '../policy/evaluate.js'
import type {Evaluation} from '../policy/types.js'
import type {Refusal} from '../tunnel/types.js'
import {ztCommand} from './command-line.js'
import type {AccessContext} from './context.js'
import {tokenStatus} from './tokens.js'

export interface RefusedRequest {
  host: string
  path?: string | undefined
  /** The service token's UUID; undefined when only the pair is known (environment). */
  tokenId: string | undefined
  clientId: string | undefined
  refusal: Refusal
}

export interface Explanation {
  /** Sentences. */
  why: string
  next: string[]
  application: {id: string; name: string} | undefined
  evaluation: Evaluation | undefined
  tokenProblem: 'disabled' | 'expired' | 'unknown' | undefined
}

/**
 * Finds out why the edge refused a service token, by asking the API for the application, its policies and the token,
 * and evaluating them. Never throws: where the API cannot be asked, it says so and gives the usual reasons.
 */
export async function explainRefusal(ctx: AccessContext, request: RefusedRequest): Promise<Explanation> {
  const {reason, ray} = request.refusal
  if (reason === 'origin-down') {
    return general(
      'Access let the token in, and what is behind it does not answer (the connector or its origin).',
      ['Check that the tunnel runs and that its service is up'],
    )
  }
  if (reason === 'rate-limited')
    return general('The edge asks for a pause: too many requests.', ['Try again in a minute'])
  try {
    ctx.progress.step('Asking why')
    return await explain(ctx, request)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return general(
      `Why exactly is not known, because the API could not be asked (${error.message}). Usually no Service Auth rule of the application names the token, or the token is expired, disabled or has another secret.`,
      [ztCommand(ctx, 'login'), ...(ray === undefined ? [] : [`Look for CF-RAY ${ray} in the Access log`])],
    )
  }
}

async function explain(ctx: AccessContext, request: RefusedRequest): Promise<Explanation> {
  const api = await ctx.api()
  const [applications, tokens] = await Promise.all([api.listApplications(), api.listServiceTokens()])
  const token = tokens.find(({id, clientId}) => id === request.tokenId || clientId === request.clientId)
  const listed = applicationFor(request.host, request.path ?? '/', applications)
  if (!listed) {
    return general(`No application of the account covers ${request.host}.`, [ztCommand(ctx, 'app', 'list')])
  }
  const [policies, groups] = await Promise.all([api.listApplicationPolicies(listed.id), api.listGroups()])
  const application = {...listed, policies}
  if (!token) {
    return {
      ...general(
        'The account has no service token with these credentials: it was deleted, or belongs to another account.',
        [ztCommand(ctx, 'token', 'list')],
      ),
      application: {id: application.id, name: application.name},
      tokenProblem: 'unknown',
    }
  }
  const status = tokenStatus(token, ctx.clock.now())
  if (status !== 'active') {
    return {
      ...general(`Service token "${token.name}" is ${status}, so it opens nothing.`, [
        status === 'expired'
          ? 'Extend it in the dashboard, or create another'
          : 'Enable it in the dashboard, or create another',
        ztCommand(ctx, 'token', 'create'),
      ]),
      application: {id: application.id, name: application.name},
      tokenProblem: status,
    }
  }
  return {
    ...byPolicies(ctx, application, token, groups),
    application: {id: application.id, name: application.name},
  }
}

function byPolicies(
  ctx: AccessContext,
  application: Application,
  token: ServiceToken,
  groups: readonly Group[],
): Explanation {
  const evaluation = evaluate({
    application,
    groups: new Map(groups.map((group) => [group.id, group])),
    request: {serviceTokenId: token.id, ip: undefined, country: undefined},
  })
  const mend = ztCommand(ctx, 'app', 'add-rule', application.name, '--service-auth', '--token', token.name)
  const found = (why: string, next: string[]): Explanation => ({...general(why, next), evaluation})
  if (evaluation.admitted) {
    return found(
      `By its rules "${application.name}" admits "${token.name}". Either the change has not reached the edge yet (it takes up to about 85 seconds), or the secret that is stored here is not the token's current one.`,
      ['Try again in a minute and a half'],
    )
  }
  if (evaluation.outcome === 'blocked') {
    return found(`The Block rule "${evaluation.policy?.name ?? ''}" of "${application.name}" keeps it out.`, [
      mend,
      'A Service Auth rule is looked at before every Block rule',
    ])
  }
  const narrowed = evaluation.trace.find(
    ({decision, outcome}) =>
      decision === 'non_identity' && (outcome === 'excluded' || outcome === 'require-failed'),
  )
  if (narrowed) {
    return found(
      `The Service Auth rule "${narrowed.name}" would admit "${token.name}", and does not here. ${narrowed.why}`,
      [ztCommand(ctx, 'app', 'show', application.name)],
    )
  }
  const allows = application.policies.filter(({decision}) => decision === 'allow')
  const trap = allows.find((policy) => JSON.stringify(policy.include).includes(token.id))
  const reason = trap
    ? `The rule "${trap.name}" names the token under the action Allow, which wants a login all the same.`
    : application.policies.length === 0
      ? `The application "${application.name}" has no rule at all.`
      : application.policies.every(({decision}) => decision === 'allow')
        ? `The application "${application.name}" has identity rules only (${quoted(allows)}), which want a person's login.`
        : `None of the rules of "${application.name}" admits it.`
  return found(`${reason} No Service Auth rule admits the service token "${token.name}".`, [mend])
}

function quoted(policies: readonly {name: string}[]): string {
  return policies.map(({name}) => `"${name}"`).join(', ')
}

function general(why: string, next: string[]): Explanation {
  return {why, next, application: undefined, evaluation: undefined, tokenProblem: undefined}
}
