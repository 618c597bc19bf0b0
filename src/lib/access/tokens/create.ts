import type {AccessApi, NewServiceToken, ServiceToken} from '../../api/types.js'
import {parseTokenDuration} from '../../core/duration.js'
import {ApiError, UserError} from '../../core/errors.js'
import type {Secret} from '../../core/secret.js'
import type {Operation, Spool, Spooled} from '../../secrets/journal/journal.js'
import {requireReady} from '../../secrets/open.js'
import type {SecretStore} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {
  ensureDeleted,
  forget,
  isAbsent,
  keep,
  lockOf,
  makeReady,
  newOperation,
  nowText,
  readToken,
  refusePending,
  said,
  unfinishedName,
  deleteTwins,
} from './operations.js'
import {eventually, isGone, mayBeDone} from '../account/outcome.js'
import {withLock} from './lock.js'
import {checkTokenName, nameTaken} from './list.js'

export interface CreatedToken {
  token: ServiceToken
  /** For --reveal, and nothing else. */
  clientSecret: Secret
  store: Pick<SecretStore, 'kind' | 'label'>
  warnings: string[]
}

/**
 * Creates a service token and keeps its one-time secret. The token is made disabled and under a name that nobody else
 * uses, and gets its own name and its life when the secret is in the store: whatever interrupts this, there is a
 * secret for every token that works. What is interrupted is in the journal, and `recoverOperations` settles it.
 *
 * @throws UserError `usage` (name, duration), `conflict` / `TOKEN_NAME_TAKEN`, `OPERATION_PENDING`, `TOKEN_BUSY`,
 *   `needs-action` (store); `SECRET_NOT_SAVED`: nothing is left; `TOKEN_PENDING`: the journal has it; ApiError
 */
export async function createServiceToken(
  ctx: AccessContext,
  options: {name: string; duration?: string | undefined},
): Promise<CreatedToken> {
  const name = checkTokenName(options.name)
  const duration = options.duration === undefined ? undefined : parseTokenDuration(options.duration).api
  ctx.progress.step('Trying the secret store')
  const store = await ctx.store()
  const warning = await requireReady(store, {write: true})
  const api = await ctx.api()
  const operation = newOperation(ctx, api, {kind: 'create', name, token: undefined, store: store.kind})
  return withLock(ctx, lockOf(operation), async () => {
    await refusePending(ctx, (other) => other.kind === 'create' && lockOf(other) === lockOf(operation))
    const creation = await Creation.begin(ctx, api, store, operation)
    const created = await creation.run(duration)
    if (warning !== undefined) created.warnings.push(warning)
    return created
  })
}

/**
 * What {@link createServiceToken} would do: everything that can be known without changing anything.
 *
 * @throws as {@link createServiceToken}, but what only the store's rehearsal and the API's answer show
 */
export async function planServiceToken(
  ctx: AccessContext,
  options: {name: string; duration?: string | undefined},
): Promise<{name: string; duration: string; store: Pick<SecretStore, 'kind' | 'label'>; warnings: string[]}> {
  const name = checkTokenName(options.name)
  const {api: duration} = parseTokenDuration(options.duration ?? STANDARD_DURATION)
  const store = await ctx.store()
  const warning = await requireReady(store, {write: true})
  const api = await ctx.api()
  ctx.progress.step('Looking for a token of that name')
  const operation = newOperation(ctx, api, {kind: 'create', name, token: undefined, store: store.kind})
  await refusePending(ctx, (other) => lockOf(other) === lockOf(operation))
  refuseTaken(ctx, name, await api.listServiceTokens())
  const {kind, label} = store
  return {name, duration, store: {kind, label}, warnings: warning === undefined ? [] : [warning]}
}

/** What Cloudflare gives a token for which none is asked. */
const STANDARD_DURATION = '8760h'

/** One creation, from the intent to its end. */
class Creation {
  readonly #ctx: AccessContext
  readonly #api: AccessApi
  readonly #store: SecretStore
  readonly #spool: Spool
  #operation: Operation

  private constructor(
    ctx: AccessContext,
    api: AccessApi,
    store: SecretStore,
    operation: Operation,
    spool: Spool,
  ) {
    this.#ctx = ctx
    this.#api = api
    this.#store = store
    this.#operation = operation
    this.#spool = spool
  }

  static async begin(
    ctx: AccessContext,
    api: AccessApi,
    store: SecretStore,
    operation: Operation,
  ): Promise<Creation> {
    return new Creation(ctx, api, store, operation, await ctx.journal.begin(operation, store))
  }

  async run(duration: string | undefined): Promise<CreatedToken> {
    const {name} = this.#operation
    this.#ctx.progress.step('Looking for a token of that name')
    await this.#api
      .listServiceTokens()
      .then((tokens) => {
        refuseTaken(this.#ctx, name, tokens)
      })
      .catch((error: unknown) => this.#abandon(error))
    this.#ctx.progress.step('Creating the service token')
    const {token, clientSecret} = await this.#post(duration)
    const spooled: Spooled = {
      tokenId: token.id,
      clientId: token.clientId,
      clientSecret,
      expiresAt: token.expiresAt,
    }
    // It is in memory still: without a spool only a kill in the next moment would lose it, and the token is disabled.
    await this.#spool.write(spooled).catch(() => undefined)
    this.#ctx.progress.step('Reading it again')
    await this.#confirm(token)
    this.#ctx.progress.step('Saving its secret')
    try {
      await keep(this.#ctx, this.#store, this.#operation, spooled)
      const tokens = await this.#api.listServiceTokens()
      await deleteTwins(this.#ctx, this.#api, this.#operation, token.id, tokens)
      refuseTaken(this.#ctx, name, tokens)
    } catch (error) {
      return await this.#rollBack(token, error)
    }
    const ready = await makeReady(this.#ctx, this.#api, token.id, name).catch((error: unknown) =>
      this.#notReady(token, error),
    )
    const warnings: string[] = []
    await this.#ctx.journal.end(this.#operation, this.#store).catch((error: unknown) => {
      warnings.push(
        `What the journal kept meanwhile could not be removed: ${said(error)} Run ${ztCommand(this.#ctx, 'token', 'recover')}`,
      )
    })
    const {kind, label} = this.#store
    return {token: {...token, ...ready}, clientSecret, store: {kind, label}, warnings}
  }

  /** One POST, and what came of it where the answer is lost. */
  async #post(duration: string | undefined): Promise<NewServiceToken> {
    this.#operation = {...this.#operation, sentAt: nowText(this.#ctx)}
    await this.#ctx.journal.update(this.#operation).catch((error: unknown) => this.#abandon(error))
    try {
      return await this.#api.createServiceToken({
        name: unfinishedName(this.#operation),
        enabled: false,
        ...(duration !== undefined && {duration}),
      })
    } catch (error) {
      if (mayBeDone(error)) return this.#answerLost(error)
      // Only what is known to have made nothing is crossed out.
      if (error instanceof UserError) return this.#abandon(error)
      throw error
    }
  }

  /**
   * The token that the answer names is the one that was made: nobody else's has this name. Until that is seen, nothing is
   * kept, changed or deleted by its id.
   */
  async #confirm({id, clientId}: ServiceToken): Promise<void> {
    let seen: ServiceToken | undefined
    try {
      seen = await eventually(
        this.#ctx,
        () => readToken(this.#api, id),
        (token) => token !== undefined,
      )
    } catch (error) {
      throw unconfirmed(this.#ctx, this.#operation, said(error), error)
    }
    if (seen?.clientId === clientId && seen.name === unfinishedName(this.#operation)) return
    const {name} = this.#operation
    await this.#answerLost(
      new ApiError({
        kind: 'api',
        code: 'BAD_ANSWER',
        message: `Cannot create "${name}": the API's answer makes no sense`,
        why: seen
          ? 'It names a service token that is not the one that was made.'
          : 'It names a service token that does not exist.',
        outcomeUnknown: true,
        details: {operation: this.#operation.id},
      }),
    )
  }

  /** Nothing was made. */
  async #abandon(error: unknown): Promise<never> {
    // What cannot be removed now is removed by the next recovery.
    await this.#ctx.journal.end(this.#operation, this.#store).catch(() => undefined)
    throw error
  }

  async #answerLost(error: ApiError): Promise<never> {
    this.#ctx.progress.step('The answer was lost: looking for what came of it')
    let deleted = false
    let looked = false
    try {
      const pauses = error.outcomeUnknown ? LOOK_AGAIN_MS : [0]
      deleted = await deleteUnfinished(this.#ctx, this.#api, this.#operation, pauses)
      looked = true
    } catch {
      // The journal has it.
    }
    // Refused, and nothing is there: so it was.
    if (!error.outcomeUnknown && looked && !deleted) return this.#abandon(error)
    const why = deleted
      ? 'The token had been made, and its secret was lost with the answer; it was deleted again.'
      : `If the token was made it is disabled, has the name "${unfinishedName(this.#operation)}", and zt token recover deletes it.`
    const told = error.with({
      code: deleted ? error.code : 'TOKEN_OUTCOME_UNKNOWN',
      why: `${(error.why ?? '').replace('Whether the change was made is not known.', '').trim()} ${why}`.trim(),
      next: deleted ? ['Try again'] : [ztCommand(this.#ctx, 'token', 'recover')],
      outcomeUnknown: !deleted,
      details: {operation: this.#operation.id},
    })
    if (deleted) return this.#abandon(told)
    throw told
  }

  /** The secret is not safe, or the name is another's now: the token goes, which works for nobody yet. */
  async #rollBack(token: ServiceToken, error: unknown): Promise<never> {
    const {name} = this.#operation
    try {
      await ensureDeleted(this.#ctx, this.#api, token.id)
    } catch (failure) {
      throw pending(this.#ctx, this.#operation, token, {
        message: `"${name}" was made, and could be neither kept nor deleted`,
        why: `${said(error)} Deleting it: ${said(failure)}`,
        kind: 'needs-action',
        cause: error,
      })
    }
    // A store that has just failed may fail again; what is left there opens nothing, and `zt store check` finds it.
    await forget(this.#ctx, this.#store, token.id).catch(() => undefined)
    if (error instanceof UserError && error.code === 'TOKEN_NAME_TAKEN') return this.#abandon(error)
    return this.#abandon(
      new UserError({
        kind: error instanceof UserError ? error.kind : 'needs-action',
        code: 'SECRET_NOT_SAVED',
        message: `The secret of "${name}" could not be saved in ${this.#store.label}`,
        why: `${said(error)} The new token was deleted again.`,
        next: error instanceof UserError ? error.next : [],
        details: {tokenId: token.id, deleted: true},
        cause: error,
      }),
    )
  }

  /** The secret is safe, and the token is not yet what was asked for. */
  async #notReady(token: ServiceToken, error: unknown): Promise<never> {
    if (isGone(error) && (await isAbsent(this.#api, token.id).catch(() => false))) {
      await forget(this.#ctx, this.#store, token.id).catch(() => undefined)
      return this.#abandon(error)
    }
    throw pending(this.#ctx, this.#operation, token, {
      message: `"${this.#operation.name}" was made and its secret is safe, but it could not be enabled`,
      why: said(error),
      kind: error instanceof UserError ? error.kind : 'needs-action',
      cause: error,
    })
  }
}

/** What was made could not be read back: the recovery does, from the spool or by the name. */
function unconfirmed(ctx: AccessContext, operation: Operation, why: string, cause: unknown): UserError {
  return new UserError({
    kind: cause instanceof UserError ? cause.kind : 'needs-action',
    code: 'TOKEN_PENDING',
    message: `"${operation.name}" was made, and could not be read back`,
    why: `${why} It is disabled, and the recovery finishes or deletes it.`,
    next: [ztCommand(ctx, 'token', 'recover')],
    details: {operation: operation.id},
    cause,
  })
}

/** An error that ends with an operation in the journal. */
function pending(
  ctx: AccessContext,
  operation: Operation,
  token: ServiceToken,
  {message, why, kind, cause}: Pick<UserError, 'message' | 'kind' | 'cause'> & {why: string},
): UserError {
  return new UserError({
    kind,
    code: 'TOKEN_PENDING',
    message,
    why: `${why} It is disabled, and its secret is kept for the recovery.`,
    next: [ztCommand(ctx, 'token', 'recover')],
    details: {operation: operation.id, tokenId: token.id},
    cause,
  })
}

/** @throws UserError `conflict` / `TOKEN_NAME_TAKEN` when a token has that name */
function refuseTaken(ctx: AccessContext, name: string, tokens: readonly ServiceToken[]): void {
  const taken = tokens.find((token) => token.name === name)
  if (taken) throw nameTaken(ctx, taken)
}

/** Pauses before the account is asked again what it has: a list may lag behind. */
const LOOK_AGAIN_MS = [0, 500, 1000, 2000]

/** Looks for the token of an unfinished creation and deletes it. False when none is seen. */
async function deleteUnfinished(
  ctx: AccessContext,
  api: AccessApi,
  operation: Operation,
  pauses: readonly number[],
): Promise<boolean> {
  const name = unfinishedName(operation)
  for (const pause of pauses) {
    if (pause > 0) await ctx.sleep(pause)
    const found = (await api.listServiceTokens()).filter((token) => token.name === name)
    for (const {id} of found) await ensureDeleted(ctx, api, id)
    if (found.length > 0) return true
  }
  return false
}
