import {BaseCommand} from '../../lib/cli/base-command.js'
import {table} from '../../lib/cli/table.js'
import {runningForwardJson} from '../../lib/command/present/forward-events.js'
import {runningForwards} from '../../lib/tunnel/forward/running.js'

export default class ForwardList extends BaseCommand<typeof ForwardList> {
  static override summary = 'List the forwards that run on this machine'
  static override description = 'Shows those of this user, of all profiles, in the background or not.'
  static override examples = ['<%= config.bin %> forward list', '<%= config.bin %> forward list --json']
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const forwards = runningForwards(this.settings.paths.state)
    if (forwards.length === 0) this.print('No forward runs.')
    else
      this.print(
        table(forwards, [
          {title: 'ADDRESS', value: ({place}) => place},
          {title: 'HOST', value: ({host}) => host},
          {title: 'KIND', value: ({http}) => (http ? 'HTTP' : 'TCP')},
          {title: 'TOKEN', value: ({token}) => token.name},
          {title: 'PROCESS', value: ({pid}) => String(pid)},
          {title: 'PROFILE', value: ({profile}) => profile, optional: true},
          {title: 'SINCE', value: ({since}) => since, optional: true},
          {title: 'LOG', value: ({log}) => log ?? '', optional: true},
        ]),
      )
    return {forwards: forwards.map(runningForwardJson)}
  }
}
