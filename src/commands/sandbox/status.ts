import path from 'node:path'
import {BaseCommand} from '../../lib/cli/base-command.js'
import {sandboxFacts} from '../../lib/command/present/sandbox.js'
import {daemonStatus} from '../../lib/sandbox/daemon.js'

export default class SandboxStatus extends BaseCommand<typeof SandboxStatus> {
  static override summary = 'Show whether the sandbox runs, and where'
  static override examples = ['<%= config.bin %> sandbox status', '<%= config.bin %> sandbox status --json']
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const info = await daemonStatus(path.join(this.settings.paths.state, 'sandbox'))
    if (!info) {
      this.print('No sandbox is running.')
      this.next('zt sandbox start')
      return {running: false}
    }
    this.print(sandboxFacts(info, ['since', info.startedAt]))
    const {apiToken: _, ...shown} = info
    return {running: true, ...shown}
  }
}
