import {planDetachPolicy} from '../../lib/access/policies/edits.js'
import {chosenApplication, chosenPolicy} from '../../lib/command/choose.js'
import {dryRunFlag, noZoneFlag, secretFieldFlag, yesFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {applicationArg, policyArg} from '../../lib/command/args.js'

export default class PolicyDetach extends PlannedEditCommand<typeof PolicyDetach> {
  static override summary = 'Detach a reusable policy from an application'
  static override description =
    'The policy itself, its other applications and the order of the other rules stay as they are.'
  static override examples = [
    '<%= config.bin %> policy detach ci-machines GitLab',
    '<%= config.bin %> policy detach "#2" gitlab.widgetcorp.tech --dry-run',
  ]
  static override args = {
    policy: policyArg,
    application: applicationArg,
  }
  static override flags = {
    'secret-field': secretFieldFlag,
    yes: yesFlag,
    'dry-run': dryRunFlag,
    zone: noZoneFlag,
  }
  // prettier-ignore
  static override asks = {
    needs: [
      'listApplications', 'listPolicies', 'getApplication', 'listApplicationPolicies', 'listGroups',
      'replaceApplication',
    ],
    // Whom it closes the application to.
    tries: ['listServiceTokens'],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt policy detach POLICY APP'}
    const wanted = {
      policy: await chosenPolicy(this.args.policy, asking),
      application: await chosenApplication(this.args.application, asking),
    }
    const {plan, result} = await this.make(ctx, () => planDetachPolicy(ctx, wanted), {
      question: ({application}) => `Detach it from ${application.name}?`,
      done: ({policy, application}) => `Detached the policy "${policy.name}" from "${application.name}"`,
    })
    const {policy, application} = plan
    return {...result, policy, application}
  }
}
