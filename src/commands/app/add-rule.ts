import {Args, Flags} from '@oclif/core'
import {applyPlanned} from '../../lib/access/edit/planned.js'
import {planAddRule} from '../../lib/access/rules/add.js'
import {newId} from '../../lib/access/edit/object.js'
import {RuleCommand} from '../../lib/command/rule-command.js'
import {chosenApplication} from '../../lib/command/choose.js'
import {dryRunFlag, yesFlag, zoneFlag} from '../../lib/command/flags.js'
import {
  addedInWords,
  addedOrThere,
  addRuleJson,
  alreadyInWords,
  boundLines,
  rulesWithNew,
} from '../../lib/command/present/rule-edit.js'
import {machineFlags, narrowingFlags} from '../../lib/command/rule-flags.js'
import {style} from '../../lib/cli/streams.js'

const USAGE = 'zt app add-rule APP --service-auth --token NAME'

export default class AppAddRule extends RuleCommand<typeof AppAddRule> {
  static override summary = 'Let service tokens into an application by a Service Auth rule'
  static override description =
    'The rest of the application stays as it is. Where the rule is there already, nothing is changed.'
  static override examples = [
    '<%= config.bin %> app add-rule GitLab --service-auth --token gitlab-admin',
    '<%= config.bin %> app add-rule gitlab-ssh.widgetcorp.tech --service-auth --token ci --token backup --dry-run',
    '<%= config.bin %> app add-rule GitLab --service-auth --group robots --require-ip 203.0.113.0/24 --before staff',
  ]
  static override args = {application: Args.string({description: 'name, domain or id', ignoreStdin: true})}
  static override flags = {
    'service-auth': Flags.boolean({
      description: 'the action of the rule: credentials of a service token, no login',
    }),
    ...machineFlags,
    ...narrowingFlags,
    name: Flags.string({description: 'name of the rule (default: "Service Auth: WHOM")', helpValue: 'RULE'}),
    before: Flags.string({
      description: 'put it before this rule: name, id or precedence (default: behind all)',
      helpValue: 'RULE',
    }),
    precedence: Flags.integer({description: 'put it at this precedence; 1 comes first', helpValue: 'N'}),
    zone: zoneFlag,
    'dry-run': dryRunFlag,
    yes: yesFlag,
  }

  async run(): Promise<object> {
    const {name, before, precedence, 'dry-run': dryRun, yes} = this.flags
    const ctx = this.access()
    const application = await chosenApplication(this.args.application, {
      ctx,
      prompts: this.prompts,
      usage: USAGE,
    })
    const rules = await this.chosenRules(ctx, USAGE)
    if (!this.flags['service-auth']) this.prompts.require('--service-auth', USAGE)
    const wanted = {application, rules, ruleName: name, before, precedence}
    const {plan, applied, result} = await this.edit(ctx, () => planAddRule(ctx, wanted), {
      dryRun,
      yes,
      question: () => 'Add it?',
      planned: (one) => {
        for (const warning of one.warnings) this.warn(warning)
        const already = alreadyInWords(one)
        if (already !== undefined && (one.changes.length > 0 || dryRun)) this.print(already)
      },
      done: addedOrThere,
      apply: (one) => applyPlanned(ctx, one, this.commandInWords()),
    })
    const changes = plan.changes.length > 0
    const app = style.bold(plan.application.name)
    if (changes && dryRun) this.print(`Would admit ${addedInWords(plan)} to ${app}:`)
    if (changes) this.print(rulesWithNew(plan))
    for (const line of boundLines(plan.binding.bound, dryRun)) this.print(line)
    const [first] = plan.binding.bound
    if (first && !dryRun) this.next(`zt ssh ${first.host}`)
    return {...addRuleJson(plan, applied?.ids.get(newId(1))), ...result}
  }
}
