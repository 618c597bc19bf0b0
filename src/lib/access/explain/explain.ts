import type {AccessApi, Application, Group, Policy, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import type {JsonObject} from '../../core/json.js'
import {findApplication} from '../../policy/application-match.js'
import {isPublicPath} from '../../policy/edge.js'
import {allRules, groupIdOf, groupsById} from '../../policy/references.js'
import {RefusedError, usualReasons, type Finding} from '../../tunnel/failure/refusal.js'
import type {EdgeAnswer, RequestFacts} from '../../tunnel/types.js'
import {askEach} from '../account/ask-each.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'
import {isStrict} from '../account/organization.js'
import {causesOf, type Cause, type Causes, type RefusalFacts, type SecretSource} from './causes.js'

/** A connection that failed, and the service token that it was made with. */
export interface FailedConnection extends RequestFacts {
  host: string
  /** Undefined where the failure came before a token was chosen; `env` for the pair of the environment. */
  tokenId: string | undefined
  clientId: string | undefined
  error: UserError
}

/** The answer says everything. */
const SAID: readonly EdgeAnswer['reason'][] = ['challenged', 'rate-limited']

/**
 * The failure of a connection with the reasons that the account gives for it: asks the API for the application, its
 * policies and the token, and evaluates them (causes.ts). A failure that is no refusal comes back as it is. What `ssh`,
 * `ssh check`, `curl` and `forward` say about a failure comes from here.
 *
 * Where the API cannot be asked, the error says so.
 */
export async function explainFailure(ctx: AccessContext, failed: FailedConnection): Promise<UserError> {
  const {error, host} = failed
  if (!(error instanceof RefusedError) || SAID.includes(error.answer.reason)) return error
  const {answer} = error
  let found: Explanation
  try {
    found = await explain(ctx, failed, answer)
  } catch (reason: unknown) {
    if (!(reason instanceof UserError)) throw reason
    // A service that does not answer is a cause of its own.
    return answer.by === 'service' ? error : new RefusedError(host, answer, withoutApi(error, reason))
  }
  const {causes, application} = found
  // Whoever answered let the request in: only that Access was not asked at all can be said of it.
  if (answer.by === 'service' && causes[0]?.id !== 'no-application') return error
  const certain = causes.some((one) => one.certain && one.id !== 'no-application')
  const by = answer.by === 'unknown' && certain ? 'access' : answer.by
  return new RefusedError(host, {...answer, by}, {...inWords(found, {host, ...answer}), application})
}

/** The causes, and the application that they are about. */
interface Explanation extends Causes {
  application: {id: string; name: string} | undefined
}

function withoutApi({answer: {credentials}, next}: RefusedError, reason: UserError): Finding {
  return {
    why: [`zt could not ask the API for the exact reason (${reason.message}). ${usualReasons(credentials)}`],
    next: [...(reason.next.length > 0 ? reason.next : next)],
  }
}

/** The causes as an error shows them. */
function inWords(found: Causes, {by, host, status}: EdgeAnswer & {host: string}): Finding {
  return {
    message:
      by === 'service' && found.causes[0]?.id === 'no-application'
        ? `No Access application covers ${host}, which answered ${status}`
        : undefined,
    ...causesInWords(found),
    causes: found.causes.map(causeJson),
  }
}

/** Causes as text: the likeliest first, then what decides, then what removes each. */
export function causesInWords({known, causes}: Causes): {why: string[]; next: string[]} {
  const [first, ...others] = causes
  const certain = causes.filter((one) => one.certain)
  const possible = causes.filter((one) => !one.certain)
  const introduction = (one: Cause): string =>
    one.certain ? 'Also: ' : certain.length > 0 ? 'Perhaps also: ' : 'Or: '
  const main = [...known, first?.why ?? ''].join(' ').trim()
  return {
    why: [...(main === '' ? [] : [main]), ...others.map((one) => introduction(one) + one.why)],
    next: [
      ...new Set([
        ...certain.flatMap(({decide, next}) => [...(decide === undefined ? [] : [decide]), ...next]),
        ...possible.flatMap(({decide}) => decide ?? []),
        ...possible.flatMap(({next}) => next),
        ...causes.flatMap(({opens}) => (opens ? `To go past ${opens.past}: ${opens.command}` : [])),
      ]),
    ],
  }
}

/** The JSON shape of a cause. */
export function causeJson({id, certain, why, next, decide, opens}: Cause): JsonObject {
  return {
    ...{id, certain, why, next},
    ...(decide !== undefined && {decide}),
    ...(opens && {opens: {...opens}}),
  }
}

async function explain(
  ctx: AccessContext,
  failed: FailedConnection,
  answer: EdgeAnswer,
): Promise<Explanation> {
  ctx.progress.step('Asking why')
  const api = await ctx.api()
  const {host, path = '/'} = failed
  const [ofAccount, zone] = await Promise.all([api.listApplications(), zoneOf(api, host)])
  const applications = [
    ...ofAccount.filter(({id}) => !zone.applications.some((one) => one.id === id)),
    ...zone.applications,
  ]
  const found = findApplication({host, path}, applications)
  const inZone = found && zone.applications.includes(found.application) ? zone : undefined
  const application = found && {id: found.application.id, name: found.application.name}
  const facts = {
    ...{say: ctx, host, path, answer},
    sent: {cookie: failed.cookie, xhr: failed.xhr, certificate: failed.certificate},
    ...{zoneSearch: zone.search, zone: inZone?.name},
    now: cloudflareNow(ctx, api),
    others: found?.others ?? [],
    application: undefined,
    publicPath: false,
    applicationRef: found ? unambiguous(found.application, inZone ? zone.applications : ofAccount) : '',
  }
  const nothing = {
    token: undefined,
    tokenZone: undefined,
    tokenRef: '',
    secret: {from: 'unknown'},
    bound: false,
  } as const
  const noRules = {groups: new Map<string, Group>(), groupsRead: true, strict: undefined}
  if (found && answer.by === 'service') return {known: [], causes: [], application}
  if (!found) return {...causesOf({...facts, ...nothing, ...noRules}), application}
  const own = inZone?.api ?? api
  const [tokens, policies, strict] = await Promise.all([
    tokensOf(api, inZone, failed),
    own.listApplicationPolicies(found.application.id),
    ANSWERED.includes(answer.reason) ? isStrict(api) : undefined,
  ])
  const token = tokens.all.find((one) => isOf(failed, one))
  const causes = causesOf({
    ...facts,
    ...(await groupsOf(api, inZone?.api, policies)),
    ...(token ? await knownHere(ctx, failed, token) : nothing),
    application: {...found.application, policies},
    publicPath: isPublicPath(found.application, found.domain, path),
    token,
    tokenZone: tokens.zone,
    // Of a zone's application, a name may be that of a token of the zone and of another one of the account.
    tokenRef: token ? (inZone ? token.id : unambiguous(token, tokens.all)) : '',
    strict,
  })
  return {...causes, application}
}

/** Answers that depend on whether the organisation's authentication is strict. */
const ANSWERED: readonly EdgeAnswer['reason'][] = ['unauthenticated', 'forbidden']

/** The zone of a host, and the applications that belong to it instead of the account. */
export interface ZoneOfHost {
  search: RefusalFacts['zoneSearch']
  name: string | undefined
  api: AccessApi | undefined
  applications: readonly Application[]
}

/** @returns without applications where the API token may not read them */
export async function zoneOf(api: AccessApi, host: string): Promise<ZoneOfHost> {
  const none = {name: undefined, api: undefined, applications: []}
  try {
    // The zone with the longest name; one of a single label would be a top-level domain.
    const labels = host.split('.')
    const names = labels.slice(0, -1).map((_, at) => labels.slice(at).join('.'))
    const asked = await askEach(api, names, {
      doing: 'Looking for the zone',
      ask: (name) => api.listZones({name}),
    })
    const zones = asked.flat()
    const zone = names.flatMap((name) => zones.filter((one) => one.name.toLowerCase() === name))[0]
    if (!zone) return {...none, search: 'no-zone'}
    const inZone = api.inZone(zone.id)
    return {search: 'done', name: zone.name, api: inZone, applications: await inZone.listApplications()}
  } catch (error) {
    if (isForbidden(error)) return {...none, search: 'not-permitted'}
    throw error
  }
}

export function isForbidden(error: unknown): error is UserError {
  return error instanceof UserError && error.kind === 'permission'
}

/** The account's service tokens; those of the zone, if that has the one that was sent. */
async function tokensOf(
  api: AccessApi,
  zone: ZoneOfHost | undefined,
  failed: FailedConnection,
): Promise<{all: ServiceToken[]; zone: string | undefined}> {
  const all = await api.listServiceTokens()
  if (!zone?.api || all.some((one) => isOf(failed, one))) return {all, zone: undefined}
  const ofZone = await zone.api.listServiceTokens()
  const found = ofZone.some((one) => isOf(failed, one))
  return found ? {all: ofZone, zone: zone.name} : {all, zone: undefined}
}

function isOf({tokenId, clientId}: FailedConnection, token: ServiceToken): boolean {
  return token.id === tokenId || token.clientId === clientId
}

/** What this machine knows about the pair that was sent. */
async function knownHere(
  ctx: AccessContext,
  {host, path, tokenId}: FailedConnection,
  token: ServiceToken,
): Promise<{secret: SecretSource; bound: boolean}> {
  const [entries, binding] = await Promise.all([
    ctx.index.list(ctx.profile),
    ctx.index.bindingFor(ctx.profile, host, path),
  ])
  const bound = binding?.tokenId === token.id
  if (tokenId === 'env') return {secret: {from: 'environment'}, bound: false}
  const entry = entries.find((one) => one.tokenId === token.id)
  if (!entry) return {secret: {from: 'unknown'}, bound}
  return {
    secret: {from: 'store', version: entry.secretVersion, imported: entry.imported ?? false},
    bound,
  }
}

/** The groups that policies may name: reading them needs a permission that nothing else here needs. */
export async function groupsOf(
  api: AccessApi,
  zone: AccessApi | undefined,
  policies: readonly Policy[],
): Promise<{groups: ReadonlyMap<string, Group>; groupsRead: boolean}> {
  if (!policies.some((policy) => allRules(policy).some((rule) => groupIdOf(rule) !== undefined)))
    return {groups: new Map(), groupsRead: true}
  try {
    const lists = await Promise.all([api.listGroups(), zone ? zone.listGroups() : []])
    return {groups: groupsById(lists.flat()), groupsRead: true}
  } catch (error) {
    if (!isForbidden(error)) throw error
    return {groups: new Map(), groupsRead: false}
  }
}

/** A thing's name for a command, or its ID where another thing has the same name, or that as its ID or client ID. */
export function unambiguous<T extends {id: string; name: string; clientId?: string | undefined}>(
  thing: T,
  all: readonly T[],
): string | T {
  const others = all.filter(({id}) => id !== thing.id)
  return others.some(({id, name, clientId}) => [id, name, clientId].includes(thing.name)) ? thing.id : thing
}
