import path from 'node:path'
import {Flags} from '@oclif/core'
import {saveApiToken} from '../../lib/access/login.js'
import {AccessCommand} from '../../lib/app/access-command.js'
import {storeFlag} from '../../lib/app/flags.js'
import {style} from '../../lib/cli/streams.js'
import {facts} from '../../lib/cli/table.js'
import {updateProfile} from '../../lib/config/profiles.js'
import {loadSettings} from '../../lib/config/settings.js'
import {UserError} from '../../lib/core/errors.js'
import {ztProgram} from '../../lib/core/program.js'
import {Secret} from '../../lib/core/secret.js'
import {daemonStatus, startDaemon} from '../../lib/sandbox/daemon.js'
import {parseOrigins, readSeed} from '../../lib/sandbox/seed.js'
import type {SandboxInfo} from '../../lib/sandbox/types.js'

export default class SandboxStart extends AccessCommand<typeof SandboxStart> {
  static override summary = 'Start a local Access: API, edge and an SSH server behind it'
  static override description =
    'On this machine only. Makes the profile "sandbox", with which every other command works.'
  static override examples = [
    '<%= config.bin %> sandbox start',
    '<%= config.bin %> sandbox start --seed state.json --json',
    '<%= config.bin %> sandbox start --origin gitlab-ssh.widgetcorp.tech=127.0.0.1:22',
  ]
  static override flags = {
    seed: Flags.string({description: 'begin anew from a JSON file of API objects', helpValue: 'FILE'}),
    origin: Flags.string({
      description: 'put another server behind the edge',
      helpValue: 'HOST=ADDRESS:PORT',
      multiple: true,
      default: [],
    }),
    foreground: Flags.boolean({description: 'stay until interrupted'}),
    store: storeFlag,
  }
  protected override readonly makesProfile = true

  async run(): Promise<object> {
    const directory = path.join(this.settings.paths.state, 'sandbox')
    const origins = parseOrigins(this.flags.origin)
    const seedFile = this.flags.seed === undefined ? undefined : path.resolve(this.flags.seed)
    const seed = seedFile === undefined ? undefined : await readSeed(seedFile)
    const running = await daemonStatus(directory)
    if (running && (seed ?? this.flags.origin.length > 0)) throw runsAlready()
    if (running) this.note('the sandbox runs already')
    if (this.flags.foreground && !running) {
      const {startSandbox} = await import('../../lib/sandbox/server.js')
      const {info, close} = await startSandbox({directory, seed, origins})
      await this.makeProfile(info)
      this.show(info)
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
      })
      await close()
      return {...info, profile: 'sandbox'}
    }
    const flags = this.flags.origin.flatMap((pair) => ['--origin', pair])
    if (seedFile !== undefined) flags.push('--seed', seedFile)
    if (this.flags.store !== undefined) flags.push('--store', this.flags.store)
    const again = ['sandbox', 'start', '--foreground', '--no-input', ...flags]
    const command = [...ztProgram(this.config.root), ...again]
    this.progress.step('Starting the sandbox')
    const info = running ?? (await startDaemon({command, directory}))
    await this.makeProfile(info)
    this.show(info)
    return {...info, profile: 'sandbox', alreadyRunning: running !== undefined}
  }

  private async makeProfile(info: SandboxInfo): Promise<void> {
    const {apiUrl, accountId, edge: connectTo, caFile, knownHostsFile} = info
    const {paths} = this.settings
    await updateProfile(paths, 'sandbox', {
      apiUrl,
      accountId,
      connectTo,
      caFile,
      knownHostsFile,
      sandbox: true,
    })
    const settings = await loadSettings({
      env: process.env,
      cwd: process.cwd(),
      flags: {profile: 'sandbox', store: this.flags.store},
    })
    try {
      const store = await saveApiToken(this.access(settings), new Secret(info.apiToken))
      await this.rememberStore(store, settings)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      this.warn(`The sandbox's API token could not be saved: ${error.message}. ${error.next[0] ?? ''}`)
    }
  }

  private show(info: SandboxInfo): void {
    this.print(`${style.green('✓')} The sandbox runs ${style.yellow('(local, nothing in it is real)')}`)
    this.print(
      facts([
        ['API', info.apiUrl],
        ['edge', info.edge],
        ['edge CA', info.caFile],
        ['SSH server', info.ssh],
        ['profile', 'sandbox'],
      ]),
    )
    this.next('zt profile use sandbox')
  }
}

function runsAlready(): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'SANDBOX_RUNS',
    message: 'The sandbox runs already',
    why: 'A seed or an origin is for a new one.',
    next: ['zt sandbox stop'],
  })
}
