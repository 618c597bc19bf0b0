import type {AccessApi, NewServiceToken, ServiceToken} from '../../api/types.js'
import {ApiError, interrupted, OUTCOME_UNKNOWN, UserError} from '../../core/errors.js'
import {said} from '../../core/said.js'
import type {JournalEntry, Spool, Spooled} from '../../secrets/journal/journal.js'
import type {SecretStore} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {mayBeDone} from '../account/outcome.js'
import {nowText} from './journal-entries.js'
import {whileProfileRemains} from './profile-lock.js'

/**
 * - `finished`: the secret is stored and the token works
 * - `undone`: as if the run had not begun
 * - `busy`: another zt is working on it
 * - `waiting`: cannot be settled yet; `why` says what it waits for
 */
export type Settlement = 'finished' | 'undone' | 'busy' | 'waiting'

/** How an unfinished run would be settled. */
export interface Plan {
  settlement: Exclude<Settlement, 'busy'>
  /** Sentences: what had happened, and what is done about it. */
  why: string
  next?: string[]
  /** The token whose previous secret ends by this. */
  endsSecretOf?: {id: string; clientId: string} | undefined
  /** Does it. Nothing is changed before. */
  act?: () => Promise<void>
}

/** The outcome of a failed request. `over`: there is nothing left to recover. */
export interface Failure {
  error: unknown
  over: boolean
}

/**
 * How long after a request without an answer the account may still not show its effect. Changes take up to about
 * 85 seconds to be enforced (reported); a list is not known to lag longer.
 */
const SETTLE_MS = 5 * 60_000

/**
 * One run that makes a one-time secret, so that the secret is not lost whatever interrupts the run: the intent and an
 * empty spool, one request, the secret into the spool, a look at the token, the secret into its store, the rest of the
 * change, and the journal cleared. Creating and rotating differ in the steps below. `token recover` opens the same
 * object from the journal entry of an interrupted run and asks it for a plan.
 *
 * @typeParam Seen what reading the token back showed
 */
export abstract class Issuance<Seen = unknown> {
  protected readonly ctx: AccessContext
  protected readonly api: AccessApi
  protected readonly store: SecretStore
  #entry: JournalEntry
  /** Why the secret could not be written to the spool. */
  protected spoolFault: string | undefined

  constructor(ctx: AccessContext, api: AccessApi, store: SecretStore, entry: JournalEntry) {
    this.ctx = ctx
    this.api = api
    this.store = store
    this.#entry = entry
  }

  /** Called last before the request; throws to refuse. */
  protected check(): Promise<void> {
    return Promise.resolve()
  }

  /** The request that makes the secret; never repeated. */
  protected abstract request(): Promise<NewServiceToken>
  /** What came of a request that was answered with an error, or not at all. */
  protected abstract afterError(error: ApiError): Promise<Failure>
  protected abstract toSpool(made: NewServiceToken): Spooled
  /** Reads the token back. Until then nothing is stored, changed or deleted by what the answer says. */
  protected abstract confirm(made: ServiceToken): Promise<Seen>
  /** Saves the secret in the store and the index. */
  protected abstract save(spooled: Spooled, made: ServiceToken, seen: Seen): Promise<void>
  /** What is left to do once the secret is safe. Returns the token as it is then. */
  protected abstract finish(made: ServiceToken, seen: Seen): Promise<ServiceToken>

  /** How to settle an interrupted run; changes nothing. `spooled` is the secret, where it reached the spool. */
  abstract plan(spooled: Spooled | undefined): Promise<Plan>
  /** How to undo an interrupted run, also where the store cannot be used. */
  abstract planUndo(): Promise<Plan>

  async run(): Promise<{token: ServiceToken; made: NewServiceToken; seen: Seen; warnings: string[]}> {
    const {ctx, store} = this
    return ctx.interruptible(
      () => this.#interrupted(),
      async () => this.#run(await whileProfileRemains(ctx, () => ctx.journal.begin(this.#entry, store))),
    )
  }

  async #run(spool: Spool): ReturnType<Issuance<Seen>['run']> {
    const {ctx, store} = this
    try {
      await this.check()
      await this.note({sentAt: nowText(ctx)})
    } catch (error) {
      return this.abandon(error)
    }
    const made = await this.request().catch(async (error: unknown) => {
      if (mayBeDone(error)) return this.end(await this.afterError(error))
      // Only what is known to have made nothing is cleared from the journal.
      return this.end({error, over: error instanceof UserError})
    })
    const spooled = this.toSpool(made)
    // The secret is still in memory: without a spool, only a kill in the next moments could lose it.
    await spool.write(spooled).catch((error: unknown) => {
      this.spoolFault = said(error)
    })
    ctx.progress.step('Reading it back')
    const seen = await this.confirm(made.token)
    ctx.progress.step('Saving the secret')
    await this.save(spooled, made.token, seen)
    const token = await this.finish(made.token, seen)
    const warnings: string[] = []
    await ctx.journal.end(this.#entry, store).catch((error: unknown) => {
      warnings.push(`The journal entry could not be removed: ${said(error)} Run ${this.recoverCommand}`)
    })
    return {token, made, seen, warnings}
  }

  protected get entry(): JournalEntry {
    return this.#entry
  }

  protected get recoverCommand(): string {
    return ztCommand(this.ctx, 'token', 'recover')
  }

  protected async note(change: Partial<JournalEntry>): Promise<void> {
    this.#entry = {...this.#entry, ...change}
    await this.ctx.journal.update(this.#entry)
  }

  /** Ends a run that has left nothing to recover. */
  protected async abandon(error: unknown): Promise<never> {
    // What cannot be removed now is removed by the next recovery.
    await this.ctx.journal.end({...this.#entry, undone: true}, this.store).catch(() => undefined)
    throw error
  }

  protected async end({error, over}: Failure): Promise<never> {
    if (over) return this.abandon(error)
    throw error
  }

  /** An error after which `token recover` has something to do. */
  protected unfinished(
    code: string,
    message: string,
    why: string,
    {
      cause,
      kind = 'needs-action',
      next = [this.recoverCommand],
      ...details
    }: {cause: unknown; kind?: UserError['kind']; next?: string[]} & Record<string, unknown>,
  ): UserError {
    return new UserError({
      kind: cause instanceof UserError ? cause.kind : kind,
      code,
      message,
      why,
      next,
      details: {operation: this.#entry.id, ...details},
      cause,
    })
  }

  /** What a signal leaves. */
  #interrupted(): UserError {
    const {id, kind, name, sentAt} = this.#entry
    const what = kind === 'create' ? `The creation of "${name}"` : `The rotation of "${name}"`
    const sent =
      sentAt === undefined ? 'Nothing was sent to Cloudflare.' : 'What it has made is in the journal.'
    return interrupted({
      why: `${what} is not complete. ${sent}`,
      next: [this.recoverCommand],
      details: {operation: id},
    })
  }

  /** The error of a request whose outcome is not known, or only now. */
  protected outcome(
    error: ApiError,
    {code, why, next, known}: {code: string; why: string; next: string; known: boolean},
  ): ApiError {
    return new ApiError({
      kind: error.kind,
      code,
      message: error.message,
      why: `${(error.why ?? '').replace(OUTCOME_UNKNOWN, '').trim()} ${why}`.trim(),
      next: [next],
      status: error.status,
      apiCodes: [...error.apiCodes],
      ray: error.ray,
      outcomeUnknown: !known,
      details: {operation: this.#entry.id},
      cause: error,
    })
  }

  /** The request had no effect, if the account has had time to show one. */
  protected nothingMade(why: string, next: string[] = []): Plan {
    const since = Date.parse(this.#entry.sentAt ?? this.#entry.startedAt)
    const left = since + SETTLE_MS - this.ctx.clock.now()
    if (left <= 0) return {settlement: 'undone', why, next}
    return {
      settlement: 'waiting',
      why: `${why} This may change: an interrupted request can take effect late.`,
      next: [`Run it again in ${Math.ceil(left / 60_000)} min: ${this.recoverCommand}`],
    }
  }
}
