import {ztCommand} from '../../lib/core/command-line.js'
import {applyCreateApplication, planCreateApplication} from '../../lib/access/applications/create.js'
import {RuleCommand} from '../../lib/command/rule-command.js'
import {
  editFlags,
  ruleNameFlag,
  serviceAuth401Flag,
  sessionDurationFlag,
  several,
  quietFlag,
} from '../../lib/command/flags.js'
import {createdInWords, createdJson} from '../../lib/command/present/rule-edit.js'
import {serviceAuthRuleFlags} from '../../lib/command/rule-flags.js'
import {newNameArg} from '../../lib/command/args.js'

const USAGE = 'zt app create NAME --domain HOST --service-auth --token NAME'

export default class AppCreate extends RuleCommand<typeof AppCreate> {
  static override summary = 'Create a self-hosted application, optionally with a Service Auth rule'
  static override description =
    'The domain must belong to a zone of the account. An application without a rule admits no one.'
  static override examples = [
    '<%= config.bin %> app create GitLab --domain gitlab.widgetcorp.tech --service-auth --token ci',
    '<%= config.bin %> app create API --domain api.widgetcorp.tech --service-auth --group robots --service-auth-401',
    '<%= config.bin %> app create Wiki --domain wiki.widgetcorp.tech --dry-run',
  ]
  static override args = {name: newNameArg('application')}
  static override flags = {
    domain: several('host name, with or without a path; the first one is the primary domain', 'HOST[/PATH]'),
    ...serviceAuthRuleFlags,
    'rule-name': ruleNameFlag,
    'service-auth-401': serviceAuth401Flag,
    'session-duration': sessionDurationFlag,
    quiet: quietFlag,
    ...editFlags,
  }
  // prettier-ignore
  static override asks = {
    needs: [
      'listApplications', 'listServiceTokens', 'listPolicies', 'createPolicy', 'getPolicy',
      'createApplication', 'getApplication', 'listApplicationPolicies', 'createApplicationPolicy',
      'replaceApplication', 'deleteApplication', 'deletePolicy',
    ],
    tries: ['listGroups'],
  } as const

  async run(): Promise<object> {
    const {domain, 'rule-name': ruleName} = this.flags
    const ctx = this.access()
    const wanted = {
      name: this.args.name ?? (await this.typed('The name', 'Name of the application', USAGE)),
      domains: domain.length > 0 ? domain : [await this.typed('--domain', 'Domain', USAGE)],
      rules: await this.optionalRules(ctx, ruleName, USAGE),
      ruleName,
      sessionDuration: this.flags['session-duration'],
      serviceAuth401: this.flags['service-auth-401'],
    }
    const {plan, applied, result} = await this.edit(ctx, () => planCreateApplication(ctx, wanted), {
      question: () => 'Create the application?',
      planned: ({warnings}) => {
        for (const warning of warnings) this.warn(warning)
      },
      done: createdInWords,
      apply: (one) => applyCreateApplication(ctx, one, this.commandInWords()),
    })
    this.printId(applied?.ids.get(plan.newId))
    this.showBound(plan.binding)
    const {name, domains} = plan.application
    if (!plan.rule) this.warn(`"${name}" ${this.dryRun ? 'would have' : 'has'} no rule: it admits no one`)
    if (!plan.rule && !this.dryRun)
      this.next(ztCommand(ctx, 'app', 'add-rule', domains[0] ?? name, '--service-auth'))
    return {...createdJson(plan, applied?.ids.get(plan.newId)), ...result}
  }
}
