import {Flags} from '@oclif/core'
import {explainApplication} from '../../lib/access/explain/application.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {clientFlags, clientOf} from '../../lib/command/client-flags.js'
import {chosenApplication, chosenToken} from '../../lib/command/choose.js'
import {explainedArg} from '../../lib/command/args.js'
import {zoneFlag} from '../../lib/command/flags.js'
import {admissionText, answerText, explainJson} from '../../lib/command/present/explain.js'
import {ztCommand} from '../../lib/core/command-line.js'

export default class AppExplain extends AccessCommand<typeof AppExplain> {
  static override summary = 'Explain what Access answers to a client, and why'
  static override description =
    'Evaluates the rules of the application as Access does, for a service token, a person or a client without credentials, and shows what each rule says. Names the rules that do not do what they seem to do, and the commands that fix them. Sends nothing to the application. Without an option, the client is the service token that the host is bound to.'
  static override examples = [
    '<%= config.bin %> app explain gitlab-ssh.widgetcorp.tech --token ci',
    '<%= config.bin %> app explain https://build.widgetcorp.tech/api --no-credentials --ip 203.0.113.7 --country DE',
    '<%= config.bin %> app explain GitLab --email ada@widgetcorp.tech --group admins',
    '<%= config.bin %> app explain GitLab --all',
  ]
  static override args = {application: explainedArg}
  static override flags = {
    ...clientFlags,
    all: Flags.boolean({description: 'show who gets in', exclusive: ['token', 'email', 'no-credentials']}),
    zone: zoneFlag,
  }
  // Names, strict authentication and applications of the host's zone are used as far as they may be read.
  static override asks = {
    needs: ['listApplications', 'listApplicationPolicies'],
    tries: ['listServiceTokens', 'listGroups', 'getOrganization', 'listZones'],
  } as const

  async run(): Promise<object> {
    const {ip, country, all, zone} = this.flags
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt app explain APP --token NAME'}
    const wanted = await chosenApplication(this.args.application, asking)
    const explained = await explainApplication(ctx, {wanted, ip, country, zone})
    for (const warning of explained.warnings) this.warn(warning)
    const from = {ip, country}
    if (all) {
      const admission = await explained.admission()
      this.print(admissionText(explained, admission, from))
      return explainJson(explained, from, {admission})
    }
    const client = clientOf(this.flags) ?? {
      kind: 'token',
      wanted: (await explained.bound()) ?? (await this.asked(asking, wanted)),
    }
    const answered = explained.answerTo(client)
    for (const warning of answered.warnings) this.warn(warning)
    this.print(answerText(explained, answered, from))
    return explainJson(explained, from, {answered})
  }

  private asked(asking: Parameters<typeof chosenToken>[1], wanted: string): Promise<string> {
    const usage = ztCommand(asking.ctx, 'app', 'explain', wanted, '--token', 'NAME')
    this.prompts.require('One of --token, --email, --no-credentials and --all', usage)
    return chosenToken(undefined, {...asking, usage})
  }
}
