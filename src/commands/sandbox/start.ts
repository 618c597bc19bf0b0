import path from 'node:path'
import {Flags} from '@oclif/core'
import {saveApiToken} from '../../lib/access/account/login.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {storeFlag} from '../../lib/command/flags.js'
import {completing} from '../../lib/cli/completing.js'
import {style} from '../../lib/cli/streams.js'
import {facts} from '../../lib/cli/table.js'
import {updateProfile} from '../../lib/config/profiles.js'
import {loadSettings} from '../../lib/config/settings.js'
import {UserError} from '../../lib/core/errors.js'
import {untilSignal} from '../../lib/system/signals.js'
import {ztProgram} from '../../lib/system/zt-program.js'
import {Secret} from '../../lib/core/secret.js'
import {profileOf, runningSandbox, startBeside, startHere} from '../../lib/sandbox/start.js'
import type {SandboxInfo} from '../../lib/sandbox/types.js'

export default class SandboxStart extends AccessCommand<typeof SandboxStart> {
  static override summary = 'Start the sandbox: a local API, edge and SSH server'
  static override description =
    'It listens on this machine only. Creates the profile "sandbox", which every other command can use.'
  static override examples = [
    '<%= config.bin %> sandbox start',
    '<%= config.bin %> sandbox start --seed state.json --json',
    '<%= config.bin %> sandbox start --origin gitlab-ssh.widgetcorp.tech=127.0.0.1:22',
  ]
  static override flags = {
    seed: completing(
      'file',
      Flags.string({description: 'start over with the API objects in this JSON file', helpValue: 'FILE'}),
    ),
    origin: Flags.string({
      description: 'put another server behind the edge',
      helpValue: 'HOST=ADDRESS:PORT',
      multiple: true,
      default: [],
    }),
    'country-of': Flags.string({
      description: 'country of the clients at these addresses of this machine',
      helpValue: 'CIDR=CC',
      multiple: true,
      default: [],
    }),
    foreground: Flags.boolean({description: 'stay in the foreground until interrupted'}),
    store: storeFlag,
  }
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const {foreground, origin: origins, seed, store} = this.flags
    const wanted = {
      directory: path.join(this.settings.paths.state, 'sandbox'),
      seedFile: seed === undefined ? undefined : path.resolve(seed),
      origins,
      countries: this.flags['country-of'],
    }
    const running = await runningSandbox(wanted)
    if (running) this.note('the sandbox is running already')
    if (foreground && !running) {
      const {info, close} = await startHere(wanted)
      await this.makeProfile(info)
      this.show(info)
      await untilSignal()
      await close()
      return {...info, profile: 'sandbox'}
    }
    this.progress.step('Starting the sandbox')
    const info = running ?? (await startBeside(wanted, {program: ztProgram(this.config.root), store}))
    await this.makeProfile(info)
    this.show(info)
    return {...info, profile: 'sandbox', alreadyRunning: running !== undefined}
  }

  private async makeProfile(info: SandboxInfo): Promise<void> {
    await updateProfile(this.settings.paths, 'sandbox', profileOf(info))
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
      this.warn(`zt could not save the sandbox's API token: ${error.message}. ${error.next[0] ?? ''}`)
    }
  }

  private show(info: SandboxInfo): void {
    this.print(`${style.green('✓')} The sandbox is running ${style.yellow('(local; nothing in it is real)')}`)
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
