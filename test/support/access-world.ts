import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type {AccessContext} from '../../src/lib/access/account/context.js'
import {SetupRecords} from '../../src/lib/access/account/setup-records.js'
import {UndoRecords} from '../../src/lib/access/edit/records.js'
import {createAccessApi} from '../../src/lib/api/client.js'
import {onlyReads} from '../../src/lib/api/operations.js'
import {nameKeeper} from '../../src/lib/command/keep-names.js'
import {systemClock} from '../../src/lib/core/clock.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {noProgress} from '../../src/lib/core/progress.js'
import {Locks} from '../../src/lib/system/lock.js'
import {Secret} from '../../src/lib/core/secret.js'
import {Unfinished} from '../../src/lib/system/signals.js'
import {startSandboxApi, type Exchange} from '../../src/lib/sandbox/api/server.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import type {SandboxSeed} from '../../src/lib/sandbox/types.js'
import {IndexFiles} from '../../src/lib/secrets/index-files.js'
import {Journal} from '../../src/lib/secrets/journal/journal.js'
import {keyOf} from '../../src/lib/secrets/keys.js'
import type {SecretKey, SecretStore, StoreStatus} from '../../src/lib/secrets/types.js'

/** A store in memory that a test can make fail as a real one does. */
export class FaultyStore implements SecretStore {
  readonly label = 'the faulty store'
  writable = true
  readable = true
  state: StoreStatus['state'] = 'ready'
  readonly kept = new Map<string, string>()
  /** Called only for the secret of a service token: the rehearsal before it succeeds. */
  onSave: (value: string) => string | undefined = (value) => value

  constructor(readonly kind: SecretStore['kind'] = 'vault') {}

  status(): Promise<StoreStatus> {
    return Promise.resolve({
      state: this.state,
      why: this.state === 'ready' ? undefined : 'The test says so.',
      next: this.state === 'ready' ? [] : ['Repair the store'],
    })
  }
  get({kind, id}: SecretKey): Promise<Secret | undefined> {
    const value = this.kept.get(`${kind}/${id}`)
    return Promise.resolve(value === undefined ? undefined : new Secret(value))
  }
  async has(key: SecretKey): Promise<boolean> {
    return (await this.get(key)) !== undefined
  }
  list(): Promise<SecretKey[]> {
    return Promise.resolve([...this.kept.keys()].flatMap((name) => keyOf(name) ?? []))
  }
  set({kind, id}: SecretKey, value: Secret): Promise<void> {
    return new Promise((resolve) => {
      const text = kind === 'service-token' ? this.onSave(value.expose()) : value.expose()
      if (text !== undefined) this.kept.set(`${kind}/${id}`, text)
      resolve()
    })
  }
  delete({kind, id}: SecretKey): Promise<boolean> {
    return Promise.resolve(this.kept.delete(`${kind}/${id}`))
  }
}

/** The world of a use-case: the sandbox's API over real HTTP, a store that can fail, and a record of the requests. */
export class World {
  private constructor(
    readonly ctx: AccessContext,
    readonly unfinished: Unfinished,
    readonly state: SandboxState,
    readonly store: FaultyStore,
    readonly exchanges: Exchange[],
    readonly folder: string,
    readonly end: () => Promise<void>,
  ) {}

  /** @param onRequest called with each exchange before it is answered: the place to change the account from another side */
  static async open(
    seed?: SandboxSeed,
    onRequest?: (exchange: Exchange, state: SandboxState) => void,
  ): Promise<World> {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-access-'))
    const state = await SandboxState.open({file: path.join(folder, 'state.json'), ...(seed && {seed})})
    const exchanges: Exchange[] = []
    const server = await startSandboxApi({
      state,
      onExchange: (exchange) => {
        exchanges.push(exchange)
        onRequest?.(exchange, state)
      },
    })
    const store = new FaultyStore()
    const unfinished = new Unfinished()
    const open = (apiToken: Secret, accountId: string | undefined): ReturnType<typeof createAccessApi> =>
      createAccessApi({apiUrl: server.url, apiToken, accountId, userAgent: 'zt-test'})
    const apiToken = new Secret(state.apiToken)
    const ctx: AccessContext = {
      profile: 'default',
      profileNamed: false,
      accountId: state.accountId,
      apiUrl: server.url,
      sandbox: false,
      api: () => Promise.resolve(open(apiToken, state.accountId)),
      apiWith: open,
      apiToken: () => Promise.resolve({token: apiToken, source: 'store'}),
      store: () => Promise.resolve(store),
      storeOf: () => Promise.resolve(store),
      index: new IndexFiles(folder),
      journal: new Journal(path.join(folder, 'journal')),
      undo: new UndoRecords(path.join(folder, 'undo')),
      setups: new SetupRecords(path.join(folder, 'setup')),
      locks: new Locks(path.join(folder, 'locks')),
      names: nameKeeper({
        paths: {cache: path.join(folder, 'cache')},
        apiUrl: server.url,
        profileName: 'default',
        completionNames: true,
      }),
      clock: systemClock,
      sleep: () => Promise.resolve(),
      progress: noProgress,
      interruptible: unfinished.during,
    }
    return new World(ctx, unfinished, state, store, exchanges, folder, async () => {
      await server.close()
      await fs.rm(folder, {recursive: true, force: true})
    })
  }

  /** The requests that change something: `POST /policies`, without the account's part of the path. */
  get changes(): string[] {
    return this.exchanges
      .filter((exchange) => !onlyReads(exchange))
      .map(({method, path: where}) => `${method} ${where.replace(/^\/accounts\/[^/]+\/access/, '')}`)
  }

  tokenNames(): unknown[] {
    return this.state.data.serviceTokens.map(({object}) => object['name'])
  }

  /** Whether the edge would admit this pair now. */
  authenticates(clientId: string, clientSecret: string): boolean {
    return this.state.edgeView().authenticate(clientId, clientSecret) !== undefined
  }

  /** The files of the journal with this ending. */
  async journalFiles(ending: string): Promise<string[]> {
    const directory = path.join(this.folder, 'journal')
    const names = await fs.readdir(directory)
    return names.filter((name) => name.endsWith(ending)).map((name) => path.join(directory, name))
  }

  app(name: string): JsonObject {
    const app = this.state.data.apps.find((one) => one['name'] === name)
    if (!app) throw new Error(`the seed has no ${name}`)
    return app
  }
}
