import {createHash} from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import type {JsonObject} from '../../src/lib/core/json.js'
import type {Seams} from '../../src/lib/doctor/checks/remote/seams.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import {findProgram} from '../../src/lib/system/programs.js'
import type {CommandEnd} from '../support/command-harness.js'
import {endStarted, LOCAL_FAULTS} from './local-faults.js'
import {REMOTE_FAULTS} from './remote-faults.js'
import {HOST, RemoteWorld, ROOT, type Look} from './remote-world.js'

/** A fault of either table, in a world that has all: machine, account and host. */
export interface AnyFault {
  fault: string
  /** Its finding: ID and state. */
  finds: string
  host: boolean
  byCommands: boolean
  build: (world: RemoteWorld) => Look | Promise<Look>
}

export const FAULTS: readonly AnyFault[] = [
  ...LOCAL_FAULTS.map(({fault, finds, build, byCommands = false}): AnyFault => ({
    ...{fault, finds, byCommands, host: false},
    build: async ({zt}) => ({env: (await build(zt)) ?? {}}),
  })),
  ...REMOTE_FAULTS.map(({fault, finds, build, look}): AnyFault => ({
    ...{fault, finds, byCommands: false, host: look?.host !== undefined},
    build: async (world) => ({...look, ...(await build(world))}),
  })),
]

export interface Found {
  id: string
  state: 'ok' | 'warn' | 'fail' | 'skipped'
  title: string
  detail: string
  why: string | null
  next: string[]
  fix: string | null
}

/** What doctor is run in: several faults at once. */
export class SeveralWorld {
  #env: Record<string, string | undefined> = {}
  #host = false
  #spoilt = false
  /** What is there when nothing is wrong. */
  #healthy: Map<string, string> | undefined

  private constructor(
    readonly remote: RemoteWorld,
    readonly seams: Seams,
  ) {
    const {api} = remote
    const spoil = api.spoil.bind(api)
    api.spoil = (...rules) => {
      this.#spoilt = true
      spoil(...rules)
    }
  }

  /** @param seams those with which the checks were made */
  static async open(seams: Seams): Promise<SeveralWorld> {
    return new SeveralWorld(await RemoteWorld.open(), seams)
  }

  async end(): Promise<void> {
    await endStarted()
    await this.remote.end()
  }

  /** Builds faults, and nothing else is wrong. */
  async build(faults: readonly AnyFault[]): Promise<void> {
    const {remote} = this
    const {zt} = remote
    await endStarted()
    await remote.heal()
    for (const name of ['work', '.zsh', 'entry.json'])
      await fs.rm(path.join(zt.home, name), {recursive: true, force: true})
    await fs.mkdir(zt.file('bin'), {recursive: true})
    // Scripts, and no links: a fault writes another program in their place.
    for (const name of ['ssh', 'ssh-keygen'])
      await fs.writeFile(zt.file(`bin/${name}`), `#!/bin/sh\nexec '${realProgram(name)}' "$@"\n`, {
        mode: 0o755,
      })
    await fs.symlink(path.join(ROOT, 'bin', 'zt.cjs'), zt.file('bin/zt'))
    this.#env = {}
    this.#spoilt = false
    for (const name of ['lookup', 'portal'] as const) delete this.seams[name]
    this.seams.sshConfig = remote.sshConfig
    this.#host = faults.some(({host}) => host)
    for (const {build} of [...faults].sort((a, b) => Number(b.byCommands) - Number(a.byCommands))) {
      const {env = {}, seams = {}} = await build(remote)
      Object.assign(this.#env, env)
      Object.assign(this.seams, seams)
    }
    // One fault puts it into this process.
    if (process.env['SSL_CERT_FILE'] !== undefined) this.#env['SSL_CERT_FILE'] = process.env['SSL_CERT_FILE']
  }

  /** What doctor finds. */
  async doctor(...flags: string[]): Promise<Found[]> {
    const words = ['doctor', ...(this.#host ? [HOST] : []), ...flags, '--json']
    const {stdout, stderr} = await this.run(words)
    const {findings} = JSON.parse(stdout === '' ? stderr : stdout) as {findings?: Found[]}
    if (!findings) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`)
    return findings
  }

  async run(line: string | string[]): Promise<CommandEnd> {
    await SandboxState.prototype.save.call(this.remote.state)
    return this.remote.zt.run(line, {env: this.#env, input: ''})
  }

  /** What a person's shell does with `unset` and `export`. */
  setVariable(name: string, value: string | undefined): void {
    this.#env[name] = value
  }

  /**
   * What a fault changes, as paths: two faults that change the same are not two. What is above another path contains it.
   */
  async footprintOf(fault: AnyFault): Promise<string[]> {
    if (!this.#healthy) {
      await this.build([])
      this.#healthy = await this.#everything()
    }
    const before = this.#healthy
    await this.build([fault])
    const after = await this.#everything()
    const names = [...new Set([...before.keys(), ...after.keys()])]
    const changed = names.filter((name) => before.get(name) !== after.get(name))
    return [
      // What is made in a new directory is no change to all of it; with a directory goes what is in it.
      ...changed.filter((name) => !name.startsWith('directory/')),
      ...changed.filter((name) => name.startsWith('directory/') && !after.has(name)).map((name) => name.replace('directory/', 'file/')),
      ...Object.keys(this.#env).map((name) => `env/${name}`),
    ] // prettier-ignore
  }

  /** Everything that faults change, but for the environment. */
  async #everything(): Promise<Map<string, string>> {
    const {remote} = this
    const all = new Map<string, string>()
    const note = (name: string, value: unknown): void => {
      all.set(name, JSON.stringify(value ?? null))
    }
    note('origin', [remote.origin.answer, remote.origin.forward !== undefined])
    note('api', this.#spoilt)
    note('lookup', this.seams.lookup === undefined)
    for (const [kind, objects] of Object.entries(remote.state.data as unknown as JsonObject))
      for (const [at, one] of Object.entries(objects ?? {})) note(`account/${kind}/${at}`, one)
    const config: JsonObject = await remote.zt.readConfig().catch(() => ({}))
    const {version, profiles, ...rest} = config
    note('config', version)
    note('config/rest', rest)
    for (const [name, profile] of Object.entries((profiles ?? {}) as JsonObject))
      for (const [key, value] of Object.entries(profile as object)) note(`config/${name}/${key}`, value)
    for (const name of (await fs.readdir(remote.zt.home, {recursive: true})).sort()) {
      if (/^(CACHE\/zt\/.|sandbox|record|work\/(server|another)|CONFIG\/zt\/config\.json$)/.test(name))
        continue
      const file = path.join(remote.zt.home, name)
      const stat = await fs.lstat(file)
      const kind = stat.isFile() ? 'file' : stat.isSocket() ? 'socket' : 'link'
      if (stat.isDirectory()) note(`directory/${name}`, true)
      else note(`file/${name}`, [kind, stat.uid, kind === 'file' ? await sumOf(file) : ''])
      note(`mode/${name}`, stat.mode & 0o777)
    }
    return all
  }
}

async function sumOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await fs.readFile(file))
    .digest('hex')
}

/** This machine's own: tests have a PATH of theirs. */
function realProgram(name: string): string {
  const file = findProgram(name, process.env)
  if (file === undefined) throw new Error(`there is no ${name}`)
  return file
}

/** Whether two faults change the same thing: then they are not two. */
export function overlap(one: readonly string[], other: readonly string[]): boolean {
  const contains = (outer: string, inner: string): boolean => inner === outer || inner.startsWith(`${outer}/`)
  return one.some((a) => other.some((b) => contains(a, b) || contains(b, a)))
}
