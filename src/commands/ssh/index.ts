import {explainFailure} from '../../lib/access/explain/explain.js'
import {connectionFlags, connectionTokenFlag, edgeFlags, yesFlag} from '../../lib/command/flags.js'
import {TunnelCommand} from '../../lib/command/tunnel-command.js'
import {destinationArg} from '../../lib/command/args.js'
import {givenHost} from '../../lib/command/choose.js'
import {UserError} from '../../lib/core/errors.js'
import {errorOf, type ProxyReport} from '../../lib/tunnel/failure/report.js'
import {endLike} from '../../lib/tunnel/exec/child.js'
import {parseDestination, portArguments} from '../../lib/tunnel/target/destination.js'
import {aliasFor, aliasText} from '../../lib/tunnel/ssh/alias.js'
import {endedBefore, type QuickEnd} from '../../lib/tunnel/ssh/quick.js'
import {openSsh} from '../../lib/tunnel/ssh/run.js'
import {optionsIn, sshOption} from '../../lib/tunnel/ssh/sharing-arguments.js'

export default class Ssh extends TunnelCommand<typeof Ssh> {
  static override summary = 'Open SSH through the tunnel with a service token'
  static override description =
    'Uses the service token bound to the host (zt app add-rule binds it). Put arguments for ssh and a remote command after --. The connection stays open for one minute after its last session, so that the next session starts at once. The exit code is that of ssh.'
  static override examples = [
    '<%= config.bin %> ssh git@gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> ssh gitlab-ssh.widgetcorp.tech -- -v',
    '<%= config.bin %> ssh deploy@build.example.com --token ci --yes -- uptime',
  ]
  static override args = {host: destinationArg}
  static override flags = {
    token: connectionTokenFlag,
    yes: yesFlag,
    ...connectionFlags,
    ...edgeFlags,
  }
  static override jsonOutput = 'stderr' as const
  static override behindDashes = {what: 'SSH-ARGUMENT', are: 'options or a command', program: 'ssh'} as const
  protected override optionBehindDashes = sshOption

  async run(): Promise<object> {
    const {host, alias, token, end} = endedBefore() ?? (await this.open())
    if (end.report) this.showError(await this.failureIn(end.report))
    this.afterResult(() => endLike(end))
    const {exitCode, signal = null} = end
    return {host, ...(alias !== undefined && {alias}), token, exitCode, signal}
  }

  private async open(): Promise<QuickEnd> {
    const written = await givenHost(this.args.host, this.prompts, 'zt ssh [USER@]HOST')
    const {host: given, user, port} = parseDestination(written, 'zt ssh [USER@]HOST')
    const sshArgs = [...portArguments(port), ...this.rest]
    const {settings} = this
    const alias = await aliasFor({settings, host: given, written, ...optionsIn(sshArgs), env: process.env})
    if (alias) this.note(aliasText(alias))
    const {host, name} = alias ?? {host: given, name: undefined}
    const chosen = await this.chooseToken(host)
    const end = await openSsh({
      settings,
      host,
      alias: name,
      user,
      chosen,
      share: this.flags.share,
      client: this.flags.client,
      sshArgs,
      root: this.config.root,
      env: process.env,
    })
    return {host, alias: name, token: {id: chosen.tokenId, name: chosen.name}, end}
  }

  /** The proxy has no API token, and knows only how the edge answered. */
  private async failureIn({host, tokenId, clientId, ...report}: ProxyReport): Promise<Error> {
    const error = errorOf({host, ...report})
    if (!(error instanceof UserError)) return error
    return explainFailure(this.access(), {host, tokenId, clientId, error})
  }
}
