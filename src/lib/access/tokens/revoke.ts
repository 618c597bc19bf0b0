import type {AccessApi, ServiceToken} from '../../api/types.js'
import {ApiError, interrupted, UserError} from '../../core/errors.js'
import {isDirect, tokenReferences, type Reference} from '../../policy/references.js'
import {requireReady} from '../../secrets/stores.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import {readAccountRules} from '../account/account-rules.js'
import {actionName} from '../rules/action-name.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {applyChanges, type AppliedEdit} from '../edit/apply.js'
import type {Change} from '../edit/change.js'
import {reachOfEdit, type EditReach} from '../edit/reach.js'
import {requireSecretFields} from '../edit/hidden-fields.js'
import {makeEdit} from '../edit/make.js'
import {inWords} from '../edit/object.js'
import {detachSteps, planDetach, type DetachStep} from './detach-plan.js'
import {ensureDeleted, repeatable, persistently, readToken} from './confirmed-changes.js'
import {requireMeant, resolveToken} from '../account/resolve.js'
import {withTokenLock} from './lock.js'

export type {DetachStep} from './detach-plan.js'
export type {Reference} from '../../policy/references.js'

/** What a revocation would do, or has done. */
export interface Revocation {
  token: {id: string; name: string; clientId: string}
  /** False: the account does not have the token any more, and only what is left on this machine is removed. */
  exists: boolean
  references: Reference[]
  /** The edit that takes the token out of everything that names it. */
  changes: readonly Change[]
  /** The same as steps, in order. */
  detach: DetachStep[]
  /** What the token no longer opens; undefined: it was not asked for, because no one sees it. */
  reach: EditReach | undefined
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
  /** False also if no store had one. */
  secretRemoved: boolean
  unbound: string[]
}

interface Plan extends Revocation {
  enabled: boolean
}

/** An error names this many places and counts the rest. */
const NAMED = 12

/**
 * Deletes a service token for good, and removes its secret and host bindings from this machine. Fails if anything names
 * the token; with `detach` the token is disabled, taken out of everything in one edit, and then deleted. The edit can be
 * undone until the token is deleted. Running it again finishes a revocation that was interrupted.
 *
 * @param options.confirm gets what would be done, before anything is; throws to refuse
 * @throws UserError `not-found`, `ambiguous`; `conflict` / `TOKEN_IN_USE`, `TOKEN_BUSY`; of {@link planDetach},
 *   {@link makeEdit} and {@link applyChanges}; ApiError
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
  let shown: Plan | undefined
  if (dryRun || confirm) {
    const seen = await look(ctx, api, target, detach)
    shown = {...seen, reach: seen.exists ? await reachOfEdit(ctx, seen.changes, seen.token) : undefined}
    if (dryRun) return {...published(shown), dryRun, deleted: false, detached: [], secretRemoved: false, unbound: []} // prettier-ignore
    await confirm?.(published(shown))
  }
  const plan = async (): Promise<Plan> => look(ctx, api, await findTarget(ctx, api, target.id), detach)
  return withTokenLock(ctx, target.id, async () => {
    const {made, applied} = await detachAndDelete(ctx, api, plan, {detach, shown})
    const kept = `The service token "${made.token.name}" is deleted, and its secret and host bindings may still be here.`
    const forgotten = await repeatable(ctx, {why: kept, next: again(ctx, made)}, () => forget(ctx, made))
    return {
      ...published(made),
      reach: shown?.reach,
      changes: applied.changes,
      warnings: [...made.warnings, ...applied.warnings],
      dryRun,
      deleted: made.exists,
      detached: detachSteps(applied.changes),
      ...forgotten,
    }
  })
}

function published({enabled: _, ...revocation}: Plan): Revocation {
  return revocation
}

async function detachAndDelete(
  ctx: AccessContext,
  api: AccessApi,
  plan: () => Promise<Plan>,
  {detach, shown}: {detach: boolean; shown: Plan | undefined},
): Promise<{made: Plan; applied: AppliedEdit}> {
  /** `disabling`: it may be disabled. */
  let state = 'untouched' as 'untouched' | 'disabling' | 'disabled'
  let begun: Plan | undefined
  let wasEnabled = false
  let applied: AppliedEdit | undefined
  const apply = async (now: Plan): Promise<AppliedEdit> => {
    // It must open nothing while its rules change.
    const disable = async (): Promise<void> => {
      ctx.progress.step('Disabling the service token')
      begun = now
      if (state === 'untouched') state = 'disabling'
      if (now.enabled) await persistently(ctx, api, now.token.id, {enabled: false})
      wasEnabled ||= now.enabled
      state = 'disabled'
    }
    applied = await applyChanges(ctx, now.changes, {
      command: ztCommand(ctx, 'token', 'revoke', now.token, '--detach'),
      prepare: disable,
    })
    if (now.exists) await deleteToken(ctx, api, now)
    return applied
  }
  const withState = (error: UserError): UserError =>
    begun ? halfWay(ctx, {...begun, enabled: wasEnabled || begun.enabled}, {state, applied}, error) : error
  const run = async (): Promise<{made: Plan; applied: AppliedEdit}> => {
    if (detach) {
      const made = await makeEdit(ctx, plan, {shown, planned: () => undefined, apply})
      return {made: made.plan, applied: made.applied}
    }
    const made = await plan()
    return {made, applied: await apply(made)}
  }
  try {
    // What the deletion itself would say is less than this.
    const left = (inner: UserError | undefined): UserError | undefined =>
      begun ? withState((applied ? undefined : inner) ?? interrupted()) : inner
    return await ctx.interruptible(left, run)
  } catch (error) {
    throw state === 'disabled' && error instanceof UserError ? withState(error) : error
  }
}

type Target = {id: string} & ({token: ServiceToken} | {token: undefined; entry: IndexEntry})

/** A token of the account; or one that the account no longer has, but this profile still has data for. */
async function findTarget(ctx: AccessContext, api: AccessApi, wanted: string): Promise<Target> {
  const tokens = await api.listServiceTokens()
  try {
    const token = resolveToken(ctx, wanted, tokens)
    const itself = await readToken(api, token.id)
    if (itself) requireMeant(ctx, 'token', token, wanted, itself)
    return {id: token.id, token}
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'TOKEN_NOT_FOUND') throw error
    // Only tokens of this account: one of another account is not deleted because this account does not have it.
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
  const nothing = {enabled: false, references: [], changes: [], detach: [], reach: undefined, stores, hosts, warnings: []} // prettier-ignore
  if (!target.token) {
    const {name, clientId} = target.entry
    return {...nothing, token: {id, name, clientId}, exists: false}
  }
  const {name, clientId, enabled} = target.token
  ctx.progress.step('Looking for what names it')
  const {rules, warnings} = await readAccountRules(api, {
    allNeeded: detach,
    thorough: false,
    progress: ctx.progress,
  })
  const references = tokenReferences(target.token, rules)
  const inTheWay = references.filter((one) => isDirect(one) && (!detach || isScim(one)))
  if (inTheWay.length > 0) throw inUse(ctx, target.token, references)
  const changes = detach ? await planDetach(ctx, api, target.token, rules, references) : []
  requireSecretFields(ctx, changes)
  const token = {id, name, clientId}
  return {
    ...nothing,
    token,
    exists: true,
    enabled,
    references,
    changes,
    detach: detachSteps(changes),
    warnings,
  }
}

/** By the ID, because the account may not have the name any more. */
function again(ctx: AccessContext, {token}: Plan): string[] {
  return [ztCommand(ctx, 'token', 'revoke', token.id)]
}

/** Makes sure that the token is deleted: only then is its secret erased here. */
async function deleteToken(ctx: AccessContext, api: AccessApi, plan: Plan): Promise<void> {
  const {token} = plan
  ctx.progress.step('Deleting the service token')
  try {
    await repeatable(
      ctx,
      {why: `The service token "${token.name}" may or may not be deleted.`, next: again(ctx, plan)},
      () => ensureDeleted(ctx, api, token.id),
    )
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.kind !== 'conflict' && !error.apiCodes.includes(12139)) throw error
    const {rules} = await readAccountRules(api, {allNeeded: false, thorough: true, progress: ctx.progress})
    throw inUse(ctx, token, tokenReferences(token, rules), error)
  }
}

/** The index entry goes last: with it, a later run finds what is left. */
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
      const store = await ctx.storeOf(kind)
      await requireReady(store, {write: true})
      await store.delete({kind: 'service-token', id: token.id})
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      secretRemoved = false
      warnings.push(
        `Its secret is still in the store (${error.message}). It opens nothing; to remove it later: ${ztCommand(ctx, 'token', 'revoke', token.id)}`,
      )
      continue
    }
    for (const entry of entries.filter(({store}) => store === kind)) {
      await ctx.index.remove(entry.profile, token.id)
    }
  }
  return {secretRemoved, unbound: [...new Set(unbound)].sort()}
}

/** Where the token is a credential and not part of a rule: zt does not have the secret of another one to put there. */
function isScim({kind}: Reference): boolean {
  return kind === 'scim'
}

/** A place that names the token, as one line. */
function referenceLine({kind, name, decision, part, through, applications}: Reference): string {
  if (kind === 'scim') return `SCIM provisioning of "${name}", from which zt cannot take it out`
  const what =
    kind === 'group' ? `Access group "${name}"` : `${actionName(decision ?? '')} rule "${name}" (${kind})`
  const where = applications.map((one) => `"${one.name}"`).join(', ')
  const on = kind === 'group' ? '' : where === '' ? ', on no application' : `, on ${where}`
  const way = through.length === 0 ? '' : `, through ${through.map((one) => `"${one}"`).join(' in ')}`
  return `${what}: ${part ?? ''}${on}${way}`
}

function inUse(
  ctx: AccessContext,
  token: Pick<ServiceToken, 'id' | 'name'>,
  references: Reference[],
  late?: ApiError,
): UserError {
  const lines = references.slice(0, NAMED).map(referenceLine)
  if (references.length > NAMED) lines.push(`and ${references.length - NAMED} more`)
  const unseen =
    'Cloudflare says that a rule, an Access group or the SCIM configuration of an application names it, but zt finds nothing: the API token may not be allowed to read it.'
  return new UserError({
    kind: 'conflict',
    code: 'TOKEN_IN_USE',
    message: `The service token "${token.name}" is in use`,
    why:
      references.length === 0
        ? unseen
        : [
            ...['It is named by:', ...lines],
            late ? 'These appeared while zt was revoking it.' : 'Nothing was changed.',
          ],
    next: nextFor(ctx, token, references),
    details: {tokenId: token.id, references},
    cause: late,
  })
}

/** How to go on. While SCIM names the token, `--detach` would fail too. */
function nextFor(
  ctx: AccessContext,
  token: Pick<ServiceToken, 'id' | 'name'>,
  references: readonly Reference[],
): string[] {
  const scim = references.filter(isScim)
  if (scim.length > 0) {
    const where = scim.map(({name}) => `"${name}"`).join(', ')
    return [
      `In the dashboard, give the SCIM configuration of ${where} another service token, then run the command again`,
    ]
  }
  if (references.length === 0) return ['Find what names it in the dashboard, then run the command again']
  return [
    ztCommand(ctx, 'token', 'revoke', token, '--detach', '--dry-run'),
    'With --detach, zt takes it out of all of them, then deletes it',
  ]
}

/**
 * The same error, with what was done by then and how to continue.
 *
 * @param plan `enabled`: before the first attempt
 */
function halfWay(
  ctx: AccessContext,
  {token, enabled}: Plan,
  {state, applied}: {state: string; applied: AppliedEdit | undefined},
  error: UserError,
): UserError {
  const {changes = [], undoId} = applied ?? {}
  // The edit does not know of the token.
  const lines = error.whyLines.map((line) => line.replace('Nothing was changed.', 'No rule was changed.'))
  // If it could not be taken back, only its own error knows what was done.
  const isKnown = applied !== undefined || error.details['undo'] === undefined
  const unknown = error.code === 'INTERRUPTED' || (error instanceof ApiError && error.outcomeUnknown)
  const mayBeDeleted = applied !== undefined && unknown
  const stateInWords = mayBeDeleted
    ? 'The service token is disabled now, or already deleted.'
    : enabled
      ? `The service token ${state === 'disabled' ? 'is' : 'may be'} disabled now.`
      : 'The service token was disabled before, and still is.'
  return error.with({
    why: [...lines, stateInWords, ...doneInWords(changes)].filter((line) => line !== ''),
    next: [
      ztCommand(ctx, 'token', 'revoke', token, '--detach'),
      ...(undoId === undefined ? [] : [`Or put it back: ${ztCommand(ctx, 'undo', undoId)}`]),
      ...(enabled && !mayBeDeleted
        ? [`To enable it again: ${ztCommand(ctx, 'token', 'enable', token)}`]
        : []),
      ...error.next,
    ],
    details: {
      ...(state === 'disabled' && {disabled: true}),
      ...(isKnown && {detached: detachSteps(changes)}),
      ...(undoId !== undefined && {undo: undoId}),
    },
  })
}

function doneInWords(changes: readonly Change[]): string[] {
  const named = (some: readonly Change[]): string => some.map(({target}) => inWords(target)).join(', ')
  const left = changes.filter(({action, target}) => action === 'replace' && target.kind !== 'application')
  const deleted = changes.filter(({action}) => action === 'delete')
  return [
    ...(left.length > 0 ? [`It was taken out of ${named(left)}.`] : []),
    ...(deleted.length > 0 ? [`Deleted, because each admitted this token only: ${named(deleted)}.`] : []),
  ]
}
