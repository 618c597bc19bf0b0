import {Args} from '@oclif/core'
import {ztCommand} from '../../lib/core/command-line.js'
import {planDeletePolicy} from '../../lib/access/policies/edits.js'
import {chosenPolicy} from '../../lib/command/choose.js'
import {dryRunFlag, noZoneFlag, yesFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'

export default class PolicyDelete extends PlannedEditCommand<typeof PolicyDelete> {
  static override summary = 'Delete a policy that no application has'
  static override description =
    'Applications that have it stand against that, and are named. zt undo makes it again, with another id.'
  static override examples = [
    '<%= config.bin %> policy delete ci-machines',
    '<%= config.bin %> policy delete ci-machines --yes',
  ]
  static override args = {policy: Args.string({description: 'name or id', ignoreStdin: true})}
  static override flags = {yes: yesFlag, 'dry-run': dryRunFlag, zone: noZoneFlag}

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt policy delete POLICY --yes'}
    const wanted = await chosenPolicy(this.args.policy, asking)
    const {plan, result} = await this.make(ctx, () => planDeletePolicy(ctx, wanted), {
      question: () => 'Delete this policy?',
      requireYes: ({policy}) => ztCommand(ctx, 'policy', 'delete', this.args.policy ?? policy, '--yes'),
      done: ({policy}) => `The policy "${policy.name}" is deleted`,
    })
    return {...result, policy: plan.policy}
  }
}
