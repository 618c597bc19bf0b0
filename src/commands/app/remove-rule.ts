import {Flags} from '@oclif/core'
import {ztCommand} from '../../lib/core/command-line.js'
import {applyPlanned} from '../../lib/access/edit/planned.js'
import {planRemoveRule} from '../../lib/access/rules/remove.js'
import {RuleCommand} from '../../lib/command/rule-command.js'
import {chosenApplication} from '../../lib/command/choose.js'
import {applicationEditFlags} from '../../lib/command/flags.js'
import {removedInWords, removeRuleJson} from '../../lib/command/present/rule-edit.js'
import {applicationArg, ruleArg} from '../../lib/command/args.js'
import {completing} from '../../lib/cli/completing.js'

const USAGE = 'zt app remove-rule APP RULE --yes'

export default class AppRemoveRule extends RuleCommand<typeof AppRemoveRule> {
  static override summary = 'Remove a rule from an application, or a token from a rule'
  static override description =
    'A reusable policy stays in the account unless --delete is given. An inline (legacy) policy is deleted. With --token, only that service token is removed from the rule. Hosts that the token no longer opens are unbound on this machine.'
  static override examples = [
    '<%= config.bin %> app remove-rule GitLab "Service Auth: ci"',
    '<%= config.bin %> app remove-rule GitLab 2 --delete --dry-run',
    '<%= config.bin %> app remove-rule GitLab deploy --token ci --yes',
  ]
  static override args = {
    application: applicationArg,
    rule: ruleArg,
  }
  static override flags = {
    token: completing(
      'token',
      Flags.string({
        description: 'service token: name, ID or client ID',
        helpValue: 'NAME',
        exclusive: ['delete'],
      }),
    ),
    delete: Flags.boolean({description: 'also delete the policy, if no other application uses it'}),
    ...applicationEditFlags,
  }
  // The names of groups and of policies, where the difference shows them.
  // prettier-ignore
  static override asks = {
    needs: [
      'listApplications', 'getApplication', 'listApplicationPolicies', 'listServiceTokens', 'getPolicy',
      'replaceApplication', 'replacePolicy', 'deletePolicy', 'replaceApplicationPolicy',
      'deleteApplicationPolicy',
    ],
    tries: ['listGroups', 'listPolicies'],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    const {token, delete: andDelete} = this.flags
    const asking = {ctx, prompts: this.prompts, usage: USAGE}
    const application = await chosenApplication(this.args.application, asking)
    const rule = await this.chosenRule(ctx, application, this.args.rule, USAGE)
    const more = [...(token === undefined ? [] : ['--token', token]), ...(andDelete ? ['--delete'] : [])]
    const wanted = {application, rule, token, delete: andDelete}
    const {plan, result} = await this.edit(ctx, () => planRemoveRule(ctx, wanted), {
      question: () => 'Remove it?',
      requireYes: () => ztCommand(ctx, 'app', 'remove-rule', application, rule, ...more, '--yes'),
      planned: (one) => {
        if (this.dryRun && one.changes.length === 0) this.print(removedInWords(one))
      },
      done: removedInWords,
      apply: (one) => applyPlanned(ctx, one, this.commandInWords()),
    })
    for (const {host} of plan.unbound)
      this.print(this.dryRun ? `Would unbind ${host}` : `Unbound ${host}: the token no longer opens it`)
    return {...removeRuleJson(plan), ...result}
  }
}
