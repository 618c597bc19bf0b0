import {Args, Flags} from '@oclif/core'
import {ztCommand} from '../../lib/core/command-line.js'
import {applyCreateApplication, planCreateApplication} from '../../lib/access/applications/create.js'
import {RuleCommand} from '../../lib/command/rule-command.js'
import {dryRunFlag, yesFlag, zoneFlag} from '../../lib/command/flags.js'
import {boundLines, createdInWords, createdJson} from '../../lib/command/present/rule-edit.js'
import {machineFlags, narrowingFlags} from '../../lib/command/rule-flags.js'

const USAGE = 'zt app create NAME --domain HOST --service-auth --token NAME'

export default class AppCreate extends RuleCommand<typeof AppCreate> {
  static override summary = 'Create a self-hosted application, with a Service Auth rule at once'
  static override description =
    'The domain must belong to a zone of the account. Without a rule nobody gets in.'
  static override examples = [
    '<%= config.bin %> app create GitLab --domain gitlab.widgetcorp.tech --service-auth --token ci',
    '<%= config.bin %> app create API --domain api.widgetcorp.tech --service-auth --group robots --service-auth-401',
    '<%= config.bin %> app create Wiki --domain wiki.widgetcorp.tech --dry-run',
  ]
  static override args = {name: Args.string({description: 'what it is to be called', ignoreStdin: true})}
  static override flags = {
    domain: Flags.string({
      description: 'host, with a path or not; may be repeated, the first is the primary one',
      helpValue: 'HOST[/PATH]',
      multiple: true,
      default: [],
    }),
    'service-auth': Flags.boolean({
      description: 'with a rule of this action: credentials of a service token, no login',
    }),
    ...machineFlags,
    ...narrowingFlags,
    'rule-name': Flags.string({
      description: 'name of the rule (default: "Service Auth: WHOM")',
      helpValue: 'RULE',
    }),
    'service-auth-401': Flags.boolean({
      description: 'answer 401 to machines that are not admitted, instead of a redirect to the login page',
    }),
    'session-duration': Flags.string({
      description: "how long a session lasts, e.g. 24h or 7d (default: Cloudflare's)",
      helpValue: 'DURATION',
    }),
    zone: zoneFlag,
    'dry-run': dryRunFlag,
    yes: yesFlag,
  }

  async run(): Promise<object> {
    const {'dry-run': dryRun, yes} = this.flags
    const ctx = this.access()
    const wanted = {
      name: this.args.name ?? (await this.typed('The name', 'Name of the application', USAGE)),
      domains:
        this.flags.domain.length > 0 ? this.flags.domain : [await this.typed('--domain', 'Domain', USAGE)],
      rules: await this.optionalRules(ctx, this.flags['rule-name'], USAGE),
      ruleName: this.flags['rule-name'],
      sessionDuration: this.flags['session-duration'],
      serviceAuth401: this.flags['service-auth-401'],
    }
    const {plan, applied, result} = await this.edit(ctx, () => planCreateApplication(ctx, wanted), {
      dryRun,
      yes,
      question: () => 'Create it?',
      planned: ({warnings}) => {
        for (const warning of warnings) this.warn(warning)
      },
      done: createdInWords,
      apply: (one) => applyCreateApplication(ctx, one, this.commandInWords()),
    })
    const {name, domains} = plan.application
    for (const line of boundLines(plan.binding.bound, dryRun)) this.print(line)
    const [first] = plan.binding.bound
    if (!plan.rule) this.warn(`"${name}" has no rule${dryRun ? ' then' : ''}: nobody gets in`)
    if (!plan.rule && !dryRun)
      this.next(ztCommand(ctx, 'app', 'add-rule', domains[0] ?? name, '--service-auth', '--token', 'NAME'))
    if (!dryRun && first) this.next(`zt ssh ${first.host}`)
    return {...createdJson(plan, applied?.ids.get(plan.newId)), ...result}
  }
}
