import {Args, Flags} from '@oclif/core'
import {addServiceAuthRule, type AddRuleResult} from '../../lib/access/add-rule.js'
import {listApplications} from '../../lib/access/applications.js'
import {listServiceTokens} from '../../lib/access/tokens.js'
import {AccessCommand} from '../../lib/app/access-command.js'
import {dryRunFlag} from '../../lib/app/flags.js'
import {policyTable} from '../../lib/app/present-policy.js'
import {style} from '../../lib/cli/streams.js'
import {UserError} from '../../lib/core/errors.js'

export default class AppAddRule extends AccessCommand<typeof AppAddRule> {
  static override summary = 'Let service tokens into an application by a Service Auth rule'
  static override description =
    'The rest of the application stays as it is. Where the rule is there already, nothing is changed.'
  static override examples = [
    '<%= config.bin %> app add-rule GitLab --service-auth --token gitlab-admin',
    '<%= config.bin %> app add-rule gitlab-ssh.widgetcorp.tech --service-auth --token ci --token backup --dry-run',
  ]
  static override args = {application: Args.string({description: 'name, domain or id', ignoreStdin: true})}
  static override flags = {
    'service-auth': Flags.boolean({
      description: 'the action of the rule: credentials of a service token, no login',
    }),
    token: Flags.string({
      description: 'service token by name, id or Client ID; may be repeated',
      helpValue: 'NAME',
      multiple: true,
      default: [],
    }),
    name: Flags.string({
      description: 'name of the rule (default: "Service Auth: TOKENS")',
      helpValue: 'RULE',
    }),
    'dry-run': dryRunFlag,
  }

  async run(): Promise<object> {
    const application = this.args.application ?? (await this.pickApplication())
    const tokens = this.flags.token.length > 0 ? this.flags.token : await this.pickTokens()
    if (!this.flags['service-auth'])
      this.prompts.require('--service-auth', 'zt app add-rule APP --service-auth --token NAME')
    const result = await addServiceAuthRule(this.access(), {
      application,
      tokens,
      ruleName: this.flags.name,
      dryRun: this.flags['dry-run'],
    })
    this.present(result)
    const token = ({id, name}: {id: string; name: string}) => ({id, name})
    return {
      ...result,
      rule: result.rule ?? null,
      added: result.added.map(token),
      alreadyThere: result.alreadyThere.map(token),
    }
  }

  private present(result: AddRuleResult): void {
    const {application, added, alreadyThere, before, after, bound, dryRun} = result
    const names = (tokens: {name: string}[]): string => tokens.map(({name}) => style.bold(name)).join(', ')
    for (const warning of result.warnings) this.warn(warning)
    if (alreadyThere.length > 0)
      this.print(`${style.green('✓')} ${application.name} admits ${names(alreadyThere)} already`)
    if (added.length > 0) {
      this.print(
        dryRun
          ? `Would admit ${names(added)} to ${style.bold(application.name)}:`
          : `${style.green('✓')} ${style.bold(application.name)} now admits ${names(added)}`,
      )
      this.print(policyTable(after, (row) => !before.includes(row)))
    }
    for (const {host, token, replaced} of bound) {
      this.print(
        `${dryRun ? 'Would use' : 'zt ssh uses'} ${token} for ${host}${replaced ? ' (instead of another token)' : ''}`,
      )
    }
    if (bound[0] && !dryRun) this.next(`zt ssh ${bound[0].host}`)
  }

  private async pickApplication(): Promise<string> {
    this.prompts.require('The application', 'zt app add-rule APP --service-auth --token NAME')
    const applications = await listApplications(this.access())
    if (applications.length === 0) throw nothing('application')
    return this.prompts.choose(
      'Application',
      applications.map(({id, name, domain}) => ({name: `${name}  ${domain ?? ''}`, value: id})),
    )
  }

  private async pickTokens(): Promise<string[]> {
    this.prompts.require('--token', 'zt app add-rule APP --service-auth --token NAME')
    const tokens = await listServiceTokens(this.access())
    if (tokens.length === 0) throw nothing('service token')
    return this.prompts.chooseMany(
      'Service tokens',
      tokens.map(({token}) => ({name: token.name, value: token.id})),
    )
  }
}

function nothing(what: string): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'NOTHING_TO_CHOOSE',
    message: `The account has no ${what}`,
    next: ['zt token create'],
  })
}
