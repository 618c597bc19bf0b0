import type {Application, Group, Policy, ServiceToken} from '../../api/types.js'
import {ztCommand, type Named} from '../../core/command-line.js'
import {isJsonObject} from '../../core/json.js'
import {waysTo, type Condition} from '../../policy/conditions.js'
import {hasManagedOAuth, hasNoLogin} from '../../policy/edge.js'
import {evaluate} from '../../policy/evaluate.js'
import {groupHolding, mayAdmit, namesToken} from '../../policy/references.js'
import {IDLE_ACTIONS} from '../../policy/traps.js'
import type {AccessRequest, Evaluation, PolicyTrace} from '../../policy/types.js'
import type {EdgeAnswer, RequestFacts} from '../../tunnel/types.js'
import {serviceKind} from '../account/connect.js'
import {serviceAuthDoubt, takesServiceTokens} from '../applications/kinds.js'
import {actionName} from '../rules/action-name.js'
import {tokenStatus} from '../tokens/list.js'

export type CauseId =
  | 'no-application'
  | 'application-type'
  | 'token-unknown'
  | 'token-disabled'
  | 'token-expired'
  | 'rule-missing'
  | 'rule-trap'
  | 'rule-condition'
  | 'rule-unknown'
  | 'secret'
  | 'edge-delay'
  | 'zone-rules'
  | 'service'

/** Why a request may have been refused. */
export interface Cause {
  id: CauseId
  /** Sentences. */
  why: string
  /** Whether the account shows it. Certain causes hold together; without one, the true cause is among the others. */
  certain: boolean
  /** Commands and instructions that remove this cause, and open nothing else. */
  next: string[]
  /** The command that tells this cause from the others. */
  decide?: string | undefined
  /** A command that would let the request in, and what it would go past; undefined: nothing. */
  opens?: {command: string; past: string} | undefined
}

/** What this machine knows about the secret that was sent. */
export type SecretSource =
  {from: 'environment'} | {from: 'store'; version: number | undefined; imported: boolean} | {from: 'unknown'}

/** Everything that the causes follow from. Undefined: could not be found out. */
export interface RefusalFacts {
  say: {profile: string; profileNamed: boolean}
  host: string
  path: string
  answer: EdgeAnswer
  /** What was sent beside the credentials. */
  sent: Omit<RequestFacts, 'path'>
  /** Milliseconds since 1970, by Cloudflare's clock. */
  now: number
  /** With its policies. Undefined: no application covers the host and path. */
  application: Application | undefined
  /** Whether the application makes the path public. */
  publicPath: boolean
  /** Other applications that cover the host and path, less specifically; each with the policies that the list shows. */
  others: readonly Application[]
  /** The zone that the application belongs to; undefined: the account. */
  zone: string | undefined
  /** Whether the zone's own applications were looked for: `no-zone`: the host is in no zone of the account. */
  zoneSearch: 'done' | 'no-zone' | 'not-permitted'
  token: ServiceToken | undefined
  /** The zone that the token belongs to; undefined: the account. */
  tokenZone: string | undefined
  secret: SecretSource
  groups: ReadonlyMap<string, Group>
  /** False: the API token may not read the Access groups that rules name. */
  groupsRead: boolean
  /** Strict service token authentication, of the organisation. */
  strict: boolean | undefined
  /** Whether the host is bound to the token in this profile, so that commands need no `--token`. */
  bound: boolean
  /** The application and the token for commands: the name, or the ID where others have the same name. */
  applicationRef: string | Named
  tokenRef: string | Named
}

/** Those of them that no answer of the edge is needed for. */
export type AccountFacts = Pick<
  RefusalFacts,
  'say' | 'host' | 'now' | 'others' | 'zone' | 'tokenZone' | 'groups' | 'applicationRef' | 'tokenRef'
> &
  // Of a request that was refused.
  Partial<Pick<RefusalFacts, 'path' | 'sent'>>

/** What is known, and the causes that the answer and the account leave open, the likeliest first. */
export interface Causes {
  /** What is certain and no cause: sentences. */
  known: string[]
  causes: Cause[]
}

/** A change needs up to about 85 seconds to be enforced (a public report); the clocks may differ. */
const RECENT_MS = 10 * 60_000

/**
 * The causes of a refusal: every one that is compatible with the answer and with what the account says. The order of
 * evaluation, and how settings change the answer, are in docs/explanation/evaluation.md with their sources.
 */
export function causesOf(facts: RefusalFacts): Causes {
  const {application} = facts
  if (!application) return {known: [], causes: [noApplication(facts)]}
  if (!takesServiceTokens(application.type)) return {known: [], causes: [otherType(facts, application)]}
  const open = openTo(facts, application)
  if (open === 'everyone') return letIn(facts, application)
  const {known, causes} = ofCredentialsAndRules(facts, application)
  if (open === 'no-one') return {known, causes}
  const before = causes.some(({id}) => id === 'zone-rules') ? [] : beforeAccess(facts)
  return {known, causes: [...causes.map(possibly), ...before]}
}

function ofCredentialsAndRules(facts: RefusalFacts, application: Application): Causes {
  const {token} = facts
  if (!token) return {known: [], causes: [unknownToken(facts)]}
  const found = evaluation(application, token.id, facts)
  const invalid = invalidToken(facts, token)
  const rules = ruleCauses(facts, application, token, found)
  const said = whatItSays(facts, application)
  const known = knownOf(facts, application, token, found, said)
  if (invalid.length > 0 && said !== 'credentials-right') return {known: [], causes: [...invalid, ...rules]}
  if (invalid.length > 0) {
    // The edge accepted it all the same, so the rules refuse, or the edge knows less than the API.
    const [delay = delayed(facts, undefined)] = delayCauses(facts, [tokenChange(token)])
    return {known, causes: [...sorted([...rules, ...invalid, delay]), ...beforeAccess(facts)]}
  }
  if (said === 'credentials-wrong') {
    const delay = delayCauses(facts, [tokenChange(token)])
    // Where the rules admit it, a 401 that Access did not sign may be the service's own.
    const signed = facts.answer.by === 'access' || !found.mayAdmit
    const lapsed = isOutdated(facts.secret, token) || (signed && isOlder(facts.secret, token))
    const secret = secretCause(facts, token, lapsed || (signed && delay.length === 0))
    return {known, causes: sorted([secret, ...delay, ...rules])}
  }
  const older = isOlder(facts.secret, token)
  const delay = delayCauses(facts, [...ruleChanges(application, facts), tokenChange(token)])
  const current = isCurrent(facts.secret, token.secretVersion)
  const doubtful = said === 'credentials-doubtful'
  const fits = doubtful || (said === 'open' && !current)
  // In a grace period an older secret works, and who refuses it may be another.
  const lapsed =
    isOutdated(facts.secret, token) || (older && facts.answer.by === 'access' && delay.length === 0)
  const secret = fits ? [secretCause(facts, token, lapsed && found.admitted)] : []
  // What the redirect says is also said of a valid token where the rules are as here.
  if (!found.mayAdmit) return {known, causes: [...rules, ...(older || (doubtful && !current) ? secret : [])]}
  if (doubtful) {
    const unseen = current && delay.length === 0 ? [delayed(facts, undefined)] : []
    // What zt saved itself is likelier unknown to the edge than wrong.
    const causes = current ? [...delay, ...secret, ...rules] : [...secret, ...rules, ...delay]
    return {known, causes: sorted([...causes, ...unseen])}
  }
  // Where the rules decide by what zt does not know, they are likelier than a change that someone made just now.
  const admitted = older ? [...secret, ...delay] : [...delay, ...secret]
  const causes = found.admitted ? admitted : [...rules, ...secret, ...delay]
  if (causes.length > 0) return {known, causes: [...sorted(causes), ...beforeAccess(facts)]}
  const replaced = said === 'open' ? [secretCause(facts, token, false)] : []
  return {known, causes: [delayed(facts, undefined), ...replaced, ...beforeAccess(facts)]}
}

/**
 * The causes for which an account does not admit a service token, or may not, whatever secret it sends; empty if it
 * certainly does. The likeliest first.
 */
export function accountCauses(
  facts: AccountFacts,
  application: Application,
  token: ServiceToken,
  request: Pick<AccessRequest, 'ip' | 'country'>,
): Cause[] {
  if (!takesServiceTokens(application.type)) return [otherType(facts, application)]
  const found = evaluation(application, token.id, facts, request)
  return [...invalidToken(facts, token), ...ruleCauses(facts, application, token, found)]
}

/** Whether the answer alone shows that Access accepted the credentials or not. `credentials-doubtful`: perhaps not. */
type Said = 'credentials-wrong' | 'credentials-doubtful' | 'credentials-right' | 'open'

/**
 * Strict authentication answers 401 to credentials that cannot authenticate and 403 to those that are not authorised
 * (Cloudflare's documentation on strict service token authentication). Two settings answer 401 to anyone who is not
 * admitted: `service_auth_401_redirect` and Managed OAuth; so does an XMLHttpRequest. A redirect to the login page may say
 * it itself (readAnswer).
 */
function whatItSays({answer, strict, sent}: RefusalFacts, application: Application): Said {
  if (answer.credentials === 'accepted') return 'credentials-right'
  if (answer.credentials === 'not-accepted') return 'credentials-doubtful'
  if (answer.reason === 'forbidden' && strict === true) return 'credentials-right'
  if (answer.reason !== 'unauthenticated') return 'open'
  if (strict === true) return 'credentials-wrong'
  return strict === undefined && whoGets401(application, sent) === undefined ? 'credentials-wrong' : 'open'
}

/** By what an application answers 401 to whom it does not admit: a clause. */
function whoGets401(
  {serviceAuth401Redirect, raw}: Application,
  {xhr = false}: RefusalFacts['sent'],
): string | undefined {
  if (serviceAuth401Redirect) return 'By its setting service_auth_401_redirect, the application answers'
  if (hasManagedOAuth(raw)) return 'By its setting Managed OAuth, the application answers'
  // Seen on an edge in October 2026.
  return xhr ? 'An XMLHttpRequest cannot log in, so Access answers' : undefined
}

/** @param serviceTokenId undefined: without a token */
function evaluation(
  application: Application,
  serviceTokenId: string | undefined,
  {groups, sent}: AccountFacts,
  from: Pick<AccessRequest, 'ip' | 'country'> = {ip: undefined, country: undefined},
): Evaluation {
  // Whether Access knows the CA of a certificate that was presented, zt does not know.
  const certificate = sent?.certificate === true ? undefined : false
  const request = {serviceTokenId, certificate, ...from}
  return evaluate({application, groups, request})
}

function knownOf(
  facts: RefusalFacts,
  application: Application,
  {name, secretVersion}: ServiceToken,
  {admitted, mayAdmit}: Evaluation,
  said: Said,
): string[] {
  const {answer, sent, secret, strict, groupsRead} = facts
  const alike = said === 'open' ? answersAlike(facts, application) : undefined
  const current = isCurrent(secret, secretVersion)
  const doubt = serviceAuthDoubt(application)
  return [
    ...(doubt === undefined ? [] : [`${doubt}.`]),
    ...(groupsRead ? [] : ['zt could not read the Access groups: the API token lacks the permission.']),
    ...(admitted ? [`The rules of "${application.name}" admit "${name}".`] : []),
    // A 403 that Access did not sign may come from before it.
    ...(said === 'credentials-right' && answer.by === 'access' ? ['Access accepted its credentials.'] : []),
    ...(said === 'credentials-doubtful' && mayAdmit ? ['Access says that it did not accept its credentials.'] : []),
    ...(alike !== undefined && (admitted || !current) ? [alike] : []),
    ...(sent.cookie === true ? [cookieInWords(application, strict)] : []),
    ...(current && admitted && said !== 'credentials-right'
      ? [`The secret that zt saved is the current one (version ${String(secretVersion)}).`]
      : []),
  ] // prettier-ignore
}

/** Why the application answers so whether the secret is right or not: a sentence. */
function answersAlike(
  {answer: {by, reason, status}, strict, sent}: RefusalFacts,
  application: Application,
): string | undefined {
  const asked401 = reason === 'unauthenticated' ? whoGets401(application, sent) : undefined
  // Unless strict authentication is on.
  const noLogin =
    reason === 'forbidden' && by === 'access' && strict === false && hasNoLogin(application.policies)
  const because =
    asked401 ?? (noLogin ? `"${application.name}" has no Allow rule, so Access answers` : undefined)
  return (
    because &&
    `${because} ${status} to every client that it does not admit, and the answer does not show whether the secret is right.`
  )
}

/**
 * An application with only Service Auth rules needs the headers on every request; one with an Allow rule also honours the
 * cookie that Access gave for it (reported by operators). Strict authentication ignores it where the headers are sent
 * (Cloudflare's documentation).
 */
function cookieInWords({name, policies}: Application, strict: boolean | undefined): string {
  if (strict === true) return 'Strict authentication ignores the CF_Authorization cookie that was sent.'
  return policies.some(({decision}) => decision === 'allow')
    ? 'Access did not accept the CF_Authorization cookie that was sent either.'
    : `"${name}" has no Allow rule, so the CF_Authorization cookie that was sent does not count: it needs the headers on every request.`
}

function noApplication(facts: RefusalFacts): Cause {
  const {host, zoneSearch, say} = facts
  const zone = {
    done: '',
    'no-zone': ` The host is in no zone of this account.`,
    'not-permitted':
      ' zt could not look for applications of its zone: the API token may not list zones (permission Zone Read).',
  }[zoneSearch]
  return {
    id: 'no-application',
    why: `No application of the account covers ${host}${facts.path === '/' ? '' : facts.path}.${zone}`,
    certain: zoneSearch !== 'not-permitted',
    next: [ztCommand(say, 'app', 'list')],
  }
}

function otherType(facts: AccountFacts, {name, type}: Application): Cause {
  return {
    id: 'application-type',
    why: `"${name}" is an application of type ${type}, which does not accept service tokens.`,
    certain: true,
    next: [show(facts)],
  }
}

function unknownToken({say}: RefusalFacts): Cause {
  return {
    id: 'token-unknown',
    why: 'The account has no service token with these credentials: it was deleted, or belongs to another account.',
    certain: true,
    next: [ztCommand(say, 'token', 'list')],
  }
}

/** A token can be both. */
function invalidToken(facts: AccountFacts, token: ServiceToken): Cause[] {
  const expired = tokenStatus({...token, enabled: true}, facts.now) === 'expired'
  const why = (status: string): string => `Service token "${token.name}" is ${status}, so it opens nothing.`
  return [
    ...(token.enabled ? [] : [cause('token-disabled', why('disabled'), onToken(facts, 'enable'))]),
    ...(expired ? [cause('token-expired', why('expired'), onToken(facts, 'refresh'))] : []),
  ]
}

function showToken({say, tokenRef, tokenZone}: AccountFacts): string {
  return ztCommand(say, 'token', 'show', tokenRef, ...inZone(tokenZone))
}

/** A change of the token; zt changes those of the account. */
function onToken(facts: AccountFacts, verb: string, ...flags: string[]): string[] {
  const {say, tokenRef, tokenZone} = facts
  return tokenZone === undefined
    ? [ztCommand(say, 'token', verb, tokenRef, ...flags)]
    : [showToken(facts), 'Change it in the dashboard: zt does not change service tokens of a zone']
}

function inZone(zone: string | undefined): string[] {
  return zone === undefined ? [] : ['--zone', zone]
}

function cause(id: CauseId, why: string, next: string[]): Cause {
  return {id, why, certain: true, next}
}

/** Why the rules refuse a valid token, or may do so. Empty if they certainly admit it. */
function ruleCauses(
  facts: AccountFacts,
  application: Application,
  token: ServiceToken,
  {admitted, mayAdmit, trace}: Evaluation,
): Cause[] {
  if (admitted) return []
  const entries = new Map(trace.map((entry) => [entry.policyId, entry]))
  const serviceAuth = application.policies.filter(({decision}) => decision === 'non_identity')
  const conditional = serviceAuth.filter((one) => waysTo(token.id, one, facts.groups).ways.length > 0)
  const doubtful = serviceAuth.filter((one) => waysTo(token.id, one, facts.groups).more)
  const missing = noRule(facts, application, token, trace)
  const main =
    conditional.length > 0
      ? conditional.map((one) => underCondition(facts, token, one, entries.get(one.id)))
      : [
          ...doubtful.map((one) => notEvaluated(facts, one, entries.get(one.id))),
          // Who does not know what a rule says must not add another one past it.
          doubtful.length === 0 ? missing : {...missing, next: [show(facts)], opens: undefined},
        ]
  const others = application.policies.filter(
    (one) => !conditional.includes(one) && !doubtful.includes(one) && maySettle(entries.get(one.id)),
  )
  const causes = [...main, ...others.map((one) => forAnyone(facts, one, entries.get(one.id)))]
  // Where a rule may let it in, something else may have refused it.
  return mayAdmit ? causes.map(possibly) : causes
}

function possibly(one: Cause): Cause {
  return {...one, certain: false}
}

/**
 * Whom the application lets in whatever credentials they send: then a wrong token or secret is no cause. `some`: perhaps
 * this client, and Access did not say that it refused it. Strict authentication looks at the credentials first.
 */
function openTo(facts: RefusalFacts, application: Application): 'everyone' | 'some' | 'no-one' {
  const {answer, strict, publicPath, sent, token} = facts
  if (publicPath) return 'everyone'
  if (strict === true) return 'no-one'
  const anyone = evaluation(application, undefined, facts)
  const known = strict === false || answer.reason !== 'unauthenticated'
  // A rule may exclude just this token.
  if (known && anyone.admitted && (!token || evaluation(application, token.id, facts).admitted))
    return 'everyone'
  const bySession = sent.cookie === true && application.policies.some(({decision}) => decision === 'allow')
  return (anyone.mayAdmit || bySession) && answer.by !== 'access' ? 'some' : 'no-one'
}

/** The causes where Access lets in everyone. */
function letIn(facts: RefusalFacts, application: Application): Causes {
  const {name} = application
  const [delay = delayed(facts, undefined)] = delayCauses(facts, ruleChanges(application, facts))
  const who = facts.publicPath
    ? `"${name}" makes this path public: Access does not ask its rules there.`
    : `The rules of "${name}" let in everyone, with and without a service token.`
  return {known: [who], causes: [delay, ...beforeAccess(facts)]}
}

/** Whether a rule that is not about the token may let it in: a Block rule does not, nor does Allow a machine. */
function maySettle(entry: PolicyTrace | undefined): boolean {
  return entry?.outcome === 'unknown' && entry.decision !== 'deny' && entry.decision !== 'allow'
}

/** A rule that lets in whoever comes from somewhere, with and without a token, or whose action zt does not know. */
function forAnyone(facts: AccountFacts, policy: Policy, entry: PolicyTrace | undefined): Cause {
  const {name, decision, include, require, exclude} = policy
  const conditions: Condition[] = [
    ...[...include, ...require].map((rule) => ({part: 'require' as const, rule})),
    ...exclude.map((rule) => ({part: 'exclude' as const, rule})),
  ]
  const from = [...new Set(conditions.flatMap(whereFrom))]
  return {
    id: from.length > 0 ? 'rule-condition' : 'rule-unknown',
    why: `The ${actionName(decision)} rule "${name}" may let it in, with and without a service token. ${entry?.why ?? ''}`,
    certain: false,
    next: [look(facts), ...from],
  }
}

/** Service Auth comes before everything else, so what decides is its condition, whatever rules come after it. */
function underCondition(
  facts: AccountFacts,
  token: ServiceToken,
  policy: Policy,
  entry: PolicyTrace | undefined,
): Cause {
  const conditions = waysTo(token.id, policy, facts.groups).ways.flat()
  return {
    id: 'rule-condition',
    why: `The Service Auth rule "${policy.name}" admits "${token.name}" only under conditions. ${entry?.why ?? ''}`,
    certain: entry?.outcome !== 'unknown',
    next: [look(facts), ...new Set(conditions.flatMap(whereFrom))],
  }
}

/** Where a request must come from to meet a condition. */
function whereFrom({part, rule}: Condition): string[] {
  const {ip, geo} = rule
  const place =
    isJsonObject(ip) && typeof ip['ip'] === 'string'
      ? `an address in ${ip['ip']}`
      : isJsonObject(geo) && typeof geo['country_code'] === 'string'
        ? `the country ${geo['country_code']}`
        : undefined
  if (place === undefined) return []
  return [part === 'require' ? `Connect from ${place}` : `Connect from elsewhere than ${place}`]
}

function notEvaluated(facts: AccountFacts, {name}: Policy, entry: PolicyTrace | undefined): Cause {
  return {
    id: 'rule-unknown',
    why: `The Service Auth rule "${name}" may include it. ${entry?.why ?? ''}`,
    certain: false,
    next: [look(facts)],
  }
}

/** No Service Auth rule names the token: the usual traps first. */
function noRule(
  facts: AccountFacts,
  application: Application,
  token: ServiceToken,
  trace: readonly PolicyTrace[],
): Cause {
  const {groups, others, say, applicationRef, tokenRef, zone, tokenZone} = facts
  const trap = trapOf(application.policies, token.id, groups)
  const elsewhere = others.find((one) => mayAdmit(token.id, one.policies, groups))
  const more = application.domains.filter((domain) => domain !== facts.host)
  const why = [
    trap ?? withoutTrap(application),
    ...(elsewhere
      ? [`Access asks only the most specific application: the rules of "${elsewhere.name}" (${elsewhere.domains[0] ?? ''}) do not count here.`]
      : []),
    `No Service Auth rule admits the service token "${token.name}".`,
    ...(more.length > 0 && zone === tokenZone
      ? [`A rule of "${application.name}" counts for ${domainsInWords(application.domains)}.`]
      : []),
  ] // prettier-ignore
  const command = ztCommand(
    say,
    'app',
    'add-rule',
    applicationRef,
    '--service-auth',
    '--token',
    tokenRef,
    ...inZone(zone),
  )
  // A person is asked before an identity rule matters; these keep the machine out on purpose.
  const block = trace.find(
    ({decision, outcome}) => decision === 'deny' && (outcome === 'matched' || outcome === 'unknown'),
  )
  const id = trap === undefined ? 'rule-missing' : 'rule-trap'
  if (zone !== tokenZone) {
    // What Cloudflare does then is documented nowhere.
    const text =
      'The application belongs to the zone and the token to the account: zt adds no rule across the two.'
    return {id, why: [...why, text].join(' '), certain: true, next: [show(facts)]}
  }
  const doubt = serviceAuthDoubt(application)
  // A rule may change nothing there.
  if (doubt !== undefined) {
    // Of a refusal it is known already.
    const said = facts.path === undefined ? [...why, `${doubt}.`] : why
    return {id, why: said.join(' '), certain: true, next: [show(facts)]}
  }
  if (!block) return {id, why: why.join(' '), certain: true, next: [command]}
  return {
    id,
    why: `${why.join(' ')} The Block rule "${block.name}" ${block.outcome === 'matched' ? 'then refuses it' : 'may then refuse it'}.`,
    certain: true,
    next: [show(facts)],
    opens: {
      command,
      past: `the Block rule "${block.name}", because Access evaluates Service Auth rules first`,
    },
  }
}

/** An explanation names this many domains and counts the rest. */
const NAMED = 3

function domainsInWords(domains: readonly string[]): string {
  const more = domains.length - NAMED
  return `${domains.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function trapOf(
  policies: readonly Policy[],
  tokenId: string,
  groups: ReadonlyMap<string, Group>,
): string | undefined {
  for (const {decision, include, name} of policies) {
    const action = decision === 'deny' ? undefined : IDLE_ACTIONS.get(decision)
    if (action === undefined) continue
    if (include.some((one) => namesToken(one, tokenId)))
      return `The rule "${name}" names the token under the action ${action}.`
    const group = groupHolding(tokenId, include, groups)
    if (group)
      return `The rule "${name}" names the token's Access group "${group.name}" under the action ${action}.`
    if (include.some((one) => Object.hasOwn(one, 'any_valid_service_token')))
      return `The rule "${name}" names every service token under the action ${action}.`
  }
  return undefined
}

function withoutTrap({name, policies}: Application): string {
  if (policies.length === 0) return `The application "${name}" has no rules.`
  return policies.every(({decision}) => decision === 'allow')
    ? `The application "${name}" has only identity rules (${policies.map((one) => `"${one.name}"`).join(', ')}), which require a person's login.`
    : `No rule of "${name}" admits it.`
}

function isCurrent(secret: SecretSource, version: number | undefined): boolean {
  return secret.from === 'store' && !secret.imported && version !== undefined && secret.version === version
}

/** How many times the token was rotated since its secret was saved; undefined: not known. */
function rotationsSince(
  {secretVersion: version}: {secretVersion?: number | undefined},
  {secretVersion}: ServiceToken,
): number | undefined {
  return version === undefined || secretVersion === undefined ? undefined : secretVersion - version
}

/** Whether the secret that a store has is certainly not the current one: the token was rotated elsewhere. */
export function isOlderSecret(entry: {secretVersion?: number | undefined}, token: ServiceToken): boolean {
  return (rotationsSince(entry, token) ?? 0) > 0
}

function isOlder(secret: SecretSource, token: ServiceToken): boolean {
  return secret.from === 'store' && isOlderSecret({secretVersion: secret.version}, token)
}

/** Access accepts the previous secret during its grace period, whose end Cloudflare does not show, and none before it. */
function isOutdated(secret: SecretSource, token: ServiceToken): boolean {
  return secret.from === 'store' && (rotationsSince({secretVersion: secret.version}, token) ?? 0) > 1
}

/** That the secret which is stored here is not the current one, where that is certain: a sentence. */
export function olderSecret(secret: SecretSource, token: ServiceToken): string | undefined {
  if (secret.from !== 'store' || !isOlder(secret, token)) return undefined
  const grace = isOutdated(secret, token) ? '' : ' It works until the end of a grace period, if there is one.'
  return `The secret that is stored here is version ${String(secret.version)}, and the token's current one is version ${String(token.secretVersion)}: it was rotated elsewhere.${grace}`
}

/** The secret that was sent is not one that Access accepts, certainly or perhaps. */
function secretCause(facts: RefusalFacts, token: ServiceToken, certain: boolean): Cause {
  const {secret, answer} = facts
  const unaccepted =
    certain && answer.reason === 'unauthenticated'
      ? `The edge does not accept the credentials, although "${token.name}" is enabled and has not expired. `
      : ''
  const older = isOlder(secret, token)
  return {
    id: 'secret',
    why: `${unaccepted}${older ? '' : `The secret that was sent ${certain ? 'is not' : 'may not be'} the token's current one. `}${whereItIsFrom(facts, token)}`,
    certain,
    ...(older ? {} : {decide: showToken(facts)}),
    next:
      secret.from === 'environment'
        ? ['Set the client ID and the client secret in the environment to the current pair']
        : [...onToken(facts, 'import', '--replace'), ...onToken(facts, 'rotate')],
  }
}

/** What is known of the secret that was sent, and what is not: a sentence. */
function whereItIsFrom({secret}: RefusalFacts, token: ServiceToken): string {
  if (secret.from === 'environment') return 'It is from the environment, and zt cannot compare it.'
  if (secret.from === 'unknown' || secret.version === undefined || token.secretVersion === undefined)
    return 'zt does not know whether it was rotated elsewhere since it was saved.'
  const version = String(secret.version)
  const older = olderSecret(secret, token)
  if (older !== undefined) return older
  return secret.imported
    ? 'It was imported, and Cloudflare does not show whether it is the right one.'
    : `zt saved it as version ${version}, which is the current one: the store may have changed since.`
}

/** What was changed, and when as the API says. */
interface Change {
  what: string
  at: unknown
}

function tokenChange({name, updatedAt}: ServiceToken): Change {
  return {what: `the service token "${name}"`, at: updatedAt}
}

function ruleChanges({name, policies, raw}: Application, {groups}: RefusalFacts): Change[] {
  return [
    {what: `"${name}"`, at: raw['updated_at']},
    ...policies.map((policy) => ({what: `the rule "${policy.name}"`, at: policy.raw['updated_at']})),
    ...[...groups.values()].map((group) => ({
      what: `the Access group "${group.name}"`,
      at: group.raw['updated_at'],
    })),
  ]
}

/** The edge may not know a change yet. Empty if nothing was changed lately. */
function delayCauses(facts: RefusalFacts, changes: readonly Change[]): Cause[] {
  const recent = changes.find(
    ({at}) => typeof at === 'string' && Math.abs(facts.now - Date.parse(at)) < RECENT_MS,
  )
  return recent ? [delayed(facts, recent.what)] : []
}

function delayed({say, host, path, bound, application}: RefusalFacts, what: string | undefined): Cause {
  const http = path !== '/' || serviceKind({host, type: application?.type}) === 'http'
  const again = http ? ['curl', `https://${host}${path}`] : ['ssh', 'check', host]
  return {
    id: 'edge-delay',
    why: `${what === undefined ? 'A change' : `A change of ${what}, which was a short while ago,`} may not have reached the edge yet (it takes up to about 85 seconds).`,
    certain: false,
    next: [bound ? ztCommand(say, ...again) : 'Run the command again in two minutes'],
  }
}

/** A 403 that Access did not sign may come from before it. */
function beforeAccess({answer, host}: RefusalFacts): Cause[] {
  if (answer.reason !== 'forbidden' || answer.by !== 'unknown') return []
  return [
    {
      id: 'zone-rules',
      why: 'A firewall or bot rule of the zone may have blocked the request before Access.',
      certain: false,
      next: [`Look for the request to ${host} among the zone's security events`],
    },
  ]
}

/** Certain causes first; otherwise in their order. */
function sorted(causes: readonly Cause[]): Cause[] {
  return [...causes.filter(({certain}) => certain), ...causes.filter(({certain}) => !certain)]
}

/** The command that shows what each rule says; where it is running, that which shows the rules. */
function look(facts: AccountFacts): string {
  const {say, host, path, tokenRef} = facts
  if (path === undefined) return show(facts)
  return ztCommand(say, 'app', 'explain', path === '/' ? host : host + path, '--token', tokenRef)
}

function show({say, applicationRef, zone}: AccountFacts): string {
  return ztCommand(say, 'app', 'show', applicationRef, ...inZone(zone))
}
