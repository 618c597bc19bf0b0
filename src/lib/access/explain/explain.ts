import type {AccessApi, Application, Decision, Group, Policy, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {findApplication} from '../../policy/application-match.js'
import {evaluate} from '../../policy/evaluate.js'
import {groupHolding, namesToken} from '../../policy/references.js'
import type {Evaluation} from '../../policy/types.js'
import type {Refusal} from '../../tunnel/types.js'
import {ztCommand, type Named} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {tokenStatus} from '../tokens/list.js'

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
  if (reason === 'challenged') {
    return general(
      'A bot or firewall rule of the zone wants a browser to prove itself, which no other program can; Access was not asked.',
      ["Let this host pass the zone's bot and firewall rules (a WAF rule that skips them)"],
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
  const {host, path = '/'} = request
  const listed = findApplication({host, path}, applications)?.application
  if (!listed) {
    return general(`No application of the account covers ${request.host}.`, [ztCommand(ctx, 'app', 'list')])
  }
  const policies = await api.listApplicationPolicies(listed.id)
  const {groups, note} = await groupsOf(api, policies)
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
        ztCommand(ctx, 'token', status === 'expired' ? 'refresh' : 'enable', unambiguous(token, tokens)),
      ]),
      application: {id: application.id, name: application.name},
      tokenProblem: status,
    }
  }
  const found = byPolicies(ctx, {
    application,
    token,
    groups,
    refusal: request.refusal,
    applicationRef: unambiguous(application, applications),
    tokenRef: unambiguous(token, tokens),
  })
  return {
    ...found,
    why: note === undefined ? found.why : `${found.why} ${note}`,
    application: {id: application.id, name: application.name},
  }
}

/** What is asked of the policies. The references are what a command can name the things by. */
interface Case {
  application: Application
  token: ServiceToken
  groups: ReadonlyMap<string, Group>
  refusal: Refusal
  applicationRef: string | Named
  tokenRef: string | Named
}

function byPolicies(
  ctx: AccessContext,
  {application, token, groups, refusal, applicationRef, tokenRef}: Case,
): Explanation {
  const evaluation = evaluate({
    application,
    groups,
    request: {serviceTokenId: token.id, ip: undefined, country: undefined},
  })
  const mend = ztCommand(ctx, 'app', 'add-rule', applicationRef, '--service-auth', '--token', tokenRef)
  const show = ztCommand(ctx, 'app', 'show', applicationRef)
  const found = (why: string, next: string[]): Explanation => ({...general(why, next), evaluation})
  // Strict authentication: 401 is for credentials that are not right, whatever the rules; 403 for the rules.
  if (refusal.reason === 'unauthenticated' && !application.serviceAuth401Redirect) {
    return found(
      `The edge does not accept the credentials, although "${token.name}" is enabled and has not expired: the secret that was sent is not the token's current one.`,
      [ztCommand(ctx, 'token', 'rotate', tokenRef)],
    )
  }
  if (evaluation.admitted) {
    const excludes = (evaluation.policy?.exclude.length ?? 0) > 0
    return found(
      [
        `By its rules "${application.name}" admits "${token.name}".`,
        excludes
          ? `But the rule "${evaluation.policy?.name ?? ''}" has Excludes that cannot be checked here.`
          : '',
        "Either the change has not reached the edge yet (it takes up to about 85 seconds), or the secret that is stored here is not the token's current one.",
      ]
        .filter((part) => part !== '')
        .join(' '),
      ['Try again in a minute and a half', ...(excludes ? [show] : [])],
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
      `The Service Auth rule "${narrowed.name}" includes "${token.name}", and lets it in under conditions only. ${narrowed.why}`,
      [show],
    )
  }
  return found(
    `${reasonFor(application, token.id, groups)} No Service Auth rule admits the service token "${token.name}".`,
    [mend],
  )
}

/** Why no rule of an application applies to a token: the classic traps first. */
function reasonFor(application: Application, tokenId: string, groups: ReadonlyMap<string, Group>): string {
  const {name, policies} = application
  for (const {decision, include, name: rule} of policies) {
    const trap = TRAPS.get(decision)
    if (trap === undefined) continue
    if (include.some((one) => namesToken(one, tokenId))) {
      return `The rule "${rule}" names the token under the action ${trap}.`
    }
    const group = groupHolding(tokenId, include, groups)
    if (group) {
      return `The rule "${rule}" names the token's Access group "${group.name}" under the action ${trap}.`
    }
  }
  if (policies.length === 0) return `The application "${name}" has no rule at all.`
  return policies.every(({decision}) => decision === 'allow')
    ? `The application "${name}" has identity rules only (${quoted(policies)}), which want a person's login.`
    : `None of the rules of "${name}" admits it.`
}

/** The actions under which a token can be named and is not let in. */
const TRAPS = new Map<Decision, string>([
  ['allow', 'Allow, which wants a login all the same'],
  ['bypass', 'Bypass, where service tokens do not count'],
])

/** The account's groups, where a policy names one. Reading them needs a permission that zt needs for nothing else. */
async function groupsOf(
  api: AccessApi,
  policies: readonly Policy[],
): Promise<{groups: ReadonlyMap<string, Group>; note: string | undefined}> {
  const rules = policies.flatMap(({include, require, exclude}) => [...include, ...require, ...exclude])
  if (!rules.some((rule) => 'group' in rule)) return {groups: new Map(), note: undefined}
  try {
    const groups = await api.listGroups()
    return {groups: new Map(groups.map((group) => [group.id, group])), note: undefined}
  } catch (error) {
    if (!(error instanceof UserError) || error.kind !== 'permission') throw error
    return {groups: new Map(), note: 'Its Access groups could not be read: the API token may not.'}
  }
}

/** A thing for a command, or its id where others have the same name. */
export function unambiguous<T extends {id: string; name: string}>(thing: T, all: readonly T[]): string | T {
  return all.some(({id, name}) => id !== thing.id && name === thing.name) ? thing.id : thing
}

function quoted(policies: readonly {name: string}[]): string {
  return policies.map(({name}) => `"${name}"`).join(', ')
}

function general(why: string, next: string[]): Explanation {
  return {why, next, application: undefined, evaluation: undefined, tokenProblem: undefined}
}
