import {createHash} from 'node:crypto'
import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import net, {type AddressInfo} from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type {JsonObject} from '../../src/lib/core/json.js'
import {Secret} from '../../src/lib/core/secret.js'
import {startSandboxApi} from '../../src/lib/sandbox/api/server.js'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {startEdge} from '../../src/lib/sandbox/edge/edge.js'
import {SandboxState, type StateData} from '../../src/lib/sandbox/state.js'
import {TUTORIAL} from '../../src/lib/sandbox/tutorial.js'
import {Vault} from '../../src/lib/secrets/vault/vault.js'
import {bin} from '../support/built-zt.js'
import {everything} from '../support/edit-world.js'
import {AMPLE_MS} from '../support/patience.js'
import type {End} from './scene.js'

export interface Kept {
  home: string
  data: StateData
}

/** A sandbox with an edge and an SSH server that only greets, and a home that is logged in: for setups that are killed. */
export class SetupLane {
  private constructor(
    readonly folder: string,
    readonly state: SandboxState,
    readonly close: () => Promise<void>,
  ) {}

  get home(): string {
    return path.join(this.folder, 'home')
  }

  static async open(): Promise<SetupLane> {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-setups-'))
    const state = await SandboxState.open({file: path.join(folder, 'sandbox.json'), seed: TUTORIAL})
    const api = await startSandboxApi({state})
    const origin = net.createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-test\r\n'))
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
    const originOf = (): string => `127.0.0.1:${(origin.address() as AddressInfo).port}`
    const authority = await openCertificateAuthority(folder, Date.now())
    const edge = await startEdge({state, authority, originOf, httpOriginOf: originOf})
    const lane = new SetupLane(folder, state, async () => {
      await edge.close()
      await api.close()
      origin.close()
      await fs.rm(folder, {recursive: true, force: true})
    })
    const config = path.join(lane.home, 'CONFIG', 'zt')
    await fs.mkdir(config, {recursive: true, mode: 0o700})
    const profile = {
      ...{apiUrl: api.url, accountId: state.accountId, store: 'vault'},
      ...{connectTo: edge.address, caFile: authority.caFile},
    }
    const text = JSON.stringify({version: 1, profiles: {default: profile}})
    await fs.writeFile(path.join(config, 'config.json'), text, {mode: 0o600})
    const vault = new Vault({
      directory: path.join(lane.home, 'DATA', 'zt', 'vault'),
      identity: {file: path.join(config, 'identity.txt')},
    })
    await vault.set({kind: 'api-token', id: 'default'}, new Secret(state.apiToken))
    await fs.writeFile(path.join(lane.home, 'ssh-config'), 'Host *\n  ServerAliveInterval 7', {mode: 0o640})
    return lane
  }

  /** Everything durable. */
  async keep(name: string): Promise<Kept> {
    const home = path.join(this.folder, 'kept', name)
    await fs.rm(home, {recursive: true, force: true})
    await fs.cp(this.home, home, {recursive: true, preserveTimestamps: true})
    return {home, data: structuredClone(this.state.data)}
  }

  async restore({home, data}: Kept): Promise<void> {
    await fs.rm(this.home, {recursive: true, force: true})
    await fs.cp(home, this.home, {recursive: true, preserveTimestamps: true})
    Object.assign(this.state.data, structuredClone(data))
    await this.state.save()
  }

  run(args: string[], {env = {}}: {env?: NodeJS.ProcessEnv} = {}): Promise<End> {
    return new Promise((resolve, reject) => {
      const own: NodeJS.ProcessEnv = {
        PATH: process.env['PATH'],
        HOME: this.home,
        NO_COLOR: '1',
        ZT_PATIENCE: '40',
      }
      for (const kind of ['CONFIG', 'DATA', 'STATE']) own[`XDG_${kind}_HOME`] = path.join(this.home, kind)
      // Compiled code and names are no part of it.
      own['XDG_CACHE_HOME'] = path.join(this.folder, 'cache')
      const child = spawn(process.execPath, [bin, ...args], {
        env: {...own, ...env},
        cwd: this.home,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const end: End = {code: null, signal: null, stdout: '', stderr: '', hung: false}
      const timer = setTimeout(() => {
        end.hung = true
        child.kill('SIGKILL')
      }, AMPLE_MS)
      child.stdout.on('data', (chunk: Buffer) => (end.stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (end.stderr += chunk.toString()))
      child.once('error', reject)
      child.once('close', (code, signal) => {
        clearTimeout(timer)
        resolve({...end, code, signal})
      })
    })
  }

  /**
   * The account and the files, without what is not counted: records of edits, locks, and temporary files of processes that
   * were killed.
   */
  async everything(): Promise<JsonObject> {
    const files: JsonObject = {}
    for (const name of (await fs.readdir(this.home, {recursive: true})).sort()) {
      const file = path.join(this.home, name)
      const counts = !/^STATE\/zt\/(locks|undo|run)/.test(name) && !/\.\d+\.[0-9a-f]{8}(\.new)?$/.test(name)
      if (!counts || !(await fs.stat(file)).isFile()) continue
      files[name] = createHash('sha256')
        .update(await fs.readFile(file))
        .digest('hex')
        .slice(0, 16)
    }
    return {account: everything(this.state), tokens: this.state.data.serviceTokens.length, files}
  }

  /** What a setup has made, in the account and here, without IDs and times. */
  async made(): Promise<JsonObject> {
    const {files} = (await this.everything()) as {files: Record<string, string>}
    const config = await fs.readFile(path.join(this.home, 'ssh-config'), 'utf8')
    const plain = (text: string): string =>
      text
        .replaceAll(this.folder, '<folder>')
        .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
        .replaceAll(/\b([0-9a-f]{10}|[0-9a-f]{12}|[0-9a-f]{64})\b/g, '<sum>')
    return {
      account: plain(everything(this.state, {ids: false})),
      tokens: this.state.data.serviceTokens.map(({object: {name, enabled}}) => ({name, enabled})),
      files: Object.keys(files).map(plain),
      config: plain(config),
    }
  }
}
