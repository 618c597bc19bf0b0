import {applyPlanned} from '../../lib/access/edit/planned.js'
import {planAddRule} from '../../lib/access/rules/add.js'
import {newId} from '../../lib/access/edit/object.js'
import {RuleCommand} from '../../lib/command/rule-command.js'
import {chosenApplication} from '../../lib/command/choose.js'
import {applicationEditFlags, placeFlags, ruleNameFlag} from '../../lib/command/flags.js'
import {addedOrThere, addRuleJson, alreadyInWords, rulesAfter} from '../../lib/command/present/rule-edit.js'
import {serviceAuthRuleFlags} from '../../lib/command/rule-flags.js'
import {applicationArg} from '../../lib/command/args.js'

const USAGE = 'zt app add-rule APP --service-auth --token NAME'

export default class AppAddRule extends RuleCommand<typeof AppAddRule> {
  static override summary = 'Admit service tokens to an application with a Service Auth rule'
  static override description =
    'The application does not change otherwise. Nothing changes if the rule exists already.'
  static override examples = [
    '<%= config.bin %> app add-rule GitLab --service-auth --token gitlab-admin',
    '<%= config.bin %> app add-rule gitlab-ssh.widgetcorp.tech --service-auth --token ci --token backup --dry-run',
    '<%= config.bin %> app add-rule GitLab --service-auth --group robots --require-ip 203.0.113.0/24 --before staff',
  ]
  static override args = {application: applicationArg}
  static override flags = {
    ...serviceAuthRuleFlags,
    name: ruleNameFlag,
    ...placeFlags,
    ...applicationEditFlags,
  }
  // Groups only where a rule names one.
  // prettier-ignore
  static override asks = {
    needs: [
      'listApplications', 'listServiceTokens', 'getApplication', 'listApplicationPolicies', 'listPolicies',
      'createPolicy', 'getPolicy', 'replaceApplication', 'createApplicationPolicy',
      'replaceApplicationPolicy', 'deletePolicy',
    ],
    tries: ['listGroups'],
  } as const

  async run(): Promise<object> {
    const {name, before, precedence} = this.flags
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: USAGE}
    const application = await chosenApplication(this.args.application, asking)
    const rules = await this.chosenRules(ctx, USAGE)
    if (!this.flags['service-auth']) this.prompts.require('--service-auth', USAGE)
    const wanted = {application, rules, ruleName: name, before, precedence}
    const {plan, applied, result} = await this.edit(ctx, () => planAddRule(ctx, wanted), {
      question: () => 'Add it?',
      planned: (one) => {
        for (const warning of one.warnings) this.warn(warning)
        const already = alreadyInWords(one)
        if (already !== undefined && (one.changes.length > 0 || this.dryRun)) this.print(already)
      },
      done: addedOrThere,
      apply: (one) => applyPlanned(ctx, one, this.commandInWords()),
    })
    if (plan.changes.length > 0) this.print(rulesAfter(plan, this.dryRun))
    this.showBound(plan.binding)
    return {...addRuleJson(plan, applied?.ids.get(newId(1))), ...result}
  }
}
