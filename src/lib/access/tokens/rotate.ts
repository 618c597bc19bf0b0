import type {AccessApi, NewServiceToken, ServiceToken} from '../../api/types.js'
import {parseGrace} from '../../core/duration.js'
import {ApiError, UserError} from '../../core/errors.js'
import type {Operation, Spool, Spooled} from '../../secrets/journal/journal.js'
import {readCredentials, saveCredentials} from '../../secrets/credentials.js'
import {requireReady} from '../../secrets/open.js'
import type {IndexEntry, SecretStore, StoredCredentials} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {
  indexSecret,
  keep,
  newOperation,
  nowText,
  persistently,
  readToken,
  refusePending,
  said,
} from './operations.js'
import {eventually, mayBeDone} from '../account/outcome.js'
import {requireMeant, resolveToken} from '../account/resolve.js'
import {isUnrotated, rotationOutcome, type RotationOutcome} from './rotation-outcome.js'
import {withTokenLock} from './lock.js'

export interface RotatedToken {
  token: ServiceToken
  store: Pick<SecretStore, 'kind' | 'label'>
  /** Until when the secret before this works too (ISO 8601, the server's time); undefined: it has ended. */
  previousUntil: string | undefined
  /** Whether this machine had the secret before, and keeps it until then. */
  previousKept: boolean
  warnings: string[]
}

/** Beyond this, a clock is worth a warning: what is written down of times is then hard to compare. */
const SKEW_WARNING_MS = 60_000
/** The Date header has whole seconds, and an answer takes a while: less than this is no difference. */
const SKEW_NOISE_MS = 2000
/** The server knows no end of a secret that is undone to: further away than anybody will use it. */
const FOREVER_MS = 100 * 365 * 24 * 3600_000
/** Further apart no two clocks are that work at all: certificates would not be valid. */
const MOST_SKEW_DAYS = 31
const SOON_ENDED_MS = 60_000
/** How long the secret before works where no grace is wanted: until the new one is stored, or its loss is mended. */
const CHANGEOVER_MS = 15 * 60_000

/**
 * Gives a service token a new secret. During the grace period both work; the store then holds the new one and the one
 * before. What is interrupted is in the journal: the new secret in the spool, or, if its answer was lost, the way back.
 *
 * @param options.grace a duration, or `0`: the present secret ends as soon as the new one is stored. At most 30 days,
 *   as in the dashboard
 * @throws UserError `not-found`; `usage` / `BAD_GRACE`; `conflict` / `ROTATION_UNDER_WAY`, `NO_OVERLAP`,
 *   `OPERATION_PENDING`, `TOKEN_BUSY`; `needs-action` / `ROTATION_PENDING`; ApiError
 */
export async function rotateServiceToken(
  ctx: AccessContext,
  options: {token: string; grace: string; dryRun?: boolean},
): Promise<RotatedToken> {
  const graceMs = parseGrace(options.grace) * 1000
  const api = await ctx.api()
  const found = await find(ctx, api, options.token)
  ctx.progress.step('Trying the secret store')
  const store = await storeFor(ctx, found.entry)
  const warning = await requireReady(store, {write: true})
  const {id, clientId} = found.token
  return withTokenLock(ctx, id, async () => {
    await refusePending(ctx, (other) => other.kind === 'rotate' && other.token?.id === id)
    const token = await api.getServiceToken(id)
    requireMeant(ctx, 'token', found.token, options.token, token)
    const current = store.readable && found.entry ? await readCredentials(store, id) : undefined
    refuseAbsurdClock(api)
    refuseWhatWouldCutOff(ctx, token, current, {graceMs, now: serverNow(ctx, api)})
    const overlapMs = graceMs > 0 ? graceMs : CHANGEOVER_MS
    const previousUntil = new Date(serverNow(ctx, api) + overlapMs).toISOString()
    const warnings = [...(warning === undefined ? [] : [warning]), ...clockWarning(api)]
    const operation: Operation = {
      ...newOperation(ctx, api, {
        kind: 'rotate',
        name: token.name,
        token: {id, clientId, updatedAt: token.updatedAt, secretVersion: token.secretVersion},
        store: store.kind,
      }),
      previousUntil,
      endsPrevious: graceMs === 0,
    }
    const {kind, label} = store
    const result: RotatedToken = {
      token,
      store: {kind, label},
      previousUntil: graceMs > 0 ? previousUntil : undefined,
      previousKept: graceMs > 0 && current !== undefined,
      warnings,
    }
    if (options.dryRun) return result
    const rotation = new Rotation(ctx, api, store, operation, await ctx.journal.begin(operation, store))
    await rotation.run(current, graceMs > 0, warnings)
    return result
  })
}

/** One rotation, from the intent to its end. */
class Rotation {
  readonly #ctx: AccessContext
  readonly #api: AccessApi
  readonly #store: SecretStore
  readonly #spool: Spool
  #operation: Operation

  constructor(ctx: AccessContext, api: AccessApi, store: SecretStore, operation: Operation, spool: Spool) {
    this.#ctx = ctx
    this.#api = api
    this.#store = store
    this.#operation = operation
    this.#spool = spool
  }

  /**
   * @param known what the store holds now, where it can be read
   * @param keepsPrevious the secret before is to work, and to be kept here, for the grace period
   */
  async run(known: StoredCredentials | undefined, keepsPrevious: boolean, warnings: string[]): Promise<void> {
    const previousUntil = this.#operation.previousUntil ?? nowText(this.#ctx)
    const {token, clientSecret} = await this.#post(previousUntil, known)
    const previous =
      keepsPrevious && known ? {clientSecret: known.clientSecret, until: previousUntil} : undefined
    const spooled: Spooled = {
      tokenId: token.id,
      clientId: token.clientId,
      clientSecret,
      expiresAt: token.expiresAt,
      secretVersion: token.secretVersion,
      updatedAt: token.updatedAt,
      previous,
    }
    const spooling = await this.#spool.write(spooled).then(
      () => undefined,
      (error: unknown) => said(error),
    )
    this.#ctx.progress.step('Reading it again')
    const outcome = await this.#outcome(token).catch((error: unknown) => {
      throw this.#unconfirmed(error)
    })
    if (outcome === 'unseen') throw this.#unconfirmed(undefined)
    this.#ctx.progress.step('Saving the new secret')
    try {
      await settleRotation(this.#ctx, this.#api, this.#store, this.#operation, {outcome, token, spooled})
      if (!this.#store.readable) await this.#note({storedAt: nowText(this.#ctx)})
    } catch (error) {
      throw this.#notSaved(error, spooling)
    }
    if (this.#operation.endsPrevious ? ENDS_PREVIOUS.includes(outcome) : outcome === 'again') {
      await endPrevious(this.#ctx, this.#api, token).catch((error: unknown) => {
        // In the journal, what remains is found again.
        throw this.#previousLives(error, spooling)
      })
    }
    await this.#ctx.journal.end(this.#operation, this.#store).catch((error: unknown) => {
      warnings.push(
        `What the journal kept meanwhile could not be removed: ${said(error)} Run ${ztCommand(this.#ctx, 'token', 'recover')}`,
      )
    })
    if (outcome === 'once') return
    if (outcome !== 'again' || !this.#operation.endsPrevious) throw this.#notOnce(outcome)
    warnings.push('The request arrived twice; the secret that is stored is the one that works')
  }

  async #post(previousUntil: string, known: StoredCredentials | undefined): Promise<NewServiceToken> {
    const {token} = this.#operation
    let made: NewServiceToken
    try {
      await this.#note({sentAt: nowText(this.#ctx)})
      this.#ctx.progress.step('Rotating the service token')
      made = await this.#api.rotateServiceToken(token?.id ?? '', previousUntil)
    } catch (error) {
      if (mayBeDone(error) && !(await this.#wasRefused(error))) throw this.#answerLost(error)
      // Only what is known to have changed nothing is crossed out.
      if (error instanceof UserError)
        await this.#ctx.journal.end(this.#operation, this.#store).catch(() => undefined)
      throw error
    }
    const old = [known?.clientSecret, known?.previous?.clientSecret]
    if (made.token.clientId !== token?.clientId)
      throw this.#answerLost(oddAnswer('It names another Client ID.'))
    if (old.some((secret) => secret?.equals(made.clientSecret)))
      throw this.#answerLost(oddAnswer('It holds a secret from before the rotation.'))
    return made
  }

  /** Whether an answer that says no is borne out by the token. */
  async #wasRefused(error: ApiError): Promise<boolean> {
    const {token} = this.#operation
    if (error.outcomeUnknown || !token) return false
    try {
      const now = await readToken(this.#api, token.id)
      // Where Cloudflare tells nothing by which it could be seen, the refusal is all that there is.
      return now === undefined || isUnrotated(token, now) !== false
    } catch {
      return false
    }
  }

  /** What the rotation came to, by the token as Cloudflare shows it; asked again while it shows an older one. */
  async #outcome(made: ServiceToken): Promise<RotationOutcome> {
    return eventually(
      this.#ctx,
      async () => {
        const now = await this.#api.getServiceToken(made.id)
        return rotationOutcome(this.#operation.token ?? {}, made, now)
      },
      (outcome) => outcome !== 'unseen',
    )
  }

  async #note(change: Partial<Operation>): Promise<void> {
    this.#operation = {...this.#operation, ...change}
    await this.#ctx.journal.update(this.#operation)
  }

  #answerLost(error: ApiError): ApiError {
    const {previousUntil, id} = this.#operation
    return error.with({
      code: 'ROTATION_OUTCOME_UNKNOWN',
      why: `${error.why ?? ''} If it was made, the new secret was lost with the answer, and the one before works until ${previousUntil ?? 'now'}; zt token recover finds out and takes it back.`.trim(),
      next: [ztCommand(this.#ctx, 'token', 'recover')],
      outcomeUnknown: true,
      details: {operation: id},
    })
  }

  /** Cloudflare does not show the rotation: the store keeps what it has, and the spool what came. */
  #unconfirmed(error: unknown): UserError {
    const {name, previousUntil, id} = this.#operation
    return new UserError({
      kind: error instanceof UserError ? error.kind : 'conflict',
      code: 'ROTATION_PENDING',
      message: `Whether "${name}" was rotated is not certain`,
      why: [
        error === undefined
          ? 'Cloudflare gave a new secret, and shows the service token as it was.'
          : `Cloudflare gave a new secret, and the service token could not be read back: ${said(error)}`,
        `${this.#store.label} holds the secret before, which works until ${previousUntil ?? 'now'} at least.`,
      ].join(' '),
      next: [ztCommand(this.#ctx, 'token', 'recover')],
      details: {operation: id},
      cause: error,
    })
  }

  /** The secret is stored, and the rotation is not what was asked for. */
  #notOnce(outcome: Exclude<RotationOutcome, 'once' | 'unseen'>): UserError {
    const {name, id, token} = this.#operation
    return new UserError({
      kind: 'conflict',
      code: 'ROTATED_TWICE',
      message: `"${name}" was rotated${outcome === 'changed' ? ', and changed again since' : ' more than once'}`,
      why: `${AFTERMATH[outcome](this.#store.label)} The request may have arrived twice, or somebody else has changed the service token at the same moment.`,
      next: [
        ztCommand(this.#ctx, 'token', 'show', name),
        ...(outcome === 'again' ? [] : [ztCommand(this.#ctx, 'token', 'rotate', name, '--grace', '0')]),
      ],
      details: {operation: id, tokenId: token?.id, outcome},
    })
  }

  /** The new secret is stored, and the one before works still. */
  #previousLives(error: unknown, spooling: string | undefined): UserError {
    const {name, previousUntil, id} = this.#operation
    return new UserError({
      kind: error instanceof UserError ? error.kind : 'needs-action',
      code: 'PREVIOUS_NOT_ENDED',
      message: `"${name}" was rotated, and the secret before could not be ended`,
      why: `The new secret is in ${this.#store.label}. The one before works until ${previousUntil ?? 'now'}. ${said(error)}`,
      next: spooling === undefined ? [ztCommand(this.#ctx, 'token', 'recover')] : [],
      details: {operation: id, previousUntil},
      cause: error,
    })
  }

  /** Both secrets work, and the new one is in the spool: nothing is taken back in a hurry. */
  #notSaved(error: unknown, spooling: string | undefined): UserError {
    const {name, previousUntil, id} = this.#operation
    return new UserError({
      kind: error instanceof UserError ? error.kind : 'needs-action',
      code: 'ROTATION_PENDING',
      message: `"${name}" was rotated, and its new secret could not be saved in ${this.#store.label}`,
      why: [
        said(error),
        spooling === undefined
          ? 'It is kept encrypted in the journal.'
          : `Nor could it be kept in the journal: ${spooling} The rotation is to be taken back.`,
        `The secret before it works until ${previousUntil ?? 'now'}.`,
      ].join(' '),
      next: [ztCommand(this.#ctx, 'token', 'recover'), ...(error instanceof UserError ? error.next : [])],
      details: {operation: id},
      cause: error,
    })
  }
}

/** After these, the secret before the present one is to end at once where no grace was asked for. */
const ENDS_PREVIOUS: readonly RotationOutcome[] = ['once', 'again']

/** What a rotation that was not made once has left. */
export const AFTERMATH: Record<Exclude<RotationOutcome, 'once' | 'unseen'>, (store: string) => string> = {
  again: (store) =>
    `The new secret is in ${store} and works. The one before has ended: whoever still uses it is refused.`,
  overtaken: (store) =>
    `A secret that works as long as the service token does is in ${store}. The one before the rotation has ended, the newest one came to nobody, and the next rotation can have no grace period.`,
  lost: (store) => `What is in ${store} does not work any more: give the service token a new secret.`,
  changed: (store) =>
    `Cloudflare shows a later change of the service token, and does not tell whether that was a rotation too. The new secret is in ${store}, and works in either case. So may the one from before, until the next rotation without a grace period.`,
}

function oddAnswer(why: string): ApiError {
  return new ApiError({
    kind: 'api',
    code: 'BAD_ANSWER',
    message: "Cannot rotate the service token: the API's answer makes no sense",
    why: `${why} Whether the change was made is not known.`,
    outcomeUnknown: true,
  })
}

/**
 * Keeps what a rotation gave, as it came out. What it does may be done again.
 *
 * @throws UserError of the store; ApiError
 */
export async function settleRotation(
  ctx: AccessContext,
  api: AccessApi,
  store: SecretStore,
  operation: Operation,
  {outcome, token, spooled}: {outcome: RotationOutcome; token: ServiceToken; spooled: Spooled},
): Promise<void> {
  // Only after one rotation is the secret before the present one the one that was here.
  const kept = outcome === 'once' ? spooled : {...spooled, previous: undefined}
  if (outcome !== 'overtaken' && outcome !== 'changed')
    return keep(ctx, store, {...operation, name: token.name}, kept)
  // First its life, then its place: until then the store has what it had.
  await takeBack(ctx, api, store, token, {clientId: spooled.clientId, clientSecret: spooled.clientSecret})
  await indexSecret(ctx, store, {...operation, name: token.name}, kept)
}

/**
 * Ends the grace period now: the secret before the last rotation works no more.
 *
 * @returns `changed` false when this machine knows of no rotation under way
 */
export async function finishRotation(
  ctx: AccessContext,
  options: {token: string; dryRun?: boolean},
): Promise<{token: ServiceToken; changed: boolean}> {
  return onStored(ctx, options.token, async ({api, token, store, entry, current}) => {
    if (!current.previous) return {token, changed: false}
    if (options.dryRun) return {token, changed: true}
    ctx.progress.step('Ending the secret before')
    await endPrevious(ctx, api, token)
    await saveCredentials(store, token.id, {...current, previous: undefined})
    await ctx.index.put({...entry, previousUntil: undefined})
    return {token, changed: true}
  })
}

/**
 * Takes a rotation back during its grace period: the secret before it works as long as the token does, and is what zt
 * uses again. Cloudflare cannot forget the newer one; it is forgotten here.
 *
 * @throws UserError `conflict` / `NO_ROTATION`, `ROTATION_TOO_OLD`
 */
export async function undoRotation(
  ctx: AccessContext,
  options: {token: string; dryRun?: boolean},
): Promise<{token: ServiceToken; until: string}> {
  return onStored(ctx, options.token, async ({api, token, store, entry, current}) => {
    const {previous} = current
    if (!previous) throw noRotation(ctx, token)
    if (Date.parse(previous.until) <= serverNow(ctx, api)) throw tooOld(ctx, token, previous.until)
    const until = farEnough(ctx, token)
    if (options.dryRun) return {token, until}
    ctx.progress.step('Taking the rotation back')
    await takeBack(ctx, api, store, token, {clientId: token.clientId, clientSecret: previous.clientSecret})
    await ctx.index.put({...entry, previousUntil: undefined})
    return {token, until}
  })
}

/**
 * Cloudflare accepts the secret before the last rotation no more.
 *
 * @param token as it was read last
 * @throws UserError `conflict` / `CHANGE_NOT_SEEN`; ApiError
 */
export async function endPrevious(ctx: AccessContext, api: AccessApi, token: ServiceToken): Promise<void> {
  // Past by both clocks: a Date header that is ahead of the truth must not let it live on.
  const now = Math.min(serverNow(ctx, api), ctx.clock.now())
  await setPreviousEnd(ctx, api, token, new Date(now - SOON_ENDED_MS).toISOString())
}

/**
 * The secret before a rotation lives on at Cloudflare, and is the one that the store holds.
 *
 * @param token as it was read last
 * @throws UserError `conflict` / `CHANGE_NOT_SEEN`: the store is as it was; ApiError
 */
export async function takeBack(
  ctx: AccessContext,
  api: AccessApi,
  store: SecretStore,
  token: ServiceToken,
  before: StoredCredentials | undefined,
): Promise<void> {
  await setPreviousEnd(ctx, api, token, farEnough(ctx, token))
  if (!before) return
  const {clientId, clientSecret} = before
  await saveCredentials(store, token.id, {clientId, clientSecret, superseded: true})
}

/**
 * When the secret before ends, Cloudflare shows nowhere. That the token was changed at all is seen by the time of its last
 * change; where that tells nothing, the answer is all that there is.
 */
async function setPreviousEnd(
  ctx: AccessContext,
  api: AccessApi,
  before: ServiceToken,
  until: string,
): Promise<void> {
  const sentAt = serverNow(ctx, api)
  await persistently(ctx, api, before.id, {previous_client_secret_expires_at: until})
  const now = await eventually(
    ctx,
    () => api.getServiceToken(before.id),
    (token) => !isUnmoved(before, token, sentAt),
  )
  if (!isUnmoved(before, now, sentAt)) return
  throw new UserError({
    kind: 'conflict',
    code: 'CHANGE_NOT_SEEN',
    message: `Whether the service token "${now.name}" was changed is not certain`,
    why: 'Cloudflare answered that it was, and shows it as it was. Until when the secret before works is not known.',
    next: ['Run the command again', ztCommand(ctx, 'token', 'show', before)],
    details: {tokenId: before.id},
  })
}

/** Whether a token shows no change since it was read. A time in whole seconds hides one in the same second. */
function isUnmoved({clientId, updatedAt}: ServiceToken, now: ServiceToken, sentAt: number): boolean {
  if (now.clientId !== clientId) return true
  if (updatedAt === undefined || now.updatedAt === undefined) return false
  const was = Date.parse(updatedAt)
  if (Date.parse(now.updatedAt) !== was) return Date.parse(now.updatedAt) < was
  return was % 1000 !== 0 || Math.abs(sentAt - was) > SKEW_NOISE_MS
}

interface Stored {
  api: AccessApi
  token: ServiceToken
  store: SecretStore
  entry: IndexEntry
  current: StoredCredentials
}

/** Does something with a token whose secret is here, under its lock. */
async function onStored<T>(
  ctx: AccessContext,
  wanted: string,
  run: (stored: Stored) => Promise<T>,
): Promise<T> {
  const api = await ctx.api()
  const {token, entry} = await find(ctx, api, wanted)
  if (!entry) throw notHere(ctx, token)
  const store = ctx.storeOf(entry.store)
  await requireReady(store, {write: true})
  return withTokenLock(ctx, token.id, async () => {
    await refusePending(ctx, (other) => other.kind === 'rotate' && other.token?.id === token.id)
    const current = await readCredentials(store, token.id)
    if (!current) throw notHere(ctx, token)
    return run({api, token, store, entry, current})
  })
}

async function find(
  ctx: AccessContext,
  api: AccessApi,
  wanted: string,
): Promise<{token: ServiceToken; entry: IndexEntry | undefined}> {
  ctx.progress.step('Reading the service token')
  const [tokens, entries] = await Promise.all([api.listServiceTokens(), ctx.index.list(ctx.profile)])
  const token = resolveToken(ctx, wanted, tokens)
  return {token, entry: entries.find(({tokenId}) => tokenId === token.id)}
}

function storeFor(ctx: AccessContext, entry: IndexEntry | undefined): Promise<SecretStore> {
  return entry ? Promise.resolve(ctx.storeOf(entry.store)) : ctx.store()
}

/** The time by the server's clock: what is promised until then is kept by the server. */
function serverNow(ctx: AccessContext, api: AccessApi): number {
  const ahead = api.clockAhead() ?? 0
  return ctx.clock.now() + (Math.abs(ahead) < SKEW_NOISE_MS ? 0 : ahead)
}

/** Until when the present secret works is told by the server's clock: a clock that cannot be is no measure. */
function refuseAbsurdClock(api: AccessApi): void {
  const days = Math.round(Math.abs(api.clockAhead() ?? 0) / (24 * 3600_000))
  if (days <= MOST_SKEW_DAYS) return
  throw new UserError({
    kind: 'needs-action',
    code: 'CLOCKS_DISAGREE',
    message: `This machine's clock and Cloudflare's are ${days} days apart`,
    why: 'How long a secret works is a matter of time. Nothing was changed.',
    next: ['Set the clock of this machine, then run the command again'],
  })
}

function clockWarning(api: AccessApi): string[] {
  const ahead = api.clockAhead() ?? 0
  if (Math.abs(ahead) < SKEW_WARNING_MS) return []
  const minutes = Math.round(Math.abs(ahead) / 60_000)
  return [
    `This machine's clock is ${minutes} min ${ahead > 0 ? 'behind' : 'ahead of'} Cloudflare's, whose time is used here`,
  ]
}

/** As long as the token itself works. */
function farEnough(ctx: AccessContext, token: ServiceToken): string {
  return token.expiresAt ?? new Date(ctx.clock.now() + FOREVER_MS).toISOString()
}

/** Cloudflare keeps one secret before the present: another rotation ends it at once. */
function refuseWhatWouldCutOff(
  ctx: AccessContext,
  token: ServiceToken,
  current: StoredCredentials | undefined,
  {graceMs, now}: {graceMs: number; now: number},
): void {
  const until = current?.previous?.until
  if (until !== undefined && Date.parse(until) > now) {
    throw new UserError({
      kind: 'conflict',
      code: 'ROTATION_UNDER_WAY',
      message: `"${token.name}" is being rotated already`,
      why: `The secret before works until ${until}; another rotation would end it at once, for whoever still uses it.`,
      next: [
        ztCommand(ctx, 'token', 'rotate', token, '--finish'),
        ztCommand(ctx, 'token', 'rotate', token, '--undo'),
      ],
      details: {tokenId: token.id, previousUntil: until},
    })
  }
  if (current?.superseded && graceMs > 0) {
    throw new UserError({
      kind: 'conflict',
      code: 'NO_OVERLAP',
      message: `"${token.name}" cannot be rotated with a grace period now`,
      why: 'Its last rotation was taken back. For Cloudflare the secret in use is the one before the newest, and a rotation ends it at once.',
      next: [
        ztCommand(ctx, 'token', 'rotate', token, '--grace', '0'),
        'Or create another service token, and revoke this one when nothing uses it',
      ],
      details: {tokenId: token.id},
    })
  }
}

function notHere(ctx: AccessContext, token: ServiceToken): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'SECRET_NOT_HERE',
    message: `The secret of "${token.name}" is not on this machine`,
    why: `Profile ${ctx.profile} keeps none for it.`,
    next: [ztCommand(ctx, 'token', 'import', token)],
    details: {tokenId: token.id},
  })
}

function noRotation(ctx: AccessContext, token: ServiceToken): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'NO_ROTATION',
    message: `No rotation of "${token.name}" is under way`,
    why: 'The store holds one secret for it, and none before.',
    next: [ztCommand(ctx, 'token', 'show', token)],
  })
}

function tooOld(ctx: AccessContext, token: ServiceToken, until: string): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'ROTATION_TOO_OLD',
    message: `The rotation of "${token.name}" cannot be taken back any more`,
    why: `The secret before it worked until ${until}.`,
    next: [ztCommand(ctx, 'token', 'rotate', token, '--finish')],
  })
}
