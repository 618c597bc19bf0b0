import {Args, Flags} from '@oclif/core'
import {ztCommand} from '../../lib/core/command-line.js'
import {applyPlanned} from '../../lib/access/edit/planned.js'
import {planRemoveRule} from '../../lib/access/rules/remove.js'
import {RuleCommand} from '../../lib/command/rule-command.js'
import {chosenApplication} from '../../lib/command/choose.js'
import {dryRunFlag, yesFlag, zoneFlag} from '../../lib/command/flags.js'
import {removedInWords, removeRuleJson} from '../../lib/command/present/rule-edit.js'

const USAGE = 'zt app remove-rule APP RULE --yes'

export default class AppRemoveRule extends RuleCommand<typeof AppRemoveRule> {
  static override summary = 'Take a rule off an application, or a token out of a rule'
  static override description =
    'A policy that applications share stays in the account, unless --delete is given; one that lives inside the application (inline, legacy) is deleted. Hosts for which this machine uses a token that does not open them any more are unbound.'
  static override examples = [
    '<%= config.bin %> app remove-rule GitLab "Service Auth: ci"',
    '<%= config.bin %> app remove-rule GitLab 2 --delete --dry-run',
    '<%= config.bin %> app remove-rule GitLab deploy --token ci --yes',
  ]
  static override args = {
    application: Args.string({description: 'name, domain or id', ignoreStdin: true}),
    rule: Args.string({description: 'name, id or precedence', ignoreStdin: true}),
  }
  static override flags = {
    token: Flags.string({
      description: 'take only this service token out of the rule: name, id or Client ID',
      helpValue: 'NAME',
      exclusive: ['delete'],
    }),
    delete: Flags.boolean({description: 'delete the policy, where no other application has it'}),
    zone: zoneFlag,
    'dry-run': dryRunFlag,
    yes: yesFlag,
  }

  async run(): Promise<object> {
    const ctx = this.access()
    const {token, delete: andDelete, 'dry-run': dryRun, yes} = this.flags
    const application = await chosenApplication(this.args.application, {
      ctx,
      prompts: this.prompts,
      usage: USAGE,
    })
    const rule = await this.chosenRule(ctx, application, this.args.rule, USAGE)
    const more = [...(token === undefined ? [] : ['--token', token]), ...(andDelete ? ['--delete'] : [])]
    const wanted = {application, rule, token, delete: andDelete}
    const {plan, result} = await this.edit(ctx, () => planRemoveRule(ctx, wanted), {
      dryRun,
      yes,
      question: () => 'Remove it?',
      requireYes: () => ztCommand(ctx, 'app', 'remove-rule', application, rule, ...more, '--yes'),
      planned: (one) => {
        if (dryRun && one.changes.length === 0) this.print(removedInWords(one))
      },
      done: removedInWords,
      apply: (one) => applyPlanned(ctx, one, this.commandInWords()),
    })
    for (const {host} of plan.unbound)
      this.print(dryRun ? `Would unbind ${host}` : `${host} is unbound: the token does not open it any more`)
    return {...removeRuleJson(plan), ...result}
  }
}
