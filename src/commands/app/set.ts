import {planSetApplication, type SetApplicationPlan} from '../../lib/access/applications/set.js'
import {EditCommand} from '../../lib/command/edit-command.js'
import {chosenApplication} from '../../lib/command/choose.js'
import {applicationEditFlags, serviceAuth401Flag, sessionDurationFlag} from '../../lib/command/flags.js'
import {applicationArg} from '../../lib/command/args.js'
import {style} from '../../lib/cli/streams.js'

export default class AppSet extends EditCommand<typeof AppSet> {
  static override summary = "Change an application's settings"
  static override examples = [
    '<%= config.bin %> app set GitLab --service-auth-401',
    '<%= config.bin %> app set GitLab --session-duration 8h --dry-run',
  ]
  static override args = {application: applicationArg}
  static override flags = {
    'service-auth-401': serviceAuth401Flag,
    'session-duration': sessionDurationFlag,
    ...applicationEditFlags,
  }
  static override asks = {
    needs: ['listApplications', 'getApplication', 'listApplicationPolicies', 'replaceApplication'],
  } as const

  async run(): Promise<object> {
    const {'service-auth-401': serviceAuth401, 'session-duration': sessionDuration} = this.flags
    const ctx = this.access()
    const wanted = await chosenApplication(this.args.application, {
      ctx,
      prompts: this.prompts,
      usage: 'zt app set APP --service-auth-401',
    })
    const settings = {serviceAuth401, sessionDuration}
    const done = ({application, changes}: SetApplicationPlan): string =>
      `${style.name(application.name)} ${changes.length === 0 ? 'has these settings already' : 'was changed'}`
    const {plan, result} = await this.edit(ctx, () => planSetApplication(ctx, wanted, settings), {
      question: () => 'Change it?',
      planned: (one) => {
        if (this.dryRun && one.changes.length === 0) this.print(done(one))
      },
      done,
    })
    return {application: plan.application, ...result}
  }
}
