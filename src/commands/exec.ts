import {Args, Flags} from '@oclif/core'
import {TunnelCommand} from '../lib/command/tunnel-command.js'
import {errJson} from '../lib/cli/streams.js'
import {endLike} from '../lib/tunnel/exec/child.js'
import {checkCommand, execWithToken} from '../lib/tunnel/exec/exec.js'
import {checkNames, USUAL_NAMES} from '../lib/tunnel/exec/names.js'
import {findNamed} from '../lib/tunnel/target/target.js'

export default class Exec extends TunnelCommand<typeof Exec> {
  static override summary = 'Run a command with a service token in its environment'
  static override description = `The pair is in CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET, for this one child and what it starts. Ends as the
command ends: its exit status, 128 + n for a signal, 127 when it is not found, 126 when it cannot be started.`
  static override examples = [
    '<%= config.bin %> exec ci -- ./deploy.sh --now',
    '<%= config.bin %> exec ci --id-var TF_VAR_id --secret-var TF_VAR_secret -- terraform apply',
  ]
  static override args = {
    token: Args.string({
      description: 'service token: name, id or Client ID; env: CF_ACCESS_CLIENT_ID/_SECRET',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = {
    'id-var': Flags.string({
      description: 'variable for the Client ID',
      helpValue: 'NAME',
      default: USUAL_NAMES.id,
    }),
    'secret-var': Flags.string({
      description: 'variable for the Client Secret',
      helpValue: 'NAME',
      default: USUAL_NAMES.secret,
    }),
  }

  async run(): Promise<object> {
    const command = checkCommand(this.rest)
    const names = checkNames({id: this.flags['id-var'], secret: this.flags['secret-var']})
    const {credentials, tokenId, name} = await findNamed({token: this.args.token, ...this.reading})
    const end = await execWithToken({command, credentials, names, env: process.env})
    endLike(end)
    return {token: {id: tokenId, name}, exitCode: end.exitCode, signal: end.signal ?? null}
  }

  /** stdout belongs to the child. */
  override logJson(json: unknown): void {
    errJson(JSON.stringify(json, null, 2))
  }
}
