// The certificate library uses decorators, which need this import first.
import 'reflect-metadata'
import {webcrypto} from 'node:crypto'
import fs from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import * as x509 from '@peculiar/x509'
import {openAccess} from '../../src/lib/access/account/context.js'
import {nameKeeper} from '../../src/lib/command/keep-names.js'
import {loadSettings} from '../../src/lib/config/settings.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {noProgress} from '../../src/lib/core/progress.js'
import {remoteChecksWith} from '../../src/lib/doctor/checks/remote/index.js'
import type {Seams} from '../../src/lib/doctor/checks/remote/seams.js'
import {runChecks} from '../../src/lib/doctor/run.js'
import type {DoctorWorld, Finding} from '../../src/lib/doctor/types.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import type {SandboxSeed} from '../../src/lib/sandbox/types.js'
import {IndexFiles} from '../../src/lib/secrets/index-files.js'
import type {FaultyApi} from '../faults/faulty-api.js'
import {CommandWorld} from '../support/command-harness.js'
import {AMPLE_MS} from '../support/patience.js'

export const HOST = 'gitlab.widgetcorp.tech'
export const ROOT = path.resolve(import.meta.dirname, '../..')
const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const SECRET = 'cfast_Hj4gLf6aEu5pDq7nWk3vYt9sXb2mZc8rTq1oVd0eRi5wKs7b'
export const TOKEN = 'token-ci'

/** One host with one rule for one token, and API tokens that lack something. */
const SEED: SandboxSeed = {
  accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
  zones: [{id: '9a7806061c88ada191ed06f989cc3dac', name: 'widgetcorp.tech', status: 'active', account: {id: ACCOUNT}}],
  service_tokens: [
    {id: TOKEN, name: 'ci', client_id: 'ci.access', client_secret: SECRET, client_secret_version: 1},
  ],
  policies: [
    {id: 'policy-ci', name: 'CI', decision: 'non_identity', include: [{service_token: {token_id: TOKEN}}]},
  ],
  apps: [
    {id: 'app-gitlab', name: 'GitLab', type: 'self_hosted', domain: HOST, policies: [{id: 'policy-ci', precedence: 1}]},
  ],
  api_tokens: [
    {token: 'expired-token-0123456789', owner: 'user', status: 'expired'},
    {token: 'ending-token-0123456789', owner: 'user', expires_on: new Date(Date.now() + 3 * 86_400_000).toISOString()},
    {token: 'small-token-0123456789', owner: 'user', permission_groups: ['Access: Service Tokens Read', 'Access: Apps and Policies Read']},
  ],
} // prettier-ignore

/** What is behind the tunnel: a text that it says, or a port of this machine. */
interface Origin {
  answer: string | undefined
  forward: number | undefined
}

/** A machine and an account in which nothing is wrong; each fault starts from it. */
export class RemoteWorld {
  /** A copy of the home as it is when nothing is wrong. */
  readonly #healthy: string
  readonly #account: SandboxState['data']
  /** What a fault started. */
  readonly closers: (() => unknown)[] = []

  private constructor(
    readonly zt: CommandWorld,
    readonly origin: Origin,
    readonly end: () => Promise<void>,
  ) {
    this.#healthy = `${zt.home}-healthy`
    this.#account = structuredClone(zt.state.data)
  }

  static async open(): Promise<RemoteWorld> {
    const origin: Origin = {answer: 'SSH-2.0-OfTheTest\r\n', forward: undefined}
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined)
      if (origin.forward !== undefined) {
        const behind = net.connect(origin.forward, '127.0.0.1')
        behind.on('error', () => undefined)
        socket.pipe(behind).pipe(socket)
      } else if (origin.answer === undefined) socket.destroy()
      else socket.write(origin.answer)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const {port} = server.address() as net.AddressInfo
    const zt = await CommandWorld.open({seed: SEED, originOf: () => `127.0.0.1:${port}`})
    await zt.reset()
    const world = new RemoteWorld(zt, origin, async () => {
      await world.heal()
      await zt.end()
      server.close()
      await fs.rm(world.#healthy, {recursive: true, force: true})
    })
    await zt.json('token import ci', {
      input: JSON.stringify({client_id: 'ci.access', client_secret: SECRET}),
    })
    await world.index.bind({profile: 'default', host: HOST, tokenId: TOKEN, boundAt: new Date().toISOString()})
    await fs.mkdir(path.join(zt.home, '.ssh'), {mode: 0o700})
    await fs.writeFile(world.sshConfig, '', {mode: 0o600})
    await fs.cp(zt.home, world.#healthy, {recursive: true})
    Object.assign(world.#account, structuredClone(zt.state.data))
    return world
  } // prettier-ignore

  get api(): FaultyApi {
    return this.zt.api
  }

  get state(): SandboxState {
    return this.zt.state
  }

  get index(): IndexFiles {
    return new IndexFiles(path.join(this.zt.home, 'DATA', 'zt'))
  }

  get sshConfig(): string {
    return path.join(this.zt.home, '.ssh', 'config')
  }

  /** The service token as the account has it. */
  get token(): JsonObject {
    return this.zt.token('ci')
  }

  /** Changes the profile, which another fault may have changed before. */
  async profile(change: JsonObject): Promise<void> {
    const {currentProfile, profiles} = await this.zt.readConfig()
    await this.zt.writeConfig({currentProfile, profiles: {default: {...profiles['default'], ...change}}})
  }

  /** Nothing is wrong. */
  async heal(): Promise<void> {
    this.api.reset()
    delete process.env['SSL_CERT_FILE']
    for (const close of this.closers.splice(0)) await close()
    Object.assign(this.origin, {answer: 'SSH-2.0-OfTheTest\r\n', forward: undefined})
    Object.assign(this.state.data, structuredClone(this.#account))
    for (const name of ['CONFIG', 'DATA', 'STATE', 'CACHE', '.ssh']) {
      await fs.rm(path.join(this.zt.home, name), {recursive: true, force: true})
      await fs
        .cp(path.join(this.#healthy, name), path.join(this.zt.home, name), {recursive: true})
        .catch(() => undefined)
    }
    await fs.chmod(path.join(this.zt.home, '.ssh'), 0o700)
  }

  /** What the checks find. */
  async find({host, env = {}, seams = {}, timeoutMs = AMPLE_MS}: Look = {}): Promise<Finding[]> {
    await SandboxState.prototype.save.call(this.state)
    const checks = remoteChecksWith({sshConfig: this.sshConfig, ...seams})
    const world = await this.world({host, env, timeoutMs})
    return runChecks(checks, world, {offline: false, progress: noProgress})
  }

  async world({
    host,
    env: more = {},
    timeoutMs = AMPLE_MS,
  }: Pick<Look, 'host' | 'env' | 'timeoutMs'> = {}): Promise<DoctorWorld> {
    const {home, state} = this.zt
    const directories = Object.fromEntries(
      ['CONFIG', 'DATA', 'STATE', 'CACHE'].map((name) => [`XDG_${name}_HOME`, path.join(home, name)]),
    )
    const env: NodeJS.ProcessEnv = {
      PATH: process.env['PATH'],
      HOME: home,
      CLOUDFLARE_API_TOKEN: state.apiToken,
      ...directories,
      ...more,
    }
    const cwd = path.join(home, 'work')
    const settings = await loadSettings({env, cwd, flags: {}})
    const ctx = openAccess(settings, {
      userAgent: 'zt-test',
      names: nameKeeper(settings),
      proxies: env,
      environment: {dbusAddress: undefined, runtimeDir: undefined},
    })
    return {
      ...{ctx, settings, env, cwd, host, timeoutMs},
      ...{paths: settings.paths, broken: undefined, root: ROOT},
    }
  }
}

export interface Look {
  host?: string | undefined
  env?: Record<string, string | undefined>
  seams?: Seams
  timeoutMs?: number
}

/** What is not in order: `api-token fail`. */
export function faultsIn(findings: readonly Finding[]): string[] {
  return findings
    .filter(({state}) => state === 'warn' || state === 'fail')
    .map(({id, state}) => `${id} ${state}`)
}

/** A server that shows a certificate by the CA of an inspection product, for whatever name, valid around a time. @returns its address */
export async function startInspection(around = Date.now()): Promise<{address: string; close: () => void}> {
  x509.cryptoProvider.set(webcrypto)
  const algorithm = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'}
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...{name: 'CN=Zscaler Intermediate Root CA,O=Zscaler Inc.', keys, signingAlgorithm: algorithm},
    ...{notBefore: new Date(around - 3600_000), notAfter: new Date(around + 3600_000)},
  })
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const server = tls.createServer(
    {cert: certificate.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----`},
    (socket) => socket.on('error', () => undefined),
  )
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    close: () => {
      server.close()
    },
  }
} // prettier-ignore
