import {execFile, spawn, type ChildProcess} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {readFileIfThere} from '../../src/lib/system/files.js'
import type {BusEnvironment} from '../../src/lib/secrets/keychain/probe.js'
import {SecretService} from './secret-service.js'

const run = promisify(execFile)
/** Debian's own: another Python on PATH does not have its modules. */
const PYTHON = '/usr/bin/python3'
const IMPORTS = 'import dbus, dbus.service, dbus.mainloop.glib; from gi.repository import GLib'
const PROGRAM = path.join(import.meta.dirname, 'fake-secret-service.py')

/** The ways in which a keyring can fail; the program itself describes each. */
export type KeyringFault =
  | 'no-collection'
  | 'locked'
  | 'prompt-unanswered'
  | 'prompt-dismissed'
  | 'hang'
  | 'exit-before'
  | 'exit-after'
  | 'fail'
  | 'forget'
  | 'corrupt'
  | 'stale'
  | 'volatile'

interface Kept {
  attributes: {service: string; account: string}
  value: string
}

/** A keyring on a separate bus that fails as the test says; keytar and secret-tool take it for a real one. */
export class FakeSecretService {
  readonly #bus: SecretService
  #program: ChildProcess | undefined
  #controls = 0

  private constructor(bus: SecretService) {
    this.#bus = bus
  }

  /** Why it cannot run on this machine; undefined if it can. */
  static async missing(): Promise<string | undefined> {
    const needs: [what: string, program: string, args: string[]][] = [
      ['dbus-daemon is not installed (apt-get install dbus-bin)', 'sh', ['-c', 'command -v dbus-daemon']],
      [
        'secret-tool is not installed (apt-get install libsecret-tools)',
        'sh',
        ['-c', 'command -v secret-tool'],
      ],
      // Everything that the program itself imports: only a part may be installed.
      ['Python lacks D-Bus (apt-get install python3-dbus python3-gi)', PYTHON, ['-c', IMPORTS]],
      [
        'libsecret is not installed (apt-get install libsecret-1-0)',
        process.execPath,
        ['-e', 'require("keytar")'],
      ],
    ]
    for (const [what, program, args] of needs) {
      const there = await run(program, args, {cwd: import.meta.dirname}).catch(() => undefined)
      if (!there) return what
    }
    return undefined
  }

  static async start(): Promise<FakeSecretService> {
    const service = new FakeSecretService(await SecretService.start({keyring: false}))
    await service.mend()
    return service
  }

  get bus(): BusEnvironment {
    return this.#bus.bus
  }

  get env(): NodeJS.ProcessEnv {
    const {DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR} = this.#bus.env
    return {DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR}
  }

  /** From now on, or after this many items have been created, it does this to accounts with this prefix. */
  async fail(mode: KeyringFault, {kind = '', skip = 0} = {}): Promise<void> {
    await this.#control({mode, kind, skip})
  }

  /** Ends all faults; a program that hangs or has ended is restarted with what it kept. */
  async mend(): Promise<void> {
    await this.#control({mode: 'ok', kind: '', skip: 0})
    await this.stop()
    await fs.rm(this.#at('memory.json'), {force: true})
    await this.#start()
  }

  /** Ends all faults, and keeps what it has in memory. */
  async forgive(): Promise<void> {
    await this.#control({mode: 'ok', kind: '', skip: 0})
  }

  /** Ends the program: the bus continues without it. */
  async stop(): Promise<void> {
    const program = this.#program
    if (program?.exitCode !== null || program.signalCode !== null) return
    const ended = new Promise((resolve) => program.once('close', resolve))
    program.kill('SIGKILL')
    await ended
  }

  signal(signal: NodeJS.Signals): void {
    this.#program?.kill(signal)
  }

  /** The faults that occurred, as `mode call account`. */
  async faults(): Promise<string[]> {
    const log = (await readFileIfThere(this.#at('log'))) ?? ''
    return log.split('\n').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
  }

  /** Its contents: account → value. */
  async kept(): Promise<Map<string, string>> {
    const inMemory = await readFileIfThere(this.#at('memory.json'))
    const text = inMemory ?? (await readFileIfThere(this.#at('items.json'))) ?? '{"items": []}'
    const {items} = JSON.parse(text) as {items: Kept[]}
    return new Map(items.map(({attributes, value}) => [attributes.account, value]))
  }

  lookup(service: string, account: string): Promise<string> {
    return this.#bus.lookup(service, account)
  }

  async end(): Promise<void> {
    await this.stop()
    await this.#bus.end()
  }

  async #start(): Promise<void> {
    const program = spawn(PYTHON, [PROGRAM, this.#bus.home], {
      env: {...this.#bus.env, PYTHONDONTWRITEBYTECODE: '1'},
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#program = program
    await new Promise<void>((resolve, reject) => {
      program.stdout.once('data', () => {
        resolve()
      })
      program.once('error', reject)
      program.once('exit', (code) => {
        reject(new Error(`the fake Secret Service ended with ${code}`))
      })
    })
  }

  async #control(control: {mode: string; kind: string; skip: number}): Promise<void> {
    // It is read at any moment: never half a file.
    await fs.writeFile(this.#at('control.tmp'), JSON.stringify({id: ++this.#controls, ...control}))
    await fs.rename(this.#at('control.tmp'), this.#at('control.json'))
  }

  #at(name: string): string {
    return path.join(this.#bus.home, name)
  }
}
