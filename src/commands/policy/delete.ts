import {ztCommand} from '../../lib/core/command-line.js'
import {planDeletePolicy} from '../../lib/access/policies/edits.js'
import {chosenPolicy} from '../../lib/command/choose.js'
import {dryRunFlag, noZoneFlag, yesFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {policyArg} from '../../lib/command/args.js'

export default class PolicyDelete extends PlannedEditCommand<typeof PolicyDelete> {
  static override summary = 'Delete a policy that no application uses'
  static override description =
    'Fails if applications use it, and lists them. zt undo creates it again, with a new ID.'
  static override examples = [
    '<%= config.bin %> policy delete ci-machines',
    '<%= config.bin %> policy delete ci-machines --yes',
  ]
  static override args = {policy: policyArg}
  static override flags = {yes: yesFlag, 'dry-run': dryRunFlag, zone: noZoneFlag}
  // Names in rules are shown as far as they may be read.
  static override asks = {
    needs: ['listPolicies', 'getPolicy', 'listApplications', 'listGroups', 'deletePolicy'],
    tries: ['listServiceTokens'],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt policy delete POLICY --yes'}
    const wanted = await chosenPolicy(this.args.policy, asking)
    const {plan, result} = await this.make(ctx, () => planDeletePolicy(ctx, wanted), {
      question: () => 'Delete this policy?',
      requireYes: ({policy}) => ztCommand(ctx, 'policy', 'delete', this.args.policy ?? policy, '--yes'),
      done: ({policy}) => `Deleted the policy "${policy.name}"`,
    })
    return {...result, policy: plan.policy}
  }
}
