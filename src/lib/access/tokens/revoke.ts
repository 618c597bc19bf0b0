import {isDeepStrictEqual} from 'node:util'
import type {AccessApi, ServiceToken} from '../../api/types.js'
import {ApiError, UserError} from '../../core/errors.js'
import {isDirect, tokenReferences, type TokenReference} from '../../policy/token-references.js'
import {requireReady} from '../../secrets/open.js'
import type {IndexEntry} from '../../secrets/types.js'
import {readAccountRules} from '../account/account-rules.js'
import {actionName} from '../rules/action-name.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {withEditLock} from '../edit/lock.js'
import {planDetach, type DetachStep, type PlannedChange} from './detach.js'
import {ensureDeleted, persistently, readToken} from './operations.js'
import {requireMeant, resolveToken} from '../account/resolve.js'
import {withTokenLock} from './lock.js'

export type {DetachStep} from './detach.js'
export type {TokenReference} from '../../policy/token-references.js'

/** What a revocation would do, or has done. */
export interface Revocation {
  token: {id: string; name: string; clientId: string}
  /** False: Cloudflare knows the token no more, and only what is left on this machine is removed. */
  exists: boolean
  references: TokenReference[]
  /** In the order in which it is done. */
  detach: DetachStep[]
  /** Stores on this machine that have its secret. */
  stores: IndexEntry['store'][]
  /** Hosts for which this machine uses it. */
  hosts: string[]
  warnings: string[]
}

export interface RevokeResult extends Revocation {
  dryRun: boolean
  deleted: boolean
  detached: DetachStep[]
  /** False where no store had one as well. */
  secretRemoved: boolean
  unbound: string[]
}

interface Plan extends Revocation {
  enabled: boolean
  changes: PlannedChange[]
}

/** So many places are named in an error; the rest is counted. */
const NAMED = 12

/**
 * Deletes a service token for good, and removes its secret and host bindings from this machine. What names the token
 * stands against that; with `detach` the token is disabled, taken out of everything, and then deleted.
 *
 * Everything is read and thought through before the first change. A run that was interrupted is finished by another.
 *
 * @param options.confirm shown what would be done, before anything is; throws to refuse
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `TOKEN_IN_USE`, `TOKEN_BUSY`, `REFERENCES_CHANGED` and those
 *   of {@link planDetach}; ApiError
 */
export async function revokeToken(
  ctx: AccessContext,
  options: {
    token: string
    detach?: boolean
    dryRun?: boolean
    confirm?: ((plan: Revocation) => Promise<void>) | undefined
  },
): Promise<RevokeResult> {
  const {detach = false, dryRun = false, confirm} = options
  const api = await ctx.api()
  ctx.progress.step('Reading the service token')
  const target = await findTarget(ctx, api, options.token)
  const nothingYet = {deleted: false, detached: [], secretRemoved: false, unbound: []}
  let confirmed: Revocation | undefined
  if (dryRun || confirm) {
    const plan = await look(ctx, api, target, detach)
    if (dryRun) return {...shown(plan), dryRun, ...nothingYet}
    confirmed = shown(plan)
    await confirm?.(confirmed)
  }
  const run = async (): Promise<RevokeResult> => {
    const plan = await look(ctx, api, await findTarget(ctx, api, target.id), detach)
    if (confirmed && !isDeepStrictEqual(shown(plan), confirmed)) throw changedWhileAsked(plan)
    const {deleted, detached} = await act(ctx, api, plan)
    const forgotten = await forget(ctx, plan)
    return {...shown(plan), dryRun, deleted, detached, ...forgotten}
  }
  // What names it is edited: by one zt at a time.
  return withTokenLock(ctx, target.id, () => (detach ? withEditLock(ctx, api.accountId, run) : run()))
}

type Target = {id: string} & ({token: ServiceToken} | {token: undefined; entry: IndexEntry})

/** A token of the account; otherwise one that is gone there, and of which this profile still has something. */
async function findTarget(ctx: AccessContext, api: AccessApi, wanted: string): Promise<Target> {
  const tokens = await api.listServiceTokens()
  try {
    const token = resolveToken(ctx, wanted, tokens)
    const itself = await readToken(api, token.id)
    if (itself) requireMeant(ctx, 'token', token, wanted, itself)
    return {id: token.id, token}
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'TOKEN_NOT_FOUND') throw error
    // Of this account: a token of another one is not gone because this one does not have it.
    const left = (await ctx.index.list(ctx.profile)).filter(
      ({accountId, tokenId}) => accountId === api.accountId && !tokens.some(({id}) => id === tokenId),
    )
    const named =
      left.find(({tokenId, clientId}) => tokenId === wanted || clientId === wanted) ??
      only(left.filter(({name}) => name === wanted))
    if (!named || (await readToken(api, named.tokenId))) throw error
    return {id: named.tokenId, token: undefined, entry: named}
  }
}

function only<T>(found: readonly T[]): T | undefined {
  return found.length === 1 ? found[0] : undefined
}

async function look(ctx: AccessContext, api: AccessApi, target: Target, detach: boolean): Promise<Plan> {
  const {id} = target
  const [entries, bindings] = await Promise.all([ctx.index.list(), ctx.index.bindings()])
  const stores = [...new Set(entries.filter(({tokenId}) => tokenId === id).map(({store}) => store))].sort()
  const hosts = [...new Set(bindings.filter(({tokenId}) => tokenId === id).map(({host}) => host))].sort()
  const here = {stores, hosts, warnings: []}
  if (!target.token) {
    const {name, clientId} = target.entry
    const token = {id, name, clientId}
    return {token, exists: false, enabled: false, references: [], detach: [], changes: [], ...here}
  }
  const {name, clientId, enabled} = target.token
  ctx.progress.step('Looking for what names it')
  const {rules, warnings} = await readAccountRules(api, {allNeeded: detach, thorough: false})
  const references = tokenReferences(id, rules)
  if (references.some(isDirect) && !detach) throw inUse(ctx, target.token, references)
  const changes = detach ? await planDetach(ctx, api, target.token, rules, references) : []
  return {
    token: {id, name, clientId},
    exists: true,
    enabled,
    references,
    detach: changes.flatMap(({steps}) => steps),
    changes,
    ...here,
    warnings,
  }
}

function shown({enabled: _e, changes: _c, ...revocation}: Plan): Revocation {
  return revocation
}

async function act(
  ctx: AccessContext,
  api: AccessApi,
  plan: Plan,
): Promise<{deleted: boolean; detached: DetachStep[]}> {
  if (!plan.exists) return {deleted: false, detached: []}
  const detached: DetachStep[] = []
  let disabled = false
  try {
    if (plan.changes.length > 0) {
      ctx.progress.step('Disabling the service token')
      if (plan.enabled) await disable(ctx, api, plan.token.id)
      disabled = true
    }
    for (const {steps, run} of plan.changes) {
      ctx.progress.step(`Detaching it from "${steps[0]?.application?.name ?? steps[0]?.name ?? ''}"`)
      await run()
      detached.push(...steps)
    }
    ctx.progress.step('Deleting the service token')
    await deleteToken(ctx, api, plan)
  } catch (error) {
    throw disabled ? halfWay(ctx, plan, detached, error) : error
  }
  return {deleted: true, detached}
}

/** Off, and seen to be off: what follows takes out of rules what still lets it in. */
async function disable(ctx: AccessContext, api: AccessApi, id: string): Promise<void> {
  await persistently(ctx, api, id, {enabled: false})
}

/** Deleted, and seen to be: only then is its secret erased here. */
async function deleteToken(ctx: AccessContext, api: AccessApi, {token}: Plan): Promise<void> {
  try {
    await ensureDeleted(ctx, api, token.id)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.kind !== 'conflict' && !error.apiCodes.includes(12139)) throw error
    const {rules} = await readAccountRules(api, {allNeeded: false, thorough: true})
    throw inUse(ctx, token, tokenReferences(token.id, rules), error)
  }
}

/** The index entry goes last: by it, a run after this one finds what is left. */
async function forget(
  ctx: AccessContext,
  {token, warnings}: Plan,
): Promise<{secretRemoved: boolean; unbound: string[]}> {
  ctx.progress.step('Removing its secret')
  const entries = (await ctx.index.list()).filter(({tokenId}) => tokenId === token.id)
  const unbound: string[] = []
  for (const {profile, host, tokenId} of await ctx.index.bindings()) {
    if (tokenId === token.id && (await ctx.index.unbind(profile, host))) unbound.push(host)
  }
  let secretRemoved = entries.length > 0
  for (const kind of new Set(entries.map(({store}) => store))) {
    try {
      const store = ctx.storeOf(kind)
      await requireReady(store, {write: true})
      await store.delete({kind: 'service-token', id: token.id})
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      secretRemoved = false
      warnings.push(
        `Its secret is still in the store (${error.message}). It opens nothing; ${ztCommand(ctx, 'token', 'revoke', token.id)} removes it later`,
      )
      continue
    }
    for (const entry of entries.filter(({store}) => store === kind)) {
      await ctx.index.remove(entry.profile, token.id)
    }
  }
  return {secretRemoved, unbound: [...new Set(unbound)].sort()}
}

/** A place that names the token, as one line. */
function referenceLine({kind, name, decision, part, through, applications}: TokenReference): string {
  const what =
    kind === 'group' ? `Access group "${name}"` : `${actionName(decision ?? '')} rule "${name}" (${kind})`
  const where = applications.map((one) => `"${one.name}"`).join(', ')
  const on = kind === 'group' ? '' : where === '' ? ', on no application' : `, on ${where}`
  const way = through.length === 0 ? '' : `, through ${through.map((one) => `"${one}"`).join(' in ')}`
  return `${what}: ${part}${on}${way}`
}

function inUse(
  ctx: AccessContext,
  token: Pick<ServiceToken, 'id' | 'name'>,
  references: TokenReference[],
  late?: ApiError,
): UserError {
  const lines = references.slice(0, NAMED).map(referenceLine)
  if (references.length > NAMED) lines.push(`and ${references.length - NAMED} more`)
  const unseen =
    'Cloudflare says that something names it, and zt finds nothing that does: it may be where the API token may not look.'
  return new UserError({
    kind: 'conflict',
    code: 'TOKEN_IN_USE',
    message: `The service token "${token.name}" is in use`,
    why:
      references.length === 0
        ? unseen
        : ['It is named by:', ...lines, ...(late ? ['They appeared while it was being revoked.'] : [])],
    next:
      references.length === 0
        ? ['Look for it in the dashboard, then run the command again']
        : [
            ztCommand(ctx, 'token', 'revoke', token, '--detach', '--dry-run'),
            'With --detach it is taken out of all of them, then deleted',
          ],
    details: {tokenId: token.id, references},
    cause: late,
  })
}

function changedWhileAsked({token}: Plan): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'REFERENCES_CHANGED',
    message: `What names "${token.name}" has changed since you were asked`,
    why: 'Nothing was changed by this command.',
    next: ['Run the command again, and look at it anew'],
    details: {tokenId: token.id},
  })
}

/** The same error, with what had been done by then and how it is finished. */
function halfWay(
  ctx: AccessContext,
  {token}: Plan,
  detached: readonly DetachStep[],
  error: unknown,
): unknown {
  if (!(error instanceof UserError)) return error
  const places = detached.map(({name, application}) => `"${application?.name ?? name}"`)
  const done =
    places.length === 0
      ? 'By then the service token was disabled.'
      : `By then the service token was disabled, and detached from ${[...new Set(places)].join(', ')}.`
  return error.with({
    why: [...error.whyLines, done],
    next: [
      ztCommand(ctx, 'token', 'revoke', token, '--detach'),
      `Or switch it on again: ${ztCommand(ctx, 'token', 'enable', token)}`,
      ...error.next,
    ],
    details: {disabled: true, detached},
  })
}
