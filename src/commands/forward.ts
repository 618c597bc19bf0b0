import {Args, Flags} from '@oclif/core'
import {edgeFlags, yesFlag} from '../lib/command/flags.js'
import {ForwardReporter} from '../lib/command/present/forward-events.js'
import {TunnelCommand} from '../lib/command/tunnel-command.js'
import {outJson, style} from '../lib/cli/streams.js'
import {normaliseHostname} from '../lib/core/hostname.js'
import {interrupted} from '../lib/system/interrupted.js'
import {planForward, startForward} from '../lib/tunnel/forward/forward.js'
import {authorityOf} from '../lib/tunnel/forward/listen.js'

export default class Forward extends TunnelCommand<typeof Forward> {
  static override summary = 'Open a local port that leads to a host behind Access'
  static override description = `Carries TCP through the tunnel, for databases and the like; with --http it is a local web server that adds the token's
headers, for browsers and API clients. Listens on this machine only, until it is interrupted.`
  static override examples = [
    '<%= config.bin %> forward db.example.com --listen 127.0.0.1:5432',
    '<%= config.bin %> forward grafana.example.com --http --listen 8080',
    '<%= config.bin %> forward db.example.com --json',
  ]
  static override args = {
    host: Args.string({description: 'public host name', required: true, ignoreStdin: true}),
  }
  static override flags = {
    listen: Flags.string({
      description: 'where to listen; port 0: whichever is free',
      helpValue: 'ADDRESS:PORT',
      default: '127.0.0.1:0',
    }),
    expose: Flags.boolean({description: 'allow --listen to name an address that others can reach'}),
    http: Flags.boolean({description: 'add the headers to HTTP requests, instead of carrying TCP'}),
    'single-header': Flags.string({
      description: 'send the pair as JSON in this one header (read_service_tokens_from_header)',
      helpValue: 'NAME',
      dependsOn: ['http'],
    }),
    'allow-origin': Flags.string({
      description: 'let pages of this origin use the listener',
      helpValue: 'ORIGIN',
      multiple: true,
      dependsOn: ['http'],
    }),
    token: Flags.string({description: 'another service token for this call', helpValue: 'NAME'}),
    yes: yesFlag,
    ...edgeFlags,
  }

  async run(): Promise<object> {
    const host = normaliseHostname(this.args.host)
    const {flags, settings} = this
    const plan = planForward(flags)
    const target = await this.findTarget(host)
    const events = new ForwardReporter(target, {
      explain: (error, path) => this.explain(target, error, path),
      error: (error) => this.showError(error),
      note: (text) => this.noteEvent(text),
    })
    const forward = await startForward(plan, {settings, target, environment: process.env, events})
    const end = interrupted()
    const at = authorityOf(forward.listen)
    const token = {id: target.tokenId, name: target.name}
    if (flags.expose) this.warn(`Anyone who reaches ${at} uses "${target.name}"`)
    this.print(
      `${style.green('✓')} ${flags.http ? `http://${at}` : at} leads to ${host} ${style.dim('(Ctrl-C ends it)')}`,
    )
    if (this.jsonEnabled()) this.logJson({event: 'listening', ...forward.listen, host, token})
    await end
    await forward.close()
    return {event: 'ended', host, token, served: forward.served()}
  }

  private noteEvent(text: string): void {
    if (this.jsonEnabled()) this.logJson({event: 'note', text})
    else this.note(text)
  }

  /** One object per line, written when it happens. */
  override logJson(json: unknown): void {
    outJson(JSON.stringify(json))
  }
}
