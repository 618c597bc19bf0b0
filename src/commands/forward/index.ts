import {Args} from '@oclif/core'
import {forwardFlags} from '../../lib/command/forward-flags.js'
import {ForwardCommand} from '../../lib/command/forward-command.js'
import * as say from '../../lib/command/present/forward-events.js'
import {completing} from '../../lib/cli/completing.js'
import {findProject} from '../../lib/config/project.js'
import {untilUnwanted} from '../../lib/system/signals.js'
import {ztProgram} from '../../lib/system/zt-program.js'
import {endLike} from '../../lib/tunnel/exec/child.js'
import {forwardInBackground} from '../../lib/tunnel/forward/background.js'
import {runBeside} from '../../lib/tunnel/forward/beside.js'
import {closeForwards, startForwards} from '../../lib/tunnel/forward/forward.js'
import {planForwards, type ForwardPlan} from '../../lib/tunnel/forward/plan.js'

export default class Forward extends ForwardCommand<typeof Forward> {
  static override summary = 'Open local ports to hosts behind Access'
  static override description =
    'Carries TCP through the tunnel, for example to a database. With --http, or for an https:// URL, it is a local web server that adds the headers of the service token, for browsers and API clients. It listens on this machine only, until it is interrupted, until the process that started it ends, or until the command after -- ends. In the arguments of that command, {host}, {port}, {url} and {socket} are those of the listener. Without a host it forwards the hosts that .zt.json lists in "forwards".'
  static override examples = [
    '<%= config.bin %> forward db.example.com --listen 127.0.0.1:5432',
    '<%= config.bin %> forward db.example.com -- psql -h {host} -p {port} app',
    '<%= config.bin %> forward grafana.example.com --http --listen 8080',
    '<%= config.bin %> forward db.example.com:5432 cache.example.com:6379 --background',
    '<%= config.bin %> forward db.example.com --listen unix:db.sock --json',
  ]
  static override args = {
    host: completing(
      'host',
      Args.string({
        description: 'public host names, each also as HOST:PORT for that local port, or as a URL',
        ignoreStdin: true,
        multiple: true,
      }),
    ),
  }
  static override flags = forwardFlags
  static override behindDashes = {what: 'COMMAND', are: 'a command', program: 'the command'} as const

  async run(): Promise<object> {
    const {settings, flags, rest} = this
    const plans = await this.plans()
    if (flags.background) return this.inBackground(plans)
    const wanted = await this.wantedForwards(plans)
    const running = await startForwards(wanted, {settings, environment: process.env})
    if (flags.expose) this.warn(say.exposedText(running))
    for (const one of running) this.event(say.listeningEvent(one), say.listeningText(one))
    const ended = rest.length > 0 ? runBeside(rest, running, process.env) : this.untilEnd()
    const end = await ended.finally(() => closeForwards(running))
    if (end) this.afterResult(() => endLike(end))
    const events = running.map((one) => say.endedEvent(one, end))
    for (const one of events.slice(0, -1)) this.event(one)
    return events.at(-1) ?? {}
  }

  private async plans(): Promise<ForwardPlan[]> {
    const {flags, rest: command} = this
    const hosts = this.args.host ?? []
    const project = hosts.length > 0 ? undefined : await findProject(process.cwd(), process.env)
    return planForwards({hosts, project: project?.forwards, flags, command}, process.env)
  }

  private async untilEnd(): Promise<undefined> {
    const reason = await untilUnwanted({keep: this.flags.keep, reader: this.jsonEnabled()})
    if (reason !== 'signal') this.noteEvent(say.reasonText(reason))
  }

  /** The questions are asked here: the process in the background has no terminal. */
  private async inBackground(plans: readonly ForwardPlan[]): Promise<object> {
    const {argv, settings} = this
    const confirmed = await this.chosenFor(plans)
    const same = {program: ztProgram(this.config.root), argv, plans, settings, confirmed}
    const {pid, log, listeners} = await forwardInBackground({...same, environment: process.env})
    for (const one of listeners) this.event(one.event, say.backgroundText(one, pid))
    this.next(...say.stopSteps(plans))
    return {event: 'background', pid, log}
  }
}
