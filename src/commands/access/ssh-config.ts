import {Flags} from '@oclif/core'
import {completing} from '../../lib/cli/completing.js'
import {DropInCommand} from '../../lib/command/drop-in-command.js'
import {readConfigLine} from '../../lib/tunnel/access/line.js'
import type {ZtLine} from '../../lib/tunnel/types.js'

export default class AccessSshConfig extends DropInCommand<typeof AccessSshConfig> {
  static override summary = 'Print a block for ssh as cloudflared access ssh-config does'
  static override description =
    'Prints what zt ssh config prints for the host. zt makes no short-lived certificates.'
  static override examples = ['<%= config.bin %> access ssh-config --hostname gitlab-ssh.widgetcorp.tech']
  static override jsonOutput = undefined
  static override flags = {
    hostname: completing(
      'host',
      Flags.string({description: 'public host name, or its URL', helpValue: 'HOST'}),
    ),
    'short-lived-cert': Flags.boolean({description: 'accepted without effect, which zt says'}),
  }

  protected override read(): ZtLine {
    return readConfigLine(this.argv)
  }
}
