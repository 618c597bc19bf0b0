import {connectCommand} from '../lib/access/account/connect.js'
import {destinationArg} from '../lib/command/args.js'
import {givenHost} from '../lib/command/choose.js'
import {setupJson} from '../lib/command/present/setup.js'
import {SetupCommand} from '../lib/command/setup-command.js'
import {setupFlags} from '../lib/command/setup-flags.js'
import {applySetup} from '../lib/setup/apply.js'
import {connect} from '../lib/setup/connect.js'
import {nameOf, planSetup, withoutSshConfig, type SetupPlan} from '../lib/setup/plan.js'
import {applyRemoval, planRemoval} from '../lib/setup/remove.js'
import type {SetupWorld} from '../lib/setup/world.js'
import {ztProgram} from '../lib/system/zt-program.js'
import {trustFlags} from '../lib/tunnel/carrier/trust.js'
import {endLike} from '../lib/tunnel/exec/child.js'
import {defaultSshConfig} from '../lib/tunnel/ssh/config-values.js'

const USAGE = 'zt setup [USER@]HOST'

export default class Setup extends SetupCommand<typeof Setup> {
  static override summary = 'Set up SSH to a host in one go, or take that back'
  static override description =
    "Finds out what the host still needs, shows it, asks once and does it: the application, a service token whose secret is stored here, a Service Auth rule, the host's binding, the wait until the edge enforces the rule, ssh's configuration if you wish, and the connection. What is there already stays as it is. Without --token, zt uses the token that the host is bound to, or the only one of this machine that the application admits, or one with the name of the host. Run it again after an interruption: it does what is missing. --remove takes back what zt setup did, and keeps what others use or have changed since: then the exit code is 9."
  static override examples = [
    '<%= config.bin %> setup gitlab-ssh.widgetcorp.tech',
    '<%= config.bin %> setup git@gitlab-ssh.widgetcorp.tech --token ci --ssh-config --no-connect --yes',
    '<%= config.bin %> setup gitlab-ssh.widgetcorp.tech --dry-run',
    '<%= config.bin %> setup gitlab-ssh.widgetcorp.tech --remove',
  ]
  static override args = {host: destinationArg}
  static override flags = setupFlags
  static override profile = 'new' as const
  // prettier-ignore
  static override asks = {
    needs: [
      'listApplications', 'listServiceTokens', 'getServiceToken', 'createServiceToken', 'updateServiceToken',
      'deleteServiceToken', 'getApplication', 'listApplicationPolicies', 'listPolicies', 'createPolicy',
      'getPolicy', 'createApplication', 'replaceApplication', 'deleteApplication', 'deletePolicy',
      'createApplicationPolicy', 'deleteApplicationPolicy',
    ],
    tries: ['listGroups', 'listZones', 'getOrganization'],
  } as const

  async run(): Promise<object> {
    const destination = await givenHost(this.args.host, this.prompts, USAGE)
    await this.logIn()
    const world = this.world(ztProgram(this.config.root, trustFlags()), this.flags.file ?? defaultSshConfig())
    return this.flags.remove ? this.takeBack(world, destination) : this.setUp(world, destination)
  }

  private async setUp(world: SetupWorld, destination: string): Promise<object> {
    const {token, app, duration, 'ssh-config': sshConfig} = this.flags
    const ssh = sshConfig ?? (this.canAsk ? 'ask' : false)
    const wish = {destination, token, app, duration, sshConfig: ssh, connect: this.connects}
    const plan = await planSetup(world, {...wish, ...this.planFor})
    const without = plan.sshOffered ? 'Yes, without the ssh configuration' : undefined
    const agreed = await this.agreed(plan, plan.changes, 'Set it up?', without)
    const agreedPlan = agreed === 'without' ? withoutSshConfig(world, plan) : plan
    const outcome = agreed ? await applySetup(world, agreedPlan) : undefined
    this.showOutcome(outcome)
    if (outcome && !plan.connects) this.next(connectCommand(world.ctx, 'ssh', destination))
    if (outcome && plan.connects) await this.open(world, plan)
    return setupJson(plan, outcome, {profile: this.settings.profileName, remove: false})
  }

  private async open(world: SetupWorld, plan: SetupPlan): Promise<void> {
    this.print()
    const {end, failure} = await connect(world, plan, this.config.root)
    if (failure) this.showError(failure)
    this.afterResult(() => endLike(end))
  }

  private async takeBack(world: SetupWorld, destination: string): Promise<object> {
    const {host} = await nameOf(world, destination)
    const plan = await planRemoval(world, host, this.planFor)
    const agreed = await this.agreed(plan, plan.changes, 'Take it back?')
    const outcome = agreed ? await applyRemoval(world, plan) : undefined
    this.showOutcome(outcome)
    return setupJson(plan, outcome, {profile: this.settings.profileName, remove: true})
  }
}
