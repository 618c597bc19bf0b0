import {Args, Flags} from '@oclif/core'
import {TunnelCommand} from '../lib/command/tunnel-command.js'
import {completing} from '../lib/cli/completing.js'
import {endLike} from '../lib/tunnel/exec/child.js'
import {checkCommand, execWithToken} from '../lib/tunnel/exec/exec.js'
import {ZT_PAIR} from '../lib/core/pair-variables.js'
import {checkNames} from '../lib/tunnel/exec/names.js'
import {findNamed} from '../lib/tunnel/target/target.js'

export default class Exec extends TunnelCommand<typeof Exec> {
  static override summary = 'Run a command with a service token in its environment'
  static override description =
    'CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET are set for this command and its children only. The exit code is that of the command, 128 + n if signal n ended it, 127 if it is not found, and 126 if it cannot be started.'
  static override examples = [
    '<%= config.bin %> exec ci -- ./deploy.sh --now',
    '<%= config.bin %> exec ci --id-var TF_VAR_id --secret-var TF_VAR_secret -- terraform apply',
  ]
  static override args = {
    token: completing(
      'stored-token',
      Args.string({
        description: 'service token: name, ID or client ID; env: CF_ACCESS_CLIENT_ID/_SECRET',
        required: true,
        ignoreStdin: true,
      }),
    ),
  }
  static override flags = {
    'id-var': Flags.string({
      description: 'variable for the client ID',
      helpValue: 'NAME',
      default: ZT_PAIR.id,
    }),
    'secret-var': Flags.string({
      description: 'variable for the client secret',
      helpValue: 'NAME',
      default: ZT_PAIR.secret,
    }),
  }

  static override asks = undefined
  static override jsonOutput = 'stderr' as const
  static override behindDashes = {what: 'COMMAND', are: 'a command', program: 'the command'} as const

  async run(): Promise<object> {
    const command = checkCommand(this.rest)
    const names = checkNames({id: this.flags['id-var'], secret: this.flags['secret-var']})
    const {credentials, tokenId, name} = await findNamed({token: this.args.token, ...this.reading})
    const end = await execWithToken({command, credentials, names, env: process.env})
    this.afterResult(() => endLike(end))
    return {token: {id: tokenId, name}, exitCode: end.exitCode, signal: end.signal ?? null}
  }
}
