import {Args} from '@oclif/core'
import {actionName} from '../../lib/access/action-name.js'
import {listApplications, showApplication} from '../../lib/access/applications.js'
import {AccessCommand} from '../../lib/app/access-command.js'
import {zoneFlag} from '../../lib/app/flags.js'
import {policyTable} from '../../lib/app/present-policy.js'
import {style} from '../../lib/cli/streams.js'
import {facts} from '../../lib/cli/table.js'

export default class AppShow extends AccessCommand<typeof AppShow> {
  static override summary = 'Show an application and its rules in order'
  static override examples = [
    '<%= config.bin %> app show GitLab',
    '<%= config.bin %> app show gitlab-ssh.widgetcorp.tech --json',
  ]
  static override args = {application: Args.string({description: 'name, domain or id', ignoreStdin: true})}
  static override flags = {zone: zoneFlag}

  async run(): Promise<object> {
    const ctx = this.access()
    const application = await showApplication(ctx, this.args.application ?? (await this.pick()))
    const {id, name, type, domain, domains} = application
    const policies = application.policies.map((policy, at) => ({
      id: policy.id,
      name: policy.name,
      decision: policy.decision,
      action: actionName(policy.decision),
      precedence: policy.precedence ?? at + 1,
      reusable: policy.reusable,
    }))
    this.print(
      facts([
        ['name', style.bold(name)],
        ['kind', type],
        ['domains', domains.join(', ')],
        ['id', id],
      ]),
    )
    this.print()
    this.print(policies.length > 0 ? policyTable(policies) : 'No rule: nobody gets in.')
    return {application: {id, name, type, domain: domain ?? null, domains, policies}}
  }

  private async pick(): Promise<string> {
    this.prompts.require('The application', 'zt app show APP')
    const applications = await listApplications(this.access())
    return this.prompts.choose(
      'Application',
      applications.map(({id, name, domain}) => ({name: `${name}  ${domain ?? ''}`, value: id})),
    )
  }
}
