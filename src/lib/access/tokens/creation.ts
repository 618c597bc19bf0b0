import type {AccessApi, NewServiceToken, ServiceToken} from '../../api/types.js'
import {ApiError, UserError} from '../../core/errors.js'
import {said} from '../../core/said.js'
import {readCredentials} from '../../secrets/credentials.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import type {JournalEntry, Spooled} from '../../secrets/journal/journal.js'
import type {SecretStore} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import {askInTurn} from '../account/ask-each.js'
import type {AccessContext} from '../account/context.js'
import {eventually, isGone} from '../account/outcome.js'
import {ensureDeleted, isAbsent, persistently, readToken} from './confirmed-changes.js'
import {Issuance, type Failure, type Plan} from './issuance.js'
import {unfinishedName} from './journal-entries.js'
import {nameTaken} from './list.js'
import {forgetSecret, indexSecret, keepSecret} from './stored-secret.js'

/** Pauses before the account is asked again for a token: a list may lag behind. */
const LOOK_AGAIN_MS = [0, 500, 1000, 2000]

/** One creation of a service token. */
export class Creation extends Issuance<void> {
  readonly #duration: string | undefined

  /** @param duration as the API takes it; not needed to settle an interrupted run */
  constructor(
    ctx: AccessContext,
    api: AccessApi,
    store: SecretStore,
    entry: JournalEntry,
    duration?: string,
  ) {
    super(ctx, api, store, entry)
    this.#duration = duration
  }

  protected override async check(): Promise<void> {
    this.ctx.progress.step('Checking the name')
    refuseTaken(this.ctx, this.entry.name, await this.api.listServiceTokens())
  }

  protected request(): Promise<NewServiceToken> {
    this.ctx.progress.step('Creating the service token')
    return this.api.createServiceToken({
      name: unfinishedName(this.entry),
      enabled: false,
      ...(this.#duration !== undefined && {duration: this.#duration}),
    })
  }

  protected async afterError(error: ApiError): Promise<Failure> {
    this.ctx.progress.step('The answer was lost: looking for the token')
    // Undefined: the account could not be asked. The journal still has the entry.
    const deleted = await this.#deleteUnfinished(error.outcomeUnknown ? LOOK_AGAIN_MS : [0]).catch(
      () => undefined,
    )
    // The request was refused, and no token is there: so the refusal is true.
    if (!error.outcomeUnknown && deleted === false) return {error, over: true}
    if (deleted)
      return {
        over: true,
        error: this.outcome(error, {
          code: error.code,
          why: 'The token had been created, but its secret was lost with the answer, so it was deleted again.',
          next: 'Try again',
          known: true,
        }),
      }
    return {
      over: false,
      error: this.outcome(error, {
        code: 'TOKEN_OUTCOME_UNKNOWN',
        why: `If the token was created, it is disabled and has the name "${unfinishedName(this.entry)}"; zt token recover deletes it.`,
        next: this.recoverCommand,
        known: false,
      }),
    }
  }

  protected toSpool({token, clientSecret}: NewServiceToken): Spooled {
    const {id: tokenId, clientId, expiresAt, secretVersion} = token
    return {tokenId, clientId, clientSecret, expiresAt, secretVersion}
  }

  /** Makes sure that the answer names the token that was created: no other token has its unfinished name. */
  protected async confirm({id, clientId}: ServiceToken): Promise<void> {
    const {name} = this.entry
    let seen: ServiceToken | undefined
    try {
      seen = await eventually(
        this.ctx,
        () => readToken(this.api, id),
        (token) => token !== undefined,
      )
    } catch (cause) {
      throw this.unfinished(
        'TOKEN_PENDING',
        `"${name}" was created, but could not be read back`,
        `${said(cause)} It is disabled; the recovery finishes or deletes it.`,
        {cause},
      )
    }
    if (seen?.clientId === clientId && seen.name === unfinishedName(this.entry)) return
    const bad = new ApiError({
      kind: 'api',
      code: 'BAD_ANSWER',
      message: `Cannot create "${name}": the API's answer makes no sense`,
      why: seen
        ? 'It names another service token than the one that was created.'
        : 'It names a service token that does not exist.',
      outcomeUnknown: true,
      details: {operation: this.entry.id},
    })
    return this.end(await this.afterError(bad))
  }

  protected async save(spooled: Spooled): Promise<void> {
    try {
      await keepSecret(this.ctx, this.store, this.#made, spooled)
      const tokens = await this.api.listServiceTokens()
      await this.#deleteTwins(spooled.tokenId, tokens)
      refuseTaken(this.ctx, this.entry.name, tokens)
    } catch (error) {
      await this.#rollBack(spooled.tokenId, error)
    }
  }

  protected async finish(made: ServiceToken): Promise<ServiceToken> {
    try {
      return {...made, ...(await this.#enable(made.id))}
    } catch (cause) {
      if (isGone(cause) && (await isAbsent(this.api, made.id).catch(() => false))) {
        await forgetSecret(this.ctx, this.store, made.id).catch(() => undefined)
        return this.abandon(cause)
      }
      throw this.unfinished(
        'TOKEN_PENDING',
        `"${this.entry.name}" was created and its secret is safe, but it could not be enabled`,
        `${said(cause)} ${SPOOLED}`,
        {cause, tokenId: made.id},
      )
    }
  }

  async planUndo(): Promise<Plan> {
    const unfinished = this.#unfinishedOf(await this.api.listServiceTokens())
    return {
      settlement: 'undone',
      why:
        unfinished.length > 0
          ? 'The token had been created, but not enabled; it is deleted.'
          : 'No unfinished token was found. A token that is already enabled has its own name, and stays.',
      act: () =>
        askInTurn(this.api, unfinished, async ({id}) => {
          await ensureDeleted(this.ctx, this.api, id)
          await forgetSecret(this.ctx, this.store, id).catch(() => undefined)
        }),
    }
  }

  async plan(spooled: Spooled | undefined): Promise<Plan> {
    const {ctx, api, entry} = this
    const tokens = await api.listServiceTokens()
    const unfinished = this.#unfinishedOf(tokens)
    // The answer was spooled before it was checked: it may name another's token, which is left alone.
    const named = spooled && (await readToken(api, spooled.tokenId))
    const isOurs = named === undefined || named.clientId === spooled?.clientId
    if (spooled && isOurs && (named !== undefined || unfinished.length === 0))
      return this.#planSpooled(spooled, named, tokens)
    for (const token of unfinished) {
      // The spool is gone or could not be written, but the secret had reached the store.
      if (await this.#isStored(token)) return this.#planEnabling(token, tokens, () => this.#index(token))
    }
    if (unfinished.length > 0) {
      return {
        settlement: 'undone',
        why: 'The token had been created, but not enabled, and its secret was lost. It is deleted.',
        next: this.#again,
        act: () => askInTurn(api, unfinished, ({id}) => ensureDeleted(ctx, api, id)),
      }
    }
    const done = (await ctx.index.list(ctx.profile)).some(
      ({name, storedAt, accountId}) =>
        name === entry.name && accountId === entry.accountId && storedAt >= entry.startedAt,
    )
    if (done) return {settlement: 'finished', why: 'The token was created and its secret is stored.'}
    return this.nothingMade('No such token was created.', this.#again)
  }

  /** @param token as the account shows it; undefined when it says that there is none */
  async #planSpooled(
    spooled: Spooled,
    token: ServiceToken | undefined,
    tokens: readonly ServiceToken[],
  ): Promise<Plan> {
    const {ctx, store, entry} = this
    if (!token) {
      if (tokens.some(({id}) => id === spooled.tokenId)) return LISTED_AND_ABSENT
      return {
        settlement: 'undone',
        why: 'The token had been created, and was deleted since. Its secret is discarded.',
        act: () => forgetSecret(ctx, store, spooled.tokenId),
      }
    }
    if (token.name === unfinishedName(entry))
      return this.#planEnabling(token, tokens, () => keepSecret(ctx, store, this.#made, spooled))
    // It has its name, which is the last step before clearing up: the store may hold a newer secret by now.
    const here = await store.has({kind: 'service-token', id: token.id})
    return {
      settlement: 'finished',
      why: `The token works, and its secret is in ${store.label}.`,
      act: async () => {
        if (!here) await keepSecret(ctx, store, {...this.#made, name: token.name}, spooled)
      },
    }
  }

  #planEnabling(token: ServiceToken, tokens: readonly ServiceToken[], keep: () => Promise<void>): Plan {
    const {ctx, api, store, entry} = this
    if (tokens.some(({name, id}) => name === entry.name && id !== token.id)) {
      return {
        settlement: 'undone',
        why: `Another token is called "${entry.name}" now. The unfinished one, which never worked, is deleted.`,
        act: async () => {
          await this.#deleteTwins(token.id, tokens)
          await ensureDeleted(ctx, api, token.id)
          await forgetSecret(ctx, store, token.id)
        },
      }
    }
    return {
      settlement: 'finished',
      why: 'The token had been created. Its secret is stored, and the token is enabled.',
      act: async () => {
        await keep()
        await this.#deleteTwins(token.id, tokens)
        await this.#enable(token.id)
      },
    }
  }

  /** Of the index's entry. */
  get #made(): Pick<IndexEntry, 'accountId' | 'name' | 'operation'> {
    const {accountId, name, id} = this.entry
    return {accountId, name, operation: id}
  }

  get #again(): string[] {
    return [ztCommand(this.ctx, 'token', 'create', this.entry.name)]
  }

  #unfinishedOf(tokens: readonly ServiceToken[]): ServiceToken[] {
    return tokens.filter(({name}) => name === unfinishedName(this.entry))
  }

  /** Gives the token its name and enables it. */
  #enable(id: string): Promise<ServiceToken> {
    return persistently(this.ctx, this.api, id, {name: this.entry.name, enabled: true})
  }

  /** Looks for the token of a request without an answer, and deletes it. False when none is seen. */
  async #deleteUnfinished(pauses: readonly number[]): Promise<boolean> {
    for (const pause of pauses) {
      if (pause > 0) await this.ctx.sleep(pause)
      if (await this.#deleteSeen()) return true
    }
    return false
  }

  async #deleteSeen(): Promise<boolean> {
    const found = this.#unfinishedOf(await this.api.listServiceTokens())
    await askInTurn(this.api, found, ({id}) => ensureDeleted(this.ctx, this.api, id))
    return found.length > 0
  }

  /** A request that was sent twice on the way made two tokens. The secrets of the others are lost. */
  async #deleteTwins(id: string, tokens: readonly ServiceToken[]): Promise<void> {
    const twins = this.#unfinishedOf(tokens).filter((one) => one.id !== id)
    await askInTurn(this.api, twins, (twin) => ensureDeleted(this.ctx, this.api, twin.id))
  }

  /** The secret is not safe, or another token has the name now: this one, which does not work yet, is deleted. */
  async #rollBack(tokenId: string, cause: unknown): Promise<never> {
    const {name} = this.entry
    try {
      await ensureDeleted(this.ctx, this.api, tokenId)
    } catch (failure) {
      throw this.unfinished(
        'TOKEN_PENDING',
        `"${name}" was created, but could be neither saved nor deleted`,
        `${said(cause)} Deleting it: ${said(failure)} ${SPOOLED}`,
        {cause, tokenId},
      )
    }
    // The store has just failed and may fail again. What stays there opens nothing; `zt store check` finds it.
    await forgetSecret(this.ctx, this.store, tokenId).catch(() => undefined)
    if (cause instanceof UserError && cause.code === 'TOKEN_NAME_TAKEN') return this.abandon(cause)
    return this.abandon(
      new UserError({
        kind: cause instanceof UserError ? cause.kind : 'needs-action',
        code: 'SECRET_NOT_SAVED',
        message: `The secret of "${name}" could not be saved in ${this.store.label}`,
        why: `${said(cause)} The new token was deleted again.`,
        next: cause instanceof UserError ? [...cause.next] : [],
        details: {tokenId, deleted: true},
        cause,
      }),
    )
  }

  /** Whether the store has the whole secret of this token. */
  async #isStored({id, clientId}: ServiceToken): Promise<boolean> {
    if (!this.store.readable) return this.store.has({kind: 'service-token', id})
    try {
      return (await readCredentials(this.store, id))?.clientId === clientId
    } catch (error) {
      if (error instanceof UserError && error.code === 'STORED_SECRET_DAMAGED') return false
      throw error
    }
  }

  /** Adds a secret that is in the store already to the index. */
  async #index({id, clientId, expiresAt}: ServiceToken): Promise<void> {
    const {ctx, store} = this
    if ((await ctx.index.list(ctx.profile)).some(({tokenId}) => tokenId === id)) return
    await indexSecret(ctx, store, this.#made, {tokenId: id, clientId, expiresAt, previousUntil: undefined})
  }
}

const SPOOLED = 'It is disabled, and its secret is kept for the recovery.'

/** A token that works would lose its secret by a mistake: reading it and listing it must agree that it is gone. */
export const LISTED_AND_ABSENT: Plan = {
  settlement: 'waiting',
  why: 'Cloudflare lists the token, but also says that it does not exist.',
}

/** @throws UserError `conflict` / `TOKEN_NAME_TAKEN` when a token has that name */
export function refuseTaken(ctx: AccessContext, name: string, tokens: readonly ServiceToken[]): void {
  const taken = tokens.find((token) => token.name === name)
  if (taken) throw nameTaken(ctx, taken)
}
