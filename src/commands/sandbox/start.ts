import path from 'node:path'
import {Flags} from '@oclif/core'
import {makeSandboxProfile, SANDBOX_PROFILE} from '../../lib/access/account/sandbox-profile.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {fileFlag, several, storeFlag} from '../../lib/command/flags.js'
import {sandboxFacts} from '../../lib/command/present/sandbox.js'
import {mark, style} from '../../lib/cli/streams.js'
import {Secret} from '../../lib/core/secret.js'
import {profileOf, startSandbox} from '../../lib/sandbox/start.js'
import {ztProgram} from '../../lib/system/zt-program.js'

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
    seed: fileFlag('start over with the API objects in this JSON file'),
    observed: fileFlag('behave as the account that npm run test:live asked'),
    origin: several('put another server behind the edge', 'HOST=ADDRESS:PORT'),
    'country-of': several('country of the clients at these addresses of this machine', 'CIDR=CC'),
    foreground: Flags.boolean({description: 'stay in the foreground until interrupted'}),
    store: storeFlag,
  }
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const {foreground, observed, origin: origins, 'country-of': countries, seed, store} = this.flags
    const {paths} = this.settings
    const [seedFile, observedFile] = [seed, observed].map((file) => file && path.resolve(file))
    this.progress.step('Starting the sandbox')
    const {info, alreadyRunning, untilInterrupted} = await startSandbox(
      {directory: path.join(paths.state, 'sandbox'), seedFile, observedFile, origins, countries},
      foreground ? undefined : {program: ztProgram(this.config.root), store},
    )
    if (alreadyRunning) this.note('the sandbox is running already')
    const notSaved = await makeSandboxProfile({
      paths,
      profile: profileOf(info),
      apiToken: new Secret(info.apiToken),
      open: async () => {
        const settings = await this.loadSettings(SANDBOX_PROFILE)
        return {ctx: this.access(settings), settings}
      },
    })
    if (notSaved)
      this.warn(`zt could not save the sandbox's API token: ${notSaved.message}. ${notSaved.next[0] ?? ''}`)
    this.print(`${mark.done} The sandbox is running ${style.caution('(local; nothing in it is real)')}`)
    this.print(sandboxFacts(info, ['profile', SANDBOX_PROFILE]))
    this.next('zt profile use sandbox')
    await untilInterrupted?.()
    return {...info, profile: SANDBOX_PROFILE, ...(!foreground && {alreadyRunning})}
  }
}
