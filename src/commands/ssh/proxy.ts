import {Flags} from '@oclif/core'
import {AccessCommand} from '../../lib/command/access-command.js'
import {
  clientFlag,
  connectionTokenFlag,
  edgeFlags,
  tunnelRequestFlags,
  yesFlag,
} from '../../lib/command/flags.js'
import {hostArg} from '../../lib/command/args.js'
import {main} from '../../lib/tunnel/proxy/main.js'

/** bin/zt.cjs starts the proxy without this class, which is for the help and for flags before `ssh proxy`. */
export default class SshProxy extends AccessCommand<typeof SshProxy> {
  static override summary = "Carry stdin and stdout to a host, as ssh's ProxyCommand"
  static override examples = [
    '<%= config.bin %> ssh proxy gitlab-ssh.widgetcorp.tech',
    'ssh -o ProxyCommand="zt ssh proxy %h" git@gitlab-ssh.widgetcorp.tech',
  ]
  static override args = {
    host: hostArg,
  }
  static override flags = {
    token: connectionTokenFlag,
    yes: yesFlag,
    client: clientFlag,
    ...tunnelRequestFlags(),
    timeout: Flags.string({
      description: 'limit for connecting, TLS and the answer together',
      helpValue: 'SECONDS',
    }),
    ...edgeFlags,
  }
  static override jsonOutput = 'stderr' as const

  /** The proxy prints its own failure. */
  async run(): Promise<void> {
    process.exitCode = await main(this.argv)
  }
}
