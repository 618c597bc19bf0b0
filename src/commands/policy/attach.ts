import {planAttach} from '../../lib/access/policies/edits.js'
import {chosenApplication, chosenPolicy} from '../../lib/command/choose.js'
import {dryRunFlag, noZoneFlag, placeFlags, secretFieldFlag, yesFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {applicationArg, policyArg} from '../../lib/command/args.js'

export default class PolicyAttach extends PlannedEditCommand<typeof PolicyAttach> {
  static override summary = 'Attach a reusable policy to an application'
  static override description =
    'The policy comes last, or where --before or --precedence places it. These flags also move a policy that is attached already. The application does not change otherwise.'
  static override examples = [
    '<%= config.bin %> policy attach ci-machines GitLab',
    '<%= config.bin %> policy attach ci-machines gitlab.widgetcorp.tech --before staff --dry-run',
  ]
  static override args = {
    policy: policyArg,
    application: applicationArg,
  }
  static override flags = {
    ...placeFlags,
    'secret-field': secretFieldFlag,
    yes: yesFlag,
    'dry-run': dryRunFlag,
    zone: noZoneFlag,
  }
  // prettier-ignore
  static override asks = {
    needs: [
      'listApplications', 'listPolicies', 'getApplication', 'listApplicationPolicies', 'listServiceTokens',
      'listGroups', 'replaceApplication',
    ],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt policy attach POLICY APP'}
    const {before, precedence} = this.flags
    const wanted = {
      policy: await chosenPolicy(this.args.policy, asking),
      application: await chosenApplication(this.args.application, asking),
      place: {before, precedence},
    }
    const {plan, result} = await this.make(ctx, () => planAttach(ctx, wanted), {
      question: ({application}) => `Attach it to ${application.name}?`,
      done: ({policy, application}) => `Attached the policy "${policy.name}" to "${application.name}"`,
    })
    const {policy, application} = plan
    return {...result, policy, application}
  }
}
