import {randomUUID} from 'node:crypto'
import {cloudflareNow} from '../access/account/clock.js'
import type {AccessContext} from '../access/account/context.js'
import {resolveToken} from '../access/account/resolve.js'
import type {SetupRecord} from '../access/account/setup-records.js'
import {newId} from '../access/edit/object.js'
import type {ExplainedApplication} from '../access/explain/application.js'
import {unfinished as unfinishedToken} from '../access/tokens/changes.js'
import {createServiceToken, planServiceToken} from '../access/tokens/create.js'
import {isUnfinishedName, notSettled, unfinishedOf} from '../access/tokens/journal-entries.js'
import {checkTokenName, tokenStatus} from '../access/tokens/list.js'
import {recoverUnfinished, type Recovered} from '../access/tokens/recover.js'
import type {ServiceToken} from '../api/types.js'
import {rememberStore} from '../config/profiles.js'
import {withFlags, ztCommand} from '../core/command-line.js'
import {UserError} from '../core/errors.js'
import type {SetupWorld} from './world.js'

/** The service token of a setup: one that is there with its secret, or one that is to be created. */
export type PlannedToken = {token: ServiceToken} & (
  | {how: 'there'}
  | {how: 'create'; store: string; duration: string}
  /** Its creation was interrupted. */
  | {how: 'finish'}
)

/** In the place of the ID of a token that does not exist yet. */
export const NEW_TOKEN = newId(9)

export interface TokenWish {
  host: string
  /** By name, ID or client ID; a name that no token has is that of a new one. */
  token: string | undefined
  duration: string | undefined
}

/**
 * Which token the host will use: the one that was named; the one that the host is bound to; the one that an earlier run
 * created; the only one of this machine that the application admits; or one with the name of the host.
 *
 * @param tokens of the account
 * @param app the application of the host, if there is one
 * @throws UserError `not-found` / `TOKEN_NOT_FOUND`, `SECRET_NOT_FOUND`; of {@link requireActive} and `planServiceToken`
 */
export async function planToken(
  ctx: AccessContext,
  {host, token: named, duration}: TokenWish,
  found: {
    tokens: readonly ServiceToken[]
    app: ExplainedApplication | undefined
    record: SetupRecord | undefined
  },
): Promise<PlannedToken> {
  const {tokens, app, record} = found
  const unfinished = await unfinishedIn(ctx, record)
  const entries = await ctx.index.list(ctx.profile)
  const here = (id: string): boolean => entries.some(({tokenId}) => tokenId === id)
  const there = async (token: ServiceToken): Promise<PlannedToken> => {
    if (unfinished?.name === token.name) return {how: 'finish', token}
    await requireSettled(ctx, token)
    if (!here(token.id)) throw notHere(ctx, host, token, named)
    await requireActive(ctx, token)
    return {how: 'there', token}
  }
  if (named !== undefined) {
    const token = meant(ctx, named, tokens)
    return token ? there(token) : planNew(ctx, {name: named, duration}, unfinished)
  }
  const byId = (id: string | undefined): ServiceToken | undefined => tokens.find((one) => one.id === id)
  const bound = byId((await ctx.index.bindingFor(ctx.profile, host))?.tokenId)
  if (bound) return there(bound)
  const made = record?.tokens.map(({id, operation}) =>
    byId(id ?? entries.find((entry) => entry.operation === operation)?.tokenId),
  )
  if (unfinished) {
    const begun = tokens.find(({name}) => name === unfinished.name)
    return begun ? there(begun) : planNew(ctx, {name: unfinished.name, duration}, unfinished)
  }
  const own = made?.findLast((one) => one !== undefined)
  if (own) return there(own)
  const admitted = app ? (await app.admission()).tokens.filter(({admitted}) => admitted === 'yes') : []
  const usable = admitted.flatMap(({token: {id}}) => (here(id) ? (byId(id) ?? []) : []))
  const [only] = usable
  if (only && usable.length === 1) return there(only)
  // Of several tokens with its name, this machine uses its own.
  const same =
    meant(
      ctx,
      host,
      tokens.filter(({id}) => here(id)),
    ) ?? meantByHost(ctx, host, tokens)
  return same ? there(same) : planNew(ctx, {name: host, duration}, unfinished)
}

/**
 * A token that an earlier run has not finished has no secret that is certain, or does not work yet.
 *
 * @throws UserError `conflict` / `OPERATION_PENDING`, `TOKEN_UNFINISHED`
 */
async function requireSettled(ctx: AccessContext, token: ServiceToken): Promise<void> {
  const entry = await unfinishedOf(ctx, token)
  if (entry) throw notSettled(ctx, entry)
  if (isUnfinishedName(token.name)) throw unfinishedToken(ctx, token)
}

/** @throws UserError `needs-action` / `TOKEN_DISABLED`, `TOKEN_EXPIRED`: the edge would refuse it, whatever the rules say */
async function requireActive(ctx: AccessContext, token: ServiceToken): Promise<void> {
  const api = await ctx.api()
  const status = tokenStatus(token, cloudflareNow(ctx, api))
  if (status === 'active') return
  const cure = ztCommand(ctx, 'token', status === 'disabled' ? 'enable' : 'refresh', token)
  throw new UserError({
    kind: 'needs-action',
    code: status === 'disabled' ? 'TOKEN_DISABLED' : 'TOKEN_EXPIRED',
    message: `Service token "${token.name}" is ${status}, so it opens nothing`,
    why: 'Nothing was changed.',
    next: [
      api.zoneId === undefined
        ? cure
        : 'Change it in the dashboard: zt does not change service tokens of a zone',
    ],
    details: {tokenId: token.id},
  })
}

/** The token that a person means; undefined if it is the name of a new one. */
function meant(
  ctx: AccessContext,
  wanted: string,
  tokens: readonly ServiceToken[],
): ServiceToken | undefined {
  try {
    return resolveToken(ctx, wanted, tokens)
  } catch (error) {
    const isName = !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|\.access$/i.test(wanted)
    if (isName && error instanceof UserError && error.code === 'TOKEN_NOT_FOUND') return undefined
    throw error
  }
}

/** @throws UserError `ambiguous` / `TOKEN_AMBIGUOUS`: no one has given that name */
function meantByHost(
  ctx: AccessContext,
  host: string,
  tokens: readonly ServiceToken[],
): ServiceToken | undefined {
  try {
    return meant(ctx, host, tokens)
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'TOKEN_AMBIGUOUS') throw error
    throw error.with({next: [`Give the name of another one, or a new one: ${anotherToken(ctx, host)}`]})
  }
}

async function planNew(
  ctx: AccessContext,
  wish: {name: string; duration: string | undefined},
  unfinished: {name: string} | undefined,
): Promise<PlannedToken> {
  const name = checkTokenName(wish.name, 'zt setup HOST --token NAME')
  const token: ServiceToken = {
    ...{id: NEW_TOKEN, clientId: '', name, duration: wish.duration ?? '', enabled: true},
    ...{expiresAt: undefined, createdAt: undefined, updatedAt: undefined, lastSeenAt: undefined},
    secretVersion: undefined,
  }
  if (unfinished?.name === name) return {how: 'finish', token}
  const {store, duration} = await planServiceToken(ctx, wish)
  return {how: 'create', token, store: store.label, duration}
}

function notHere(
  ctx: AccessContext,
  host: string,
  token: ServiceToken,
  named: string | undefined,
): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'SECRET_NOT_FOUND',
    message: `The secret of "${token.name}" is not in a store of profile ${ctx.profile} on this machine`,
    why: 'Cloudflare shows a client secret once, when it makes it.',
    next: [
      `If you have the secret: ${ztCommand(ctx, 'token', 'import', token)}`,
      named === undefined
        ? `For another token, give its name or a new one: ${anotherToken(ctx, host)}`
        : `To set up ${host} with another token, give --token with its name: ${ztCommand(ctx, 'token', 'list')}`,
    ],
    details: {tokenId: token.id},
  })
}

function anotherToken(ctx: AccessContext, host: string): string {
  return withFlags(ctx.commandLine ?? ztCommand(ctx, 'setup', host), {token: 'NAME'})
}

/**
 * The creation of this setup that was interrupted and is not settled.
 *
 * @throws UserError `needs-action` / `OPERATION_PENDING` if it cannot be
 */
async function unfinishedIn(
  ctx: AccessContext,
  record: SetupRecord | undefined,
): Promise<{name: string} | undefined> {
  for (const {id, operation, name} of record?.tokens ?? []) {
    if (id !== undefined || !(await ctx.journal.read(operation))) continue
    const last = await settle(ctx, operation, {dryRun: true})
    // Another process works on it, for which this one will wait.
    if (last?.settlement === 'waiting') throw unsettled(name, last)
    return {name}
  }
  return undefined
}

/**
 * Creates the token, or finishes its creation. The record names the operation before the journal does, so that a later run
 * finds what this one left.
 *
 * @param record is changed, and written
 * @throws UserError of {@link settleTokens} and `createServiceToken`
 */
export async function makeToken(
  world: SetupWorld,
  record: SetupRecord,
  planned: PlannedToken,
  duration: string | undefined,
): Promise<{token: ServiceToken; created: boolean; warnings: string[]}> {
  const {ctx} = world
  const {name} = planned.token
  await settleTokens(world, record)
  const finished = record.tokens.findLast((one) => one.name === name && one.id !== undefined)
  const tokens = await (await ctx.api()).listServiceTokens()
  const token = tokens.find(({id}) => id === finished?.id)
  if (token) return {token, created: true, warnings: []}
  const operation = randomUUID()
  record.tokens.push({operation, name})
  await ctx.setups.write(record)
  const created = await createServiceToken(ctx, {name, duration, operation}).catch(async (error: unknown) => {
    const other = await createdMeanwhile(ctx, name, error)
    noteToken(record, operation, undefined)
    await ctx.setups.write(record)
    return {other}
  })
  if ('other' in created) return {token: created.other, created: false, warnings: []}
  await rememberStore(world.settings, created.store)
  const {warnings} = created
  noteToken(record, operation, created.token.id)
  await ctx.setups.write(record)
  return {token: created.token, created: true, warnings}
}

/** The token of that name that another setup of this profile has made since the plan. @throws the error if there is none */
async function createdMeanwhile(ctx: AccessContext, name: string, error: unknown): Promise<ServiceToken> {
  if (!(error instanceof UserError) || error.code !== 'TOKEN_NAME_TAKEN') throw error
  const token = (await (await ctx.api()).listServiceTokens()).find((one) => one.name === name)
  const here = (await ctx.index.list(ctx.profile)).some(({tokenId}) => tokenId === token?.id)
  if (!token || !here) throw error
  await requireSettled(ctx, token)
  return token
}

/**
 * Settles creations of this setup that were interrupted. One that Cloudflare does not show is given up, as its secret is
 * lost.
 *
 * @param record is changed, and written
 * @throws UserError `needs-action` / `OPERATION_PENDING`
 */
export async function settleTokens(world: SetupWorld, record: SetupRecord): Promise<void> {
  const {ctx} = world
  const open = record.tokens.filter(({id}) => id === undefined)
  for (const {operation, name} of open) {
    if (await ctx.journal.read(operation)) {
      const last = await settle(ctx, operation, {dryRun: false})
      if (last?.settlement === 'waiting' || last?.settlement === 'busy') throw unsettled(name, last)
    }
    const entry = (await ctx.index.list(ctx.profile)).find((one) => one.operation === operation)
    noteToken(record, operation, entry?.tokenId)
  }
  if (open.length > 0) await ctx.setups.write(record)
}

/** Settles an operation of the journal, by an undo where it cannot be finished. */
async function settle(
  ctx: AccessContext,
  only: string,
  {dryRun}: {dryRun: boolean},
): Promise<Recovered | undefined> {
  const by = async (undo: boolean) => (await recoverUnfinished(ctx, {only, undo, dryRun})).recovered[0]
  const first = await by(false)
  return first?.settlement === 'waiting' ? by(true) : first
}

function unsettled(name: string, {why, next}: Recovered): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'OPERATION_PENDING',
    message: `The creation of "${name}" was interrupted and cannot be settled yet`,
    why,
    next,
  })
}

/** @param id undefined: the operation made none */
function noteToken(record: SetupRecord, operation: string, id: string | undefined): void {
  record.tokens = record.tokens.flatMap((one) =>
    one.operation !== operation ? [one] : id === undefined ? [] : [{...one, id}],
  )
}
