import {randomUUID} from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import {startSandboxApi} from '../../src/lib/sandbox/api/server.js'
import {openCertificateAuthority} from '../../src/lib/sandbox/certificates.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import {TUTORIAL} from '../../src/lib/sandbox/tutorial.js'
import {Journal, type JournalEntry} from '../../src/lib/secrets/journal/journal.js'
import {createVaultIdentity} from '../../src/lib/secrets/vault/identity.js'
import {Vault} from '../../src/lib/secrets/vault/vault.js'
import {Secret} from '../../src/lib/core/secret.js'
import {BuiltZt, type End, type RunOptions} from './built-zt.js'

export const HOST = 'gitlab-ssh.widgetcorp.tech'
const RECORDER = path.resolve(import.meta.dirname, 'record-files.cjs')

/**
 * A home with every file that zt keeps or is given: configuration, vault with identity, index, bindings, an
 * interrupted operation, an undo record, a dead process's lock, caches. Tests attack copies of it.
 */
export class FilesWorld {
  private constructor(
    readonly base: BuiltZt,
    readonly folder: string,
    readonly end: () => Promise<void>,
  ) {}

  static async open(): Promise<FilesWorld> {
    const base = await BuiltZt.make({ZT_STORE: 'vault'})
    const folder = await fs.mkdtemp(`${base.home}-`)
    const state = await SandboxState.open({file: path.join(folder, 'state.json'), seed: TUTORIAL})
    const api = await startSandboxApi({state})
    const world = new FilesWorld(base, folder, async () => {
      await api.close()
      await base.end()
      await fs.rm(folder, {recursive: true, force: true})
    })
    await fs.mkdir(path.join(base.home, 'work'))
    const {caFile} = await openCertificateAuthority(folder, Date.now())
    await fs.copyFile(caFile, path.join(base.home, 'work', 'ca.pem'))
    const project = JSON.stringify({profile: 'main'})
    await fs.writeFile(path.join(base.home, 'work', '.zt.json'), project)
    await fs.writeFile(path.join(base.home, 'work', 'seed.json'), '{"apps":[]}')
    const fake = '#!/bin/sh\necho "cloudflared version 2026.1.0 (built 2026-01-01)"\n'
    await fs.writeFile(path.join(base.home, 'work', 'cloudflared'), fake, {mode: 0o755})
    await base.json(['login', '--profile', 'main', '--api-url', api.url], {input: state.apiToken})
    await base.json(['profile', 'use', 'main'])
    await base.json(['token', 'create', 'ci'])
    await base.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
    await world.#interrupt(api.url, state.accountId)
    const words = ['__complete', 'fish', '--', 'token', 'show', '']
    await base.run(words)
    // A change leaves its mark in the cache of names.
    await base.json(['token', 'rename', 'ci', 'deploy'])
    await base.run(words)
    await base.run(['ssh', 'proxy', '--client', 'cloudflared', HOST], {env: world.cloudflared()})
    const {passphrase, encrypted} = world.passphrase(base.home)
    await fs.writeFile(passphrase, 'correct horse\n', {mode: 0o600})
    await createVaultIdentity(encrypted, new Secret('correct horse'), 10)
    await fs.mkdir(path.join(base.home, 'STATE', 'zt', 'sandbox'), {recursive: true, mode: 0o700})
    await fs.mkdir(path.join(base.home, '.ssh'), {mode: 0o700})
    await fs.writeFile(path.join(base.home, '.ssh', 'config'), 'Host other\n', {mode: 0o600})
    return world
  }

  cloudflared(home = this.base.home): NodeJS.ProcessEnv {
    return {CLOUDFLARED: path.join(home, 'work', 'cloudflared')}
  }

  passphrase(home: string): {passphrase: string; encrypted: string} {
    return {
      passphrase: path.join(home, 'work', 'passphrase'),
      encrypted: path.join(home, 'work', 'encrypted-identity'),
    }
  }

  /** A copy of the home, whose zt runs in its directory `work`. */
  async copy(): Promise<FilesCopy> {
    const home = await fs.mkdtemp(path.join(this.folder, 'copy-'))
    await fs.cp(this.base.home, home, {recursive: true, verbatimSymlinks: true, preserveTimestamps: true})
    return new FilesCopy(this, home)
  }

  /** The state after a process was killed once the intent, the key and the spool's space were there. */
  async #interrupt(apiUrl: string, accountId: string): Promise<void> {
    const at = (...parts: string[]): string => path.join(this.base.home, ...parts)
    const identity = {file: at('CONFIG', 'zt', 'identity.txt')}
    const vault = new Vault({directory: at('DATA', 'zt', 'vault'), identity})
    const operation: JournalEntry = {
      ...{id: randomUUID(), kind: 'create', profile: 'main', accountId, apiUrl, store: 'vault'},
      ...{name: 'interrupted', startedAt: new Date().toISOString(), sentAt: new Date().toISOString()},
    }
    await new Journal(at('DATA', 'zt', 'journal')).begin(operation, vault)
  }
}

export class FilesCopy {
  constructor(
    readonly world: FilesWorld,
    readonly home: string,
  ) {}

  at(...parts: string[]): string {
    return path.join(this.home, ...parts)
  }

  /** The first file below the home whose path matches. */
  async find(pattern: RegExp): Promise<string> {
    const names = await fs.readdir(this.home, {recursive: true})
    const name = names.sort().find((one) => pattern.test(one))
    if (name === undefined) throw new Error(`there is no file ${pattern.source}`)
    return this.at(name)
  }

  run(args: string[], {env = {}, ...options}: RunOptions = {}): Promise<End> {
    const own: NodeJS.ProcessEnv = {HOME: this.home}
    for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) own[`XDG_${kind}_HOME`] = this.at(kind)
    return this.world.base.run(args, {...options, env: {...own, ...env}, cwd: this.at('work')})
  }

  /** The files below the home that the command and its children open to read. */
  async reads(args: string[], options: RunOptions = {}): Promise<string[]> {
    const record = path.join(this.world.folder, `record-${randomUUID()}`)
    await fs.writeFile(record, '')
    const recording = {
      NODE_OPTIONS: `--require ${JSON.stringify(RECORDER)}`,
      ZT_TEST_RECORD: record,
      ZT_TEST_BELOW: this.home,
    }
    await this.run(args, {...options, env: {...options.env, ...recording}})
    const lines = (await fs.readFile(record, 'utf8')).split('\n').filter(Boolean)
    return [...new Set(lines.map((line) => JSON.parse(line) as string))].sort()
  }

  remove(): Promise<void> {
    return fs.rm(this.home, {recursive: true, force: true})
  }
}
