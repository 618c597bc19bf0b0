import {randomBytes, randomUUID} from 'node:crypto'
import {spawn, type ChildProcess} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {isJsonObject, type JsonObject} from '../../src/lib/core/json.js'
import {Secret} from '../../src/lib/core/secret.js'
import {startSandboxApi} from '../../src/lib/sandbox/api/server.js'
import {
  hashSecret,
  newSecret,
  SandboxState,
  type StateData,
  type StoredToken,
} from '../../src/lib/sandbox/state.js'
import {encodeCredentials} from '../../src/lib/secrets/credentials.js'
import {IndexFiles} from '../../src/lib/secrets/index-files.js'
import {Keychain} from '../../src/lib/secrets/keychain/keychain.js'
import {accountName, keyOf} from '../../src/lib/secrets/keys.js'
import type {SecretKey, SecretStore} from '../../src/lib/secrets/types.js'
import {Vault} from '../../src/lib/secrets/vault/vault.js'
import {bin} from '../support/built-zt.js'
import {FakeSecretService} from '../support/fake-secret-service.js'
import {FaultyApi} from './faulty-api.js'
import {faultsOf, formsOf, judge, type Verdict} from './verdict.js'
import {AMPLE_MS} from '../support/patience.js'

export type Operation = 'create' | 'rotate'

/** The command lines that are tried with every fault. */
export const COMMANDS: Record<Operation, string[]> = {
  create: ['token', 'create', 'new', '--json'],
  rotate: ['token', 'rotate', 'ci', '--grace', '24h', '--json'],
}
export const RECOVER = ['token', 'recover', '--json']

/** How a process ended. */
export interface End {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  /** True if it did not end by itself. */
  hung: boolean
}

const HOUR_MS = 3600_000
const child = path.resolve(import.meta.dirname, '../../dist/keychain/child.cjs')

interface Snapshot {
  home: string
  data: StateData
  issued: string[]
  foreign: StoredToken[]
}

/** A sandbox, the faulty API in front of it, and a home with a token "ci": one lane of the suite. */
export class Scene {
  readonly folder: string
  readonly home: string
  readonly api: FaultyApi
  readonly state: SandboxState
  readonly #clock: {offset: number}
  readonly #base: Snapshot
  readonly #stop: () => Promise<void>
  #issued = new Set<string>()
  #foreign: StoredToken[] = []
  #ours: JsonObject[] = []
  keyring: FakeSecretService | undefined
  /** The running zt. */
  running: ChildProcess | undefined

  private constructor(
    folder: string,
    api: FaultyApi,
    state: SandboxState,
    {clock, base, stop}: {clock: {offset: number}; base: Snapshot; stop: () => Promise<void>},
  ) {
    this.folder = folder
    this.home = path.join(folder, 'home')
    this.api = api
    this.state = state
    this.#clock = clock
    this.#base = base
    this.#stop = stop
  }

  static async open(): Promise<Scene> {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-faults-'))
    const clock = {offset: 0}
    const state = await SandboxState.open({
      file: path.join(folder, 'sandbox.json'),
      seed: {},
      clock: {now: () => Date.now() + clock.offset},
    })
    const issued: {by: (secret: string) => void} = {by: () => undefined}
    const server = await startSandboxApi({
      state,
      onExchange: ({responseBody}) => {
        const result = isJsonObject(responseBody) ? responseBody['result'] : undefined
        const secret = isJsonObject(result) ? result['client_secret'] : undefined
        if (typeof secret === 'string') issued.by(secret)
      },
    })
    const api = await FaultyApi.start(server.url)
    const base = {home: path.join(folder, 'base'), data: structuredClone(state.data), issued: [], foreign: []}
    const stop = async (): Promise<void> => {
      await api.close()
      await server.close()
      await fs.rm(folder, {recursive: true, force: true})
    }
    const scene = new Scene(folder, api, state, {clock, base, stop})
    issued.by = (secret) => scene.#issued.add(secret)
    await scene.#prepare()
    return scene
  }

  /** The token "ci" as it was at the start. */
  get ours(): JsonObject {
    return this.#ours[0] ?? {}
  }
  get dataDir(): string {
    return path.join(this.home, 'DATA', 'zt')
  }
  get journalDir(): string {
    return path.join(this.dataDir, 'journal')
  }
  get vaultDir(): string {
    return path.join(this.dataDir, 'vault')
  }

  get env(): NodeJS.ProcessEnv {
    const env: NodeJS.ProcessEnv = {PATH: process.env['PATH'], HOME: this.home, NO_COLOR: '1'}
    // Compiled code contains no secret, and its file name differs between processes.
    env['ZT_CODE_CACHE'] = 'off'
    // All processes share the machine; a slow one is not stuck.
    env['ZT_PATIENCE'] = '40'
    for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE'])
      env[`XDG_${kind}_HOME`] = path.join(this.home, kind)
    if (this.keyring) {
      // The API token comes from elsewhere, so that every fault hits a client secret.
      Object.assign(env, this.keyring.env, {ZT_STORE: 'keychain', CLOUDFLARE_API_TOKEN: this.state.apiToken})
    }
    return env
  }

  /** The store of this case, opened with zt's own classes. */
  get store(): SecretStore {
    if (this.keyring)
      return new Keychain({environment: this.keyring.bus, child: {command: [process.execPath, child]}})
    return this.vault
  }

  get vault(): Vault {
    return new Vault({
      directory: this.vaultDir,
      identity: {file: path.join(this.home, 'CONFIG', 'zt', 'identity.txt')},
    })
  }

  /** Restores the initial state; with a keyring on request, which then has the secret of "ci". */
  async reset({keyring = false} = {}): Promise<void> {
    await this.keyring?.end()
    this.keyring = undefined
    this.api.reset()
    this.#clock.offset = 0
    await this.restore(this.#base)
    if (keyring) {
      this.keyring = await FakeSecretService.start()
      await this.vault.delete({kind: 'service-token', id: String(this.#ours[0]?.['id'])})
      await this.#keep(this.#base.issued[0] ?? '')
    }
  }

  /** Sets the sandbox's clock this far ahead of the machine's. */
  setClockAhead(ms: number): void {
    this.#clock.offset = ms
  }

  /** Everything durable, as it is now. */
  async snapshot(name: string): Promise<Snapshot> {
    const home = path.join(this.folder, 'snapshots', name)
    await fs.rm(home, {recursive: true, force: true})
    await fs.cp(this.home, home, {recursive: true, preserveTimestamps: true})
    return {
      home,
      data: structuredClone(this.state.data),
      issued: [...this.#issued],
      foreign: structuredClone(this.#foreign),
    }
  }

  async restore({home, data, issued, foreign}: Snapshot): Promise<void> {
    await fs.rm(this.home, {recursive: true, force: true})
    await fs.cp(home, this.home, {recursive: true, preserveTimestamps: true})
    Object.assign(this.state.data, structuredClone(data))
    await this.state.save()
    this.#issued = new Set(issued)
    this.#foreign = structuredClone(foreign)
    this.api.reset()
  }

  /** Runs the built zt. */
  run(args: string[], {env = {}}: {env?: NodeJS.ProcessEnv} = {}): Promise<End> {
    return new Promise((resolve, reject) => {
      const process_ = spawn(process.execPath, [bin, ...args], {
        env: {...this.env, ...env},
        cwd: this.home,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const end: End = {code: null, signal: null, stdout: '', stderr: '', hung: false}
      const timer = setTimeout(() => {
        end.hung = true
        process_.kill('SIGKILL')
      }, AMPLE_MS)
      process_.stdout.on('data', (chunk: Buffer) => (end.stdout += chunk.toString()))
      process_.stderr.on('data', (chunk: Buffer) => (end.stderr += chunk.toString()))
      process_.once('error', reject)
      process_.once('close', (code, signal) => {
        clearTimeout(timer)
        resolve({...end, code, signal})
      })
      this.running = process_
    })
  }

  /** What a command must never print, whatever the fault. */
  misconduct(end: End): string[] {
    const wrong: string[] = []
    const said = end.stdout + end.stderr
    if ([...this.#issued].flatMap(formsOf).some((form) => said.includes(form)))
      wrong.push('it printed a secret')
    if (end.code === 1) wrong.push(`it ended with 1, a bug: ${said.slice(0, 500)}`)
    if (end.hung) wrong.push('it hung')
    return wrong
  }

  /** Makes every operation in the journal ten minutes older: the account has had time to show its result. */
  async age(): Promise<void> {
    for (const name of await fs.readdir(this.journalDir).catch(() => [])) {
      const file = path.join(this.journalDir, name)
      const old = new Date(Date.now() - 10 * 60_000)
      if (name.endsWith('.json') && !name.startsWith('.')) {
        const intent = JSON.parse(await fs.readFile(file, 'utf8')) as JsonObject
        for (const field of ['startedAt', 'sentAt']) {
          const text = intent[field]
          if (typeof text === 'string') intent[field] = new Date(Date.parse(text) - 10 * 60_000).toISOString()
        }
        await fs.writeFile(file, JSON.stringify(intent))
      }
      await fs.utimes(file, old, old)
    }
  }

  async intents(): Promise<string[]> {
    const names = await fs.readdir(this.journalDir).catch(() => [])
    return names.filter((name) => name.endsWith('.json') && !name.startsWith('.'))
  }

  /**
   * @param settled no operation is open, so the journal excuses nothing
   * @param answers the store can be asked; otherwise the keyring's contents are read directly
   */
  judge(settled: boolean, answers = true): Promise<Verdict> {
    const stored = async (): Promise<SecretKey[]> =>
      this.keyring
        ? [...(await this.keyring.kept()).keys()].flatMap((account) => keyOf(account) ?? [])
        : (await this.vault.list()).filter(({kind}) => kind !== 'api-token')
    return judge(
      {
        state: this.state,
        later: (ms, look) => {
          this.#clock.offset += ms
          try {
            return look()
          } finally {
            this.#clock.offset -= ms
          }
        },
        store: this.keyring && !answers ? heldBy(this.keyring) : this.store,
        stored,
        index: new IndexFiles(this.dataDir),
        home: this.home,
        journal: this.journalDir,
        issued: this.#issued,
        foreign: this.#foreign,
        ours: this.#ours,
      },
      settled,
    )
  }

  /** Everything that is wrong after a case, when the fault is over: settles open operations, then judges. */
  async settle(): Promise<string[]> {
    await this.age()
    const recovered = await this.run(RECOVER)
    const wrong = this.misconduct(recovered)
    if (recovered.code !== 0)
      wrong.push(
        `unsettled: the recovery ended with ${recovered.code ?? recovered.signal}: ${recovered.stdout}${recovered.stderr}`,
      )
    return [...wrong, ...faultsOf(await this.judge(true))]
  }

  /** A policy of someone else names these tokens: Cloudflare then deletes none of them. */
  refer(tokenIds: unknown[]): void {
    this.state.data.policies.push({
      id: randomUUID(),
      name: 'of somebody else',
      decision: 'non_identity',
      include: tokenIds.map((id) => ({service_token: {token_id: id}})),
      require: [],
      exclude: [],
    })
  }

  /** More tokens of others, for lists of several pages; they come before those of the test. */
  crowd(count: number): void {
    const others = Array.from({length: count}, (_, at) => this.#token(`crowd-${at}`, newSecret()))
    this.state.data.serviceTokens.unshift(...others)
    this.#foreign.push(...structuredClone(others))
  }

  async close(): Promise<void> {
    await this.keyring?.end()
    await this.#stop()
  }

  /** Logs in with a vault, and makes a token whose secret is in it and one of someone else. */
  async #prepare(): Promise<void> {
    const {home} = this.#base
    await fs.mkdir(path.join(this.home, 'CONFIG', 'zt'), {recursive: true, mode: 0o700})
    const profile = {apiUrl: this.api.url, accountId: this.state.accountId, store: 'vault'}
    await fs.writeFile(
      path.join(this.home, 'CONFIG', 'zt', 'config.json'),
      JSON.stringify({version: 1, profiles: {default: profile}}),
      {mode: 0o600},
    )
    await this.vault.set({kind: 'api-token', id: 'default'}, new Secret(this.state.apiToken))
    const secret = newSecret()
    const ci = this.#token('ci', secret)
    const other = this.#token('of somebody else', newSecret())
    this.state.data.serviceTokens.push(ci, other)
    this.#ours = [structuredClone(ci.object)]
    this.#foreign = [structuredClone(other)]
    await this.#keep(secret)
    await fs.cp(this.home, home, {recursive: true, preserveTimestamps: true})
    Object.assign(this.#base, {
      data: structuredClone(this.state.data),
      issued: [secret],
      foreign: structuredClone(this.#foreign),
    })
    await this.restore(this.#base)
  }

  async #keep(secret: string): Promise<void> {
    const [ci] = this.#ours
    const {store} = this
    const clientId = String(ci?.['client_id'])
    const id = String(ci?.['id'])
    await store.set(
      {kind: 'service-token', id},
      encodeCredentials({clientId, clientSecret: new Secret(secret)}),
    )
    await new IndexFiles(this.dataDir).put({
      tokenId: id,
      clientId,
      name: String(ci?.['name']),
      profile: 'default',
      accountId: this.state.accountId,
      store: store.kind as 'vault',
      storedAt: new Date().toISOString(),
      expiresAt: String(ci?.['expires_at']),
    })
  }

  #token(name: string, secret: string): StoredToken {
    const now = Date.now()
    return {
      object: {
        id: randomUUID(),
        name,
        client_id: `${randomBytes(16).toString('hex')}.access`,
        client_secret_version: 1,
        duration: '8760h',
        enabled: true,
        expires_at: new Date(now + 8760 * HOUR_MS).toISOString(),
        created_at: new Date(now - HOUR_MS).toISOString(),
        updated_at: new Date(now - HOUR_MS).toISOString(),
      },
      secretHash: hashSecret(secret),
    }
  }
}

/** The contents of a keyring, whether or not it would return them now. */
function heldBy(keyring: FakeSecretService): SecretStore {
  const never = (): Promise<never> => Promise.reject(new Error('a judge changes nothing'))
  const get = async (key: SecretKey): Promise<Secret | undefined> => {
    const value = (await keyring.kept()).get(accountName(key))
    return value === undefined ? undefined : new Secret(value)
  }
  return {
    kind: 'keychain',
    label: 'what the keyring holds',
    writable: false,
    readable: true,
    status: () => Promise.resolve({state: 'ready', why: undefined, next: []}),
    get,
    has: async (key) => (await get(key)) !== undefined,
    list: () => Promise.resolve(undefined),
    set: never,
    delete: never,
  }
}
