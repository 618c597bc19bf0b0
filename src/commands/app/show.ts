import {isStrict} from '../../lib/access/account/organization.js'
import {showApplication} from '../../lib/access/applications/list.js'
import {policiesInWords} from '../../lib/access/rules/in-words.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {chosenApplication} from '../../lib/command/choose.js'
import {zoneFlag} from '../../lib/command/flags.js'
import {applicationFacts, applicationJson, noRules, ruleList} from '../../lib/command/present/application.js'
import {applicationArg} from '../../lib/command/args.js'

export default class AppShow extends AccessCommand<typeof AppShow> {
  static override summary = 'Show an application, its settings, and its rules in order'
  static override examples = [
    '<%= config.bin %> app show GitLab',
    '<%= config.bin %> app show gitlab-ssh.widgetcorp.tech --json',
  ]
  static override args = {application: applicationArg}
  static override flags = {zone: zoneFlag}
  // Names in rules, and what strict authentication answers, are shown as far as they may be read.
  static override asks = {
    needs: ['listApplications', 'getApplication', 'listApplicationPolicies'],
    tries: ['listServiceTokens', 'listGroups', 'getOrganization'],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    const wanted = await chosenApplication(this.args.application, {
      ctx,
      prompts: this.prompts,
      usage: 'zt app show APP',
    })
    const application = await showApplication(ctx, wanted)
    const api = await ctx.api()
    const [words, strict] = await Promise.all([policiesInWords(api, application.policies), isStrict(api)])
    this.print(applicationFacts(application, strict))
    this.print()
    this.print(application.policies.length > 0 ? ruleList(application.policies, words) : noRules(application))
    return {application: applicationJson(application, words, strict)}
  }
}
