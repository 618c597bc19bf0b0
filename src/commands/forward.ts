import {Flags} from '@oclif/core'
import {connectionTokenFlag, edgeFlags, yesFlag} from '../lib/command/flags.js'
import {ForwardReporter, listeningText} from '../lib/command/present/forward-events.js'
import {TunnelCommand} from '../lib/command/tunnel-command.js'
import {hostArg} from '../lib/command/args.js'
import {normaliseHostname} from '../lib/core/hostname.js'
import {namedAddress} from '../lib/core/public-address.js'
import {untilSignal} from '../lib/system/signals.js'
import {planForward, startForward} from '../lib/tunnel/forward/forward.js'
import {authorityOf} from '../lib/tunnel/forward/listen.js'

export default class Forward extends TunnelCommand<typeof Forward> {
  static override summary = 'Open a local port to a host behind Access'
  static override description =
    'Carries TCP through the tunnel, for example to a database. With --http it is a local web server that adds the headers of the service token, for browsers and API clients. It listens on this machine only, until it is interrupted.'
  static override examples = [
    '<%= config.bin %> forward db.example.com --listen 127.0.0.1:5432',
    '<%= config.bin %> forward grafana.example.com --http --listen 8080',
    '<%= config.bin %> forward db.example.com --json',
  ]
  static override args = {
    host: hostArg,
  }
  static override flags = {
    listen: Flags.string({
      description: 'address to listen on; port 0 picks a free port',
      helpValue: 'ADDRESS:PORT',
      default: '127.0.0.1:0',
    }),
    expose: Flags.boolean({description: 'allow --listen with an address that other machines can reach'}),
    http: Flags.boolean({description: 'add the headers to HTTP requests instead of carrying TCP'}),
    'single-header': Flags.string({
      description: 'send both credentials as JSON in this header (read_service_tokens_from_header)',
      helpValue: 'NAME',
      dependsOn: ['http'],
    }),
    'allow-origin': Flags.string({
      description: 'let pages of this origin use the listener',
      helpValue: 'ORIGIN',
      multiple: true,
      dependsOn: ['http'],
    }),
    token: connectionTokenFlag,
    yes: yesFlag,
    ...edgeFlags,
  }
  static override jsonOutput = 'lines' as const

  async run(): Promise<object> {
    const {flags, settings} = this
    // Only HTTP has a path, which may have an application and a token of its own.
    const {host, path} = flags.http
      ? namedAddress(this.args.host)
      : {host: normaliseHostname(this.args.host), path: undefined}
    const plan = planForward(flags)
    const target = await this.findTarget(host, path)
    const events = new ForwardReporter(target, {
      explain: (error, path) => this.explain(target, error, {path}),
      error: (error) => this.showError(error),
      note: (text) => (this.jsonEnabled() ? this.logJson({event: 'note', text}) : this.note(text)),
    })
    const forward = await startForward(plan, {settings, target, environment: process.env, events})
    const end = untilSignal()
    const at = authorityOf(forward.listen)
    const token = {id: target.tokenId, name: target.name}
    if (flags.expose) this.warn(`Anyone who reaches ${at} uses "${target.name}"`)
    this.print(listeningText(at, host, flags.http))
    if (this.jsonEnabled()) this.logJson({event: 'listening', ...forward.listen, host, token})
    await end
    await forward.close()
    return {event: 'ended', host, token, served: forward.served()}
  }
}
