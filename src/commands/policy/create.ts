import {ztCommand} from '../../lib/core/command-line.js'
import {planCreatePolicy} from '../../lib/access/policies/edits.js'
import {dryRunFlag, noZoneFlag, quietFlag, yesFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {
  actionFlags,
  decisionOf,
  includeFlags,
  machineFlags,
  narrowingFlags,
  ruleInputOf,
} from '../../lib/command/rule-flags.js'
import {newNameArg} from '../../lib/command/args.js'

export default class PolicyCreate extends PlannedEditCommand<typeof PolicyCreate> {
  static override summary = 'Create a reusable policy'
  static override description =
    'A request matches the policy if it matches any of what is included, all that is required and none of what is excluded. The policy has an effect only on the applications that it is attached to (zt policy attach). A policy with the same name and rules is left as it is.'
  static override examples = [
    '<%= config.bin %> policy create ci-machines --token ci --token backup',
    '<%= config.bin %> policy create robots --group robots --require-country DE',
    '<%= config.bin %> policy create staff --action allow --email-domain widgetcorp.tech',
  ]
  static override args = {
    name: newNameArg('policy'),
  }
  static override flags = {
    ...actionFlags,
    ...machineFlags,
    ...includeFlags,
    ...narrowingFlags,
    quiet: quietFlag,
    yes: yesFlag,
    'dry-run': dryRunFlag,
    zone: noZoneFlag,
  }
  static override asks = {
    needs: ['listPolicies', 'listServiceTokens', 'listGroups', 'createPolicy', 'getPolicy'],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    if (this.args.name === undefined) this.prompts.require('The name', 'zt policy create NAME --token TOKEN')
    const name = this.args.name ?? (await this.prompts.text('Name of the policy'))
    const wanted = {name, decision: decisionOf(this.flags), rules: ruleInputOf(this.flags)}
    const {plan, result} = await this.make(ctx, () => planCreatePolicy(ctx, wanted), {
      question: () => 'Create this policy?',
      done: ({policy}) => `Created the policy "${policy.name}"; no application uses it yet`,
    })
    const policy = {id: result.changes[0]?.id ?? plan.policy.id ?? null, name: plan.policy.name}
    if (!result.dryRun) this.printId(policy.id)
    if (result.changed) this.next(ztCommand(ctx, 'policy', 'attach', policy))
    return {...result, policy}
  }
}
