import path from 'node:path'
import {forgetServiceTokens} from '../../lib/access/account/session.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {yesFlag} from '../../lib/command/flags.js'
import {readConfig} from '../../lib/config/profiles.js'
import {resetState, stopDaemon} from '../../lib/sandbox/daemon.js'

export default class SandboxReset extends AccessCommand<typeof SandboxReset> {
  static override summary = 'Reset the sandbox to its initial state'
  static override description =
    'Also removes the secrets and host bindings of the profile "sandbox", because their tokens no longer exist.'
  static override examples = ['<%= config.bin %> sandbox reset', '<%= config.bin %> sandbox reset --yes']
  static override flags = {yes: yesFlag}
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    if (!this.flags.yes) {
      this.prompts.require('A confirmation', 'zt sandbox reset --yes')
      await this.prompts.confirm('Discard the state of the sandbox?')
    }
    const {paths} = this.settings
    const directory = path.join(paths.state, 'sandbox')
    const stopped = await stopDaemon(directory)
    await resetState(directory)
    let forgotten = 0
    if ((await readConfig(paths)).profiles['sandbox']) {
      forgotten = await forgetServiceTokens(this.access(await this.loadSettings('sandbox')))
    }
    this.print(`${stopped ? 'Stopped and reset' : 'Reset'} the sandbox.`)
    this.next('zt sandbox start')
    return {stopped, forgotten}
  }
}
