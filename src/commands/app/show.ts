import {Args} from '@oclif/core'
import {showApplication} from '../../lib/access/applications.js'
import {policiesInWords} from '../../lib/access/rule-names.js'
import {AccessCommand} from '../../lib/app/access-command.js'
import {chosenApplication} from '../../lib/app/choose.js'
import {zoneFlag} from '../../lib/app/flags.js'
import {applicationFacts, applicationJson, ruleList} from '../../lib/app/present-application.js'

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
    const wanted = await chosenApplication(this.args.application, {
      ctx,
      prompts: this.prompts,
      usage: 'zt app show APP',
    })
    const application = await showApplication(ctx, wanted)
    const words = await policiesInWords(await ctx.api(), application.policies)
    this.print(applicationFacts(application))
    this.print()
    this.print(
      application.policies.length > 0 ? ruleList(application.policies, words) : 'No rule: nobody gets in.',
    )
    return {application: applicationJson(application, words)}
  }
}
