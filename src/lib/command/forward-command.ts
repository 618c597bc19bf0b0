import type {Command} from '@oclif/core'
import type {Target} from '../tunnel/target/target.js'
import {ForwardReporter} from './present/forward-events.js'
import {TunnelCommand} from './tunnel-command.js'

/** A command that forwards, and prints events meanwhile. */
export abstract class ForwardCommand<T extends typeof Command> extends TunnelCommand<T> {
  static override jsonOutput = 'lines' as const

  /** The command behind `--` has it. */
  protected override get stdoutIsTaken(): boolean {
    return this.rest.length > 0
  }

  /** The targets of forwards, one after the other, as each may need an answer; what happens while they run is shown. */
  protected async wantedForwards<Plan extends {host: string; fromProject: boolean; path: string | undefined}>(
    plans: readonly Plan[],
  ): Promise<{plan: Plan; target: Target; events: ForwardReporter}[]> {
    const wanted = []
    for (const plan of plans) {
      const target = await this.findTarget(plan.host, plan)
      const events = new ForwardReporter(target, {
        explain: (error, sent) => this.explain(target, error, sent),
        error: (error) => this.showError(error),
        note: (text) => this.noteEvent(text),
      })
      wanted.push({plan, target, events})
    }
    return wanted
  }

  /** The tokens of the forwards, which need no question afterwards. @returns the hosts that get the environment's pair */
  protected async chosenFor(plans: readonly {host: string; fromProject: boolean}[]): Promise<string[]> {
    const byEnvironment: string[] = []
    for (const plan of plans)
      if ((await this.chooseToken(plan.host, plan)).by === 'environment') byEnvironment.push(plan.host)
    return byEnvironment
  }

  protected noteEvent(text: string): void {
    this.note(text)
    if (this.jsonEnabled()) this.logJson({event: 'note', text})
  }

  /** On a line of its own: for scripts, or for people. */
  protected event(json: object, text?: string): void {
    if (this.jsonEnabled()) this.logJson(json)
    else if (text !== undefined && !this.stdoutIsTaken) this.print(text)
  }
}
