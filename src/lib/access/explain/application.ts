import type {AccessApi, Application, Group, Policy, ServiceToken} from '../../api/types.js'
import {ztCommand} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import {normalisePath} from '../../core/normalise-url.js'
import {addressOf} from '../../core/public-address.js'
import {acceptsToken, edgeAnswer, type EdgeAnswer, type EdgeRequest} from '../../policy/edge.js'
import {evaluate} from '../../policy/evaluate.js'
import {findApplication} from '../../policy/application-match.js'
import type {AccessRequest} from '../../policy/types.js'
import {trapsAt, trapsOf, type Trap} from '../../policy/traps.js'
import type {AccountRules} from '../../policy/references.js'
import {cloudflareNow} from '../account/clock.js'
import type {AccessContext} from '../account/context.js'
import {isStrict} from '../account/organization.js'
import {resolveApplication, resolveToken} from '../account/resolve.js'
import {kindOf, serviceAuthDoubt} from '../applications/kinds.js'
import {policiesInWords, type PolicyInWords} from '../rules/in-words.js'
import {tokenStatus, type KnownToken} from '../tokens/list.js'
import {accountCauses, olderSecret, type AccountFacts, type Cause} from './causes.js'
import {groupsOf, isForbidden, unambiguous, zoneOf} from './explain.js'
import {remediesFor, type Remedy} from './remedies.js'

export type {EdgeAnswer, EdgeReason} from '../../policy/edge.js'
export type {PolicyTrace, UnknownFact} from '../../policy/types.js'

/** Who asks: a service token by name, a person, or a client without credentials. */
export type Client =
  | {kind: 'token'; wanted: string}
  | {kind: 'person'; email: string; groups: readonly string[] | undefined}
  | {kind: 'none'}

export interface ExplainOptions {
  /** An application by name or ID, or a host or URL, which means the application that Access asks. */
  wanted: string
  /** Whether `wanted` is a host, and no name: an application that only has that name is not meant. */
  onlyByAddress?: boolean | undefined
  ip?: string | undefined
  country?: string | undefined
  /** The zone whose objects are used, as the person named it; undefined: the account. */
  zone?: string | undefined
}

/** A service token with its state. */
export interface TokenState {
  id: string
  name: string
  status: KnownToken['status']
}

/** What Access answers to one client, and why. */
export interface ClientAnswer {
  client: {kind: 'token'; token: TokenState} | Exclude<Client, {kind: 'token'}>
  answer: EdgeAnswer
  /** For a service token that is not certainly admitted: why, and what removes that. */
  causes: Cause[]
  /** What else is certain of the client: sentences without full stop. */
  warnings: string[]
}

/** Who gets into an application. */
export interface Admission {
  tokens: {
    token: TokenState
    admitted: 'yes' | 'conditional' | 'no'
    policy: Policy | undefined
    why: string
  }[]
  /** A client without credentials. */
  everyone: {admitted: 'yes' | 'conditional' | 'no'; policy: Policy | undefined; why: string}
  /** The rules that are for people who log in, in order. */
  people: {policy: Policy; words: PolicyInWords}[]
}

/** A trap that touches the application, and what removes it. */
export interface ExplainedTrap extends Trap {
  remedies: Remedy[]
}

/** An application with everything that explaining its answers needs. */
export interface ExplainedApplication {
  application: Application
  /** The host and path that were asked for; undefined: the application as a whole. */
  address: {host: string; path: string} | undefined
  /** The zone that it belongs to, if it was looked for in the account; undefined: it is where it was looked for. */
  zone: string | undefined
  traps: ExplainedTrap[]
  /** What could not be read, and what else could have been meant: sentences without full stop. */
  warnings: string[]
  /** Answers one client. */
  answerTo(client: Client): ClientAnswer
  /** Who gets in. */
  admission(): Promise<Admission>
  /** The service token that this profile uses for the host. */
  bound(): Promise<string | undefined>
}

/** Where a request comes from, as far as it is known. */
type From = Pick<AccessRequest, 'ip' | 'country'>

/**
 * Reads an application and what decides about its requests. Permissions that the API token lacks make answers less
 * certain, and are among the warnings.
 *
 * @throws UserError `not-found` / `APPLICATION_NOT_FOUND`; `ambiguous` / `APPLICATION_AMBIGUOUS`; `usage` / `NOT_PROTECTED`
 */
export async function explainApplication(
  ctx: AccessContext,
  {wanted, onlyByAddress, ip, country, zone: ownZone}: ExplainOptions,
): Promise<ExplainedApplication> {
  const api = await ctx.api()
  ctx.progress.step('Reading the application')
  const named = addressOf(wanted)
  const address =
    named && !named.host.includes('*') ? {host: named.host, path: normalisePath(named.path)} : undefined
  const [listed, zone] = await Promise.all([
    api.listApplications(),
    address && api.zoneId === undefined ? zoneOf(api, address.host) : undefined,
  ])
  const ofZone = zone?.applications ?? []
  const all = [...listed.filter(({id}) => !ofZone.some((one) => one.id === id)), ...ofZone]
  const {application: found, notes} = resolved(ctx, wanted, all, {
    asks: address !== undefined,
    onlyByAddress,
    zone,
  })
  if (!kindOf(found.type).protects) throw notProtected(ctx, found)
  const inZone = zone?.api && ofZone.includes(found) ? {...zone, api: zone.api} : undefined
  const own = inZone?.api ?? api
  const [policies, tokens, strict, secrets] = await Promise.all([
    own.listApplicationPolicies(found.id),
    readTokens(api, inZone?.api),
    isStrict(api),
    ctx.index.list(ctx.profile),
  ])
  const application = {...found, policies}
  const applications = all.map((one) => (one === found ? application : one))
  const {groups, groupsRead} = await groupsOf(
    api,
    inZone?.api,
    applications.flatMap((one) => one.policies),
  )
  const now = cloudflareNow(ctx, api)
  const known =
    tokens instanceof UserError
      ? tokens
      : tokens.map(({token, zone: where}): KnownState => ({
          token,
          state: {id: token.id, name: token.name, status: tokenStatus(token, now)},
          zone: where === 'zone' ? inZone?.name : ownZone,
        }))
  const account = {policies: [], groups: [...groups.values()], applications}
  // A name may look like a host.
  const answers = address && findApplication(address, all)?.application === found
  const place = answers ? address : undefined
  const scene: Scene = {
    ...{ctx, application, account, groups, strict, address: place, from: {ip, country}},
    ...{zone: inZone?.name ?? ownZone, now, tokens: known, api: own, secrets},
  }
  return {
    application,
    address: place,
    zone: inZone?.name,
    traps: trapsOfScene(scene, groupsRead),
    warnings: [
      ...notes,
      ...doubts(application),
      ...(groupsRead ? [] : ['zt could not read the Access groups, so it did not look for traps: the API token lacks the permission']),
      ...(strict === undefined ? ["zt could not read the organisation's settings, such as strict authentication: the API token may lack the permission"] : []),
      ...(known instanceof UserError ? ['zt could not read the service tokens: the API token lacks the permission'] : []),
      ...(zone?.search === 'not-permitted'
        ? ["zt could not look for applications of the host's zone: the API token may not list zones (permission Zone Read)"]
        : []),
    ],
    answerTo: (client) => answerTo(scene, client),
    admission: () => admission(scene),
    bound: () => bound(scene),
  } // prettier-ignore
}

/** @throws UserError `permission` / `ZONES_NOT_LISTED` where it may be an application of the host's zone */
function resolved(
  ctx: AccessContext,
  wanted: string,
  all: readonly Application[],
  {zone, ...how}: {asks: boolean; onlyByAddress: boolean | undefined; zone: {search: string} | undefined},
): ReturnType<typeof resolveApplication> {
  try {
    return resolveApplication(ctx, wanted, all, how)
  } catch (error) {
    const isGone = error instanceof UserError && error.code === 'APPLICATION_NOT_FOUND'
    if (!isGone || zone?.search !== 'not-permitted') throw error
    throw new UserError({
      kind: 'permission',
      code: 'ZONES_NOT_LISTED',
      message: `The account has no application for "${wanted}", and the API token may not look for one of its zone`,
      why: 'That needs the permission "Zone Read".',
      next: ['Give the ID of the zone: --zone ID (the dashboard shows it on the overview page of the zone)'],
      cause: error,
    })
  }
}

interface Scene {
  ctx: AccessContext
  api: AccessApi
  application: Application
  address: {host: string; path: string} | undefined
  account: AccountRules
  groups: ReadonlyMap<string, Group>
  strict: boolean | undefined
  from: From
  zone: string | undefined
  now: number
  /** Or why they could not be read. */
  tokens: readonly KnownState[] | UserError
  /** Those that are stored on this machine. */
  secrets: Awaited<ReturnType<AccessContext['index']['list']>>
}

interface KnownState {
  token: ServiceToken
  state: TokenState
  /** The zone that it belongs to; undefined: the account. */
  zone: string | undefined
}

/** Whether Service Auth rules count there, where it is not documented. */
function doubts(application: Application): string[] {
  const doubt = serviceAuthDoubt(application)
  const counts = application.policies.some(({decision}) => decision === 'non_identity')
  return counts && kindOf(application.type).serviceAuth === 'unclear' && doubt !== undefined ? [doubt] : []
}

function notProtected(ctx: AccessContext, application: Application): UserError {
  const {name, type} = application
  return new UserError({
    kind: 'usage',
    code: 'NOT_PROTECTED',
    message: `"${name}" protects nothing`,
    why: `${kindOf(type).why ?? ''}.`,
    next: [ztCommand(ctx, 'app', 'show', application)],
  })
}

/** Those of the account and of the zone; or the error where the API token may not read them. */
async function readTokens(
  api: AccessApi,
  zone: AccessApi | undefined,
): Promise<{token: ServiceToken; zone: 'zone' | 'own'}[] | UserError> {
  try {
    const [own, more] = await Promise.all([api.listServiceTokens(), zone ? zone.listServiceTokens() : []])
    const ofZone = more.filter(({id}) => !own.some((one) => one.id === id))
    return [
      ...own.map((token) => ({token, zone: 'own' as const})),
      ...ofZone.map((token) => ({token, zone: 'zone' as const})),
    ]
  } catch (error) {
    if (isForbidden(error)) return error
    throw error
  }
}

/** @throws the error where the API token may not read them */
function readable({tokens}: Scene): readonly KnownState[] {
  if (tokens instanceof UserError) throw tokens
  return tokens
}

function trapsOfScene(
  {application, account, tokens, zone, ctx}: Scene,
  groupsRead: boolean,
): ExplainedTrap[] {
  const states = tokens instanceof UserError ? undefined : tokens.map(({state}) => state)
  const facts = {say: ctx, account, tokens: states ?? [], zone}
  // Which rules name what is not known without the groups.
  return trapsAt(application.id, groupsRead ? trapsOf(account, states) : []).map((trap) => ({
    ...trap,
    remedies: remediesFor(trap, facts),
  }))
}

async function bound({ctx, application, address}: Scene): Promise<string | undefined> {
  const places = address ? [address] : application.domains.flatMap((domain) => addressOf(domain) ?? [])
  for (const {host, path} of places) {
    const binding = await ctx.index.bindingFor(ctx.profile, host, path)
    if (binding) return binding.tokenId
  }
  return undefined
}

function answerTo(scene: Scene, client: Client): ClientAnswer {
  if (client.kind !== 'token') return {client, answer: edgeOf(scene, client), causes: [], warnings: []}
  const {ctx, application} = scene
  const tokens = readable(scene)
  const all = tokens.map(({token}) => token)
  const token = resolveToken(ctx, client.wanted, all)
  const known = tokens.find((one) => one.token === token)
  const answer = edgeOf(scene, client, token)
  const certain = answer.verdict === 'allow' || answer.verdict === 'bypass'
  const stored = scene.secrets.find(({tokenId}) => tokenId === token.id)
  const older =
    stored &&
    olderSecret({from: 'store', version: stored.secretVersion, imported: stored.imported ?? false}, token)
  return {
    client: {kind: 'token', token: known?.state ?? {id: token.id, name: token.name, status: 'active'}},
    answer,
    causes: certain
      ? []
      : accountCauses(factsFor(scene, token, all, known?.zone), application, token, scene.from),
    warnings: older === undefined ? [] : [older.replace(/\.$/, '')],
  }
}

/** The application alone: which one answers is known. */
function edgeOf({application, groups, strict, address, from, now}: Scene, client: Client, token?: ServiceToken): EdgeAnswer {
  const {host, path, domain} = placeOf(application, address)
  const request: EdgeRequest = {
    host,
    path,
    credentials: token && {presented: 'headers', tokenId: token.id, accepted: acceptsToken(token, 'current', {now})},
    client: {
      ...from,
      certificate: client.kind === 'person' ? undefined : false,
      person:
        client.kind === 'person'
          ? {email: client.email, groups: client.groups?.map((name) => ({name}))}
          : undefined,
    },
    session: false,
    browser: client.kind === 'person',
  }
  const domains = domain === undefined ? application.domains : [domain]
  const answer = edgeAnswer({applications: [{...application, domains}], groups, strict, unmatched: undefined, withoutAllow: 'forbidden'}, request)
  // Who is not admitted there meets no HTTP answer.
  return kindOf(application.type).connects ? answer : {...answer, possible: answer.possible.map((one) => ({...one, status: undefined}))}
} // prettier-ignore

/** The host of an application without a public domain. */
const NOWHERE = 'application.invalid'

/** A host and path of the application: those that were asked for, or of its first domain. */
function placeOf(
  {domains}: Application,
  address: Scene['address'],
): {host: string; path: string; domain: string | undefined} {
  if (address) return {...address, domain: undefined}
  const [first] = domains
  const {host, path} = addressOf((first ?? NOWHERE).replaceAll('*', 'any')) ?? {host: NOWHERE, path: '/'}
  // A pattern that covers none of its own hosts: the application as a whole.
  const covered = first !== undefined && findApplication({host, path}, [{domains: [first]}]) !== undefined
  return covered ? {host, path, domain: first} : {host: NOWHERE, path: '/', domain: NOWHERE}
}

function factsFor(
  scene: Scene,
  token: ServiceToken,
  tokens: readonly ServiceToken[],
  tokenZone: string | undefined,
): AccountFacts {
  const {ctx, application, account, address, groups, now, zone} = scene
  const {applications} = account
  const others = address ? (findApplication(address, applications)?.others ?? []) : []
  return {
    say: ctx,
    host: address?.host ?? application.domains[0] ?? '',
    ...{now, others, zone, groups},
    tokenZone,
    applicationRef: unambiguous(application, applications),
    tokenRef: unambiguous(token, tokens),
  }
}

async function admission(scene: Scene): Promise<Admission> {
  const {application, groups, from, api, strict} = scene
  const tokens = readable(scene)
  const people = application.policies.filter(({decision}) => decision === 'allow' || decision === 'deny')
  const words = await policiesInWords(api, people)
  const asks = (serviceTokenId: string | undefined) => {
    const request = {...from, serviceTokenId, certificate: false} as const
    const {admitted, mayAdmit, policy, trace} = evaluate({application, groups, request})
    const first = (outcome: string) => trace.find((one) => one.outcome === outcome)
    const decided = first('matched')
    const doubt = first('unknown')
    return {
      admitted: admitted ? ('yes' as const) : mayAdmit ? ('conditional' as const) : ('no' as const),
      policy: admitted || mayAdmit ? (policy ?? application.policies.find(({id}) => id === doubt?.policyId)) : undefined,
      why: admitted ? (decided?.why ?? '') : mayAdmit ? (doubt?.why ?? '') : 'No rule admits it.',
    }
  }
  return {
    tokens: tokens
      .map(({token, state}) => {
        if (state.status === 'active') return {token: state, ...asks(token.id)}
        // Strict authentication refuses it; otherwise it counts as no credentials.
        const anyone = asks(undefined)
        if (strict !== true && anyone.admitted !== 'no') return {token: state, ...anyone}
        return {token: state, admitted: 'no' as const, policy: undefined, why: `It is ${state.status}.`}
      })
      .sort((a, b) => ORDER.indexOf(a.admitted) - ORDER.indexOf(b.admitted) || a.token.name.localeCompare(b.token.name)),
    everyone: asks(undefined),
    people: people.map((policy, at) => ({policy, words: words[at] ?? {include: [], require: [], exclude: []}})),
  }
} // prettier-ignore

const ORDER = ['yes', 'conditional', 'no'] as const
