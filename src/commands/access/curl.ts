import {Args, Flags} from '@oclif/core'
import {completing} from '../../lib/cli/completing.js'
import {DropInCommand} from '../../lib/command/drop-in-command.js'
import {TunnelCommand} from '../../lib/command/tunnel-command.js'
import {connectionTokenFlag, edgeFlags, yesFlag} from '../../lib/command/flags.js'
import {readCurlLine} from '../../lib/tunnel/access/line.js'
import type {ZtLine} from '../../lib/tunnel/types.js'

export default class AccessCurl extends DropInCommand<typeof AccessCurl> {
  static asks = TunnelCommand.asks
  static override summary = 'Request a URL as cloudflared access curl does'
  static override description =
    "Does what zt curl does, with the service token in place of a person's login. What follows the URL are options of curl; options of zt come before it."
  static override usage = 'access curl [FLAGS] URL [CURL-OPTIONS...]'
  static override examples = [
    '<%= config.bin %> access curl https://grafana.example.com/api/health',
    '<%= config.bin %> access curl https://api.example.com/items -X POST -d @item.json',
  ]
  static override strict = false
  static override args = {
    url: completing('url', Args.string({description: 'https://HOST/PATH', ignoreStdin: true})),
  }
  static override flags = {
    'allow-request': Flags.boolean({
      aliases: ['ar'],
      description: 'accepted without effect: a token needs no login',
    }),
    token: connectionTokenFlag,
    yes: yesFlag,
    ...edgeFlags,
  }

  protected override read(): ZtLine {
    return readCurlLine(this.argv)
  }
}
