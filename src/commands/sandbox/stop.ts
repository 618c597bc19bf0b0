import path from 'node:path'
import {BaseCommand} from '../../lib/cli/base-command.js'
import {stopDaemon} from '../../lib/sandbox/daemon.js'

export default class SandboxStop extends BaseCommand<typeof SandboxStop> {
  static override summary = 'Stop the sandbox and keep its state'
  static override examples = ['<%= config.bin %> sandbox stop']
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const stopped = await stopDaemon(path.join(this.settings.paths.state, 'sandbox'))
    this.print(stopped ? 'Stopped the sandbox.' : 'No sandbox is running.')
    return {stopped}
  }
}
