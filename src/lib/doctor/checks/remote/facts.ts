import {explainApplication, type ExplainedApplication} from '../../../access/explain/application.js'
import {explainFailure} from '../../../access/explain/explain.js'
import {identify, type Identity} from '../../../access/account/identity.js'
import {notLoggedIn} from '../../../access/account/context.js'
import type {Application, ServiceToken} from '../../../api/types.js'
import {ApiError, UserError} from '../../../core/errors.js'
import type {Secret} from '../../../core/secret.js'
import type {HostBinding, IndexEntry} from '../../../secrets/index-files.js'
import {systemLookup, type Address, type Lookup} from '../../../tunnel/check/network.js'
import {boundLookUps} from '../../../tunnel/edge/look-ups.js'
import {checkTunnel} from '../../../tunnel/check/check.js'
import {aliasFor, type Alias} from '../../../tunnel/ssh/alias.js'
import {parseDestination} from '../../../tunnel/target/destination.js'
import {confirmedToken, mayUseEnvironment, secretGone, type Target} from '../../../tunnel/target/target.js'
import {readCredentials} from '../../../secrets/credentials.js'
import type {CheckStep} from '../../../tunnel/types.js'
import type {DoctorWorld} from '../../types.js'
import type {Seams} from './seams.js'

/** What the account could not be asked, and why: a sentence without full stop, for findings that are skipped for it. */
export interface NoAccount {
  why: string
  /** What failed; undefined: there is no API token, or it is not active, or for another account. */
  error: UserError | undefined
  /** The API token does not see the account, and the check of the account says so. */
  unseen?: true
}

/** How a connection to the host went. */
export interface Connection {
  steps: CheckStep[]
  /** With the account's reasons, if it was a refusal. */
  failure: UserError | undefined
}

/** What several checks need of the network and the account. Each is asked for once, when a check first needs it. */
export class Facts {
  readonly #world: DoctorWorld
  readonly #seams: Seams
  readonly #known = new Map<string, Promise<unknown>>()

  constructor(world: DoctorWorld, seams: Seams) {
    this.#world = world
    this.#seams = seams
  }

  /**
   * The addresses of a name, which is looked up once: of a name server that does not answer each look-up keeps one of node's
   * few threads, and the process waits for all of them before it ends.
   */
  addresses(name: string): Promise<Address[]> {
    return this.once(`dns ${name}`, () => lookUp(this.#seams.lookup ?? systemLookup, name, this.#world.timeoutMs))
  } // prettier-ignore

  get sshConfig(): string | undefined {
    return this.#seams.sshConfig
  }

  get portal(): Seams['portal'] {
    return this.#seams.portal
  }

  apiToken(): Promise<{token: Secret; source: 'environment' | 'store'} | undefined> {
    return this.once('token', () => this.#world.ctx.apiToken())
  }

  /** @throws as `identify`; UserError `auth` / `NOT_LOGGED_IN` */
  identity(): Promise<Identity> {
    return this.once('identity', async () => {
      const {ctx} = this.#world
      const found = await this.apiToken()
      if (!found) throw notLoggedIn(ctx)
      return identify(ctx, found.token, found.source === 'environment')
    })
  }

  /** Why the account cannot be asked; undefined: it can. */
  noAccount(): Promise<NoAccount | undefined> {
    return this.once('no-account', async () => {
      let token
      try {
        token = await this.apiToken()
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        return {why: 'the API token could not be read', error}
      }
      if (!token) return {why: 'there is no API token', error: undefined}
      try {
        const {apiToken, accounts} = await this.identity()
        if (apiToken.status !== 'active')
          return {why: `the API token is ${apiToken.status}`, error: undefined}
        const {accountId} = await this.#world.ctx.api()
        const isSeen = accounts.length === 0 || accounts.some(({id}) => id === accountId)
        return isSeen
          ? undefined
          : {why: 'the API token does not see the account', error: undefined, unseen: true}
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        return {why: reasonOf(error), error}
      }
    })
  }

  /** How far the API's clock is ahead, in milliseconds; undefined: it did not answer. */
  async clockAhead(): Promise<number | undefined> {
    const {ctx} = this.#world
    const found = await this.apiToken().catch(() => undefined)
    if (!found) return undefined
    const none = await this.noAccount()
    // Any answer has a date, also one that refuses the API token.
    const api = none ? ctx.apiWith(found.token, ctx.accountId) : await ctx.api()
    if (none?.error?.kind !== 'unreachable' && api.clockAhead() === undefined)
      await (none ? api.verifyToken() : this.serviceTokens()).catch(() => undefined)
    return api.clockAhead()
  }

  serviceTokens(): Promise<ServiceToken[]> {
    return this.once('service-tokens', async () => (await this.#world.ctx.api()).listServiceTokens())
  }

  applications(): Promise<Application[]> {
    return this.once('applications', async () => (await this.#world.ctx.api()).listApplications())
  }

  entries(): Promise<IndexEntry[]> {
    const {ctx} = this.#world
    return this.once('entries', () => ctx.index.list(ctx.profile))
  }

  bindings(): Promise<HostBinding[]> {
    const {ctx} = this.#world
    return this.once('bindings', () => ctx.index.bindings(ctx.profile))
  }

  /** Milliseconds since 1970 by the API's clock, as far as it is known. */
  async now(): Promise<number> {
    return this.#world.ctx.clock.now() + ((await this.clockAhead()) ?? 0)
  }

  /** What the person's word for the host means in ssh's configuration. */
  alias(): Promise<Alias | undefined> {
    const {host: written = '', settings, env} = this.#world
    return this.once('alias', async () =>
      aliasFor({settings, host: this.#given(), written, file: this.sshConfig, env}),
    )
  }

  /** The host that the person asked about. @throws as `parseDestination` and `aliasFor` */
  async host(): Promise<string> {
    return (await this.alias())?.host ?? this.#given()
  }

  #given(): string {
    return parseDestination(this.#world.host ?? '', 'zt doctor HOST').host
  }

  /** The application of the host. @throws as `explainApplication` */
  explained(): Promise<ExplainedApplication> {
    return this.once('explained', async () =>
      explainApplication(this.#world.ctx, {wanted: await this.host()}),
    )
  }

  /** Host, token and secret. @throws as `findTarget` */
  target(): Promise<Target> {
    return this.once('target', async () => {
      const {ctx, settings} = this.#world
      const host = await this.host()
      const chosen = await confirmedToken({
        settings,
        host,
        // The host is on the command line; whether a person is there to be asked is not known here.
        confirm: ({by}) =>
          by === 'environment' && mayUseEnvironment(settings, host, {terminal: true, words: [host]}),
      })
      const {tokenId, name, by, store: kind} = chosen
      const edge = {host, connectTo: settings.connectTo, caFile: settings.caFile}
      const pair = kind === 'env' ? settings.environmentCredentials : undefined
      if (pair) return {edge, credentials: pair, tokenId, name, by}
      const store = await ctx.storeOf(kind)
      const credentials = await readCredentials(store, tokenId)
      if (!credentials) throw secretGone(chosen, store.label)
      return {edge, credentials, tokenId, name, by}
    })
  }

  /** A connection step by step, as `zt ssh check` makes it; undefined: there is no token to make it with. */
  connection(): Promise<Connection | undefined> {
    return this.once('connection', async () => {
      const {ctx, env, timeoutMs} = this.#world
      let target: Target
      try {
        target = await this.target()
      } catch (error) {
        if (error instanceof UserError) return undefined
        throw error
      }
      const {steps, failure} = await checkTunnel({
        ...{target, timeoutMs, environment: env, lookup: (name) => this.addresses(name)},
        now: () => ctx.clock.now(),
      })
      const {edge, tokenId, credentials} = target
      const failed = {host: edge.host, tokenId, clientId: credentials.clientId}
      return {steps, failure: failure && (await explainFailure(ctx, {...failed, error: failure}))}
    })
  }

  /** What `ask` finds, which is asked only once for a name. */
  once<T>(name: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#known.get(name) ?? ask()
    this.#known.set(name, known)
    return known as Promise<T>
  }
}

async function lookUp(lookup: Lookup, name: string, timeoutMs: number): Promise<Address[]> {
  const over = boundLookUps(timeoutMs)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(Object.assign(new Error('timeout'), {code: 'EAI_AGAIN'}))
    }, timeoutMs)
  })
  try {
    return await Promise.race([lookup(name), late])
  } finally {
    clearTimeout(timer)
    over()
  }
}

function reasonOf(error: UserError): string {
  if (error instanceof ApiError && error.code === 'RATE_LIMITED')
    return 'Cloudflare limits the requests of this API token'
  if (isNoAnswer(error)) return 'the API does not answer'
  if (error.kind === 'auth') return 'the API does not accept the API token'
  return error.code === 'ACCOUNT_REQUIRED' ? 'the account is not known' : 'the API token cannot be used'
}

/** Whether it was no answer of the API's. */
export function isNoAnswer(error: UserError): boolean {
  return error.kind === 'unreachable' || error.code === 'BAD_ANSWER' || error.code === 'BAD_PROXY'
}
