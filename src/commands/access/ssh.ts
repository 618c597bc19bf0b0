import {Flags} from '@oclif/core'
import {completing} from '../../lib/cli/completing.js'
import {DropInCommand} from '../../lib/command/drop-in-command.js'
import {TunnelCommand} from '../../lib/command/tunnel-command.js'
import {
  connectionTokenFlag,
  edgeFlags,
  exposeFlag,
  tunnelRequestFlags,
  yesFlag,
} from '../../lib/command/flags.js'
import {readTunnelLine} from '../../lib/tunnel/access/line.js'
import type {ZtLine} from '../../lib/tunnel/types.js'

export default class AccessSsh extends DropInCommand<typeof AccessSsh> {
  static asks = TunnelCommand.asks
  static override summary = 'Carry a connection as cloudflared access ssh, tcp, rdp and smb do'
  static override description =
    "For scripts, images and ssh configurations that call cloudflared: only the program's name changes. Without --url it carries stdin and stdout, as zt ssh proxy does; with --url it listens, as zt forward does. --id and --secret are refused, because every process can read them: TUNNEL_SERVICE_TOKEN_ID and TUNNEL_SERVICE_TOKEN_SECRET, the token bound to the host, or CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET with ZT_HOSTS take their place."
  static override aliases = ['access:tcp', 'access:rdp', 'access:smb']
  static override examples = [
    '<%= config.bin %> access ssh --hostname gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> access tcp --hostname db.example.com --url localhost:5432',
    'ssh -o ProxyCommand="zt access ssh --hostname %h" gitlab-ssh.widgetcorp.tech',
  ]
  static override flags = {
    hostname: completing(
      'host',
      Flags.string({
        char: 'T',
        aliases: ['tunnel-host'],
        description: 'public host name, or its URL',
        helpValue: 'HOST',
      }),
    ),
    url: Flags.string({
      char: 'L',
      aliases: ['listener'],
      description: 'address to listen on, with or without a scheme [env: TUNNEL_SERVICE_URL]',
      helpValue: 'ADDRESS:PORT',
    }),
    ...tunnelRequestFlags(),
    'log-level': Flags.string({
      aliases: ['loglevel'],
      description: 'accepted without effect',
      helpValue: 'LEVEL',
    }),
    logfile: Flags.string({description: 'accepted without effect: zt writes no log', helpValue: 'FILE'}),
    'log-directory': Flags.string({hidden: true}),
    'debug-stream': Flags.string({hidden: true}),
    expose: exposeFlag,
    token: connectionTokenFlag,
    yes: yesFlag,
    ...edgeFlags,
  }

  protected override read(): ZtLine {
    return readTunnelLine(this.argv, process.env)
  }
}
