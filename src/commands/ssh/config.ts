import path from 'node:path'
import {Args} from '@oclif/core'
import {clientFlag} from '../../lib/app/flags.js'
import {BaseCommand} from '../../lib/cli/base-command.js'
import {normaliseHostname} from '../../lib/core/hostname.js'
import {proxyCommand} from '../../lib/tunnel/proxy-command.js'
import {hostBlock} from '../../lib/tunnel/ssh-config.js'

export default class SshConfig extends BaseCommand<typeof SshConfig> {
  static override summary =
    "Print the block for ~/.ssh/config that makes plain ssh use a host's service token"
  static override examples = [
    '<%= config.bin %> ssh config gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> ssh config git@gitlab-ssh.widgetcorp.tech >> ~/.ssh/config',
  ]
  static override args = {host: Args.string({description: '[USER@]HOST', ignoreStdin: true, required: true})}
  static override flags = {
    client: clientFlag,
  }

  async run(): Promise<object> {
    const [host = '', user] = this.args.host.split('@').reverse()
    const block = hostBlock({
      host: normaliseHostname(host),
      user,
      knownHostsFile: this.settings.knownHostsFile,
      proxyCommand: proxyCommand({
        node: process.execPath,
        script: path.join(this.config.root, 'bin', 'run.js'),
        profile: this.settings.profileName,
        client: this.flags.client,
        host: '%h',
      }),
    })
    this.print(block)
    return {host: normaliseHostname(host), block}
  }
}
