import type {AccessApi, Application, Decision, Group, Policy, ServiceToken} from '../../api/types.js'
import {ztCommand, type Named} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import {findApplication} from '../../policy/application-match.js'
import {evaluate} from '../../policy/evaluate.js'
import {groupHolding, namesToken} from '../../policy/references.js'
import {RefusedError} from '../../tunnel/failure/refusal.js'
import type {EdgeAnswer} from '../../tunnel/types.js'
import type {AccessContext} from '../account/context.js'
import {tokenStatus} from '../tokens/list.js'

/** A connection that failed, and the service token that it was made with. */
export interface FailedConnection {
  host: string
  path?: string | undefined
  /** Undefined where the failure came before a token was chosen. */
  tokenId: string | undefined
  clientId: string | undefined
  error: UserError
}

/** What the account says about a refusal. */
interface Explanation {
  /** Sentences. */
  why: string
  next: string[]
  application?: {id: string; name: string} | undefined
  /** The cause of the refusal; undefined if the API knows none. */
  cause?: 'token' | 'rules' | 'no-application' | undefined
}

/** The answer says everything. */
const SAID: readonly EdgeAnswer['reason'][] = ['origin-down', 'challenged', 'rate-limited']

/**
 * The failure of a connection with the reason that the account gives for it: asks the API for the application, its
 * policies and the token, and evaluates them. A failure that is no refusal comes back as it is. What `ssh`, `ssh check`,
 * `curl` and `forward` say about a failure comes from here.
 *
 * Where the API cannot be asked, the error says so.
 */
export async function explainFailure(ctx: AccessContext, failed: FailedConnection): Promise<UserError> {
  const {error, host} = failed
  if (!(error instanceof RefusedError) || SAID.includes(error.answer.reason)) return error
  const {answer} = error
  const found = await explain(ctx, failed, answer).catch((reason: unknown) => {
    if (reason instanceof UserError) return withoutApi(error, reason)
    throw reason
  })
  const {cause} = found
  // Whoever answered let the request in, and the rules say that this was right: the cause is not Access.
  if (answer.by === 'service' && cause === undefined) return error
  const certain = answer.by === 'unknown' && (cause === 'token' || cause === 'rules')
  return new RefusedError(host, certain ? {...answer, by: 'access'} : answer, found)
}

function withoutApi({answer: {ray}, next}: RefusedError, reason: UserError): Explanation {
  return {
    why: `zt could not ask the API for the exact reason (${reason.message}). Usually no Service Auth rule of the application names the token, or the token is expired, disabled or has another secret.`,
    next: [
      ...(reason.next.length > 0 ? reason.next : next),
      ...(ray === undefined ? [] : [`Look for CF-RAY ${ray} in the Access log`]),
    ],
  }
}

async function explain(
  ctx: AccessContext,
  failed: FailedConnection,
  answer: EdgeAnswer,
): Promise<Explanation> {
  ctx.progress.step('Asking why')
  const api = await ctx.api()
  const [applications, tokens] = await Promise.all([api.listApplications(), api.listServiceTokens()])
  const token = tokens.find(({id, clientId}) => id === failed.tokenId || clientId === failed.clientId)
  const {host, path = '/'} = failed
  const listed = findApplication({host, path}, applications)?.application
  if (!listed) {
    return {
      why: `No application of the account covers ${failed.host}.`,
      next: [ztCommand(ctx, 'app', 'list')],
      cause: 'no-application',
    }
  }
  const application = {id: listed.id, name: listed.name}
  if (!token) {
    return {
      why: 'The account has no service token with these credentials: it was deleted, or belongs to another account.',
      next: [ztCommand(ctx, 'token', 'list')],
      application,
      cause: 'token',
    }
  }
  const status = tokenStatus(token, ctx.clock.now())
  const tokenRef = unambiguous(token, tokens)
  if (status !== 'active') {
    return {
      why: `Service token "${token.name}" is ${status}, so it opens nothing.`,
      next: [ztCommand(ctx, 'token', status === 'expired' ? 'refresh' : 'enable', tokenRef)],
      application,
      cause: 'token',
    }
  }
  const policies = await api.listApplicationPolicies(listed.id)
  const {groups, note} = await groupsOf(api, policies)
  const found = byPolicies(ctx, {
    application: {...listed, policies},
    token,
    groups,
    answer,
    applicationRef: unambiguous(listed, applications),
    tokenRef,
  })
  return {...found, why: note === undefined ? found.why : `${found.why} ${note}`, application}
}

/** What the policies are evaluated for. The references are the names for commands. */
interface Case {
  application: Application
  token: ServiceToken
  groups: ReadonlyMap<string, Group>
  answer: EdgeAnswer
  applicationRef: string | Named
  tokenRef: string | Named
}

function byPolicies(
  ctx: AccessContext,
  {application, token, groups, answer, applicationRef, tokenRef}: Case,
): Explanation {
  const {admitted, outcome, policy, trace} = evaluate({
    application,
    groups,
    request: {serviceTokenId: token.id, ip: undefined, country: undefined},
  })
  const cause = admitted ? undefined : 'rules'
  const addRule = ztCommand(ctx, 'app', 'add-rule', applicationRef, '--service-auth', '--token', tokenRef)
  const show = ztCommand(ctx, 'app', 'show', applicationRef)
  // With strict authentication 401 is for wrong credentials, whatever the rules; 403 is for the rules.
  if (answer.reason === 'unauthenticated' && !application.serviceAuth401Redirect) {
    return {
      why: `The edge does not accept the credentials, although "${token.name}" is enabled and has not expired: the secret that was sent is not the token's current one.`,
      next: [ztCommand(ctx, 'token', 'rotate', tokenRef)],
      cause,
    }
  }
  if (admitted) {
    const excludes = (policy?.exclude.length ?? 0) > 0
    const why = [
      `The rules of "${application.name}" admit "${token.name}".`,
      ...(excludes ? [`But zt cannot check the Excludes of the rule "${policy?.name ?? ''}".`] : []),
      "Either the change has not reached the edge yet (it takes up to about 85 seconds), or the secret that is stored here is not the token's current one.",
    ]
    return {
      why: why.join(' '),
      next: ['Try again in a minute and a half', ...(excludes ? [show] : [])],
      cause,
    }
  }
  if (outcome === 'blocked') {
    return {
      why: `The Block rule "${policy?.name ?? ''}" of "${application.name}" keeps it out.`,
      next: [addRule, 'Access evaluates a Service Auth rule before every Block rule'],
      cause,
    }
  }
  const narrowed = trace.find(
    ({decision, outcome: of}) =>
      decision === 'non_identity' && (of === 'excluded' || of === 'require-failed'),
  )
  if (narrowed) {
    return {
      why: `The Service Auth rule "${narrowed.name}" includes "${token.name}", but admits it only under conditions. ${narrowed.why}`,
      next: [show],
      cause,
    }
  }
  return {
    why: `${reasonFor(application, token.id, groups)} No Service Auth rule admits the service token "${token.name}".`,
    next: [addRule],
    cause,
  }
}

/** Why no rule of an application admits a token: the usual traps first. */
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
  if (policies.length === 0) return `The application "${name}" has no rules.`
  return policies.every(({decision}) => decision === 'allow')
    ? `The application "${name}" has only identity rules (${policies.map((one) => `"${one.name}"`).join(', ')}), which require a person's login.`
    : `No rule of "${name}" admits it.`
}

/** The actions under which a rule can name a token without admitting it. */
const TRAPS = new Map<Decision, string>([
  ['allow', 'Allow, which still requires a login'],
  ['bypass', 'Bypass, which ignores service tokens'],
])

/** The account's groups, where a policy names one: reading them needs a permission that nothing else here needs. */
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
    return {
      groups: new Map(),
      note: 'zt could not read its Access groups: the API token lacks the permission.',
    }
  }
}

/** A thing's name for a command, or its ID where another thing has the same name. */
export function unambiguous<T extends {id: string; name: string}>(thing: T, all: readonly T[]): string | T {
  return all.some(({id, name}) => id !== thing.id && name === thing.name) ? thing.id : thing
}
