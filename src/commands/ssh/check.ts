import {Flags} from '@oclif/core'
import {connectionTokenFlag, edgeFlags, yesFlag} from '../../lib/command/flags.js'
import {checkRow} from '../../lib/command/present/check.js'
import {TunnelCommand} from '../../lib/command/tunnel-command.js'
import {hostArg} from '../../lib/command/args.js'
import {style} from '../../lib/cli/streams.js'
import {exitCodeOf} from '../../lib/core/exit-codes.js'
import {patient} from '../../lib/core/patience.js'
import {aliasFor, aliasText} from '../../lib/tunnel/ssh/alias.js'
import {parseDestination} from '../../lib/tunnel/target/destination.js'
import {checkTunnel} from '../../lib/tunnel/check/check.js'
import {TIMEOUT_MS} from '../../lib/tunnel/carrier/deadlines.js'

export default class SshCheck extends TunnelCommand<typeof SshCheck> {
  static override summary = 'Check a connection through the tunnel step by step'
  static override description =
    'Checks DNS, TCP, TLS, whether the edge accepts the token, and the SSH banner behind the tunnel, and explains the first step that fails. The exit code is 0 if all steps pass; see zt help exit-codes.'
  static override examples = [
    '<%= config.bin %> ssh check gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> ssh check build.example.com --token ci --yes --json',
  ]
  static override args = {
    host: hostArg,
  }
  static override flags = {
    token: connectionTokenFlag,
    yes: yesFlag,
    timeout: Flags.integer({
      description: 'limit for each step',
      helpValue: 'SECONDS',
      default: () => Promise.resolve(patient(TIMEOUT_MS) / 1000),
      min: 1,
      max: 3600,
    }),
    ...edgeFlags,
  }

  async run(): Promise<object> {
    const {host: given} = parseDestination(this.args.host, 'zt ssh check HOST')
    const {settings, args} = this
    const alias = await aliasFor({settings, host: given, written: args.host, env: process.env})
    if (alias) this.note(aliasText(alias))
    const {host} = alias ?? {host: given}
    const target = await this.findTarget(host)
    this.print(`${style.name(host)} with the service token ${style.name(target.name)}`)
    const result = await checkTunnel({
      target,
      environment: process.env,
      timeoutMs: this.flags.timeout * 1000,
      onStep: (step) => {
        this.print(checkRow(step))
      },
    })
    const {tokenId, name} = target
    const failure = result.failure && (await this.explain(target, result.failure))
    if (failure) {
      process.exitCode = exitCodeOf(failure)
      if (!this.jsonEnabled()) this.showError(failure)
    }
    return {
      host,
      token: {id: tokenId, name},
      ok: !failure,
      steps: result.steps.map((step) => ({...step, ms: step.ms ?? null})),
      ...(failure && {error: this.errorJson(failure)}),
    }
  }
}
