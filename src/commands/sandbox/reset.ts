import path from 'node:path'
import {forgetServiceTokens} from '../../lib/access/account/session.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {yesFlag} from '../../lib/command/flags.js'
import {readConfig} from '../../lib/config/profiles.js'
import {loadSettings} from '../../lib/config/settings.js'
import {cancelled} from '../../lib/core/errors.js'
import {resetState, stopDaemon} from '../../lib/sandbox/daemon.js'

export default class SandboxReset extends AccessCommand<typeof SandboxReset> {
  static override summary = "Put the local Access back to the tutorial's beginning"
  static override description =
    'Also removes the secrets and host bindings of the profile "sandbox": their tokens are gone.'
  static override examples = ['<%= config.bin %> sandbox reset', '<%= config.bin %> sandbox reset --yes']
  static override flags = {yes: yesFlag}
  protected override readonly makesProfile = true

  async run(): Promise<object> {
    if (!this.flags.yes) {
      this.prompts.require('A confirmation', 'zt sandbox reset --yes')
      if (!(await this.prompts.confirm('Throw the state of the sandbox away?'))) {
        throw cancelled()
      }
    }
    const {paths} = this.settings
    const directory = path.join(paths.state, 'sandbox')
    const stopped = await stopDaemon(directory)
    await resetState(directory)
    let forgotten = 0
    if ((await readConfig(paths)).profiles['sandbox']) {
      const settings = await loadSettings({env: process.env, cwd: process.cwd(), flags: {profile: 'sandbox'}})
      forgotten = await forgetServiceTokens(this.access(settings))
    }
    this.print(`The sandbox is as at the beginning${stopped ? ', and stopped' : ''}.`)
    this.next('zt sandbox start')
    return {stopped, forgotten}
  }
}
