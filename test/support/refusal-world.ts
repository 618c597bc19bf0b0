import type {IncomingMessage} from 'node:http'
import path from 'node:path'
import {explainFailure} from '../../src/lib/access/explain/explain.js'
import type {AccessContext} from '../../src/lib/access/account/context.js'
import type {Cause} from '../../src/lib/access/explain/causes.js'
import {createAccessApi} from '../../src/lib/api/client.js'
import type {UserError} from '../../src/lib/core/errors.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {noProgress} from '../../src/lib/core/progress.js'
import {Secret} from '../../src/lib/core/secret.js'
import {decide} from '../../src/lib/sandbox/edge/decide.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import type {SandboxSeed} from '../../src/lib/sandbox/types.js'
import {readCredentials} from '../../src/lib/secrets/credentials.js'
import {IndexFiles} from '../../src/lib/secrets/index-files.js'
import {openStore} from '../../src/lib/secrets/stores.js'
import {readAnswer, RefusedError} from '../../src/lib/tunnel/failure/refusal.js'
import type {EdgeAnswer} from '../../src/lib/tunnel/types.js'
import {CommandWorld, type CommandEnd} from './command-harness.js'

/** A request as a client sends it. */
export interface Sent {
  host: string
  path?: string
  /** The client's address; its country is by the settings of the sandbox. */
  from?: string
  clientId?: string | undefined
  secret?: string | undefined
}

/** What this machine has of a service token. */
export interface Stored {
  tokenId: string
  clientId: string
  version?: number | undefined
  imported?: boolean | undefined
}

/** An account, a machine and the sandbox's edge, in this process: the edge decides without a connection. */
export class RefusalWorld {
  private constructor(private readonly zt: CommandWorld) {}

  static async open(): Promise<RefusalWorld> {
    return new RefusalWorld(await CommandWorld.open())
  }

  end(): Promise<void> {
    return this.zt.end()
  }

  get state(): SandboxState {
    return this.zt.state
  }

  /** An account as the seed has it, and a machine with these secrets. */
  async begin(seed: SandboxSeed, stored: Stored | undefined, host: string): Promise<void> {
    await this.zt.reset()
    const {data} = await SandboxState.open({file: path.join(this.zt.home, 'row.json'), seed})
    const {apiTokens, accounts} = this.state.data
    Object.assign(this.state.data, data, {apiTokens, accounts})
    for (const zone of this.state.data.zones) zone['account'] = accounts[0]
    await this.enforce()
    if (!stored) return
    const {tokenId, clientId, version, imported} = stored
    await this.index.put({
      ...{tokenId, clientId, name: 'stored', profile: 'default', accountId: this.state.accountId},
      ...{store: 'vault', storedAt: new Date().toISOString(), expiresAt: undefined},
      ...{secretVersion: version, imported},
    })
    await this.index.bind({profile: 'default', host, tokenId, boundAt: new Date().toISOString()})
  }

  /** Shows the edge the account as it is now. */
  enforce(): Promise<void> {
    return SandboxState.prototype.save.call(this.state)
  }

  /** How the edge answers; undefined: it lets the request in. */
  ask({host, path: url = '/', from = '127.0.0.1', clientId, secret}: Sent): EdgeAnswer | undefined {
    const headers: Record<string, string> = {
      host,
      ...(clientId !== undefined && {'cf-access-client-id': clientId}),
      ...(secret !== undefined && {'cf-access-client-secret': secret}),
    }
    const headersDistinct = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, [value]]),
    )
    const request = {method: 'GET', url, headers, headersDistinct, socket: {remoteAddress: from}}
    const decision = decide(
      {edgeView: () => this.state.edgeView(), recordUse: () => undefined},
      request as unknown as IncomingMessage,
    )
    return decision.admit
      ? undefined
      : readAnswer(decision.status, new Map(Object.entries({'cf-ray': 'ray-1', ...decision.headers})))
  }

  /** What zt says of an answer, with the causes as `--json` has them. */
  async explain(
    sent: Sent & {tokenId: string | undefined},
    answer: EdgeAnswer,
  ): Promise<{error: UserError; causes: Cause[]; application: JsonObject | undefined}> {
    const {host, path: url, tokenId, clientId} = sent
    const error = await explainFailure(this.context, {
      ...{host, path: url, tokenId, clientId},
      error: new RefusedError(host, answer),
    })
    const {causes = [], application} = error.details as {causes?: Cause[]; application?: JsonObject}
    return {error, causes, application}
  }

  /** Runs a proposed command line as it is. */
  async run(line: string, input?: string): Promise<CommandEnd> {
    const words = line.match(/'[^']*'|\S+/g) ?? []
    const end = await this.zt.run(
      words.slice(1).map((word) => word.replaceAll("'", '')),
      input === undefined ? {} : {input},
    )
    await this.enforce()
    return end
  }

  /** The secret that this machine sends now. */
  async secretHere(tokenId: string): Promise<string | undefined> {
    const directory = (name: string): string => path.join(this.zt.home, name, 'zt')
    const store = await openStore('vault', {
      ...{configDir: directory('CONFIG'), dataDir: directory('DATA'), cacheDir: directory('CACHE')},
      environment: {dbusAddress: undefined, runtimeDir: undefined},
    })
    return (await readCredentials(store, tokenId))?.clientSecret.expose()
  }

  private get index(): IndexFiles {
    return new IndexFiles(path.join(this.zt.home, 'DATA', 'zt'))
  }

  private get context(): AccessContext {
    const {state} = this
    const api = createAccessApi({
      ...{apiUrl: this.zt.api.url, accountId: state.accountId},
      ...{apiToken: new Secret(state.apiToken), userAgent: 'zt-test'},
    })
    return {
      ...{profile: 'default', profileNamed: false, index: this.index, progress: noProgress},
      ...{clock: state.clock, api: () => Promise.resolve(api)},
    } as unknown as AccessContext
  }
}
