import type {AccessApi, NewServiceToken, ServiceToken} from '../../api/types.js'
import {ApiError, UserError} from '../../core/errors.js'
import {said} from '../../core/said.js'
import {readCredentials} from '../../secrets/credentials.js'
import type {JournalEntry, Spooled} from '../../secrets/journal/journal.js'
import type {SecretStore, StoredCredentials} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {eventually} from '../account/outcome.js'
import {isUnlisted, readToken} from './confirmed-changes.js'
import {LISTED_AND_ABSENT} from './creation.js'
import {Issuance, type Failure, type Plan} from './issuance.js'
import {nowText} from './journal-entries.js'
import {endPrevious, revertToPrevious} from './previous-secret.js'
import {isUnrotated, rotationOutcome, type RotationOutcome} from './rotation-outcome.js'
import {indexSecret, keepSecret} from './stored-secret.js'

/** The outcome of a rotation, as Cloudflare shows it. */
type Seen = Exclude<RotationOutcome, 'unseen'>

/** What a rotation that was not made exactly once has left. */
const AFTERMATH: Record<Exclude<Seen, 'once'>, (store: string) => string> = {
  again: (store) =>
    `The new secret is in ${store} and works. The previous one has ended: programs that still use it are refused.`,
  overtaken: (store) =>
    `A secret that works as long as the service token does is in ${store}. The secret from before the rotation has ended, the newest one was lost, and the next rotation cannot have a grace period.`,
  lost: (store) => `The secret in ${store} no longer works: give the service token a new one.`,
  changed: (store) =>
    `Cloudflare shows a later change of the service token, but not whether that was a rotation too. The new secret is in ${store}, and works in either case. The one from before may work too, until the next rotation without a grace period.`,
}

/** One rotation of a service token's secret. */
export class Rotation extends Issuance<Seen> {
  readonly #known: StoredCredentials | undefined
  readonly #keepsPrevious: boolean

  /**
   * @param known what the store holds before the rotation, if it can be read
   * @param keepsPrevious the previous secret is to work, and to be kept here, for the grace period
   */
  constructor(
    ctx: AccessContext,
    api: AccessApi,
    store: SecretStore,
    entry: JournalEntry,
    {known, keepsPrevious = false}: {known?: StoredCredentials | undefined; keepsPrevious?: boolean} = {},
  ) {
    super(ctx, api, store, entry)
    this.#known = known
    this.#keepsPrevious = keepsPrevious
  }

  protected async request(): Promise<NewServiceToken> {
    this.ctx.progress.step('Rotating the service token')
    const made = await this.api.rotateServiceToken(this.#before.id, this.#until)
    if (made.token.clientId !== this.#before.clientId) throw badAnswer('It names another client ID.')
    const old = [this.#known?.clientSecret, this.#known?.previous?.clientSecret]
    if (old.some((secret) => secret?.equals(made.clientSecret)))
      throw badAnswer('It holds a secret from before the rotation.')
    return made
  }

  protected async afterError(error: ApiError): Promise<Failure> {
    if (await this.#wasRefused(error)) return {error, over: true}
    return {
      over: false,
      error: this.outcome(error, {
        code: 'ROTATION_OUTCOME_UNKNOWN',
        why: `If the token was rotated, its new secret was lost with the answer, and the previous one works until ${this.#until}; zt token recover finds out and undoes the rotation.`,
        next: this.recoverCommand,
        known: false,
      }),
    }
  }

  protected toSpool({token, clientSecret}: NewServiceToken): Spooled {
    const previous =
      this.#keepsPrevious && this.#known
        ? {clientSecret: this.#known.clientSecret, until: this.#until}
        : undefined
    return {
      tokenId: token.id,
      clientId: token.clientId,
      clientSecret,
      expiresAt: token.expiresAt,
      secretVersion: token.secretVersion,
      updatedAt: token.updatedAt,
      previous,
    }
  }

  /** Compares the answer with the token as Cloudflare shows it; asks again while it shows an older one. */
  protected async confirm(made: ServiceToken): Promise<Seen> {
    const look = async (): Promise<RotationOutcome> =>
      rotationOutcome(this.#before, made, await this.api.getServiceToken(made.id))
    let cause: unknown
    const seen = await eventually(this.ctx, look, (outcome) => outcome !== 'unseen').catch(
      (error: unknown) => {
        cause = error
        return 'unseen' as const
      },
    )
    if (seen !== 'unseen') return seen
    throw this.unfinished(
      'ROTATION_PENDING',
      `zt cannot confirm that "${this.entry.name}" was rotated`,
      [
        cause === undefined
          ? 'Cloudflare gave a new secret, but still shows the service token as it was.'
          : `Cloudflare gave a new secret, but the service token could not be read back: ${said(cause)}`,
        `${this.store.label} holds the previous secret, which works at least until ${this.#until}.`,
      ].join(' '),
      {cause, kind: 'conflict'},
    )
  }

  protected async save(spooled: Spooled, made: ServiceToken, seen: Seen): Promise<void> {
    const {name} = this.entry
    try {
      await this.#settle(seen, made, spooled)
      if (!this.store.readable) await this.note({storedAt: nowText(this.ctx)})
    } catch (cause) {
      // Both secrets work, and the new one is in the spool, so there is no need to undo anything now.
      const spool =
        this.spoolFault === undefined
          ? 'It is kept encrypted in the journal.'
          : `Nor could it be kept in the journal: ${this.spoolFault} The rotation must be undone.`
      throw this.unfinished(
        'ROTATION_PENDING',
        `"${name}" was rotated, but its new secret could not be saved in ${this.store.label}`,
        `${said(cause)} ${spool} The previous secret works until ${this.#until}.`,
        {cause, next: [this.recoverCommand, ...(cause instanceof UserError ? cause.next : [])]},
      )
    }
  }

  protected async finish(made: ServiceToken, seen: Seen): Promise<ServiceToken> {
    if (!this.#ends(seen)) return made
    try {
      await endPrevious(this.ctx, this.api, made)
      return made
    } catch (cause) {
      throw this.unfinished(
        'PREVIOUS_NOT_ENDED',
        `"${this.entry.name}" was rotated, but the previous secret could not be ended`,
        `The new secret is in ${this.store.label}. The previous one works until ${this.#until}. ${said(cause)}`,
        {
          cause,
          previousUntil: this.entry.previousUntil,
          ...(this.spoolFault !== undefined && {next: []}),
        },
      )
    }
  }

  /**
   * What to say once the journal is cleared.
   *
   * @returns warnings
   * @throws UserError `conflict` / `ROTATED_TWICE`: the secret is stored, but the token was rotated more than once
   */
  report(seen: Seen): string[] {
    if (seen === 'once') return []
    if (seen === 'again' && this.entry.endsPrevious)
      return ['The request arrived twice; the stored secret is the one that works']
    const {name, id, token} = this.entry
    throw new UserError({
      kind: 'conflict',
      code: 'ROTATED_TWICE',
      message: `"${name}" was rotated${seen === 'changed' ? ', and changed again since' : ' more than once'}`,
      why: `${AFTERMATH[seen](this.store.label)} The request may have arrived twice, or someone else changed the service token at the same moment.`,
      next: [
        ztCommand(this.ctx, 'token', 'show', name),
        ...(seen === 'again' ? [] : [ztCommand(this.ctx, 'token', 'rotate', name, '--grace', '0')]),
      ],
      details: {operation: id, tokenId: token?.id, outcome: seen},
    })
  }

  async planUndo(): Promise<Plan> {
    const {ctx, store, entry} = this
    const token = entry.token && (await readToken(this.api, entry.token.id))
    if (!token) return {settlement: 'undone', why: DELETED_SINCE}
    const stored = await readCredentials(store, token.id).catch(() => undefined)
    const spooled = await ctx.journal
      .spoolOf(entry, store)
      .read()
      .catch(() => undefined)
    if (stored && spooled && stored.clientSecret.equals(spooled.clientSecret)) {
      return {
        settlement: 'finished',
        why: `The new secret is in ${store.label}.`,
        next: [ztCommand(ctx, 'token', 'rotate', token, '--undo')],
      }
    }
    return {
      settlement: 'undone',
      why: 'The secret from before the rotation works as long as the token does; the new one is discarded.',
      act: async () => {
        try {
          await this.#revert(token, stored)
        } catch (error) {
          // The last way out must not depend on what an API may never show.
          if (!(error instanceof UserError) || error.code !== 'CHANGE_NOT_SEEN') throw error
          ctx.warn?.(error.message)
        }
      },
    }
  }

  async plan(spooled: Spooled | undefined): Promise<Plan> {
    const {api, store, entry} = this
    const token = entry.token && (await readToken(api, entry.token.id))
    if (!entry.token || !token) {
      if (entry.token && !(await isUnlisted(api, entry.token.id))) return LISTED_AND_ABSENT
      return {settlement: 'undone', why: DELETED_SINCE}
    }
    const stored = store.readable ? await readCredentials(store, token.id) : undefined
    if (spooled) return this.#planSpooled(spooled, token, stored)
    if (entry.storedAt !== undefined)
      return {settlement: 'finished', why: `The token was rotated, and its new secret is in ${store.label}.`}
    if (isUnrotated(entry.token, token) === true) return this.nothingMade('The token was not rotated.')
    const here = stored !== undefined || (await store.has({kind: 'service-token', id: token.id}))
    return {
      settlement: 'undone',
      why: [
        'The token was rotated, and its new secret was lost with the answer.',
        here
          ? `The previous secret, which is in ${store.label}, works as long as the token does.`
          : 'The previous secret, which is not on this machine, works as long as the token does.',
        'The next rotation cannot have a grace period.',
      ].join(' '),
      act: () => this.#revert(token, stored),
    }
  }

  /** Rotated, and the new secret is in the spool. */
  #planSpooled(spooled: Spooled, token: ServiceToken, stored: StoredCredentials | undefined): Plan {
    const {store} = this
    const revert = (): Promise<void> => this.#revert(token, stored)
    if (spooled.clientId !== token.clientId || spooled.tokenId !== token.id)
      return {
        settlement: 'undone',
        why: 'The answer was about another service token, so its secret is discarded. The secret from before the rotation works as long as the token does.',
        act: revert,
      }
    // A rotation without a grace period notes no previous secret: then any stored one has ended.
    const {clientSecret, previous} = spooled
    const isExpected = (secret: StoredCredentials['clientSecret']): boolean =>
      secret.equals(clientSecret) || previous === undefined || secret.equals(previous.clientSecret)
    if (stored && !isExpected(stored.clientSecret)) {
      return {
        settlement: 'finished',
        why: `The token was rotated, and ${store.label} holds another secret for it, saved since then. That one stays.`,
      }
    }
    const seen = rotationOutcome(this.#before, spooled, token)
    if (seen === 'unseen') {
      const why = 'The token was not rotated, although Cloudflare gave a secret.'
      const plan = this.nothingMade(why)
      if (plan.settlement === 'waiting') return plan
      return {
        settlement: 'undone',
        why: `${why} The previous secret, in ${store.label}, works as long as the token does.`,
        act: revert,
      }
    }
    const ends = this.#ends(seen)
    return {
      settlement: 'finished',
      why: [
        seen === 'once' || seen === 'changed'
          ? `The token had been rotated. Its new secret is in ${store.label}.`
          : 'The token had been rotated more than once.',
        ...(seen === 'once' ? [] : [AFTERMATH[seen](store.label)]),
      ].join(' '),
      next: ['lost', 'overtaken', 'changed'].includes(seen)
        ? [ztCommand(this.ctx, 'token', 'rotate', token, '--grace', '0')]
        : [],
      endsSecretOf: ends ? token : undefined,
      act: async () => {
        await this.#settle(seen, token, spooled)
        if (ends) await endPrevious(this.ctx, this.api, token)
      },
    }
  }

  get #before(): NonNullable<JournalEntry['token']> {
    return this.entry.token ?? {id: '', clientId: ''}
  }

  /** Until when the previous secret works. */
  get #until(): string {
    return this.entry.previousUntil ?? nowText(this.ctx)
  }

  /** Whether the previous secret is to end as soon as the new one is stored. */
  #ends(seen: Seen): boolean {
    return seen === 'again' || (seen === 'once' && this.entry.endsPrevious === true)
  }

  /** Whether a refusal is borne out by the token. */
  async #wasRefused(error: ApiError): Promise<boolean> {
    const {token} = this.entry
    if (error.outcomeUnknown || !token) return false
    try {
      const now = await readToken(this.api, token.id)
      // Where Cloudflare shows nothing that would tell, only the refusal counts.
      return now === undefined || isUnrotated(token, now) !== false
    } catch {
      return false
    }
  }

  /** Saves the new secret as the rotation came out. May be repeated. */
  async #settle(seen: Seen, token: ServiceToken, spooled: Spooled): Promise<void> {
    const of = {accountId: this.entry.accountId, name: token.name}
    // Only after exactly one rotation is the previous secret the one that was here.
    const kept = seen === 'once' ? spooled : {...spooled, previous: undefined}
    if (seen !== 'overtaken' && seen !== 'changed') return keepSecret(this.ctx, this.store, of, kept)
    // First extend the secret, then store it: until then the store has what it had.
    await this.#revert(token, spooled)
    await indexSecret(this.ctx, this.store, of, {...kept, previousUntil: undefined})
  }

  #revert(token: ServiceToken, to: StoredCredentials | undefined): Promise<void> {
    return revertToPrevious(this.ctx, this.api, this.store, token, to)
  }
}

const DELETED_SINCE = 'The token was deleted since.'

function badAnswer(why: string): ApiError {
  return new ApiError({
    kind: 'api',
    code: 'BAD_ANSWER',
    message: "Cannot rotate the service token: the API's answer makes no sense",
    why,
    outcomeUnknown: true,
  })
}
