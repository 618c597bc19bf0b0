import type {Application, Group, Policy, ServiceToken} from '../api/types.js'
import {globMatches, hostMatches} from '../core/hostname.js'
import {isJsonObject, type JsonObject} from '../core/json.js'
import {normalisePath} from '../core/normalise-url.js'
import {sameAddress} from '../core/public-address.js'
import {findApplication} from './application-match.js'
import {corsAllows, type Preflight} from './cors.js'
import {evaluate} from './evaluate.js'
import {allRules} from './references.js'
import {factsOf} from './rules.js'
import type {AccessRequest, Evaluation, PolicyTrace, UnknownFact, Verdict} from './types.js'

/** What of an account and its organisation decides at the edge. */
export interface EdgeAccount extends EdgeSettings {
  applications: readonly Application[]
  groups: ReadonlyMap<string, Group>
  /**
   * What a client that nothing admits gets from an application without an Allow policy, where no login helps: sources
   * contradict each other. Undefined: either.
   */
  withoutAllow: 'login' | 'forbidden' | undefined
}

/** What of the organisation's settings decides. */
export interface EdgeSettings {
  /** Strict service token authentication; undefined: unknown. */
  strict: boolean | undefined
  /** Whether hosts without an application are blocked, and in which zones they are not; undefined: unknown. */
  unmatched: {blocked: boolean; exceptIn: readonly string[]} | undefined
}

/**
 * How a client presents a service token: in the two standard headers, in the single header that the application names, in
 * both; or in headers that are incomplete or there more than once.
 */
export type Presentation = 'headers' | 'single-header' | 'both' | 'incomplete' | 'duplicate'

export interface Credentials {
  presented: Presentation
  /** The token that they name; undefined: none of the account. */
  tokenId: string | undefined
  /** Whether they are right, as the edge reads them without strict authentication; undefined: unknown. */
  accepted: boolean | undefined
}

/** One HTTP request to a protected host. */
export interface EdgeRequest {
  host: string
  path: string
  /** Undefined: it carries no service token. */
  credentials: Credentials | undefined
  /** Where it comes from, and who logs in. */
  client: Omit<AccessRequest, 'serviceTokenId'>
  /** Whether it has a valid session of this application (`CF_Authorization`); undefined: unknown. */
  session: boolean | undefined
  /** Whether Access takes the client for a browser, by what it sends; undefined: unknown. */
  browser: boolean | undefined
  /** Whether it has `X-Requested-With: XMLHttpRequest`. */
  xhr?: boolean | undefined
  /** Whether its method is OPTIONS. */
  options?: boolean | undefined
  preflight?: Preflight | undefined
}

/**
 * `allow`: admitted, by a service token, a session or a login. `login`: Access asks the client to log in. `bypass`: Access
 * lets everyone through there. `unknown`: it depends on what is not known.
 */
export type EdgeVerdict = 'allow' | 'deny' | 'login' | 'bypass' | 'unknown'

/** Why the edge answers so. */
export type EdgeReason = keyof typeof ANSWERS

/** One answer that the known facts leave possible. */
export interface PossibleAnswer {
  verdict: Exclude<EdgeVerdict, 'unknown'>
  reason: EdgeReason
  /** The HTTP status; undefined: the service's own. */
  status: number | undefined
}

export interface EdgeAnswer {
  verdict: EdgeVerdict
  /** Undefined: no application covers the address. */
  application: Application | undefined
  /** The policy that decided, if one did. */
  policy: Policy | undefined
  /** Each policy's part; empty if the policies were not asked. */
  trail: PolicyTrace[]
  /**
   * All that are possible, from those that admit to those that refuse; one if the answer is certain to the status. Empty:
   * Access does not protect the address.
   */
  possible: PossibleAnswer[]
  /** What would decide it; empty if the verdict is certain. */
  undecided: UnknownFact[]
}

/** Every answer of the edge. */
const ANSWERS = {
  // Not asked: a public path of a destination (`overrides` in the API reference), and the documents on CORS.
  'public-path': {verdict: 'bypass', status: undefined},
  'options-bypass': {verdict: 'bypass', status: undefined},
  'preflight-answered': {verdict: 'allow', status: 200},
  'preflight-refused': {verdict: 'deny', status: 403},
  // Strict service token authentication.
  'credentials-refused': {verdict: 'deny', status: 401},
  'not-authorised': {verdict: 'deny', status: 403},
  // The policies.
  'service-auth': {verdict: 'allow', status: undefined},
  bypass: {verdict: 'bypass', status: undefined},
  person: {verdict: 'allow', status: undefined},
  session: {verdict: 'allow', status: undefined},
  blocked: {verdict: 'deny', status: 403},
  /** Nothing matches the person who logged in. */
  denied: {verdict: 'deny', status: 403},
  /** The application does not offer the login method. */
  'login-method': {verdict: 'deny', status: 302},
  // What a client meets that nothing admits.
  'preflight-denied': {verdict: 'deny', status: 403},
  'service-auth-401': {verdict: 'deny', status: 401},
  'no-allow': {verdict: 'deny', status: 403},
  xhr: {verdict: 'login', status: 401},
  'managed-oauth': {verdict: 'login', status: 401},
  'login-page': {verdict: 'login', status: 302},
  /** No application covers the host, and the organisation blocks such hosts. */
  unmatched: {verdict: 'deny', status: 403},
} as const satisfies Record<string, {verdict: Exclude<EdgeVerdict, 'unknown'>; status: number | undefined}>

/** Those of them that follow from the policy that matched. */
const BY_POLICY = new Set<EdgeReason>([
  'service-auth',
  'bypass',
  'person',
  'session',
  'blocked',
  'denied',
  'login-page',
  'managed-oauth',
  'xhr',
])

/** A request of which everything outside the rules is known. */
interface World {
  strict: boolean
  /** The credentials, without strict authentication. */
  accepted: boolean
  session: boolean
  browser: boolean
  withoutAllow: 'login' | 'forbidden'
}

/** Which fact decides on a part of it. */
const FACTS: Record<keyof World, UnknownFact['fact']> = {
  accepted: 'credentials',
  strict: 'strict',
  session: 'session',
  browser: 'browser',
  withoutAllow: 'without-allow',
}

/**
 * What the edge answers to a request, or may answer: docs/explanation/evaluation.md has the order and the sources. A verdict other than
 * `unknown` stays the same whatever the unknown facts are.
 */
export function edgeAnswer(account: EdgeAccount, request: EdgeRequest): EdgeAnswer {
  const found = findApplication(request, account.applications)
  if (!found) return unprotected(account, request)
  const {application, domain} = found
  const early = beforeThePolicies(application, domain, request)
  if (early) return certain(application, early)
  const evaluations = new Map<boolean, Evaluation>()
  const evaluation = (accepted: boolean): Evaluation => {
    const tokenId = request.credentials?.tokenId
    const known =
      evaluations.get(accepted) ??
      evaluate({
        application,
        groups: account.groups,
        request: {...request.client, serviceTokenId: accepted ? tokenId : undefined},
      })
    evaluations.set(accepted, known)
    return known
  }
  const worlds = worldsOf(account, request).map((world) => {
    const rules = evaluation(isAccepted(world, request))
    const reasons = [...rules.possible].map((verdict) => reasonOf(verdict, {world, request, application}))
    return {world, rules, reasons, verdicts: new Set(reasons.map((reason) => ANSWERS[reason].verdict))}
  })
  const reasons = new Set(worlds.flatMap((one) => one.reasons))
  const verdicts = new Set(worlds.flatMap((one) => [...one.verdicts]))
  const [verdict = 'deny'] = verdicts
  const main = evaluation(worlds.some(({world}) => isAccepted(world, request)))
  const asked = [...reasons].some((reason) => reason !== 'credentials-refused')
  return {
    verdict: verdicts.size === 1 ? verdict : 'unknown',
    application,
    policy: [...reasons].every((reason) => BY_POLICY.has(reason)) ? main.policy : undefined,
    trail: asked ? main.trace : [],
    possible: answersOf(reasons),
    undecided: verdicts.size === 1 ? [] : undecidedBy(worlds, application),
  }
}

/** What of an organisation's settings decides. */
export function edgeSettings(organization: JsonObject | undefined): EdgeSettings {
  if (!organization) return {strict: undefined, unmatched: undefined}
  const {deny_unmatched_requests: blocked, deny_unmatched_requests_exempted_zone_names: zones} = organization
  const exceptIn = Array.isArray(zones) ? zones.filter((zone) => typeof zone === 'string') : []
  return {
    strict: organization['strict_service_token_auth'] === true,
    unmatched: {blocked: blocked === true, exceptIn},
  }
}

/** What is known of the secret that a client sends; undefined: nothing. */
export type SentSecret = 'current' | 'previous' | 'wrong' | undefined

/**
 * Whether the edge accepts a token with a secret (Cloudflare's documentation, "Service tokens").
 *
 * @param when `previousUntil`: when the previous secret stops working (ISO 8601); undefined: unknown. `now`: milliseconds
 *   since 1970, by Cloudflare's clock
 * @returns undefined: unknown
 */
export function acceptsToken(
  {enabled, expiresAt}: Pick<ServiceToken, 'enabled' | 'expiresAt'>,
  secret: SentSecret,
  {now, previousUntil}: {now: number; previousUntil?: string | undefined},
): boolean | undefined {
  if (!enabled || secret === 'wrong') return false
  if (expiresAt !== undefined && Date.parse(expiresAt) <= now) return false
  if (secret !== 'previous') return secret && true
  return previousUntil === undefined ? undefined : Date.parse(previousUntil) > now
}

/** "Require Access protection" in Cloudflare's documentation; anything else is not Access's. */
function unprotected({unmatched}: EdgeAccount, {host}: EdgeRequest): EdgeAnswer {
  const exempt = unmatched?.exceptIn.some((zone) => hostMatches(zone, host) || host.endsWith(`.${zone}`))
  if (unmatched?.blocked === true && exempt === false) return certain(undefined, 'unmatched')
  return {
    ...{verdict: 'unknown', application: undefined, policy: undefined, trail: [], possible: []},
    undecided: [{fact: 'application'}],
  }
}

/** What Access answers without asking the policies; undefined: it asks them. */
function beforeThePolicies(
  application: Application,
  domain: string,
  {path, options, preflight}: EdgeRequest,
): EdgeReason | undefined {
  if (isPublicPath(application, domain, path)) return 'public-path'
  // Cloudflare's documentation, "CORS": OPTIONS requests go to the origin, or Cloudflare answers a preflight itself.
  const {cors_headers: cors, options_preflight_bypass: bypass} = application.raw
  if (options === true && bypass === true) return 'options-bypass'
  if (!preflight || !isJsonObject(cors)) return undefined
  return corsAllows(preflight, cors) ? 'preflight-answered' : 'preflight-refused'
}

/** Whether a destination's `overrides` make a path public; they do not cover what is below it (the API reference). */
export function isPublicPath({raw}: Application, domain: string, path: string): boolean {
  const normal = normalisePath(path)
  const objects = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : [])
  return objects(raw['destinations'])
    .filter(
      ({type = 'public', uri}) => type === 'public' && typeof uri === 'string' && sameAddress(uri, domain),
    )
    .flatMap(({overrides}) => objects(overrides))
    .filter(({behavior}) => behavior === 'public')
    .some(({path_pattern: pattern}) => typeof pattern === 'string' && globMatches(pattern, normal))
}

/** What the edge answers where the policies decide so. */
function reasonOf(
  verdict: Verdict,
  {world, request, application}: {world: World; request: EdgeRequest; application: Application},
): EdgeReason {
  const {strict, session, browser, withoutAllow} = world
  const {credentials, client, preflight, xhr} = request
  if (strict && credentials && !isAccepted(world, request)) return 'credentials-refused'
  if (verdict === 'service-auth' || verdict === 'bypass') return verdict
  if (strict && credentials) return 'not-authorised'
  if (client.person)
    return verdict === 'allow'
      ? loginOf(client.person, application)
      : verdict === 'blocked'
        ? 'blocked'
        : 'denied'
  // Where no Allow policy applies, a session is no substitute for the token (seen in October 2026).
  if (session && verdict === 'login') return 'session'
  if (verdict === 'blocked') return 'blocked'
  // A preflight has no cookie, so it is never answered by a login (Cloudflare's documentation, "CORS").
  if (preflight) return 'preflight-denied'
  const {policies, serviceAuth401Redirect, raw} = application
  const has = (decision: Policy['decision']): boolean => policies.some((one) => one.decision === decision)
  if (serviceAuth401Redirect && has('non_identity')) return 'service-auth-401'
  if (withoutAllow === 'forbidden' && hasNoLogin(policies)) return 'no-allow'
  // Seen on an edge in October 2026: 401 with X-Requested-With, 302 whatever Accept and Sec-Fetch-Mode say.
  if (xhr === true) return 'xhr'
  if (hasManagedOAuth(raw) && !browser) return 'managed-oauth'
  return 'login-page'
}

/** Enabled unless it says otherwise (the API reference; Cloudflare's documentation, "Managed OAuth"). */
export function hasManagedOAuth({oauth_configuration: oauth}: JsonObject): boolean {
  return isJsonObject(oauth) && oauth['enabled'] !== false
}

/**
 * Whether no one can log in to an application with these policies, so that Access answers 403 in place of the login page,
 * with or without a token: Cloudflare's wrangler says so (workers-sdk 14008, May 2026), and operators in 2026.
 */
export function hasNoLogin(policies: readonly Policy[]): boolean {
  return !policies.some(({decision}) => decision === 'allow')
}

function loginOf({loginMethod}: {loginMethod?: string | undefined}, {raw}: Application): EdgeReason {
  const {allowed_idps: offered} = raw
  const all = !Array.isArray(offered) || offered.length === 0
  return loginMethod === undefined || all || offered.includes(loginMethod) ? 'person' : 'login-method'
}

/** Every way in which what is not known of the request and of the settings may be. */
function worldsOf({strict, withoutAllow}: EdgeAccount, request: EdgeRequest): World[] {
  const {credentials, session, browser} = request
  const either = (known: boolean | undefined): boolean[] => (known === undefined ? [true, false] : [known])
  const right = credentials
    ? either(credentials.tokenId === undefined ? false : credentials.accepted)
    : [false]
  const ways = withoutAllow === undefined ? (['login', 'forbidden'] as const) : [withoutAllow]
  return either(strict).flatMap((isStrict) =>
    right.flatMap((accepted) =>
      either(session).flatMap((hasSession) =>
        either(browser).flatMap((isBrowser) =>
          ways.map((way) => ({
            ...{strict: isStrict, accepted, session: hasSession, browser: isBrowser, withoutAllow: way},
          })),
        ),
      ),
    ),
  )
}

/** Strict authentication takes each header once, and one of the two ways (Cloudflare's documentation, "Service tokens"). */
function isAccepted({accepted, strict}: World, {credentials}: EdgeRequest): boolean {
  const plain = credentials?.presented === 'headers' || credentials?.presented === 'single-header'
  return accepted && (plain || !strict)
}

function certain(application: Application | undefined, reason: EdgeReason): EdgeAnswer {
  const possible = answersOf([reason])
  const {verdict} = ANSWERS[reason]
  return {verdict, application, policy: undefined, trail: [], possible, undecided: []}
}

/** In the order of the table: those that admit come before those that refuse for the same cause. */
function answersOf(reasons: Iterable<EdgeReason>): PossibleAnswer[] {
  const wanted = new Set(reasons)
  const all = (Object.keys(ANSWERS) as EdgeReason[]).filter((reason) => wanted.has(reason))
  return all.map((reason) => ({...ANSWERS[reason], reason}))
}

/** Rules that may ask whether a service token is valid. */
const TOKEN_RULES = ['service_token', 'any_valid_service_token', 'group']

/** The unknown facts of the request and of the settings that make a difference, and those of the rules if these do. */
function undecidedBy(
  worlds: readonly {
    world: World
    reasons: readonly EdgeReason[]
    verdicts: ReadonlySet<string>
    rules: Evaluation
  }[],
  {policies}: Application,
): UnknownFact[] {
  const all = worlds.map(({rules}) => rules)
  const aboutTokens = policies
    .flatMap(allRules)
    .some((rule) => TOKEN_RULES.some((name) => Object.hasOwn(rule, name)))
  // The same verdicts together may follow from other facts of the client, or in another way from the same.
  const text = ({verdicts, reasons, rules}: (typeof worlds)[0]): string =>
    verdicts.size === 1
      ? [...verdicts].join()
      : JSON.stringify([
          [...rules.possible].map((one, at) => [one, ANSWERS[reasons[at] ?? 'denied'].verdict]),
          aboutTokens ? all.indexOf(rules) : rules.undecided,
        ])
  const matters = (part: keyof World): boolean => {
    const seen = new Map<string, string>()
    return worlds.some((one) => {
      const rest = JSON.stringify({...one.world, [part]: undefined})
      const before = seen.get(rest) ?? text(one)
      seen.set(rest, before)
      return before !== text(one)
    })
  }
  const parts = (Object.keys(FACTS) as (keyof World)[]).filter(matters)
  const byRules = new Set(worlds.filter(({verdicts}) => verdicts.size > 1).map(({rules}) => rules))
  return factsOf([
    {facts: parts.map((part) => ({fact: FACTS[part]}))},
    ...[...byRules].map(({undecided}) => ({facts: undecided})),
  ])
}
