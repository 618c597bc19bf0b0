import {Args} from '@oclif/core'
import {ztCommand} from '../../lib/core/command-line.js'
import {planCreatePolicy} from '../../lib/access/policies/edits.js'
import {dryRunFlag, noZoneFlag, yesFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {actionFlags, decisionOf, includeFlags, machineFlags, narrowingFlags, ruleInputOf} from '../../lib/command/rule-flags.js' // prettier-ignore

export default class PolicyCreate extends PlannedEditCommand<typeof PolicyCreate> {
  static override summary = 'Make a policy that applications can share'
  static override description =
    'Whoever is included is meant, if all that is required holds and nothing that is excluded does. It counts on the applications that it is attached to: zt policy attach. A policy of this name and meaning that is there already is left as it is.'
  static override examples = [
    '<%= config.bin %> policy create ci-machines --token ci --token backup',
    '<%= config.bin %> policy create robots --group robots --require-country DE',
    '<%= config.bin %> policy create staff --action allow --email-domain widgetcorp.tech',
  ]
  static override args = {
    name: Args.string({description: 'what it is to be called', ignoreStdin: true}),
  }
  static override flags = {
    ...actionFlags,
    ...machineFlags,
    ...includeFlags,
    ...narrowingFlags,
    yes: yesFlag,
    'dry-run': dryRunFlag,
    zone: noZoneFlag,
  }

  async run(): Promise<object> {
    const ctx = this.access()
    if (this.args.name === undefined) this.prompts.require('The name', 'zt policy create NAME --token TOKEN')
    const name = this.args.name ?? (await this.prompts.text('Name of the policy'))
    const wanted = {name, decision: decisionOf(this.flags), rules: ruleInputOf(this.flags)}
    const {plan, result} = await this.make(ctx, () => planCreatePolicy(ctx, wanted), {
      question: () => 'Make this policy?',
      done: ({policy}) => `The policy "${policy.name}" is made, and on no application yet`,
    })
    const policy = {id: result.changes[0]?.id ?? plan.policy.id ?? null, name: plan.policy.name}
    if (result.changed) this.next(ztCommand(ctx, 'policy', 'attach', policy, 'APP'))
    return {...result, policy}
  }
}
