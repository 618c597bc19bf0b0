import type {PermissionState, ServiceToken} from '../../../api/types.js'
import {askInTurn} from '../../../access/account/ask-each.js'
import {KINDS} from '../../../access/audit/kinds.js'
import {withoutToken} from '../../../access/audit/read.js'
import {isOlderSecret} from '../../../access/explain/causes.js'
import {groupsOf, zoneOf} from '../../../access/explain/explain.js'
import {ztCommand} from '../../../core/command-line.js'
import {ApiError, UserError} from '../../../core/errors.js'
import {unsetting} from '../../../core/shell-words.js'
import {hostOf} from '../../../core/public-address.js'
import {findApplication} from '../../../policy/application-match.js'
import {mayAdmit} from '../../../policy/references.js'
import type {HostBinding, IndexEntry} from '../../../secrets/index-files.js'
import type {AccessContext} from '../../../access/account/context.js'
import type {Says} from '../../finding.js'
import type {DoctorWorld, Finding} from '../../types.js'
import {isNoAnswer, type Facts} from './facts.js'
import {counted, type RemoteCheck} from './finding.js'

const DAY_MS = 24 * 3600 * 1000
/** Before this many days, an end is worth a warning. */
const SOON_DAYS = 14
/** Where a person edits API tokens. */
const TOKENS_PAGE = {
  user: 'https://dash.cloudflare.com/profile/api-tokens',
  account: 'https://dash.cloudflare.com/?to=/:account/api-tokens',
}

export const accountChecks: readonly RemoteCheck[] = [
  {
    ...{id: 'api-token', area: 'account', title: 'API token', doing: 'Asking about the API token'},
    look: apiToken,
  },
  {
    ...{id: 'account', area: 'account', title: 'Account', doing: 'Asking about the account'},
    look: async (facts, world, says) => {
      const look = (): Promise<Finding[]> => account(facts, world, says)
      return (await facts.noAccount())?.unseen === true ? look() : ofAccount(facts, says, look)
    },
  },
  {
    ...{id: 'permissions', area: 'account', title: 'Permissions', doing: 'Checking the permissions'},
    look: (facts, world, says) => ofAccount(facts, says, () => permissions(facts, world, says)),
  },
  {
    ...{id: 'service-tokens', area: 'account', title: 'Service tokens', doing: 'Reading the service tokens'},
    look: (facts, world, says) => ofAccount(facts, says, () => serviceTokens(facts, world, says)),
  },
  {
    ...{id: 'host-bindings', area: 'account', title: 'Bound hosts', doing: 'Looking for the bound hosts'},
    look: hostBindings,
  },
]

/** Skipped where the account cannot be asked, or the API token may not read what this is about. */
async function ofAccount(facts: Facts, says: Says, look: () => Promise<Finding[]>): Promise<Finding[]> {
  const none = await facts.noAccount()
  if (none) return [says.skipped(none.why)]
  try {
    return await look()
  } catch (error) {
    // The check of the permissions names them, and that of the API says why it does not answer.
    if (error instanceof UserError && error.kind === 'permission')
      return [says.skipped('the API token may not read it')]
    if (error instanceof UserError && isNoAnswer(error)) return [says.skipped('the API does not answer')]
    throw error
  }
}

async function apiToken(facts: Facts, {ctx, settings}: DoctorWorld, says: Says): Promise<Finding[]> {
  const none = await facts.noAccount()
  const token = await facts.apiToken().catch(() => undefined)
  if (!token) {
    // A job has the service token's pair, and needs no account.
    if (none?.error === undefined && settings.environmentCredentials)
      return [says.skipped('none; the service token of the environment needs none')]
    if (none?.error) return [says.error(none.error)]
    const error = await facts.identity().then(
      () => undefined,
      (one: unknown) => one,
    )
    return error instanceof UserError ? [says.error(error, {state: 'warn'})] : []
  }
  if (none?.error && isNoAnswer(none.error)) return [says.skipped(none.why)]
  if (none?.error) return [says.error(none.error)]
  const {apiToken: known} = await facts.identity()
  const {status, owner, expiresOn, notBefore} = known
  const from = token.source === 'environment' ? 'CLOUDFLARE_API_TOKEN' : `the ${settings.apiTokenStore ?? ''}`
  const renew = [
    `Extend it, or make another one, at ${TOKENS_PAGE[owner]}`,
    token.source === 'environment' ? 'Set CLOUDFLARE_API_TOKEN to the new one' : ztCommand(ctx, 'login'),
  ]
  const now = await facts.now()
  const from_ = Date.parse(notBefore ?? '')
  if (from_ > now)
    return [
      says.fail(`It is valid only from ${new Date(from_).toISOString()} on`, {
        why: 'Cloudflare does not accept an API token before its start.',
        next: renew,
      }),
    ]
  if (status !== 'active')
    return [says.fail(`It is ${status}`, {why: 'Cloudflare accepts only an active one.', next: renew})]
  const end = Date.parse(expiresOn ?? '')
  const days = Math.floor((end - now) / DAY_MS)
  const of = `${owner === 'account' ? "the account's" : "a user's"}, from ${from}`
  if (days < SOON_DAYS)
    return [
      says.warn(`It expires ${days < 1 ? 'within a day' : `in ${counted(days, 'day')}`} (${of})`, {
        next: renew,
        facts: {expiresOn: expiresOn ?? null},
      }),
    ]
  return [says.ok(`${status}, ${of}${Number.isNaN(end) ? '' : `, expires on ${day(end)}`}`)]
}

async function account(facts: Facts, {ctx, settings}: DoctorWorld, says: Says): Promise<Finding[]> {
  const {accounts} = await facts.identity()
  const {accountId} = await ctx.api()
  if (accounts.length === 0) return [says.skipped('the API token may not list accounts')]
  const one = accounts.find(({id}) => id === accountId)
  if (one) return [says.ok(`"${one.name}" (${one.id})`, {foreign: [one.name]})]
  return [
    says.fail(`The API token does not see the account "${settings.accountName ?? accountId ?? ''}"`, {
      why: `It sees ${accounts.map(({name}) => `"${name}"`).join(', ')}.`,
      next: [
        settings.accountSource === 'environment'
          ? unsetting(['CLOUDFLARE_ACCOUNT_ID'])
          : ztCommand(ctx, 'login'),
      ],
      foreign: [settings.accountName ?? '', ...accounts.map(({name}) => name)],
    }),
  ]
}

async function permissions(facts: Facts, {ctx}: DoctorWorld, says: Says): Promise<Finding[]> {
  const {apiToken: {owner}} = await facts.identity()
  const states = await (await ctx.api()).probePermissions()
  const named = (state: PermissionState['state']): string[] =>
    states.filter((one) => one.state === state).map(({group}) => group)
  const missing = named('no')
  const unknown = named('unknown')
  if (missing.length > 0)
    return [
      says.warn(`It lacks ${missing.map((one) => `"${one}"`).join(', ')}`, {
        why: 'Commands that need a missing permission fail.',
        next: [ztCommand(ctx, 'whoami'), `Add what you need to the API token at ${TOKENS_PAGE[owner]}`],
        facts: {missing: missing.length},
      }),
    ]
  if (unknown.length > 0) return [says.skipped(`zt could not find out about ${unknown.join(', ')}`)]
  return [says.ok(`all ${states.length} that zt uses`)]
} // prettier-ignore

/** Those whose secrets this machine has. One may have several faults, each with its own cure. */
async function serviceTokens(facts: Facts, {ctx}: DoctorWorld, says: Says): Promise<Finding[]> {
  const api = await ctx.api()
  const entries = (await facts.entries()).filter(({accountId}) => accountId === api.accountId)
  if (entries.length === 0) return [says.skipped('this machine has no secret of the account')]
  const [tokens, now] = await Promise.all([facts.serviceTokens(), facts.now()])
  const gone = await withoutToken(ctx, api, entries, tokens)
  const lost = typeof gone === 'string' ? [] : gone
  const used = entries.flatMap((entry) => {
    const token = tokens.find(({id}) => id === entry.tokenId)
    return token ? [{entry, token}] : []
  })
  const findings = [
    ...lost.map((entry) => noLongerThere(ctx, says, entry)),
    ...used.flatMap(({entry, token}) =>
      stateOf(ctx, says, {entry, token, tokens, now}).map((one) => ({...one, foreign: [token.name]})),
    ),
  ]
  return findings.length > 0 ? findings : [says.ok(`${counted(used.length, 'token')} in use here`)]
}

function noLongerThere(ctx: AccessContext, says: Says, {tokenId, name, store}: IndexEntry): Finding {
  return says.warn(`The ${store} has the secret of "${name}", which no longer exists`, {
    at: 'gone',
    why: `No service token of the account has the ID ${tokenId}.`,
    next: [ztCommand(ctx, 'token', 'revoke', tokenId)],
  })
}

interface Used {
  entry: IndexEntry
  token: ServiceToken
  tokens: readonly ServiceToken[]
  now: number
}

function stateOf(ctx: AccessContext, says: Says, {entry, token, tokens, now}: Used): Finding[] {
  const {id, name, enabled, expiresAt, secretVersion} = token
  const ref = tokens.some((one) => one.id !== id && one.name === name) ? id : token
  const end = Date.parse(expiresAt ?? '')
  const found: Finding[] = []
  if (!enabled)
    found.push(
      says.fail(`"${name}" is disabled`, {
        at: 'disabled',
        why: 'Access refuses it everywhere.',
        next: [ztCommand(ctx, 'token', 'enable', ref)],
      }),
    )
  const days = Math.floor((end - now) / DAY_MS)
  if (end <= now)
    found.push(
      says.fail(`"${name}" expired on ${day(end)}`, {
        at: 'expired',
        why: 'Access refuses it everywhere.',
        next: [ztCommand(ctx, 'token', 'refresh', ref)],
      }),
    )
  else if (days < SOON_DAYS)
    found.push(
      says.warn(
        `"${name}" expires ${days < 1 ? 'within a day' : `in ${counted(days, 'day')}`}, on ${day(end)}`,
        {at: 'expiring', why: KINDS.expiring.remedy, next: [ztCommand(ctx, 'token', 'refresh', ref)]},
      ),
    )
  const {secretVersion: stored} = entry
  if (isOlderSecret(entry, token))
    found.push(
      says.fail(`The secret of "${name}" here is not the current one`, {
        at: 'rotated',
        why: `The secret that is stored here is version ${stored}, and the token's current one is version ${secretVersion}: it was rotated elsewhere.`,
        next: [ztCommand(ctx, 'token', 'import', ref, '--replace'), ztCommand(ctx, 'token', 'rotate', ref)],
      }),
    )
  return found
}

/** Hosts for which this profile has a token. The one that the person asked about is looked at more closely elsewhere. */
async function hostBindings(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]> {
  const {ctx} = world
  const bindings = await facts.bindings()
  if (bindings.length === 0) return [says.skipped('no host is bound in this profile')]
  const asked = world.host === undefined ? undefined : await facts.host().catch(() => undefined)
  const others = bindings.filter(({host}) => host !== asked)
  const led = await ofAccount(facts, says, () => leading(facts, ctx, says, others))
  const all = led.filter(({state}) => state !== 'ok')
  if (all.some(({state}) => state !== 'skipped')) return all.filter(({state}) => state !== 'skipped')
  return all.length > 0 ? all : [says.ok(`${counted(bindings.length, 'host')} bound`)]
}

/** Whether an application with a rule for the token is behind each. */
async function leading(
  facts: Facts,
  ctx: AccessContext,
  says: Says,
  bindings: readonly HostBinding[],
): Promise<Finding[]> {
  const [api, applications, tokens] = await Promise.all([
    ctx.api(),
    facts.applications(),
    facts.serviceTokens(),
  ])
  const findings: Finding[] = []
  await askInTurn(api, bindings, async ({host, tokenId}) => {
    const name = hostOf(host).replaceAll('*', 'any')
    const address = {host: name, path: host.includes('/') ? host.slice(host.indexOf('/')) : '/'}
    const own = findApplication(address, applications)?.application
    // What belongs to a zone is not in the account's list.
    const zone = own || api.zoneId !== undefined ? undefined : await zoneOf(api, name)
    const application = own ?? (zone && findApplication(address, zone.applications)?.application)
    const token = tokens.find(({id}) => id === tokenId)
    if (!application) {
      if (zone?.search === 'not-permitted') return
      findings.push(
        says.warn(`No application covers ${host}, to which "${token?.name ?? tokenId}" is bound`, {at: 'no-application', 
          why: 'Access is not asked there, so the service token opens nothing.',
          next: [ztCommand(ctx, 'app', 'list')],
          foreign: [host, token?.name ?? ''],
        }),
      ) // prettier-ignore
      return
    }
    // That the token itself is gone, disabled or another zone's is said elsewhere.
    if (!token || zone) return
    const {groups, groupsRead} = await groupsOf(api, undefined, application.policies)
    if (!groupsRead || mayAdmit(tokenId, application.policies, groups)) return
    findings.push(
      says.fail(`No rule of "${application.name}" admits "${token.name}", which is bound to ${host}`, {at: 'no-rule', 
        why: 'Access refuses it there.',
        next: [ztCommand(ctx, 'app', 'explain', application, '--token', token)],
        foreign: [host, application.name, token.name],
      }),
    ) // prettier-ignore
  })
  return findings
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** Whether Cloudflare asked for a pause. */
export function isRateLimited(error: UserError | undefined): error is ApiError {
  return error instanceof ApiError && error.code === 'RATE_LIMITED'
}
